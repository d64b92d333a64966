"""Back to the build before."""

from __future__ import annotations

from .conftest import ONE, STG, TWO, Fleet

OLD = ("blockerbugs-1.0.0-1.el7", "1.0.0")


def test_after_a_minor_upgrade_rollback_takes_host_after_host_back(stg_runs_101: Fleet) -> None:
    assert stg_runs_101.types("prod minor-upgrade --yes").code == 0
    ended = stg_runs_101.types("prod rollback --yes")
    assert ended.code == 0, ended.said
    assert {stg_runs_101.runs(host) for host in (ONE, TWO)} == {OLD}
    first, second = (
        [t for t, where, _ in stg_runs_101.moments("downgrade", "-y") if where == host] for host in (ONE, TWO)
    )
    assert max(first) < min(second)
    assert "nothing to do" in stg_runs_101.types("prod rollback --yes").out


def test_h1_a_node_that_does_not_come_up_is_offered_the_way_back(stg_runs_101: Fleet) -> None:
    stg_runs_101.breaks(ONE, "restart-httpd")
    ended = stg_runs_101.types("prod minor-upgrade --yes")
    assert (ended.code, "then: fab prod rollback  # rolls back to blockerbugs-1.0.0-1.el7" in ended.err) == (5, True), (
        ended.said
    )
    assert stg_runs_101.types("prod abort --yes").code == 0
    ended = stg_runs_101.types("prod rollback --yes")
    assert ended.code == 0, ended.said
    assert {stg_runs_101.runs(host) for host in (ONE, TWO)} == {OLD}


def test_c3_abort_and_unlock_lead_back_before_a_migration_and_cron_is_not_forgotten(fleet: Fleet) -> None:
    fleet.breaks(STG, "upgrade-db")
    back = "fab stg rollback --version 1.0.0-1.el7"
    assert back in fleet.types("stg major-upgrade --version 1.1.0 --yes").err
    freed = fleet.types("stg unlock --yes")
    assert (freed.code, back in freed.said) == (0, True), freed.said
    ended = fleet.types("stg rollback --version 1.0.0-1.el7 --yes")
    assert (ended.code, fleet.runs(STG)) == (0, OLD), ended.said
    assert "next: fab stg abort  # lets cron sync again, which run " in ended.said
    aborted = fleet.types("stg abort --yes")
    assert (aborted.code, "cron's sync is on" in aborted.said) == (0, True), aborted.said


def test_a_build_that_is_not_on_offer_any_more_on_one_host_is_refused_before_any_is_changed(
    stg_runs_101: Fleet,
) -> None:
    assert stg_runs_101.types("prod minor-upgrade --yes").code == 0
    stg_runs_101.machines.withdraw("1.0.0", host=TWO)
    ended = stg_runs_101.types("prod rollback --yes")
    assert ended.code == 2, ended.said
    assert "prod02: blockerbugs-1.0.0-1.el7 is not on offer any more" in ended.err
    assert stg_runs_101.moments("downgrade") == []


def test_after_a_migration_rollback_is_refused_until_the_database_is_back_and_the_build_typed(fleet: Fleet) -> None:
    assert fleet.types("stg major-upgrade --version 1.1.0 --yes").code == 0
    ended = fleet.types("stg rollback --version 1.0.0 --yes")
    assert ended.code == 2, ended.said
    assert "the database is at 2b7f3, blockerbugs-1.0.0-1.el7 wants 1a0c9: restore it first" in ended.err
    assert fleet.moments("downgrade") == []
    fleet.machines.restore_database("stg")
    ended = fleet.types("stg rollback --yes")
    assert (ended.code, "a schema migration separates the builds" in ended.err) == (2, True), ended.said
    ended = fleet.types("stg rollback --version 1.0.0-1.el7 --yes")
    assert ended.code == 0, ended.said
    assert fleet.runs(STG) == OLD


def test_where_no_earlier_build_is_recorded_one_has_to_be_typed(fleet: Fleet) -> None:
    ended = fleet.types("stg rollback --yes")
    assert (ended.code, "(recorded: none)" in ended.err) == (2, True), ended.said
