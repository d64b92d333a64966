"""Which schema migrations the build of a plan brings, and what each would do: read out of its RPM on the sync host."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace

from ..sop import yum
from ..sop.migrations import LONGEST, MOST, Migration, cannot_tell, classify
from ..sop.model import Job
from ..sop.shell import call
from .decide import Plan
from .look import LOOK_SECONDS, Reached
from .state import Run


def with_migrations(plan: Plan, reached: Reached) -> Plan:
    """The plan of an upgrade that migrates, with what that would do, or with a warning why it is not known.

    The build is fetched into yum's cache for that, as the plan's `download` would do.
    """
    sync = plan.request.host_set.sync
    migrates = any(phase.step.tells_schema for phase in plan.phases)
    if not (plan.job and plan.target and migrates and plan.request.app.migrations):
        return plan
    if plan.facts[sync].installed == plan.target:
        return plan
    try:
        return replace(plan, migrations=tuple(brought(plan.job, reached)))
    except LookupError as error:
        why = f"{sync.short}: what the migration of {plan.target} would do is not known: {error}"
        return replace(plan, warnings=(*plan.warnings, why))


def refused_for(run: Run, reached: Reached) -> tuple[Migration, ...]:
    """The migrations for which a run has refused its build, if it has; none where nobody can say what they would do."""
    last = run.outcomes[-1][0].step if run.outcomes else None
    if not (run.failures and run.untouched and last and last.instead and run.plan.job):
        return ()
    try:
        return tuple(brought(run.plan.job, reached))
    except LookupError:
        return ()


def brought(job: Job, reached: Reached) -> list[Migration]:
    """The migrations that the job's build brings and the sync host has not. Raises LookupError, why not known."""
    sync = job.host_set.sync
    said = reached.machines.ask({sync: script(job)}, LOOK_SECONDS, "to read the build's migrations").get(sync)
    if said is None:
        raise LookupError("it cannot be reached any more")
    if said.failure:
        raise LookupError(said.failure)
    return list(read(said.output))


def script(job: Job) -> str:
    """Shell that fetches the job's build, if need be, and prints which migrations it brings, for `read`."""
    build = (yum.root(job), job.app.package, job.target)
    shows = call("migrations_show", *build, job.app.migrations, MOST, LONGEST + 1)
    return f"{call('build_fetch', *build, yum.fetch_for_a_look(job))}\n{shows}"


def read(output: str) -> Iterator[Migration]:
    """The migrations in what that printed. Raises LookupError, why none of them is known."""
    texts: dict[str, list[str]] = {}
    file, unread = "", ""
    for name, _, told in (line.partition("\t") for line in output.splitlines()):
        if name == "brings":
            file = told
            texts[file] = []
        elif name == "text" and file:
            texts[file].append(told)
        elif name == "unread":
            unread = told
    if unread and not texts:
        raise LookupError(unread)
    for at, (file, pieces) in enumerate(texts.items()):
        text = _decoded(pieces)
        none = unread or (f"only the first {MOST} are read" if at >= MOST else "its text cannot be read")
        yield classify(file, text) if text else cannot_tell(file, none)


def _decoded(pieces: list[str]) -> str:
    try:
        return base64.b64decode("".join(pieces), validate=True).decode("utf-8")
    except ValueError:
        return ""
