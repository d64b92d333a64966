"""A migration that gave up on a lock: who held it, and what became of the schema. Pure."""

from __future__ import annotations

from ..fleet.outcome import Outcome
from ..inventory.model import Host
from ..journal.events import Begin, Blocked
from ..sop import blocking
from ..sop.model import Schema
from .state import Run


def blocked(run: Run) -> Blocked | None:
    """What is known of it, where the run has ended so; it has looked at its hosts again."""
    found = _gave_up(run)
    if not found:
        return None
    host_set, (host, outcome) = run.plan.request.host_set, found
    begin = _begin(run)
    sync = run.afterwards.get(host_set.sync)
    now = sync.revision if sync and sync.schema != Schema.UNKNOWN else None
    before = begin.schema if begin else None
    return Blocked(
        set=host_set.name,
        host=host.name,
        limit=host_set.app.lock_timeout,
        holders=blocking.holders(outcome.output),
        schema_before=before,
        schema=now,
        migrated=_migrated(begin, before, now),
    )


def _gave_up(run: Run) -> tuple[Host, Outcome] | None:
    """The host and the end of a migration that gave up on a lock, if that ended the run."""
    for phase, results in run.outcomes:
        for host, outcome in results.items() if phase.step.tells_schema else ():
            if outcome.failure and outcome.known and blocking.gave_up(outcome.output):
                return host, outcome
    return None


def _begin(run: Run) -> Begin | None:
    return next((entry.event for entry in run.journal.entries if isinstance(entry.event, Begin)), None)


def _migrated(begin: Begin | None, before: str | None, now: str | None) -> bool | None:
    """Was anything migrated? PostgreSQL takes back what a migration has done that commits nothing in its middle."""
    if not (before and now):
        return None
    if before != now:
        return True
    whole = begin is not None and bool(begin.migrations) and all(one.whole for one in begin.migrations or ())
    return False if whole else None


def sentences(run: Run) -> list[str]:
    """What an operator is to know of it; nothing where the run has not ended so."""
    found = blocked(run)
    if not found:
        return []
    host = next(one.short for one in run.plan.request.host_set.hosts if one.name == found.host)
    waited = f" after {found.limit:g} s" if found.limit else ""
    who = f"held by {'; '.join(found.holders)}" if found.holders else "who holds it is not known (app.lock_holders)"
    return [f"{host}: the migration gave up on a lock{waited}: {who}", f"{host}: {_schema(found)}"]


def _schema(found: Blocked) -> str:
    if found.migrated is False:
        return f"nothing was migrated: the database is at {found.schema}, as before"
    if found.migrated:
        return f"the database is at {found.schema}, and was at {found.schema_before}: a part was migrated"
    if found.schema and found.schema == found.schema_before:
        return f"the database is at {found.schema}, as before; whether a part of the next migration stayed is not known"
    return "what the database is at is not known"
