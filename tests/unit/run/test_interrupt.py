"""Ctrl-C and its like at the very beginning, when most of the program is not loaded yet, and on the way out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.run import interrupt
from tasks.run.interrupt import Asked, endable, patience
from tasks.run.observer import Report

PROJECT = Path(__file__).parents[3]
TWICE = [[signal.SIGHUP], [signal.SIGINT] * 2, [signal.SIGTERM] * 2, [signal.SIGINT, signal.SIGTERM]]
SECONDS = 60
STG = "host_sets: {stg: {hosts: [stg.example], sync_host: stg.example}}\n"


@pytest.mark.parametrize(
    ("signals", "reads"),
    [
        pytest.param(signals, reads, id=f"{'-'.join(one.name for one in signals)}, {where}")
        for reads, where in enumerate(("while the collection is loaded", "in a task"))
        for signals in TWICE[reads:]
    ],
)
def test_n3_whoever_ends_it_twice_at_the_beginning_gets_a_sentence_and_130(
    signals: list[signal.Signals], reads: int, tmp_path: Path
) -> None:
    hosts_yml, next_one = tmp_path / "hosts.yml", tmp_path / "next"
    os.mkfifo(hosts_yml)  # whoever reads it waits for us
    program = subprocess.Popen(
        [sys.executable, "-m", "fabric", "stg", "status"],
        cwd=PROJECT,
        env={**os.environ, "FABRIC_HOSTS_FILE": str(hosts_yml)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(reads):
        with hosts_yml.open("w") as file:
            os.mkfifo(next_one)
            next_one.rename(hosts_yml)
            file.write(STG)
    with hosts_yml.open("w"):
        for one in signals:
            program.send_signal(one)
        out, err = program.communicate(timeout=SECONDS)
    assert (program.returncode, out, err) == (130, "", "interrupted: no step was running\n")


def test_n3_ctrl_c_in_the_middle_of_a_wait_for_it_does_not_wait_for_itself() -> None:
    asked = Asked()

    def in_the_middle() -> None:
        with asked._cond:
            asked.set()

    waits = threading.Thread(target=in_the_middle, daemon=True)
    waits.start()
    waits.join(20)
    assert asked.is_set()


LOADED = "import os, signal, sys, time; from tasks.run.interrupt import arm, endable; arm()"
ENDS = "os.kill(os.getpid(), signal.SIGTERM)"


def becomes(code: str) -> tuple[int, str]:
    """How a program ends that does this, and what it says on stderr."""
    ended = subprocess.run(
        [sys.executable, "-c", f"{LOADED}\n{code}"], cwd=PROJECT, stderr=subprocess.PIPE, timeout=SECONDS, check=False
    )
    return ended.returncode, ended.stderr.decode()


def test_n3_what_comes_after_the_end_was_decided_does_not_change_it() -> None:
    code = f"import atexit\natexit.register(lambda: ({ENDS}, time.sleep(0.1)))\nimport atexit\nsys.exit(5)"
    assert becomes(f"{code}")[0] in (5, 130)
    assert becomes(f"try:\n  with endable(): {ENDS}\nexcept KeyboardInterrupt: {ENDS}; sys.exit(130)") == (130, "")


def test_n3_a_way_out_that_hangs_can_be_left_too() -> None:
    hangs = (
        f"try:\n  with endable(): {ENDS}\nfinally:\n  time.sleep(interrupt.GRACE_SECONDS)\n  {ENDS}\n  time.sleep(60)"
    )
    code, said = becomes(f"from tasks.run import interrupt\ninterrupt.GRACE_SECONDS = 0.2\n{hangs}")
    assert (code, "interrupted again: left at once" in said) == (130, True), said


def test_who_ignores_a_signal_goes_on_ignoring_it() -> None:
    ignored = f"signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwith endable(): {ENDS}\nsys.exit(7)"
    assert becomes(ignored) == (7, "")


class Told(Report):
    """What the operator is told."""

    finishes = 0

    def finishing(self, ending: bool = False) -> None:
        self.finishes += 1


@pytest.mark.parametrize("before", [signal.default_int_handler, signal.SIG_DFL], ids=["Python's", "none"])
def test_n3_ctrl_c_once_is_told_twice_leaves_and_afterwards_all_is_as_before(
    before: Callable[..., object],
) -> None:
    report, was = Told(), signal.signal(signal.SIGINT, before)
    try:
        with patience(report) as asked:
            signal.raise_signal(signal.SIGINT)
            assert (asked.is_set(), report.finishes) == (True, 1)
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) == before
    finally:
        signal.signal(signal.SIGINT, was)


def test_in_a_test_or_a_shell_of_python_nothing_is_left_of_our_handlers() -> None:
    before = [signal.getsignal(one) for one in interrupt._SIGNALS]
    with pytest.raises(KeyboardInterrupt), endable():
        signal.raise_signal(signal.SIGINT)
    assert [signal.getsignal(one) for one in interrupt._SIGNALS] == before
