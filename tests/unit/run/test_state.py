"""What a run knows of itself: how far it came, what is down, and of the schema when it has to be asked for again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from tasks.fleet import detached
from tasks.fleet.outcome import Outcome
from tasks.inventory.model import Host
from tasks.journal.coding import read
from tasks.journal.file import Journal
from tasks.run.decide import decide
from tasks.run.ending import what_is_down
from tasks.run.state import Run
from tasks.sop.model import Schema
from tasks.sop.restarts import Restart
from tests.unit.builders import NEW, ONE, TWO, event, found, prod, request, well

from .runs import FAILED, NOT_KNOWN, WENT_WELL, a_plan, run_of

PROD = prod(schema_status="alembic current")


def done(procedure: str, said: str = "", failure: str | None = None, schema: Schema = Schema.CURRENT) -> Run:
    """A run that was carried out; upgrade-db has said this."""
    plan = decide(request(procedure, PROD), found(PROD, well(schema=schema, revision="aaa")))
    run = Run(plan, Journal())
    for phase in plan.phases:
        output = said if phase.step.name == "upgrade-db" else ""
        run.outcomes.append((phase, {host: Outcome(output, 1.0, failure) for host in phase.hosts}))
    return run


def test_a_migration_has_proven_where_the_database_is() -> None:
    assert done("major-upgrade", "INFO some words\nthe database is at bbb").schema == "bbb"


def test_a_minor_upgrade_has_seen_that_there_is_no_migration() -> None:
    assert done("minor-upgrade").schema == "aaa"


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(done("major-upgrade"), id="its migration was seen by an earlier client"),
        pytest.param(done("minor-upgrade", failure="exit status 1"), id="it failed"),
        pytest.param(done("yum-update"), id="nobody looked for a migration"),
    ],
)
def test_the_schema_is_asked_for_again_where(run: Run) -> None:
    assert run.schema is None


def test_the_schema_is_asked_for_again_where_the_run_was_resumed() -> None:
    run = done("minor-upgrade")
    run.journal.write(event("resume"))
    assert run.schema is None


def test_the_schema_is_asked_for_again_where_a_run_was_left_half_way() -> None:
    run = done("minor-upgrade")
    run.outcomes.pop()
    assert run.schema is None


# How far it came


def three_steps(*results: Mapping[Host, Outcome]) -> Run:
    """A major upgrade whose first phases (download, pause-cron, stop-httpd, …) ended so."""
    run = run_of(a_plan())
    run.outcomes = [(phase, dict(row)) for phase, row in zip(run.plan.phases, results, strict=False)]
    return run


def test_a_run_is_complete_when_all_of_its_phases_have_ended_well() -> None:
    run = run_of(a_plan())
    assert (run.complete, run.half_way, run.failures) == (True, False, {})
    run.outcomes[-1] = (run.outcomes[-1][0], {ONE: FAILED})
    assert (run.complete, run.half_way, run.failures) == (False, True, {ONE: FAILED})
    run.outcomes.pop()
    assert (run.complete, run.half_way, run.failures) == (False, True, {})


@pytest.mark.parametrize(
    ("failing", "how", "half_way"),
    [
        pytest.param("download", FAILED, False, id="nothing was changed yet"),
        pytest.param("download", NOT_KNOWN, True, id="what became of it is not known"),
        pytest.param("pause-cron", FAILED, False, id="it has put back what it changed"),
        pytest.param("pause-cron", NOT_KNOWN, True, id="what it has put back is not known"),
        pytest.param("pause-cron", WENT_WELL, True, id="it was left after a step that changes something"),
        pytest.param("stop-httpd", FAILED, True, id="a step failed that changes something"),
    ],
)
def test_a_run_of_several_steps_is_half_way_where(failing: str, how: Outcome, half_way: bool) -> None:
    assert run_of(a_plan(), failing, how).half_way is half_way


@pytest.mark.parametrize(("how", "half_way"), [(FAILED, False), (NOT_KNOWN, True)])
def test_a_step_by_itself_is_half_way_only_where_nobody_knows_what_became_of_it(how: Outcome, half_way: bool) -> None:
    run = run_of(a_plan("stop-httpd"), "stop-httpd", how)
    assert (run.half_way, run.untouched) == (half_way, False)


def test_a_step_that_puts_back_what_it_changed_must_have_failed_on_all_its_hosts_to_have_changed_nothing() -> None:
    run = run_of(a_plan(), "pause-cron", FAILED)
    assert run.untouched
    run.outcomes[-1][1][TWO] = WENT_WELL
    assert not run.untouched


def test_a_run_that_was_resumed_knows_it_by_its_journal() -> None:
    run = run_of(a_plan())
    assert not run.resumed
    run.journal.entries += read([json.dumps({"event": "resume"}), json.dumps({"event": "phase"})])
    assert run.resumed


def test_a_run_knows_how_long_it_takes() -> None:
    run = run_of(a_plan())
    run.began -= 60
    assert 60 <= run.seconds < 120


def test_what_is_left_for_a_host() -> None:
    both = {ONE: WENT_WELL, TWO: WENT_WELL}
    run = three_steps(both, {ONE: WENT_WELL}, {ONE: WENT_WELL, TWO: FAILED})
    assert run.missing_on(TWO) == ["yum-update", "still-stopped", "still-down", "start-httpd", "healthy"]
    assert run.missing_on(ONE)[:2] == ["yum-update", "still-stopped"]


# What is down


@pytest.mark.parametrize(("service", "down"), [("active", []), ("reloading", []), ("inactive", [ONE]), ("unknown", [])])
def test_a_host_that_was_looked_at_again_is_down_where_httpd_is_known_not_to_run(
    service: str, down: list[Host]
) -> None:
    assert run_of(a_plan(), "sync", FAILED, well(NEW, service=service), well(NEW)).down == down


@pytest.mark.parametrize(
    ("failing", "how", "down"),
    [
        pytest.param("download", FAILED, [], id="nothing was done to it"),
        pytest.param("stop-httpd", FAILED, [], id="it could not be stopped"),
        pytest.param("stop-httpd", WENT_WELL, [ONE, TWO], id="it was stopped"),
        pytest.param("sync", FAILED, [ONE, TWO], id="other things were done since"),
        pytest.param("start-httpd", FAILED, [ONE, TWO], id="it could not be started again"),
        pytest.param("start-httpd", WENT_WELL, [], id="it was started again"),
    ],
)
def test_w2_as_long_as_nobody_has_looked_again_httpd_is_down_where_the_run_has_stopped_it(
    failing: str, how: Outcome, down: list[Host]
) -> None:
    run = run_of(a_plan(), failing, how)
    run.afterwards, run.looked = {}, False
    assert (run.down, run.may_be_down) == (down, [])
    run.looked = True  # all are lost since: they may have been started anew, and httpd with them
    assert (run.down, run.may_be_down) == ([], down)


def test_w2_where_the_start_was_begun_and_not_seen_to_end_it_is_not_known_whether_httpd_is_down() -> None:
    run = run_of(a_plan(), "start-httpd", {ONE: NOT_KNOWN, TWO: FAILED})
    run.starting, run.afterwards, run.looked = {ONE}, {}, False
    assert (run.down, run.may_be_down) == ([TWO], [ONE])
    assert what_is_down(run) == [
        "httpd is not running on blockerbugs02",
        "httpd was stopped on blockerbugs01; whether it runs again is not known",
    ]
    run.afterwards = found(prod(), well(NEW, service="inactive"))
    assert (run.down, run.may_be_down) == ([ONE, TWO], [])


def test_a_host_that_serves_nobody_is_not_down() -> None:
    quiet = TWO.model_copy(update={"serves": False})
    plan = a_plan(host_set=prod(hosts=(ONE, quiet), schema_status="x"))
    assert run_of(plan, "sync").down == [ONE]


# Warnings, restarts, and whoever took the run over


def test_a_warning_of_rpms_is_told_once_with_the_hosts_that_said_it() -> None:
    says = Outcome("warning: /etc/x saved as /etc/x.rpmsave\nwarning: /etc/y created as /etc/y.rpmnew", 1.0)
    run = run_of(a_plan(), "yum-update", {ONE: says, TWO: replace(says, output=says.output.splitlines()[0])})
    assert run.warnings == {
        ("yum-update", "warning: /etc/x saved as /etc/x.rpmsave"): [ONE, TWO],
        ("yum-update", "warning: /etc/y created as /etc/y.rpmnew"): [ONE],
    }


def test_what_a_step_that_failed_has_warned_of_is_told_with_its_failure_alone() -> None:
    says = Outcome("warning: /etc/x saved as /etc/x.rpmsave", 1.0)
    run = run_of(a_plan(), "yum-update", {ONE: replace(says, failure="exit status 1"), TWO: says})
    assert list(run.warnings.values()) == [[TWO]]


def test_n5_when_a_host_restarted_is_said_by_the_steps_since_it_was_last_seen() -> None:
    both = {ONE: WENT_WELL, TWO: WENT_WELL}
    assert three_steps().meanwhile(ONE) == "after it was looked at"
    assert three_steps(both).meanwhile(TWO) == "after download"
    assert three_steps(both, {ONE: WENT_WELL}).meanwhile(ONE) == "after pause-cron"
    assert three_steps(both, {ONE: WENT_WELL}).meanwhile(TWO) == "during pause-cron"
    assert three_steps(both, {ONE: WENT_WELL}, {ONE: WENT_WELL}).meanwhile(TWO) == "during pause-cron, stop-httpd"
    assert three_steps({ONE: WENT_WELL}).meanwhile(TWO) == "during download"
    assert three_steps({ONE: WENT_WELL}, {ONE: WENT_WELL}).meanwhile(TWO) == "during download, pause-cron"


def test_n5_a_step_of_several_batches_is_named_once() -> None:
    run = run_of(a_plan("minor-upgrade"))
    phase = run.plan.phases[0]
    run.outcomes = [(phase, {ONE: WENT_WELL}), (phase, {ONE: WENT_WELL})]
    assert run.meanwhile(TWO) == "during download"


def test_n5_a_host_is_on_the_boot_that_was_noticed_last() -> None:
    run = run_of(a_plan("major-upgrade", well(boot="first")))
    run.restarts += [Restart(ONE, boot, "during sync") for boot in ("second", "third", "fourth")]
    assert (run.boot_of(ONE), run.boot_of(TWO)) == ("fourth", "first")


TAKEN = Outcome("bob@desk (0a1b2c3d)", 0.1, "taken over", exited=detached.TAKEN_OVER)


def test_o2_what_was_done_late_is_what_this_client_did_in_that_phase() -> None:
    run = run_of(a_plan(), "stop-httpd", {ONE: TAKEN})
    assert (run.taken_over, run.done_late) == (TAKEN, [TWO])
    run.outcomes[-1][1][TWO] = replace(WENT_WELL, earlier=True)
    assert run.done_late == []
    run.outcomes[-1][1][TWO] = FAILED
    assert run.done_late == []


def test_o2_a_run_of_which_no_host_works_for_another_client_is_nobody_elses() -> None:
    run = run_of(a_plan(), "stop-httpd", {ONE: FAILED})
    assert (run.taken_over, run.done_late) == (None, [])


def test_where_the_database_is_after_a_step_that_is_not_the_migration_is_not_read_from_what_it_said() -> None:
    run = done("major-upgrade")
    run.outcomes[-1][1][ONE] = Outcome("the database is at zzz", 1.0)
    assert run.schema is None
