"""A migration that gave up on a lock: what is claimed of the schema is what was found, and no more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.errors import HalfWay
from tasks.fleet.outcome import Outcome
from tasks.inventory.model import App
from tasks.journal.file import Journal
from tasks.run.blocked import blocked, sentences
from tasks.run.ending import ending
from tasks.run.record import begin
from tasks.run.state import Run
from tasks.sop.migrations import CHANGES, Migration
from tasks.sop.model import Facts, Schema
from tests.unit.builders import of, prod

from .runs import AFTER, a_plan, run_of

SAID = (
    "a lock is held by 4711 psql\na lock is held by 4711 psql\nsqlalchemy.exc.OperationalError: "
    "(psycopg2.errors.LockNotAvailable) canceling statement due to lock timeout\n"
)
GAVE_UP = Outcome(SAID, 5.1, "exit status 1")
WHOLE = Migration("/v/2b.py", CHANGES, ("drops the table x",), whole=True)
APP = App(lock_timeout=5)


def at(revision: str | None, schema: Schema = Schema.PENDING) -> Facts:
    return replace(AFTER, revision=revision, schema=schema)


def run(facts: Facts, *migrations: Migration, outcome: Outcome = GAVE_UP) -> Run:
    plan = replace(a_plan(host_set=of(APP, prod(schema_status="alembic current"))), migrations=migrations or None)
    made = run_of(plan, "upgrade-db", outcome, facts)
    made.journal = Journal(run="0123abcd")
    made.journal.write(begin(plan, "me@desk"))
    made.journal.close()
    return made


@pytest.mark.parametrize(
    ("facts", "migrations", "migrated", "said"),
    [
        (at("aaa"), (WHOLE,), False, "nothing was migrated: the database is at aaa, as before"),
        (at("aaa"), (WHOLE, replace(WHOLE, whole=False)), None, "the database is at aaa, as before; whether a part of"),
        (at("aaa"), (), None, "the database is at aaa, as before; whether a part of the next migration stayed is not"),
        (at("bbb"), (WHOLE,), True, "the database is at bbb, and was at aaa: a part was migrated"),
        (at(None, Schema.UNKNOWN), (WHOLE,), None, "what the database is at is not known"),
    ],
)
def test_w2_that_nothing_was_migrated_is_said_only_where_that_is_known(
    facts: Facts, migrations: tuple[Migration, ...], migrated: bool | None, said: str
) -> None:
    ended = run(facts, *migrations)
    found = blocked(ended)
    assert found
    assert (found.migrated, found.holders, found.limit) == (migrated, ("4711 psql",), 5.0)
    first, second = sentences(ended)
    assert first == "blockerbugs01: the migration gave up on a lock after 5 s: held by 4711 psql"
    assert second.startswith(f"blockerbugs01: {said}")


def test_who_holds_it_is_not_known_where_nobody_names_them() -> None:
    ended = run(at("aaa"), outcome=replace(GAVE_UP, output="ERROR:  55P03\n"))
    assert sentences(ended)[0].endswith("after 5 s: who holds it is not known (app.lock_holders)")


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome("relation vote does not exist", 1.0, "exit status 1"),
        replace(GAVE_UP, failure=None),
        replace(GAVE_UP, known=False),
    ],
)
def test_another_end_of_a_migration_is_nobodys_lock(outcome: Outcome) -> None:
    ended = run(at("aaa"), WHOLE, outcome=outcome)
    assert (blocked(ended), sentences(ended)) == (None, [])


def test_d6_how_it_ended_names_the_lock_and_resume_says_when_it_has_sense() -> None:
    error = ending(run(at("aaa"), WHOLE))
    assert isinstance(error, HalfWay)
    assert "blockerbugs01: nothing was migrated: the database is at aaa, as before" in error.problems
    assert error.next_line
    assert error.next_line.splitlines()[0].startswith("fab prod resume  # once the lock is free, goes on at step ")
