"""The sandbox as a newcomer meets it: README's line, and what it is for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest

from tests.warm import Program

from .conftest import PROJECT
from .fleets import PATIENCE_SECONDS

pytestmark = pytest.mark.sandbox_only("it is the sandbox that is met")


def typed(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fabric", *line.split()],
        cwd=PROJECT, env=os.environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=PATIENCE_SECONDS, check=False,
    )  # fmt: skip


def test_readmes_line_carries_out_both_upgrades_and_leaves_nothing_running() -> None:
    ended = typed("sandbox minor-upgrade major-upgrade")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "sandbox: runs blockerbugs-1.0.1-1.el7" in ended.stdout
    assert "sandbox: runs blockerbugs-1.1.0-1.el7" in ended.stdout
    assert "the sandbox is not up" in typed("sandbox.down").stdout


def test_typed_twice_it_finds_nothing_to_do() -> None:
    typed("sandbox minor-upgrade major-upgrade")
    ended = typed("sandbox minor-upgrade major-upgrade")
    assert (ended.returncode, ended.stdout.count("nothing to do")) == (0, 2), ended.stdout + ended.stderr


def test_a_rehearsed_fault_ends_half_way_and_reset_begins_again() -> None:
    assert typed("sandbox.fault --step upgrade-db").returncode == 0
    assert typed("sandbox major-upgrade").returncode == 5
    assert typed("sandbox.reset").returncode == 0
    assert "1.0.0-1.el7" in typed("-H sandbox01 status").stdout


def test_kept_up_it_is_there_for_several_commands_until_it_is_taken_down() -> None:
    try:
        assert typed("sandbox.up").returncode == 0
        assert typed("sandbox status").returncode == 0
        assert "the sandbox is up" in typed("sandbox.reset").stdout
    finally:
        assert "is down" in typed("sandbox.down").stdout


def test_a_sandbox_of_which_a_file_is_gone_is_refused_and_reset_mends_it(fence: Path) -> None:
    assert typed("sandbox.reset").returncode == 0
    (fence / "state/blockerbugs-upgrade/sandbox/ssh_config").unlink()
    ended = typed("sandbox status")
    assert (ended.returncode, "ssh_config is gone\nnext: " in ended.stderr) == (2, True), ended.stderr
    assert typed("sandbox.reset").returncode == 0
    assert typed("sandbox status").returncode == 0


def test_a_sandbox_that_an_earlier_version_has_made_is_refused_and_reset_mends_it(fence: Path) -> None:
    assert typed("sandbox.reset").returncode == 0
    file = fence / "state/blockerbugs-upgrade/sandbox/fleet.json"
    made = json.loads(file.read_text())
    del made["app"]
    file.write_text(json.dumps(made))
    ended = typed("sandbox status")
    assert ended.returncode == 2, ended.stderr
    assert f"the sandbox in {file.parent} was made by an earlier version of this program" in ended.stderr
    line = ended.stderr.rpartition("next: ")[2].strip()
    assert line.endswith("fab sandbox.reset")
    assert which(line.split()[0]) or (PROJECT / line.split()[0]).exists()  # ./run where fab is not in PATH
    assert typed("sandbox.reset").returncode == 0


@pytest.mark.parametrize(
    ("flag", "value"),
    [("--times", "x"), ("--times", "0"), ("--seconds", "-3"), ("--seconds", "nan"), ("--seconds", "inf")],
)
def test_a_number_that_is_none_is_refused_in_words(flag: str, value: str) -> None:
    ended = typed(f"sandbox.fault --step sync {flag} {value}")
    assert (ended.returncode, flag in ended.stderr, "--help sandbox.fault" in ended.stderr) == (2, True, True), (
        ended.stderr
    )


@pytest.mark.parametrize(("line", "said"), [("", "--step is wanted: one of"), ("--step nosuch", "no step 'nosuch'")])
def test_a_step_that_was_not_said_or_does_not_exist_is_refused_with_those_that_do(line: str, said: str) -> None:
    ended = typed(f"sandbox.fault {line}")
    assert (ended.returncode, said in ended.stderr, "unavailable" in ended.stderr) == (2, True, False), ended.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--step healthy --kind fail", "every look at the page on its host uses one up, also the look before a run"),
        ("--step health --kind loop --times 2", "health goes wrong the next 2 times (loop); every look"),
        (
            "--step healthy --kind unavailable",
            "the page answers 503 for 5 s, from now on and after each start of httpd",
        ),
        ("--step drain --kind denied", "proxy01.sandbox: haproxy's socket may only be asked, until"),
        ("--step drain --kind reload", "haproxy is reloaded 5 s after the next drain, and forgets what it was told"),
        ("--step undrain --kind slow", "proxy01.sandbox: undrain goes wrong the next time (slow)\n"),
        ("--step sync --host sandbox02", "blockerbugs02.sandbox: sync goes wrong the next time (fail)\n"),
    ],
)
def test_what_a_fault_will_be_is_said_when_it_is_switched_on(line: str, said: str) -> None:
    ended = typed(f"sandbox.fault {line}")
    assert (ended.returncode, said in ended.stdout) == (0, True), ended.stdout + ended.stderr
    typed("sandbox.fault --clear")


def test_a_fault_on_a_host_that_does_not_exist_is_refused_with_those_that_do() -> None:
    ended = typed("sandbox.fault --step sync --host blockerbugs02")
    assert (ended.returncode, "one of sandbox01, sandbox02, sandboxproxy" in ended.stderr) == (2, True), ended.stderr


def test_reset_does_not_pull_the_hosts_from_under_a_run() -> None:
    typed("sandbox.fault --step upgrade-db --kind slow --seconds 60")
    client = Program(
        [sys.executable, "-m", "fabric", "sandbox", "major-upgrade"],
        cwd=PROJECT, env=os.environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with client:
        assert client.stdout
        assert any("upgrade-db on" in line for line in client.stdout)
        ended = typed("sandbox.reset")
        client.kill()
    assert (ended.returncode, "uses the sandbox" in ended.stderr) == (75, True), ended.stderr


def test_a_fault_that_does_not_exist_is_refused_with_those_that_do() -> None:
    ended = typed("sandbox.fault --step nonsense")
    assert (ended.returncode, "upgrade-db" in ended.stderr) == (2, True)
