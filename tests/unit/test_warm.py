"""What a warm interpreter starts is what a fresh one is: each of these is asked of both."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.warm import Started, Warm

PATIENCE_SECONDS = 120
LOOK = """
import json, os, signal, sys, threading
streams = [
    (s.fileno(), s.mode, s.encoding, s.errors, s.line_buffering, s.write_through, s.isatty())
    for s in (sys.stdin, sys.stdout, sys.stderr)
]
print(json.dumps({
    "argv": sys.argv, "path": sys.path, "name": __name__, "cwd": os.getcwd(), "environment": dict(os.environ),
    "handlers": [str(signal.getsignal(number)) for number in sorted(signal.valid_signals())],
    "blocked": str(signal.pthread_sigmask(0, [])), "wakeup": signal.set_wakeup_fd(-1), "streams": streams,
    "descriptors": sorted(os.listdir("/dev/fd"))[:-1], "threads": threading.active_count(), "umask": os.umask(0),
    "leads": os.getsid(0) == os.getpid(), "group": os.getpgrp() == os.getpid(), "read": sys.stdin.read(),
}))
"""
Begin = Callable[..., Started | subprocess.Popen[str]]


@pytest.fixture(scope="module")
def shared() -> Iterator[Warm]:
    warm = Warm("import random")
    yield warm
    warm.close()


@pytest.fixture
def warm(shared: Warm, monkeypatch: pytest.MonkeyPatch) -> Warm:
    monkeypatch.setattr(shared, "fresh", False)
    return shared


@pytest.fixture(params=["fresh", "warm"])
def python(request: pytest.FixtureRequest, warm: Warm, tmp_path: Path) -> Begin:
    def start(code: str, **more: Any) -> Started | subprocess.Popen[str]:
        warm.fresh = request.param == "fresh"
        return warm.start(["-c", code], [], tmp_path, os.environ, **more)

    return start


@pytest.fixture(params=["C.UTF-8", "C", None])
def in_its_language(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Warm]:
    """A warm interpreter on a machine that is set to a language; a bare one is set to none."""
    for name in ("LANG", "LC_ALL"):
        monkeypatch.delenv(name, raising=False)
    if request.param:
        monkeypatch.setenv("LANG", request.param)
    warm = Warm("import random")
    yield warm
    warm.close()


@pytest.mark.parametrize("begin", [["-m", "look"], ["-c", LOOK], ["-P", "-c", LOOK]], ids=["m", "c", "P c"])
@pytest.mark.parametrize("session", [False, True])
@pytest.mark.parametrize("stdin", [subprocess.PIPE, subprocess.DEVNULL])
def test_it_finds_around_it_what_a_fresh_one_finds(
    in_its_language: Warm, tmp_path: Path, begin: list[str], session: bool, stdin: int
) -> None:
    (tmp_path / "look.py").write_text(LOOK)
    warm = in_its_language
    found = []
    for warm.fresh in (True, False):
        with warm.start(begin, ["a", "b c"], tmp_path, {**os.environ, "GIVEN": "ä"}, stdin, session=session) as program:
            out, err = program.communicate("typed\n" if stdin == subprocess.PIPE else None, timeout=PATIENCE_SECONDS)
        assert (program.returncode, err) == (0, "")
        found.append(json.loads(out))
    assert found[0] == found[1]
    assert found[0]["leads"] == session


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("print('x')", 0, "x\n"),
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; print('x'); sys.exit('why')", 1, "x\nwhy\n"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero\n"),
        ("import os; print('lost'); os._exit(4)", 4, ""),
        ("import os; os.kill(os.getpid(), 9)", -9, ""),
        ("import os; os.kill(os.getpid(), 15)", -15, ""),
        ("import os; os.kill(os.getpid(), 2)", -2, "KeyboardInterrupt\n"),
        ("import atexit; atexit.register(print, 'last'); print('first')", 0, "first\nlast\n"),
        ("import threading, time; threading.Timer(0.1, print, ['late']).start(); print('x')", 0, "x\nlate\n"),
        (
            "import sys; print('said', flush=True); sys.stdout.close(); print('lost')",
            1,
            "I/O operation on closed file.\n",
        ),
    ],
)
def test_it_ends_as_a_fresh_one_ends(python: Begin, code: str, status: int, said: str) -> None:
    with python(code) as program:
        out, err = program.communicate(timeout=PATIENCE_SECONDS)
    assert program.returncode == status
    assert (out + err).endswith(said)


def test_a_signal_that_is_sent_ends_it(python: Begin) -> None:
    with python("import time; print('begun', flush=True); time.sleep(600)") as program:
        assert program.stdout
        assert program.stdout.readline() == "begun\n"
        assert program.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            program.wait(0.01)
        program.send_signal(signal.SIGTERM)
        assert program.wait(PATIENCE_SECONDS) == -signal.SIGTERM
        program.kill()  # of what has ended already, nothing
    assert program.poll() == -signal.SIGTERM


def test_one_that_was_stopped_does_not_hold_up_a_test_that_fails(python: Begin) -> None:
    with pytest.raises(AssertionError), python("import time; time.sleep(600)") as program:  # noqa: PT012
        program.send_signal(signal.SIGSTOP)
        raise AssertionError
    assert program.wait(PATIENCE_SECONDS) == -signal.SIGKILL


def test_one_that_says_much_on_both_streams_and_reads_much_is_waited_for(python: Begin) -> None:
    code = "import sys; sys.stderr.write('e' * 10**6); sys.stdout.write(sys.stdin.read() * 2)"
    with python(code) as program:
        out, err = program.communicate("i" * 10**6, PATIENCE_SECONDS)
    assert (len(out), len(err)) == (2 * 10**6, 10**6)


def test_both_its_streams_can_be_one(python: Begin) -> None:
    code = "import sys; print('1', flush=True); print('2', file=sys.stderr); print('3')"
    with python(code, stderr=subprocess.STDOUT) as program:
        assert program.communicate(timeout=PATIENCE_SECONDS)[0] == "1\n2\n3\n"


def test_one_that_does_not_end_in_its_time_is_told_as_such(python: Begin) -> None:
    with python("import time; time.sleep(600)") as program:
        with pytest.raises(subprocess.TimeoutExpired):
            program.communicate(timeout=0.01)
        program.kill()


def test_many_at_once_are_told_apart(python: Begin) -> None:
    programs = [python(f"import sys; sys.exit({number})") for number in range(8)]
    random.shuffle(programs)
    codes = []
    for program in programs:
        with program:
            codes.append(program.wait(PATIENCE_SECONDS))
    assert sorted(codes) == list(range(8))


def test_no_two_have_the_same_chance(python: Begin) -> None:
    throws = set()
    for _ in range(2):
        with python("import random; print(random.random())") as program:
            throws.add(program.communicate(timeout=PATIENCE_SECONDS)[0])
    assert len(throws) == 2


def test_an_environment_that_python_reads_at_its_start_gets_a_fresh_one(warm: Warm, tmp_path: Path) -> None:
    for environment in (os.environ, {**os.environ, "PYTHONIOENCODING": "koi8-r"}):
        with warm.start(["-c", "import sys; print(sys.stdout.encoding)"], [], tmp_path, environment) as program:
            said = program.communicate(timeout=PATIENCE_SECONDS)[0]
        assert isinstance(program, Started) == (environment is os.environ)
    assert said == "koi8-r\n"


def test_whoever_comes_first_with_other_variables_leaves_the_warm_one_to_those_with_the_usual_ones(
    tmp_path: Path,
) -> None:
    warm = Warm("import random", usual={"LANG": "C.UTF-8"})
    kinds = []
    for lang in ("C", "C.UTF-8", "C", "C.UTF-8"):
        with warm.start(["-c", "pass"], [], tmp_path, {"LANG": lang}) as program:
            assert program.communicate() == ("", "")
            kinds.append(isinstance(program, Started))
    warm.close()
    assert kinds == [Warm.fresh is False and usual for usual in (False, True, False, True)]
