"""What is left of a run, by value: what the hosts kept and what is true on them come in, what is left comes out."""

from __future__ import annotations

import pytest

from tasks.run import remaining
from tasks.run.decide import Plan, decide
from tasks.sop.model import Facts, Schema
from tests.unit.builders import NEW, ONE, TWO, found, prod, request, well

SET = prod(schema_status="alembic current")
MAJOR = decide(request("major-upgrade", SET), found(SET, well()))
MINOR = decide(request("minor-upgrade", SET), found(SET, well()))
BEGUN = {"01-download": "0", "02-pause-cron": "0", "03-stop-httpd": "0", "04-yum-update": "0"}
HALF = {ONE: BEGUN, TWO: {"01-download": "0", "03-stop-httpd": "0", "04-yum-update": "0"}}


def down(**changes: object) -> Facts:
    """A host in the middle of a major upgrade: the new build, httpd stopped, the migration pending."""
    return well(NEW, **{"service": "inactive", "answers": None, "schema": Schema.PENDING, **changes})


def left(plan: Plan, one: dict[str, str], two: dict[str, str], *facts: Facts) -> dict[str, list[str]]:
    """Step → names under which it is left, host after host."""
    now = dict(zip((ONE, TWO), facts if len(facts) == 2 else facts * 2, strict=True))
    rows = zip(plan.phases, remaining.of(plan, {ONE: one, TWO: two}, now), strict=True)
    return {phase.step.name: list(row.names.values()) for phase, row in rows if row.names}


def test_of_a_run_that_did_nothing_everything_is_left() -> None:
    assert remaining.of(MAJOR, {ONE: {}, TWO: {}}, found(SET, well())) == remaining.everything(MAJOR)


def test_what_was_done_and_is_still_so_is_not_done_again() -> None:
    assert list(left(MAJOR, HALF[ONE], HALF[TWO], down())) == [
        "still-stopped",
        "upgrade-db",
        "still-down",
        "sync",
        "start-httpd",
        "healthy",
        "resume-cron",
    ]


def test_a_step_that_runs_is_followed_under_its_name() -> None:
    assert left(MAJOR, {**BEGUN, "06-upgrade-db": "runs"}, HALF[TWO], down())["upgrade-db"] == ["06-upgrade-db"]


@pytest.mark.parametrize("state", ["1", "137", "died"])
def test_a_step_that_failed_is_left_as_a_new_attempt(state: str) -> None:
    assert left(MAJOR, {**BEGUN, "06-upgrade-db": state}, HALF[TWO], down())["upgrade-db"] == ["06-upgrade-db.2"]
    twice = {**BEGUN, "06-upgrade-db": state, "06-upgrade-db.2": state}
    assert left(MAJOR, twice, HALF[TWO], down())["upgrade-db"] == ["06-upgrade-db.3"]


@pytest.mark.parametrize("state", ["0", "1", "died"])
def test_D2_a_migration_is_done_when_the_schema_says_so_whatever_became_of_the_step(state: str) -> None:
    rows = left(MAJOR, {**BEGUN, "06-upgrade-db": state}, HALF[TWO], down(schema=Schema.CURRENT))
    assert "upgrade-db" not in rows


def test_D2_a_migration_whose_kept_status_is_0_is_done_where_the_schema_cannot_be_asked() -> None:
    rows = left(MAJOR, {**BEGUN, "06-upgrade-db": "0"}, HALF[TWO], down(schema=Schema.UNKNOWN))
    assert "upgrade-db" not in rows


def test_N5_httpd_that_runs_again_after_a_restart_is_stopped_again() -> None:
    rows = left(MAJOR, HALF[ONE], HALF[TWO], down(), down(service="active"))
    assert rows["stop-httpd"] == ["03-stop-httpd.2"]


def test_httpd_that_was_started_at_the_end_is_not_stopped_again() -> None:
    one = {**BEGUN, "06-upgrade-db": "0", "08-sync": "0", "09-start-httpd": "0"}
    rows = left(MAJOR, one, {**HALF[TWO], "09-start-httpd": "0"}, well(NEW))
    assert list(rows) == ["healthy", "resume-cron"]


def test_C2_cron_that_came_back_is_paused_again() -> None:
    assert left(MAJOR, HALF[ONE], HALF[TWO], down(cron=True), down())["pause-cron"] == ["02-pause-cron.2"]


def test_a_build_that_somebody_has_changed_by_hand_is_installed_again() -> None:
    assert left(MAJOR, HALF[ONE], HALF[TWO], down(), well())["yum-update"] == ["04-yum-update.2"]


def test_s13_in_a_minor_upgrade_the_gate_is_asked_again_where_the_build_is_still_to_be_installed() -> None:
    plan = {phase.step.name: phase for phase in MINOR.phases}["no-migration"]
    states = {ONE: {"01-download": "0", "03-yum-update": "0", "04-restart-httpd": "0"}, TWO: {"01-download": "0"}}
    rows = remaining.of(MINOR, states, {ONE: well(NEW), TWO: well()})
    assert list(rows[MINOR.phases.index(plan)].names) == [TWO]
    done = {**states[ONE], "06-yum-update": "0", "07-restart-httpd": "0"}
    rows = remaining.of(MINOR, {ONE: done, TWO: done}, {ONE: well(NEW), TWO: well(NEW)})
    assert rows[MINOR.phases.index(plan)].names == {}


def test_a_look_that_was_passed_is_taken_again_where_what_it_looks_at_is_done_again() -> None:
    rows = left(MAJOR, {**BEGUN, "06-upgrade-db": "1"}, HALF[TWO], down(), down(service="active"))
    assert (rows["stop-httpd"], rows["still-stopped"]) == (["03-stop-httpd.2"], ["05-still-stopped"])


@pytest.mark.parametrize(
    ("answers", "beyond", "again"),
    [
        pytest.param(500, {}, ["04-restart-httpd.2"], id="it is not well"),
        pytest.param(200, {}, [], id="it is well now"),
        pytest.param(500, {"06-yum-update": "0"}, [], id="it was well when the next one was begun"),
    ],
)
def test_a_host_that_was_restarted_and_is_not_well_is_restarted_again(
    answers: int, beyond: dict[str, str], again: list[str]
) -> None:
    states = {
        ONE: {"01-download": "0", "03-yum-update": "0", "04-restart-httpd": "0"},
        TWO: {"01-download": "0", **beyond},
    }
    restart = remaining.of(MINOR, states, {ONE: well(NEW, answers=answers), TWO: well()})[3]
    assert list(restart.names.values()) == again
