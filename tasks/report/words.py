"""Facts in words, the same in every table and sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..fleet.hosts import Host, HostSet
    from ..procedure.preflight import Facts
    from ..procedure.todo import States

NOT_REACHED = "not reached"  # as `Facts.service` of a host that could not be asked


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


def duration(seconds: float) -> str:
    """`42 s`, `15 min`, `2 min 5 s`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")


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
    if found.paused:
        return f"paused by run {found.paused}"
    return "yes" if found.cron else "-"


def schema(found: Facts) -> str:
    """The database's revision, and whether it is the one that the build wants."""
    if found.at_head is None:
        return "-"
    return f"{found.revision or 'none'} {'(head)' if found.at_head else '(pending)'}"


def running(states: States) -> list[tuple[Host, str]]:
    """The steps that run, each with its host."""
    return [(host, step) for host, steps in states.items() for step, state in steps.items() if state == "runs"]


def down(host_set: HostSet, facts: Mapping[Host, Facts]) -> list[Host]:
    """Where httpd is known not to run."""
    return [host for host in host_set.serving if facts[host].service not in ("active", NOT_REACHED)]


def unlocked(host_set: HostSet, facts: Mapping[Host, Facts]) -> str:
    """What to type where no run holds the set, and one has left something behind; nothing where none has."""
    paused = facts[host_set.sync].paused
    cron = f"fab {host_set.name} abort, which lets cron sync again" if paused else ""
    hands = after_abort(host_set, facts) if down(host_set, facts) else ""
    return "; then ".join(filter(None, (cron, hands)))


def after_abort(host_set: HostSet, facts: Mapping[Host, Facts]) -> str:
    """What to type when a run was given up: to look, and where httpd is down, the steps that may be missing."""
    look = f"fab {host_set.name} status"
    if not down(host_set, facts):
        return look
    installed = {facts[host].installed for host in host_set.hosts if facts[host].service != NOT_REACHED}
    steps = ["yum-update"] if len(installed) > 1 else []
    if not facts[host_set.sync].at_head:  # pending, or nobody can tell: a database at its head is left as it is
        steps += ["upgrade-db", "sync"]  # the SOP checks a migration with a sync before httpd starts
    return f"{look}; then by hand: " + ", then ".join(f"fab {host_set.name} {step}" for step in (*steps, "start-httpd"))


def unknown(found: Facts | None) -> list[str]:
    """What a row of status cannot say."""
    if not found:
        return ["could not be asked"]
    return [*found.problems, *(text for text in (found.no_list, found.no_schema) if text)]
