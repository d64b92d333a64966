"""A plan and a run to be told."""

from __future__ import annotations

from tasks.fleet.connection import Outcome
from tasks.fleet.hosts import HostSet
from tasks.procedure.journal import Journal
from tasks.procedure.plan import Plan, decide
from tasks.procedure.progress import Run
from tests.unit.builders import NEW, found, prod, request, well


def planned(procedure: str = "minor-upgrade", *, second: object = None, host_set: HostSet | None = None) -> Plan:
    host_set = host_set or prod()
    facts = found(host_set, well(), well(NEW) if second == "there" else well())
    return decide(request(procedure, host_set), facts)


def ended(plan: Plan, *failures: str) -> Run:
    """A run whose first phases were done, and whose next one failed so, or went well everywhere."""
    run = Run(plan, Journal(run="abcd"))
    for phase in plan.phases[: 2 if failures else None]:
        run.outcomes.append((phase, {host: Outcome("", 1.0) for host in phase.hosts}))
    if failures:
        phase = plan.phases[2]
        results = {host: Outcome("", 1.0, why) for host, why in zip(phase.hosts, failures, strict=False)}
        run.outcomes.append((phase, results))
    run.afterwards = {host: well(plan.target or NEW) for host in plan.hosts}
    return run
