"""A step that is added to a workflow is in everything that is made from it: nobody has to think of the rest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.fleet.outcome import Outcome
from tasks.inventory.model import HostSet
from tasks.journal.file import Journal
from tasks.report import tables
from tasks.run.advice import after_a_run
from tasks.run.decide import Plan, decide
from tasks.run.left_behind import left_behind
from tasks.run.remaining import of as remaining_of
from tasks.run.state import Run
from tasks.sop import workflows
from tasks.sop.model import Job, Phase, Procedure, Schema, Step
from tests.documents.table import table
from tests.unit.builders import NEW, OLD, found, prod, request, well

SET: HostSet = prod(schema_status="alembic current")
# Steps of the workflows that nobody types: what they are there for is done by those that are typed, or is not needed.
NOT_TYPED = {
    "download",
    "no-migration",
    "backup",
    "pause-cron",
    "resume-cron",
    "still-stopped",
    "still-down",
    "healthy",
}


def warm_cache(job: Job) -> Step:
    return Step("warm-cache", "fill the cache", "blockerbugs warm", seconds=10)


@pytest.fixture(autouse=True)
def longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The major upgrade has one more step, before httpd is started, that can be typed by itself too."""

    def phases(job: Job) -> list[Phase]:
        made = workflows.major(job)
        at = [phase.step.name for phase in made].index("start-httpd")
        return [*made[:at], Phase(warm_cache(job), job.sync, 1), *made[at:]]

    alone = Procedure("warm-cache", workflows.alone_on_the_sync_host(warm_cache), once=True)
    monkeypatch.setitem(workflows.PROCEDURES, "warm-cache", alone)
    monkeypatch.setitem(workflows.PROCEDURES, "major-upgrade", replace(workflows.MAJOR, phases=phases))


def plan() -> Plan:
    return decide(request("major-upgrade", SET), found(SET, well()))


def stopped_at(step: str) -> Run:
    """A run whose phases went well before the step, which failed."""
    run = Run(plan(), Journal(run="abcd"))
    for phase in run.plan.phases:
        fails = phase.step.name == step
        run.outcomes.append(
            (phase, {host: Outcome("", 1.0, "exit status 1" if fails else None) for host in phase.hosts})
        )
        if fails:
            break
    run.afterwards = found(SET, well(NEW, service="inactive", previous=OLD, previous_schema="aaa", revision="bbb"))
    return run


def test_it_is_in_the_plan_and_in_the_table_that_shows_it() -> None:
    assert ["warm-cache", SET.sync.name] in plan().steps
    assert any("warm-cache" in str(cell) for cell in tables.phases(plan()).columns[0].cells)


def test_it_is_left_where_the_run_did_not_come_so_far() -> None:
    rows = remaining_of(plan(), {host: {} for host in SET.hosts}, plan().facts)
    assert any(name.endswith("-warm-cache") for row in rows for name in row.names.values())


@pytest.mark.parametrize("failed", ["sync", "warm-cache"])
def test_w1_it_is_in_the_chain_to_type_by_hand_after_a_failure(failed: str) -> None:
    steps = "sync warm-cache start-httpd" if failed == "sync" else "warm-cache start-httpd"
    assert f"fab prod {steps}  # by hand" in after_a_run(stopped_at(failed))


@pytest.mark.parametrize(("revision", "schema"), [("aaa", Schema.PENDING), ("bbb", Schema.CURRENT)])
def test_w1_it_is_in_what_status_offers_after_an_abort(revision: str, schema: Schema) -> None:
    facts = found(SET, well(NEW, service="inactive", previous_schema="aaa", revision=revision, schema=schema))
    assert "sync warm-cache start-httpd" in left_behind(SET, facts)


def test_after_the_step_before_it_it_comes_next() -> None:
    facts = found(SET, well(NEW, service="inactive", previous_schema="aaa", revision="bbb"))
    assert left_behind(SET, facts, after="sync") == "fab prod warm-cache start-httpd"


def test_it_is_in_readmes_table() -> None:
    assert "`fab prod warm-cache`" in table()


def test_every_step_of_a_workflow_can_be_typed_or_need_not_be() -> None:
    job = Job(prod(backup={"command": "dump", "file": "/var/tmp/dump"}), SET.hosts, NEW)
    steps = {phase.step.name for one in (workflows.minor, workflows.major) for phase in one(job)}
    assert steps - set(workflows.PROCEDURES) <= NOT_TYPED
