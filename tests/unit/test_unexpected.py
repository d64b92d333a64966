"""The net: what nobody expected ends in a sentence, however the program was started and whatever it has read."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
RUN = (PROJECT / "run").read_text(encoding="utf-8")
PLAIN = "import sys; sys.argv[0] = 'fab'; from fabric.main import program; sys.exit(program.run())"


def of_run(tool: str = "fab", module: str = "fabric.main") -> str:
    """The program that ./run puts into .venv/bin."""
    scope: dict[str, str] = {}
    exec(RUN[RUN.index('CAUGHT = """') : RUN.index('\n"""\n', RUN.index('CAUGHT = """')) + 5], scope)
    return scope["CAUGHT"].format(python="python", here=str(PROJECT), tool=tool, module=module)


def shell(line: str, program: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """What `sh -c LINE` says, in which `fab` is `program`."""
    code = program or of_run()
    fab = f'fab() {{ "$PYTHON" -P -c "$FAB" "$@"; }}; {line}'
    return subprocess.run(
        ["sh", "-c", fab], cwd=PROJECT, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHON": sys.executable, "FAB": code, "PYTHONPATH": str(PROJECT), **environment},
    )  # fmt: skip


def sentence(ended: subprocess.CompletedProcess[str], code: int, *said: str) -> None:
    assert (ended.returncode, "Traceback" in ended.stderr) == (code, False), ended.stderr
    assert [text for text in said if text not in ended.stderr] == [], ended.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("user: foo\n\tport: 22\n", ":2: a tab stands here: indent with blanks"),
        ("- a\n", ": keys with values are wanted, not a list"),
        ("run: 5\n", ": run: wants keys of its own"),
        ("user: \xe9\n", ":1: is not UTF-8"),
    ],
)
@pytest.mark.parametrize("line", ["fab --list", "fab stg status"])
def test_w7_a_mistake_in_the_operators_own_fabric_yml_is_told_with_its_line(
    line: str, text: str, said: str, fence: Path
) -> None:
    (fence / ".fabric.yml").write_bytes(text.encode("latin-1"))
    sentence(shell(line), 2, f"{fence / '.fabric.yml'}{said}", "next: ${EDITOR:-vi} ")


def test_w7_hosts_file_that_is_no_text_is_told_with_the_file_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text("hosts_file: 5\n")
    sentence(shell(f"fab --config {tmp_path}/mine.yml stg status"), 2, "mine.yml: hosts_file: wants text", "not 5")


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("fab -t x stg status", 2, "fab: -t wants a number, not 'x'\nnext: fab --help"),
        ("fab stg status -t x", 2, "fab: -t wants a number, not 'x'\nnext: fab --help"),
        ("fab -- ls", 2, "-- COMMAND: on which host?"),
        ("fab --list-format x --list", 2, "--list-format x: flat, nested or json"),
        ("fab --ssh-config /missing stg status", 2, "--ssh-config /missing: there is no such file"),
        ("fab stg status --ssh-config /missing", 2, "--ssh-config /missing: there is no such file"),
        ("fab --config /missing stg status", 2, "--config /missing: there is no such file"),
        ("fab --list >/dev/full", 1, "failed: the output could not be written: No space left on device"),
        ("fab --help status >/dev/full", 1, "failed: the output could not be written: No space left on device"),
        ("fab -H $(printf '\\377') status", 2, "'\\udcff' is no host set and no host"),
    ],
)
def test_w7_what_an_operator_can_type_ends_in_a_sentence(line: str, code: int, said: str) -> None:
    sentence(shell(line), code, said)


@pytest.mark.parametrize("line", ["fab --list >&-", "fab --list | true", "fab --help status | head -1"])
@pytest.mark.parametrize("program", [of_run(), PLAIN], ids=["run", "fab"])
def test_w7_a_reader_that_has_gone_is_no_failure(line: str, program: str) -> None:
    ended = shell(line, program)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(("words", "code"), [("nosuch status", 2), ("--list", 0), ("--help status", 0)])
