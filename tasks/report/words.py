"""Facts in words, the same in every table and sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..fleet.output import duration as duration
from ..sop.model import NOT_REACHED, Schema

if TYPE_CHECKING:
    from ..inventory.model import Host, HostSet
    from ..run.remaining import States
    from ..sop.model import Facts


def names(hosts: Sequence[Host]) -> str:
    """`prod01, prod02`; of many hosts the first, and how many more."""
    return ", ".join(host.short for host in hosts) if len(hosts) <= 4 else f"{hosts[0].short} and {len(hosts) - 1} more"


def took(seconds: float) -> str:
    """`0.3 s`, `42.0 s`, `2 min 5 s`."""
    return f"{seconds:.1f} s" if seconds < 60 else duration(seconds)


def about(seconds: float) -> str:
    """`0.3 s`, `42 s`, `2 min`, `3 h`: where there is no room for more."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    of, unit = (1, "s") if seconds < 100 else (60, "min") if seconds < 6000 else (3600, "h")
    return f"{seconds / of:.0f} {unit}"


def waits_for(hosts: Sequence[Host], what: str, seconds: float) -> str:
    """Who is waited for, to do what, and since when."""
    return f"waiting for {names(hosts)} {what}: {duration(seconds)} so far"


def build(found: Facts) -> str:
    """What is installed, without the name that all of them have."""
    return found.installed.vr if found.installed else "-"


def answer(found: Facts) -> str:
    """What httpd answers, and which version it is that answers."""
    if found.answers is None:
        return "no"
    return f"{found.answers} {found.version or '(old build)'}" if found.answers < 300 else str(found.answers)


def cron(found: Facts) -> str:
    """Whether cron's sync is there."""
    if found.paused and found.cron:
        return f"back, though paused by run {found.paused}"
    if found.paused:
        return f"paused by run {found.paused}"
    return "yes" if found.cron else "-"


def schema(found: Facts) -> str:
    """The database's revision, and whether it is the one that the build wants."""
    if found.schema == Schema.UNKNOWN:
        return "-"
    return f"{found.revision or 'none'} {'(head)' if found.schema == Schema.CURRENT else '(pending)'}"


def at_head(found: Facts) -> bool | None:
    """The same for programs; None: not known."""
    return None if found.schema == Schema.UNKNOWN else found.schema == Schema.CURRENT


def running(states: States) -> list[tuple[Host, str]]:
    """The steps that run, each with its host."""
    return [(host, step) for host, steps in states.items() for step, state in steps.items() if state == "runs"]


def down(host_set: HostSet, facts: Mapping[Host, Facts]) -> list[Host]:
    """Where httpd is known not to run."""
    return [host for host in host_set.serving if facts[host].service not in ("active", NOT_REACHED)]


def unlocked(host_set: HostSet, facts: Mapping[Host, Facts], after: str = "") -> str:
    """What to type where no run holds the set, and one has left something behind; nothing where none has.

    after: as in `ways_on`.
    """
    paused = facts[host_set.sync].paused
    cron = f"fab {host_set.name} abort, which lets cron sync again" if paused else ""
    return "; then ".join(filter(None, (cron, ways_on(host_set, facts, after))))


def ways_on(host_set: HostSet, facts: Mapping[Host, Facts], after: str = "") -> str:
    """What to type where httpd is down or a migration is pending, and no run holds the set; nothing where all is well.

    The upgrade that does all that is missing, and the SOP's steps by hand; first of all, the hosts that are lost.
    after: the step of the SOP that has just been done, by itself.
    """
    sync, reached = facts[host_set.sync], [facts[h] for h in host_set.hosts if facts[h].service != NOT_REACHED]
    if not down(host_set, facts) and sync.believed != Schema.PENDING:
        return ""
    pending = sync.believed != Schema.CURRENT  # or nobody can tell: a migration that is not needed does nothing
    mixed = len({found.installed for found in reached}) > 1
    serves = any(facts[host].service == "active" for host in host_set.serving)
    migrated = bool(sync.previous_schema) and sync.revision != sync.previous_schema
    migrated = migrated or (sync.migrated and sync.migrated_with == sync.installed)
    steps = {"stop-httpd": pending and serves, "yum-update": mixed, "upgrade-db": pending}
    steps |= {"sync": pending or migrated, "start-httpd": True}  # the SOP checks a migration with a sync
    done = list(steps)[: list(steps).index(after) + 1] if after in steps else []
    hands = ", then ".join(
        f"fab {host_set.name} {step}"
        for step, wanted in steps.items()
        if wanted and (step not in done or step == "stop-httpd")  # it is wanted where httpd runs, whatever was done
    )
    newest = max((found.installed for found in reached if found.installed), default=None)
    if newest and (mixed or sync.believed == Schema.PENDING):
        upgrade = "major-upgrade" if pending else "minor-upgrade"
        hands = f"fab {host_set.name} {upgrade} --version {newest.vr}\n  or by hand: {hands}"
    lost = [host.short for host in host_set.hosts if facts[host].service == NOT_REACHED]
    return f"get {', '.join(lost)} back, then {hands}" if lost else hands


def unknown(found: Facts | None) -> list[str]:
    """What a row of status cannot say; of a host that was not reached it says so, and the run's end says why."""
    return [*found.problems, *(text for text in (found.no_list, found.no_schema) if text)] if found else []
