"""Runs that came so far and no further."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.fleet.outcome import Outcome
from tasks.inventory.model import Host, HostSet
from tasks.journal.file import Journal
from tasks.run.decide import Plan, decide
from tasks.run.state import Run
from tasks.sop.model import Facts
from tests.unit.builders import NEW, OLD, found, prod, request, well

# A host in the middle of a major upgrade, after the update.
AFTER = well(NEW, service="inactive", previous=OLD, previous_schema="aaa")
FAILED = Outcome("", 1.0, "exit status 1")
NOT_KNOWN = Outcome("", 30.0, "the line was lost", known=False)
WENT_WELL = Outcome("", 1.0)


def a_plan(procedure: str = "major-upgrade", *facts: Facts, host_set: HostSet | None = None, **more: Any) -> Plan:
    """For a set whose hosts have the old build and are well, if no facts are given; more: what is typed besides."""
    host_set = host_set or prod(schema_status="alembic current")
    return decide(request(procedure, host_set, **more), found(host_set, *(facts or (well(),))))


def run_of(plan: Plan, failing: str = "", how: Outcome | Mapping[Host, Outcome] = FAILED, *facts: Facts) -> Run:
    """A run whose phases went well before the step `failing`, which ended so; all went well where no step is named.

    how: on every host, or on these alone; facts: what its hosts are like then, AFTER it where none are given.
    """
    run = Run(plan, Journal(run="0123abcd"))
    run.journal.close()
    for phase in plan.phases:
        results = dict.fromkeys(phase.hosts, WENT_WELL)
        fails = phase.step.name == failing
        if fails:
            results |= how if isinstance(how, Mapping) else dict.fromkeys(phase.hosts, how)
        run.outcomes.append((phase, results))
        if fails:
            break
    run.afterwards, run.looked = found(plan.request.host_set, *(facts or (AFTER,))), True
    return run
