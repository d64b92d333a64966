"""Another session has locked what a migration is to change: it gives up soon, and either way on works as printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import ONE, STG, TWO, Fleet
from .fleets import agreed, printed

HOLDER = "4711 psql of lbrabec, idle in transaction"


def waits_at_most(seconds: float, fleet: Fleet) -> None:
    hosts = fleet.home / "hosts.yml"
    waits = f"lock_timeout: {seconds}\n  lock_holders: echo '{HOLDER}'\n  root:"
    hosts.write_text(hosts.read_text().replace("root:", waits, 1))


@pytest.fixture
def locked(stg_runs_110: Fleet) -> Fleet:
    """prod's database is in the hands of a session that ends in ten minutes; a migration waits for half a second."""
    waits_at_most(0.5, stg_runs_110)
    stg_runs_110.breaks(ONE, "upgrade-db", "locked", seconds=600)
    return stg_runs_110


def test_d6_a_migration_that_meets_a_lock_gives_up_and_says_who_holds_it_and_that_nothing_was_migrated(
    locked: Fleet,
) -> None:
    ended = locked.types("prod major-upgrade --yes --json")
    assert ended.code == 5, ended.said
    assert f"prod01: the migration gave up on a lock after 0.5 s: held by {HOLDER}" in ended.err
    assert "prod01: nothing was migrated: the database is at 1a0c9, as before" in ended.err
    told = [json.loads(line) for line in ended.out.splitlines()]
    blocked = next(event for event in told if event["event"] == "blocked")
    assert (blocked["holders"], blocked["schema"], blocked["migrated"]) == ([HOLDER], "1a0c9", False)
    journal = Path(locked.environment["XDG_STATE_HOME"], "blockerbugs-upgrade/journal.jsonl").read_text()
    assert '"event": "blocked"' in journal


def test_w1_when_that_session_has_ended_resume_migrates(locked: Fleet) -> None:
    ended = locked.types("prod major-upgrade --yes")
    first = printed(ended.err)[0]
    assert first.startswith("fab prod resume  # once the lock is free, goes on at step "), ended.said
    ended = locked.types(agreed(first))
    assert ended.code == 0, ended.said
    assert {locked.runs(host)[1] for host in (ONE, TWO)} == {"1.1.0"}


def test_w1_without_waiting_for_it_httpd_is_started_again_on_the_build_before(locked: Fleet) -> None:
    ended = locked.types("prod major-upgrade --yes")
    back = [line for line in printed(ended.err) if "abort" in line or "rollback" in line]
    assert len(back) == 2, ended.said
    for line in back:
        ended = locked.types(agreed(line))
        assert ended.code == 0, ended.said
    assert {locked.runs(host) for host in (ONE, TWO)} == {("blockerbugs-1.0.0-1.el7", "1.0.0")}
    assert locked.host(ONE)["cron"]


def test_d6_a_lock_that_goes_away_in_time_stops_nothing(fleet: Fleet) -> None:
    waits_at_most(0.5, fleet)
    fleet.breaks(STG, "upgrade-db", "locked", seconds=0.1)
    assert fleet.types("stg major-upgrade --yes").code == 0
