"""The last lines of a run that stopped half-way: what each way out would do."""

from __future__ import annotations

from dataclasses import replace

from tasks.fleet.outcome import Outcome
from tasks.journal.file import Journal
from tasks.run.advice import after_a_run
from tasks.run.state import Run
from tasks.sop.model import Facts, Schema

from ..builders import NEW, OLD, TWO, found, prod, well
from ..report.values import planned

AFTER = well(NEW, service="inactive", previous=OLD, previous_schema="aaa")


def stopped(
    step: str,
    *facts: Facts,
    procedure: str = "major-upgrade",
    name: str = "prod",
    schema: str | None = "alembic current",
) -> Run:
    """A run whose phases went well before `step`, which failed; facts: what its hosts are like then."""
    plan = planned(procedure, host_set=prod(name=name, schema_status=schema))
    run = Run(plan, Journal(run="abcd"))
    for phase in plan.phases:
        fails = phase.step.name == step
        run.outcomes.append((phase, {h: Outcome("", 1.0, "exit status 1" if fails else None) for h in phase.hosts}))
        if fails:
            break
    run.afterwards = found(plan.request.host_set, *facts)
    return run


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
    assert ways(stopped("start-httpd", replace(AFTER, revision="bbb")))[2] == (
        "then: fab prod rollback would be refused: blockerbugs01: the database is at bbb, blockerbugs-1.0.0-1.el7 "
        "wants aaa: restore it first"
    )


def test_with_a_host_that_is_lost_rollback_would_be_refused() -> None:
    run = stopped("upgrade-db", AFTER)
    del run.afterwards[TWO]
    assert ways(run)[2] == "then: fab prod rollback would be refused: blockerbugs02: cannot be reached"


def test_rollback_is_not_offered_where_no_host_has_the_new_build() -> None:
    assert not any("rollback" in line for line in ways(stopped("yum-update", well(previous=OLD, service="inactive"))))


def test_the_steps_by_hand_stand_last_and_name_the_build() -> None:
    run = stopped("yum-update", well(service="inactive"))
    typed = "fab prod yum-update --version 1.1.0-1.el7 upgrade-db sync start-httpd"
    assert ways(run)[-1] == f"then: {typed} by hand, step by step"


def test_the_lines_stand_below_one_another() -> None:
    lines = f"next: {after_a_run(stopped('upgrade-db', replace(AFTER, revision='bbb')))}".splitlines()
    starts = {line.index(word) for line, word in zip(lines, ("goes on", "cron on", "would be"), strict=False)}
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
