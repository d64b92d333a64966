"""The last lines of a run that stopped half-way: what each way out would do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.inventory.around import Silence
from tasks.inventory.model import Host
from tasks.run.advice import after_a_run
from tasks.run.state import Run
from tasks.sop.model import Facts, Schema

from ..builders import NEW, OLD, TWO, prod, well
from .runs import AFTER, FAILED, NOT_KNOWN, WENT_WELL, a_plan, run_of


def stopped(
    step: str,
    *facts: Facts,
    procedure: str = "major-upgrade",
    name: str = "prod",
    schema: str | None = "alembic current",
) -> Run:
    """A run whose phases went well before `step`, which failed; facts: what its hosts are like then."""
    return run_of(a_plan(procedure, host_set=prod(name=name, schema_status=schema)), step, FAILED, *facts)


MIGRATED_ALREADY = (
    "rollback would be refused: blockerbugs01: the database is at bbb, blockerbugs-1.0.0-1.el7 "
    "wants aaa: restore it first"
)


def ways(run: Run) -> list[str]:
    return [" ".join(line.split()).replace(" # ", " ") for line in f"next: {after_a_run(run)}".splitlines()]


def test_resume_says_where_it_goes_on_and_abort_what_stays_down() -> None:
    resume, abort, *_ = ways(stopped("upgrade-db", AFTER))
    assert resume == "next: fab prod resume goes on at step 6 of 11: upgrade-db to resume-cron"
    assert abort == "or: fab prod abort cron on again, lock released; httpd stays down"


def test_abort_names_what_stays_down_where_the_others_serve() -> None:
    assert ways(stopped("start-httpd", replace(AFTER, service="active"), AFTER))[1] == (
        "or: fab prod abort cron on again, lock released; httpd stays down on blockerbugs02"
    )


def test_rollback_says_which_build_it_goes_back_to() -> None:
    assert ways(stopped("healthy", replace(AFTER, service="active", revision="aaa"), procedure="minor-upgrade"))[2] == (
        "then: fab prod rollback rolls back to blockerbugs-1.0.0-1.el7 host after host"
    )


def test_before_the_migration_rollback_wants_the_build_typed_and_the_line_has_it() -> None:
    assert ways(stopped("upgrade-db", replace(AFTER, revision="aaa", schema=Schema.PENDING)))[2] == (
        "then: fab prod rollback --version 1.0.0-1.el7 rolls back host after host"
    )


def test_after_the_migration_rollback_says_that_it_would_be_refused_and_why() -> None:
    run = stopped("start-httpd", replace(AFTER, revision="bbb"))
    assert ways(run)[2:] == ["then: fab prod start-httpd by hand, step by step", f"# {MIGRATED_ALREADY}"]
    *typed, why = after_a_run(run).splitlines()
    assert why.lstrip().startswith("# ")
    assert not any("rollback" in line for line in typed)


def test_with_a_host_that_is_lost_rollback_would_be_refused() -> None:
    run = stopped("upgrade-db", AFTER)
    del run.afterwards[TWO]
    assert ways(run)[-1] == "# rollback would be refused: blockerbugs02: cannot be reached"


def test_a_minor_upgrade_whose_rollback_would_be_refused_is_offered_again() -> None:
    run = stopped("healthy", replace(AFTER, service="active", revision="aaa"), procedure="minor-upgrade")
    del run.afterwards[TWO]
    assert ways(run)[2:] == [
        "then: fab prod minor-upgrade --version 1.1.0-1.el7 the same again, on the hosts that need it",
        "# rollback would be refused: blockerbugs02: cannot be reached",
    ]


def test_rollback_is_not_offered_where_no_host_has_the_new_build() -> None:
    assert not any("rollback" in line for line in ways(stopped("yum-update", well(previous=OLD, service="inactive"))))


def test_the_steps_by_hand_stand_last_and_name_the_build() -> None:
    run = stopped("yum-update", well(service="inactive"))
    typed = "fab prod yum-update --version 1.1.0-1.el7 upgrade-db sync start-httpd"
    assert ways(run)[-1] == f"then: {typed} by hand, step by step"


def test_the_lines_stand_below_one_another() -> None:
    lines = f"next: {after_a_run(stopped('upgrade-db', replace(AFTER, revision='bbb')))}".splitlines()
    starts = {line.index(word) for line, word in zip(lines, ("goes on", "cron on", "by hand"), strict=False)}
    assert len(starts) == 1


def test_they_fit_on_eighty_columns_whatever_rollback_needs() -> None:
    for run in (
        stopped("upgrade-db", replace(AFTER, revision="aaa", schema=Schema.PENDING)),
        stopped("healthy", replace(AFTER, service="active", revision="aaa"), procedure="minor-upgrade"),
    ):
        assert all(len(line) <= 80 for line in f"next: {after_a_run(run)}".splitlines())


def test_a_set_with_a_very_long_name_has_its_lines_too() -> None:
    resume, *_ = ways(stopped("upgrade-db", AFTER, name="x" * 63))
    assert resume.startswith(f"next: fab {'x' * 63} resume goes on at step 6")


def test_a_resumed_run_has_not_asked_what_is_on_offer_and_says_so() -> None:
    run = stopped("upgrade-db", replace(AFTER, revision="aaa", schema=Schema.PENDING))
    run.plan = replace(run.plan, facts={host: replace(f, offered=None) for host, f in run.plan.facts.items()})
    assert ways(run)[2] == (
        "then: fab prod rollback --version 1.0.0-1.el7 rolls back if the build is still in the repo"
    )


def test_after_a_migration_that_nobody_can_look_at_rollback_says_that_the_database_comes_first() -> None:
    blind = replace(AFTER, revision=None, schema=Schema.UNKNOWN, previous_schema=None, migrated_with=NEW)
    assert ways(stopped("upgrade-db", blind, schema=None))[2] == (
        "then: fab prod rollback --version 1.0.0-1.el7 rolls back host after host; restore the database first"
    )


# Each kind of ending, with all its lines

RESUME, ABORT = "next: fab prod resume", "or: fab prod abort"
DOWN = well(NEW, service="inactive", answers=None)
MINOR = "fab prod minor-upgrade --version 1.1.0-1.el7"


def test_after_a_major_upgrade_that_cannot_go_back_the_steps_by_hand_come_next_to_the_abort() -> None:
    assert ways(stopped("yum-update", well(service="inactive"))) == [
        f"{RESUME} goes on at step 4 of 11: yum-update to resume-cron",
        f"{ABORT} cron on again, lock released; httpd stays down",
        "then: fab prod yum-update --version 1.1.0-1.el7 upgrade-db sync start-httpd by hand, step by step",
    ]


def test_after_a_migration_the_steps_by_hand_are_the_only_other_way() -> None:
    assert ways(stopped("sync", replace(AFTER, revision="bbb")))[2:] == [
        "then: fab prod sync start-httpd by hand, step by step",
        f"# {MIGRATED_ALREADY}",
    ]


def test_after_a_major_upgrade_that_can_go_back_the_steps_by_hand_are_the_other_way() -> None:
    assert ways(stopped("upgrade-db", replace(AFTER, revision="aaa", schema=Schema.PENDING)))[2:] == [
        "then: fab prod rollback --version 1.0.0-1.el7 rolls back host after host",
        "or: fab prod upgrade-db sync start-httpd by hand, step by step",
    ]


def test_where_the_last_step_failed_resume_says_only_that_one() -> None:
    assert ways(stopped("resume-cron", AFTER))[0] == f"{RESUME} goes on at step 11 of 11: resume-cron"


def test_a_run_that_was_left_goes_on_with_the_step_after_the_last_one() -> None:
    run = run_of(a_plan(), "yum-update", WENT_WELL)
    assert ways(run)[0] == f"{RESUME} goes on at step 5 of 11: still-stopped to resume-cron"


def test_a_run_of_which_only_the_lock_is_left_says_so() -> None:
    run = run_of(a_plan(), "yum-update", NOT_KNOWN)
    run.plan = replace(run.plan, phases=run.plan.phases[:3])
    assert ways(run)[0] == f"{RESUME} nothing is left to do but to release the lock"


def test_after_a_minor_upgrade_that_changed_no_build_the_same_is_typed_again() -> None:
    assert ways(stopped("yum-update", well(), procedure="minor-upgrade")) == [
        f"{RESUME} goes on at step 3 of 8: yum-update to healthy",
        f"{ABORT} lock released; all else stays as it is",
        f"then: {MINOR} the same again, on the hosts that need it",
    ]


def test_after_a_minor_upgrade_of_one_host_the_way_back_is_for_that_host() -> None:
    run = run_of(a_plan("minor-upgrade", hosts=[TWO]), "restart-httpd", FAILED, AFTER)
    assert ways(run)[2] == "then: fab -H blockerbugs02 rollback rolls back to blockerbugs-1.0.0-1.el7 host after host"


def test_what_is_on_offer_was_asked_for_the_plan_and_not_in_the_end() -> None:
    ended = replace(AFTER, service="active", revision="aaa", offered=None)
    assert ways(stopped("healthy", ended, procedure="minor-upgrade"))[2] == (
        "then: fab prod rollback rolls back to blockerbugs-1.0.0-1.el7 host after host"
    )


def test_after_a_rollback_no_rollback_of_the_rollback_is_offered() -> None:
    plan = a_plan("rollback", well(NEW, previous=OLD, previous_schema="aaa"))
    assert ways(run_of(plan, "downgrade", FAILED, well(OLD, previous=OLD), well(NEW)))[2] == (
        "then: fab prod rollback --version 1.0.0-1.el7 the same again, on the hosts that need it"
    )


def test_where_a_step_still_runs_both_ways_out_say_so() -> None:
    run = run_of(a_plan(), "upgrade-db", NOT_KNOWN)
    run.waits = True
    assert ways(run) == [
        f"{RESUME} attaches to the running step, then continues",
        f"{ABORT} after the step ends; skips the remaining steps",
    ]


def test_before_anything_was_changed_the_same_upgrade_is_typed_again() -> None:
    run = run_of(a_plan(), "download", FAILED, well())
    assert ways(run) == ["next: fab prod major-upgrade --version 1.1.0-1.el7"]


def test_V4_a_build_with_a_migration_leads_to_the_procedure_that_is_made_for_it() -> None:
    run = run_of(a_plan("minor-upgrade"), "no-migration", FAILED, well())
    assert ways(run) == ["next: fab prod major-upgrade --version 1.1.0-1.el7"]


def test_who_leaves_a_minor_upgrade_before_anything_was_changed_types_it_again() -> None:
    run = run_of(a_plan("minor-upgrade"), "no-migration", WENT_WELL, well())
    assert ways(run) == [f"next: {MINOR}"]


@pytest.mark.parametrize(
    ("step", "before", "after", "line"),
    [
        pytest.param("restart-httpd", well(), well(), "restart-httpd", id="a restart, all is up"),
        pytest.param("start-httpd", DOWN, DOWN, "start-httpd", id="a start, all is down"),
        pytest.param("start-httpd", DOWN, well(NEW, answers=503), "restart-httpd", id="a start, all is up"),
        pytest.param("stop-httpd", well(), well(), "stop-httpd", id="a stop"),
        pytest.param("sync", well(), well(), "sync", id="a sync of a set that serves"),
        pytest.param("sync", DOWN, DOWN, "sync start-httpd", id="a sync of a set that is down"),
        pytest.param("mend-rpm", well(unfinished=True), well(unfinished=True), "mend-rpm", id="not a step of the SOP"),
        pytest.param(
            "upgrade-db",
            replace(DOWN, schema=Schema.PENDING),
            replace(DOWN, schema=Schema.PENDING),
            "upgrade-db sync start-httpd",
            id="a migration",
        ),
        pytest.param(
            "yum-update",
            well(service="inactive"),
            well(service="inactive"),
            "yum-update --version 1.1.0-1.el7 start-httpd",
            id="an update of a set that is down",
        ),
    ],
)
def test_after_a_step_by_itself_that_failed_it_is_typed_again_with_what_follows(
    step: str, before: Facts, after: Facts, line: str
) -> None:
    assert ways(run_of(a_plan(step, before), step, FAILED, after)) == [f"next: fab prod {line}"]


def test_after_a_step_by_itself_that_was_left_and_has_left_nothing_it_is_typed_again() -> None:
    assert ways(run_of(a_plan("start-httpd", DOWN), "start-httpd", WENT_WELL, well(NEW))) == [
        "next: fab prod start-httpd"
    ]


def test_steps_for_one_host_and_for_the_set_are_lines_of_their_own() -> None:
    plan = a_plan("yum-update", replace(DOWN, installed=OLD), hosts=[TWO])
    assert ways(run_of(plan, "yum-update", FAILED, replace(DOWN, installed=OLD, schema=Schema.PENDING))) == [
        "next: fab -H blockerbugs02 yum-update --version 1.1.0-1.el7",
        "then: fab prod upgrade-db sync",
        "then: fab -H blockerbugs02 start-httpd",
    ]


def test_abort_says_that_it_puts_back_what_is_drained_and_undoes_what_is_up_around_the_run() -> None:
    around = (Silence(silence="http://am.example", matchers={"a": "b"}, name="silence"),)
    healthy = replace(AFTER, service="active", revision="aaa")
    run = run_of(a_plan("minor-upgrade", host_set=prod(around=around)), "healthy", FAILED, healthy)
    assert ways(run)[1] == "or: fab prod abort lock released; all else stays as it is"
    run.still_out[Host(name="proxy01.example")] = "a step is still at work there"
    assert ways(run)[1] == "or: fab prod abort what is drained is put back, lock released; all else stays as it is"
    sync = run.plan.request.host_set.sync
    run.afterwards[sync] = replace(healthy, around=(("0123abcd", 60, "silence"),))
    assert ways(run)[1] == (
        "or: fab prod abort what is drained is put back, what is up around the run is undone, lock released; "
        "all else stays as it is"
    )
