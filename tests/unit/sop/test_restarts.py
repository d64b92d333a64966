"""Whether a host has restarted since it was looked at first, in a real sh."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.fleet.outcome import failure, for_people
from tasks.inventory.model import App
from tasks.run import phase as one_phase
from tasks.sop import restarts, steps
from tests.unit.builders import OLD, ONE, TWO, Shell, job
from tests.unit.report.values import ended, planned

BEFORE, NOW = "0b1c9a52-1f7e-4b2e-9c55-000000000001", "0b1c9a52-1f7e-4b2e-9c55-000000000002"
INIT = "1 (init (odd) name) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 {} 175 9"
SAID, BACK = "--run-- restarted\t", "--run-- came back\thttpd"  # what a step says of it to the run
BOOT_ID = "/proc/sys/kernel/random/boot_id"


def look(shell: Shell, seen_first: str, runs: bool) -> tuple[int, str]:
    """How still-stopped ends on this host, and what it says."""
    app = App(root=str(shell.folder))
    shell.program("systemctl", f"exit {0 if runs else 3}")
    step = steps.still_stopped(job(app=app, target=OLD))
    ended = shell.run(f"{restarts.notice(app, seen_first)}\n{step.script}")
    return ended.returncode, ended.stdout.strip()


@pytest.mark.parametrize(
    ("kernel", "init", "runs", "ends"),
    [
        pytest.param(BEFORE, "4", False, (0, ""), id="still down"),
        pytest.param(BEFORE, "4", True, (1, "httpd was started again"), id="started by somebody"),
        pytest.param(NOW, "4", False, (0, f"{SAID}{NOW}-4"), id="restarted without it"),
        pytest.param(NOW, "4", True, (0, f"{SAID}{NOW}-4\n{BACK}"), id="restarted with it"),
        pytest.param(
            BEFORE,
            "9",
            True,
            (0, f"{SAID}{BEFORE}-9\n{BACK}"),
            id="a container, restarted",
        ),
        pytest.param("", "", True, (1, "httpd was started again"), id="nobody knows"),
    ],
)
def test_n5_httpd_that_runs_is_told_apart_by_whether_its_host_restarted(
    kernel: str, init: str, runs: bool, ends: tuple[int, str], shell: Shell
) -> None:
    if kernel:
        shell.file(BOOT_ID, f"{kernel}\n")
        shell.file("/proc/1/stat", INIT.format(init))
    assert look(shell, f"{BEFORE}-4", runs) == ends


@pytest.mark.parametrize("junk", [f"{SAID}$(reboot)", f"{SAID}../../x", SAID.strip(), "--run-- came back"])
def test_n5_what_is_no_boot_id_is_none(junk: str) -> None:
    assert restarts.seen(junk) == (None, None)


def test_n5_a_line_with_more_than_one_tab_is_read_to_its_end_and_no_reason_to_fail() -> None:
    assert restarts.seen(f"{SAID}{NOW}\n{BACK}\tx") == (NOW, "httpd\tx")
    assert restarts.seen(f"{SAID}{NOW}\tx") == (None, None)


def test_n5_what_is_not_said_for_the_run_tells_of_no_restart() -> None:
    assert restarts.seen(f"restarted\t{NOW}\n {SAID}{NOW}") == (None, None)


@pytest.mark.parametrize(
    ("boot", "known"), [(NOW, True), (None, False), ("", False), ("a" * 8, True), ("a" * 7, False), ("a" * 61, False)]
)
def test_n5_a_boot_id_has_a_boot_ids_letters_and_length(boot: str | None, known: bool) -> None:
    assert restarts.known(boot) == (boot if known else None)


def test_n5_what_the_run_is_told_is_not_shown() -> None:
    output = f"--run-- restarted\t{NOW}\none\n--run-- came back\thttpd\ntwo"
    assert (restarts.seen(output), for_people(output)) == ((NOW, "httpd"), "one\ntwo")


def test_n5_a_restart_is_said_with_what_was_done_meanwhile() -> None:
    text = restarts.Restart(TWO, NOW, "during upgrade-db", "httpd").text
    assert (
        text
        == "blockerbugs02 restarted during upgrade-db: httpd came back by itself and ran there; it is stopped again"
    )
    assert restarts.Restart(ONE, NOW, "after sync").text == "blockerbugs01 restarted after sync"


def test_n5_every_look_that_a_restart_undoes_says_what_is_done_once_more() -> None:
    looks = [phase.step for phase in planned("major-upgrade").phases if phase.step.name.startswith("still-")]
    assert [step.after_restart.name for step in looks if step.after_restart] == ["stop-httpd", "stop-httpd"]


def test_n5_what_the_run_is_told_is_no_reason_of_a_failure() -> None:
    assert failure(1, f"--run-- restarted\t{NOW}\n") == "exit status 1: no output"


def test_n5_an_httpd_that_somebody_starts_after_the_stop_is_not_taken_for_one_that_came_back() -> None:
    plan = planned("major-upgrade")
    plan = replace(plan, facts={host: replace(facts, boot=BEFORE) for host, facts in plan.facts.items()})
    run = ended(plan)
    still_stopped = next(phase.step for phase in plan.phases if phase.step.after_restart)
    assert f" {BEFORE}\n" in one_phase._noticing(run, still_stopped, TWO, "look")
    run.stopped[TWO] = NOW  # restarted before the stop, and stopped on this boot
    assert f" {NOW}\n" in one_phase._noticing(run, still_stopped, TWO, "look")
    assert f" {BEFORE}\n" in one_phase._noticing(run, plan.phases[0].step, TWO, "other")
