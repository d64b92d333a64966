"""Ctrl-C, lost lines, pipes that go away, and colleagues: at the worst moment of an upgrade."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from tests.endpoints import answering

from .conftest import ONE, PROJECT, TWO, Fleet, until
from .fleets import LONG, PATIENCE_SECONDS


def interrupted(fleet: Fleet, line: str, when: Callable[[], bool], times: int = 1) -> tuple[int, str]:
    """Press Ctrl-C as soon as `when`; the exit code, and what was said."""
    process = fleet.begins(line)
    until(when)
    for press in range(times):
        time.sleep(1.0 if press else 0.0)  # two in the same instant are one to a process that has to wait for its turn
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert "Traceback (most" not in err, err
    return process.returncode, fleet.plainly(out + err)


def test_n3_ctrl_c_once_finishes_the_step_and_begins_no_other(stg_runs_110: Fleet) -> None:
    fleet = stg_runs_110
    for host in (ONE, TWO):
        fleet.breaks(host, "stop-httpd", "slow", seconds=3.0)
    code, said = interrupted(fleet, "prod major-upgrade --yes", lambda: bool(fleet.moments("service", "stop")))
    assert code == 130, said
    assert not any(fleet.host(host)["httpd"] for host in (ONE, TWO))
    assert fleet.moments("yum", "-C") == []
    assert "httpd is not running on prod01, prod02" in said
    assert "fab prod yum-update --version 1.1.0-1.el7 upgrade-db sync start-httpd  # by hand" in said


def test_n3_ctrl_c_twice_leaves_at_once_and_says_where(stg_runs_110: Fleet) -> None:
    fleet = stg_runs_110
    fleet.breaks(ONE, "upgrade-db", "slow", seconds=LONG)
    code, said = interrupted(fleet, "prod major-upgrade --yes", lambda: bool(fleet.moments("upgrade_db")), times=2)
    assert code == 130, said
    assert "the client ended during upgrade-db on prod01" in said


def test_n3_ctrl_c_twice_while_httpd_is_started_says_that_nobody_has_seen_whether_it_runs(stg_runs_110: Fleet) -> None:
    fleet = stg_runs_110
    fleet.breaks(ONE, "start-httpd", "slow", seconds=LONG)
    code, said = interrupted(
        fleet, "prod major-upgrade --yes", lambda: bool(fleet.moments("service", "start")), times=2
    )
    assert code == 130, said
    assert "the client ended during start-httpd on prod01" in said
    assert "httpd was stopped on prod01, prod02; whether it runs again is not known" in said
    assert "httpd is not running" not in said


def test_x4_ctrl_c_while_the_end_is_told_to_one_who_does_not_answer_ends_that_and_the_end_is_said(
    stg_runs_110: Fleet,
) -> None:
    fleet = stg_runs_110
    fleet.breaks(ONE, "upgrade-db")
    file = fleet.home / "hosts.yml"
    with answering(None) as endpoint:
        file.write_text(file.read_text().replace("after: stg", f"after: stg\n    notify: ['{endpoint.address}']"))
        code, said = interrupted(fleet, "prod major-upgrade --yes", lambda: len(endpoint.heard) == 2)
    assert (code, "httpd is not running on prod01, prod02" in said) == (5, True), said
    assert "notify[0] (json) was not told: it was not waited for" in said
    assert "next: fab prod resume" in said


def test_n3_ctrl_c_before_the_first_step_changes_nothing(stg_runs_110: Fleet) -> None:
    fleet = stg_runs_110
    fleet.breaks(ONE, "preflight", "slow", seconds=10.0)
    code, said = interrupted(fleet, "prod major-upgrade --yes", lambda: bool(fleet.moments("yum", "list")))
    assert code == 130, said
    assert fleet.changed() == []


def test_a_migration_whose_client_was_killed_is_not_run_a_second_time_while_it_runs(stg_runs_110: Fleet) -> None:
    fleet = stg_runs_110
    fleet.breaks(ONE, "upgrade-db", "slow", seconds=LONG)
    fleet.dies_in("prod major-upgrade --yes", "blockerbugs", "upgrade_db")
    assert fleet.types("prod upgrade-db --yes").code == 3
    assert fleet.types("prod unlock --yes").code == 75
    (fleet.kept(ONE) / "lock").unlink()  # by hand, then
    for step in ("upgrade-db", "sync", "start-httpd"):
        ended = fleet.types(f"prod {step} --yes")
        assert (ended.code, "still works on the database" in ended.err) == (75, True), ended.said
    assert fleet.set("prod")["upgrade_db"] <= 1


def test_d3_nothing_is_migrated_when_a_colleague_has_started_httpd_meanwhile(stg_runs_110: Fleet) -> None:
    fleet = stg_runs_110
    fleet.breaks(ONE, "yum-update", "slow", seconds=15.0)
    process = fleet.begins("prod major-upgrade --yes")
    until(lambda: any(host == TWO and phase == "end" for _, host, phase in fleet.moments("yum", "-C")))
    fleet.machines.start_httpd(TWO)
    _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, "prod02: still-stopped: exit status 1: httpd was started again" in err) == (5, True), (
        err
    )
    assert fleet.set("prod")["upgrade_db"] == 0


def test_an_upgrade_whose_reader_goes_away_is_carried_out_all_the_same(stg_runs_110: Fleet) -> None:
    fleet = stg_runs_110
    line = f"{sys.executable} -m fabric {' '.join(fleet.ssh())} prod major-upgrade --yes; echo $? >&3"
    ended = subprocess.run(
        ["sh", "-c", f"{{ {{ {line}; }} | head -n 3; }} 3>{fleet.home}/code"],
        cwd=PROJECT, env=fleet.environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
    )  # fmt: skip
    assert (fleet.home / "code").read_text() == "0\n", ended.stderr
    assert {fleet.runs(host)[1] for host in (ONE, TWO)} == {"1.1.0"}


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_x2_a_terminal_without_the_letters_shows_what_it_can(fleet: Fleet, encoding: str) -> None:
    file = fleet.home / "hosts.yml"
    file.write_text(file.read_text().replace("after: stg", "after: stg\n    owner: Łukasz →"), encoding="utf-8")
    fleet.environment["PYTHONIOENCODING"] = encoding
    assert fleet.types("prod status").code == 0


def test_with_one_host_dead_status_shows_the_other_and_it_can_be_started(stg_runs_101: Fleet) -> None:
    fleet = stg_runs_101
    fleet.types("prod stop-httpd --yes")
    fleet.machines.power_off(TWO)
    shown = fleet.types("prod status")
    assert shown.code == 4, shown.said
    assert "inactive" in next(line for line in shown.out.splitlines() if line.startswith("prod01"))
    ended = fleet.types("-H prod01 start-httpd --yes")
    assert ended.code == 0, ended.said
    assert fleet.host(ONE)["httpd"]


@pytest.mark.parametrize("task", ["stop-httpd", "start-httpd"])
def test_with_the_sync_host_dead_which_keeps_the_lock_the_other_is_not_touched(fleet: Fleet, task: str) -> None:
    fleet.machines.power_off(ONE)
    ended = fleet.types(f"-H prod02 {task} --yes")
    assert (ended.code, "not reached, nothing was changed: prod01: " in ended.err) == (4, True), ended.said
    assert (fleet.changed(), fleet.journal.exists()) == ([], False)


def test_a_backup_is_made_before_anything_is_stopped_and_an_older_one_is_kept(stg_runs_110: Fleet) -> None:
    fleet = stg_runs_110
    dump = fleet.home / "dump"
    dump.write_text("yesterday's")
    file = fleet.home / "hosts.yml"
    backup = f"after: stg\n    backup: {{command: 'alembic current > {dump}', file: {dump}}}"
    file.write_text(file.read_text().replace("after: stg", backup))
    assert fleet.types("prod major-upgrade --yes").code == 0
    assert dump.read_text() == "1a0c9 (head)\n"
    assert [kept.read_text() for kept in fleet.home.glob("dump.*")] == ["yesterday's"]


def test_d5_a_backup_that_leaves_nothing_stops_before_httpd_is_stopped(stg_runs_110: Fleet) -> None:
    fleet = stg_runs_110
    file = fleet.home / "hosts.yml"
    file.write_text(
        file.read_text().replace("after: stg", "after: stg\n    backup: {command: 'true', file: /nowhere/dump}")
    )
    ended = fleet.types("prod major-upgrade --yes")
    assert (ended.code, "the backup left nothing in /nowhere/dump" in ended.err) == (1, True), ended.said
    assert all(fleet.host(host)["httpd"] for host in (ONE, TWO))