@pytest.mark.parametrize("program", [of_run(), PLAIN], ids=["run", "fab"])
def test_w7_a_terminal_that_has_gone_leaves_the_exit_code_as_it_is(
    words: str, code: int, program: str, fence: Path
) -> None:
    ours, terminal = pty.openpty()
    client = subprocess.Popen(
        [sys.executable, "-P", "-c", program, *words.split()], stdin=terminal, stdout=terminal, stderr=terminal,
        cwd=PROJECT, env={**os.environ, "PYTHONPATH": str(PROJECT)}, start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    os.close(ours)
    assert client.wait(60) == code
    assert not list(fence.glob("state/blockerbugs-upgrade/unexpected/*"))


FAILS = """
import sys
import tasks.entry
from tasks import unexpected
def fails(*_, **__):
    {before}
    raise RuntimeError("\\x1b]0;title\\x07what \\x1b[31mnobody expected")
tasks.entry.status = fails
"""


@pytest.mark.parametrize(
    ("before", "code", "said"),
    [
        ("pass", 1, ()),
        ("unexpected.locks('stg')", 5, ("stg stays locked by this run", "next: fab stg status")),
        ("unexpected.locks('stg'); unexpected.unlocks('stg')", 1, ()),
    ],
)
def test_w7_what_nobody_expected_names_the_file_with_the_details_and_the_lock_that_stays(
    before: str, code: int, said: tuple[str, ...], fence: Path
) -> None:
    ended = shell("fab stg status", FAILS.format(before=before) + PLAIN)
    sentence(ended, code, "unexpected: RuntimeError: what nobody expected", "the details are in ", *said)
    (kept,) = (fence / "state/blockerbugs-upgrade/unexpected").iterdir()
    assert str(kept) in ended.stderr
    assert "Traceback" in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_w7_where_the_details_cannot_be_kept_the_line_of_code_is_told(tmp_path: Path) -> None:
    (tmp_path / "blockerbugs-upgrade").touch()
    ended = shell("fab stg status", FAILS.format(before="pass") + PLAIN, XDG_STATE_HOME=str(tmp_path))
    sentence(ended, 1, "the details could not be kept (", 'File "<string>", line ')


def test_w7_a_user_id_without_a_name_is_no_hindrance() -> None:
    nobody = """
import os, pwd
def unknown(uid): raise KeyError(f"getpwuid(): uid not found: {uid}")
pwd.getpwuid = unknown
for name in ("USER", "LOGNAME", "LNAME", "USERNAME"): os.environ.pop(name, None)
"""
    sentence(shell("fab -H stg status", nobody + PLAIN), 4, "cannot be resolved")


def test_w7_a_variable_of_another_kind_is_named() -> None:
    sentence(shell("fab stg status", FABRIC_PORT="x"), 2, "FABRIC_PORT in the environment", "next: unset FABRIC_PORT")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{quiet: maybe}", "/.fabric.yml: report.quiet: wants true or false, not 'maybe'\nnext: ${EDITOR:-vi} "),
        ("{junit: 3}", "/.fabric.yml: report.junit: wants text, in quotes if it looks like a number, not 3\n"),
        (
            "{quite: true}",
            "/.fabric.yml: report.quite: there is no such key; the keys of report are verbose, quiet, json, junit\n"
            "next: ${EDITOR:-vi} ",
        ),
    ],
)
def test_w7_how_much_is_shown_is_read_strictly_from_the_configuration(given: str, said: str, fence: Path) -> None:
    (fence / ".fabric.yml").write_text(f"report: {given}\n")
    sentence(shell("fab stg status", PLAIN), 2, said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("host_file: mine.yml\n", "host_file: there is no such key; did you mean hosts_file?\n"),
        ("hosts-file: mine.yml\n", "hosts-file: there is no such key; did you mean hosts_file?\n"),
        ("reports: {quiet: true}\n", "reports: there is no such key; did you mean report?\n"),
    ],
)
@pytest.mark.parametrize("flag", ["", "--config"])
def test_w7_a_key_that_is_nearly_ours_is_refused_before_another_hosts_yml_is_used(
    flag: str, text: str, said: str, fence: Path
) -> None:
    path = fence / ("mine.yml" if flag else ".fabric.yml")
    path.write_text(text)
    line = f"fab {flag} {path} stg status" if flag else "fab stg status"
    sentence(shell(line, PLAIN), 2, f"{path}: {said}next: ${{EDITOR:-vi}} {path}\n")


def test_w7_the_keys_of_fabric_of_invoke_and_of_somebody_else_are_nobodys_mistake(fence: Path) -> None:
    (fence / ".fabric.yml").write_text("run: {echo: false}\nload_ssh_configs: true\ntargets: [a]\nhosts: {a: b}\n")
    sentence(shell("fab show-config --key koji", PLAIN), 0)
