"""Automatic updates are held off while a run works on a host, and given back whatever way it ends."""

from __future__ import annotations

import pytest

from .conftest import ONE, TWO, Fleet
from .fleets import begun

pytestmark = pytest.mark.sandbox_only("its hosts have dnf-automatic's timer when the test says so")

TIMER = "dnf-automatic.timer"
ON = [True, True]
MINOR = "prod minor-upgrade --yes"


def switch_on(fleet: Fleet) -> None:
    for host in (ONE, TWO):
        fleet.machines.has_timer(host, TIMER)


def on(fleet: Fleet) -> list[bool]:
    return [fleet.machines.timer_is_on(host, TIMER) for host in (ONE, TWO)]


def test_c4_they_are_stopped_before_the_first_change_and_started_again_at_the_end(stg_runs_101: Fleet) -> None:
    switch_on(stg_runs_101)
    ended = stg_runs_101.types(MINOR)
    assert (ended.code, on(stg_runs_101)) == (0, ON), ended.said
    assert f"warning: prod01: automatic updates are on ({TIMER}): held off until this ends" in ended.out
    assert [begun(stg_runs_101, "systemctl", what, TIMER) for what in ("stop", "start")] == [2, 2]
    stopped = max(t for t, _, _ in stg_runs_101.moments("systemctl", "stop", TIMER))
    assert stopped < min(t for t, _, _ in stg_runs_101.moments("yum", "-C", "update"))


def test_a_run_that_fails_before_it_changes_anything_gives_them_back(stg_runs_101: Fleet) -> None:
    switch_on(stg_runs_101)
    stg_runs_101.breaks(ONE, "download", "fail")
    ended = stg_runs_101.types(MINOR)
    assert (ended.code, on(stg_runs_101)) == (1, ON), ended.said


@pytest.mark.parametrize("how", ["abort", "unlock", "resume"])
def test_c4_a_run_that_is_half_way_holds_them_off_until_it_is_ended(stg_runs_101: Fleet, how: str) -> None:
    switch_on(stg_runs_101)
    stg_runs_101.breaks(ONE, "restart-httpd", "fail")
    ended = stg_runs_101.types(MINOR)
    assert (ended.code, on(stg_runs_101)) == (5, [False, False]), ended.said
    status = stg_runs_101.types("prod status")
    assert "prod02: automatic updates are held off by run " in status.out
    stg_runs_101.types(f"prod {how} --yes")
    assert on(stg_runs_101) == ON
    assert "held off" not in stg_runs_101.types("prod status").out


def test_n6_a_client_that_is_killed_leaves_them_noted_and_abort_gives_them_back(stg_runs_101: Fleet) -> None:
    switch_on(stg_runs_101)
    stg_runs_101.dies_in(MINOR, "yum", "-C", "update")
    assert on(stg_runs_101) == [False, False]
    assert stg_runs_101.types("prod abort --yes").code == 0
    assert on(stg_runs_101) == ON


def test_where_the_lock_is_gone_status_says_so_and_the_line_it_prints_gives_them_back(stg_runs_101: Fleet) -> None:
    switch_on(stg_runs_101)
    stg_runs_101.dies_in(MINOR, "yum", "-C", "update")
    (stg_runs_101.kept(ONE) / "lock").unlink()
    status = stg_runs_101.types("prod status")
    assert "fab prod abort  # gives automatic updates back" in status.out
    assert stg_runs_101.types("prod abort --yes").code == 0
    assert on(stg_runs_101) == ON
