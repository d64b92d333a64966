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


def test_s13_the_gate_is_not_asked_of_a_host_on_which_the_build_is_being_installed_just_now() -> None:
    at = [phase.step.name for phase in MINOR.phases].index("no-migration")
    states = {ONE: {"01-download": "0", "03-yum-update": "runs"}, TWO: {"01-download": "0"}}
    rows = remaining.of(MINOR, states, {ONE: well(), TWO: well()})
    assert list(rows[at].names) == [TWO]


@pytest.mark.parametrize(
    ("state", "touched"), [({"01-download": "0"}, False), ({"03-yum-update": "runs"}, True), ({}, False)]
)
def test_what_was_begun_before_tells_whether_anything_may_have_changed(state: dict[str, str], touched: bool) -> None:
    assert remaining.touched(MINOR, {ONE: {}, TWO: state}) is touched


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


def rows(plan: Plan, one: dict[str, str], two: dict[str, str], *facts: Facts) -> dict[str, remaining.Remaining]:
    """Step → what is left of it, whole; of a step of several batches the last one's."""
    now = dict(zip((ONE, TWO), facts if len(facts) == 2 else facts * 2, strict=True))
    found = remaining.of(plan, {ONE: one, TWO: two}, now)
    return {phase.step.name: row for phase, row in zip(plan.phases, found, strict=True)}


def test_where_a_step_runs_and_where_it_is_done_again_is_told_host_by_host() -> None:
    one, two = {"01-download": "0", "03-stop-httpd": "runs"}, {"01-download": "0", "03-stop-httpd": "1"}
    left = rows(MAJOR, one, two, well())["stop-httpd"]
    assert left == remaining.Remaining({ONE: "03-stop-httpd", TWO: "03-stop-httpd.2"}, (TWO,), (ONE,))


def test_a_new_attempt_that_runs_is_followed_under_its_own_name() -> None:
    one = {**BEGUN, "06-upgrade-db": "1", "06-upgrade-db.2": "runs"}
    left = rows(MAJOR, one, HALF[TWO], down())["upgrade-db"]
    assert left == remaining.Remaining({ONE: "06-upgrade-db.2"}, (), (ONE,))


def test_D2_a_migration_that_runs_is_followed_although_the_schema_is_there() -> None:
    left = rows(MAJOR, {**BEGUN, "06-upgrade-db": "runs"}, HALF[TWO], down(schema=Schema.CURRENT))["upgrade-db"]
    assert (left.names, left.runs) == ({ONE: "06-upgrade-db"}, (ONE,))


def test_s13_the_gate_is_asked_again_under_its_own_name() -> None:
    gate = rows(MINOR, {"01-download": "0"}, {"01-download": "0"}, well())["no-migration"]
    assert gate.names == {ONE: "02-no-migration", TWO: "02-no-migration"}


def test_s13_the_gate_is_not_asked_for_what_only_looks() -> None:
    one = {"01-download": "0", "03-yum-update": "0", "04-restart-httpd": "0"}
    two = {"01-download": "0", "06-yum-update": "0", "07-restart-httpd": "0"}
    left = rows(MINOR, one, two, well(NEW), well())
    assert left["no-migration"].names == {TWO: "02-no-migration"}
    left = rows(MINOR, one, {**two, "06-yum-update": "1"}, well(NEW), well())
    assert left["no-migration"].names == {TWO: "02-no-migration"}


def test_s13_the_gate_is_asked_again_of_a_host_that_serves_nobody_and_is_still_to_have_the_build() -> None:
    quiet = TWO.model_copy(update={"serves": False})
    two = prod(hosts=(ONE, quiet), schema_status="x")
    plan = decide(request("minor-upgrade", two), found(two, well()))
    one = {"01-download": "0", "03-yum-update": "0", "04-restart-httpd": "0"}
    found_left = remaining.of(plan, {ONE: one, quiet: {"01-download": "0"}}, {ONE: well(NEW), quiet: well()})
    assert found_left[1].names == {quiet: "02-no-migration"}


def test_c3_cron_that_was_paused_need_not_be_so_any_more_when_it_was_resumed_in_a_second_attempt() -> None:
    one = {**BEGUN, "06-upgrade-db": "0", "08-sync": "0", "09-start-httpd": "0", "11-resume-cron.2": "1"}
    left = rows(MAJOR, one, {**HALF[TWO], "09-start-httpd": "0"}, well(NEW, cron=True))
    assert left["pause-cron"].names == {}


def test_an_attempt_of_which_the_host_has_lost_the_one_before_is_counted_by_its_number() -> None:
    left = rows(MAJOR, {**BEGUN, "06-upgrade-db.2": "1"}, HALF[TWO], down())["upgrade-db"]
    assert left == remaining.Remaining({ONE: "06-upgrade-db.3"}, (ONE,))
    left = rows(MAJOR, {**BEGUN, "06-upgrade-db.2": "runs"}, HALF[TWO], down())["upgrade-db"]
    assert left == remaining.Remaining({ONE: "06-upgrade-db.2"}, (), (ONE,))
    left = rows(MAJOR, {**BEGUN, "06-upgrade-db.1": "0"}, HALF[TWO], down())["upgrade-db"]
    assert left == remaining.Remaining({ONE: "06-upgrade-db.2"}, (ONE,))


def test_n5_a_stop_that_was_done_once_more_after_a_restart_is_no_attempt_of_the_step() -> None:
    boot = "0b1c9a52-1f7e-4b2e-9c55-000000000001"
    left = rows(MAJOR, {"01-download": "0", f"03-stop-httpd.{boot}": "0"}, {"01-download": "0"}, well())["stop-httpd"]
    assert left == remaining.Remaining({ONE: "03-stop-httpd", TWO: "03-stop-httpd"})


def test_the_steps_that_run_are_named_with_their_hosts() -> None:
    states = {ONE: {"01-download": "0", "03-stop-httpd": "runs"}, TWO: {"03-stop-httpd": "runs", "x": "died"}}
    assert remaining.running(states) == [(ONE, "03-stop-httpd"), (TWO, "03-stop-httpd")]


def test_what_may_have_been_undone_is_done_again_unless_a_later_step_has_begun() -> None:
    one, two = {"01-download": "0"}, {"01-download": "0"}
    assert rows(MAJOR, one, two, well())["download"].names == {}
    assert rows(MAJOR, {**one, "01-download": "1"}, two, well())["download"].names == {ONE: "01-download.2"}


def test_a_look_that_nothing_was_begun_after_is_taken_on_all_its_hosts() -> None:
    left = rows(MAJOR, BEGUN, HALF[TWO], down())
    assert left["still-stopped"] == remaining.Remaining({ONE: "05-still-stopped", TWO: "05-still-stopped"})
    left = rows(MAJOR, {**BEGUN, "06-upgrade-db": "0"}, HALF[TWO], down(schema=Schema.CURRENT))
    assert left["still-stopped"].names == {}
