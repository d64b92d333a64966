"""What a run knows of the schema by itself, and when it has to be asked for once more."""

from __future__ import annotations

import pytest

from tasks.fleet.outcome import Outcome
from tasks.journal.file import Journal
from tasks.run.decide import decide
from tasks.run.state import Run
from tasks.sop.model import Schema
from tests.unit.builders import event, found, prod, request, well

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
