"""Prod gets all of what stg ran: its very build, and what came along with that, and nothing else. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..inventory.model import Host, HostSet
from ..journal.coding import read
from ..journal.events import Transacted
from ..sop.nvr import Nvr
from ..sop.transaction import Change
from .decide import Plan
from .refusals import OVERRIDE, Reason

MOST = 5  # differences that are named on one host
Has = frozenset[tuple[str, str]]  # packages that a host has: name, and version-release with the epoch


@dataclass(frozen=True)
class Unlike:
    """Where yum would not change what it has changed on the set before: host → packages.

    run: the newest one that has brought this build there; new: changed here only; missing: changed there only.
    """

    run: str
    new: Mapping[Host, frozenset[Change]] = field(default_factory=dict)
    missing: Mapping[Host, frozenset[Change]] = field(default_factory=dict)

    @property
    def names_here(self) -> dict[Host, set[str]]:
        """What a host is asked for: it may have it already."""
        return {host: {change.name for change in changes} for host, changes in self.missing.items() if changes}

    @property
    def names_there(self) -> set[str]:
        """What the set before is asked for."""
        return {change.name for changes in self.new.values() for change in changes}


def unlike(plan: Plan, stage: HostSet, hosts: Iterable[Host]) -> Unlike | None:
    """What is different on these hosts of a plan; None where the set before has no record of this build."""
    entries = read(plan.facts[stage.sync].ran)
    rows = [(entry.run, entry.event) for entry in entries if isinstance(entry.event, Transacted)]
    rows = [(run, event) for run, event in rows if event.set == stage.name and event.target == str(plan.target)]
    if not rows or plan.target is None:
        return None
    package = plan.target.name
    newest = rows[0][0]
    changes = (one for run, event in rows if run == newest for one in event.changes)
    there = frozenset(Change(one.name, one.evr, one.arch, one.does) for one in changes if one.name != package)
    new, missing = {}, {}
    for host in hosts:
        would = plan.facts[host].would
        if would and would.brings(plan.target):
            here = frozenset(would.beside(package))
            new[host], missing[host] = _without(here, there), _without(there, here)
    return Unlike(newest, new, missing)


def _without(changes: frozenset[Change], others: frozenset[Change]) -> frozenset[Change]:
    """Those of the changes after which a package is not as after one of the others: whatever it was before."""
    left = {_afterwards(one) for one in others}
    return frozenset(one for one in changes if _afterwards(one) not in left)


def _afterwards(change: Change) -> tuple[str, str, str]:
    return change.name, change.arch, "" if change.does == "remove" else change.evr


def reasons(found: Unlike, stage: HostSet, target: Nvr, has: Mapping[Host, Has]) -> list[Reason]:
    """Why it is refused; has: of the packages that are different, those that each host has, where that is known."""
    of_stage = [has[host] for host in stage.hosts if host in has]
    told: dict[str, list[Host]] = {}
    for host in found.new:
        new = [one for one in sorted(found.new[host]) if not all(_is_so(one, there) for there in of_stage)]
        missing = [one for one in sorted(found.missing[host]) if host in has and not _is_so(one, has[host])]
        if new:
            told.setdefault(f"yum would {_names(new)}, which {stage.name} does not have", []).append(host)
        if missing:
            text = f"yum would not {_names(missing)}, as it did on {stage.name} for {target} (run {found.run})"
            told.setdefault(text, []).append(host)
    return [
        Reason(f"{', '.join(host.short for host in hosts)}: {text}: {OVERRIDE}", f"fab {stage.name} history")
        for text, hosts in told.items()
    ]


def unknown(found: Unlike, stage: HostSet, has: Mapping[Host, Has]) -> list[str]:
    """Of which hosts it is not known what they have, and which packages are not compared there for that."""
    wanted = dict.fromkeys(stage.hosts, found.names_there) | found.names_here
    silent: dict[str, list[Host]] = {}
    for host, names in wanted.items():
        if names and host not in has:
            silent.setdefault(_few(sorted(names)), []).append(host)
    return [
        f"{', '.join(host.short for host in hosts)}: whether what {stage.name} runs is there too is not known: {names}"
        for names, hosts in silent.items()
    ]


def _is_so(change: Change, has: Has) -> bool:
    """Is a host that has these packages as the change would leave it?"""
    if change.does == "remove":
        return all(name != change.name for name, _ in has)
    return (change.name, change.evr) in has


def _names(changes: list[Change]) -> str:
    return _few([change.text for change in changes])


def _few(texts: list[str]) -> str:
    more = len(texts) - MOST
    return ", ".join(texts[:MOST]) + (f" and {more} more" if more > 0 else "")
