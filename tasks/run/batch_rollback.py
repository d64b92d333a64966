"""The plan of a run that puts a batch back on the build that it had. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from ..fleet.output import clean
from ..inventory.model import Host, HostSet
from ..journal.coding import Entry
from ..journal.events import BAD, Begin, Judged, Resume
from ..ranges import listed
from ..sop import nvr
from ..sop.nvr import Nvr
from ..sop.workflows import batch_rollback
from .decide import Plan


def builds_before(entries: Iterable[Entry]) -> dict[str, Nvr]:
    """Host → the build that it had when the run began; none where that is not known."""
    begin = next((entry.event for entry in entries if isinstance(entry.event, Begin)), None)
    found = {host: nvr.parse(text) for host, text in (begin.hosts if begin else {}).items()}
    return {host: build for host, build in found.items() if build}


def can_go_back(plan: Plan, hosts: Sequence[Host], before: Mapping[str, Nvr]) -> list[Host]:
    """Those that had another build, which a repository still offers, as far as that was asked for."""
    found = []
    for host in hosts:
        build, offered = before.get(host.name), plan.facts[host].offered
        if build and build != plan.target and (offered is None or build in offered):
            found.append(host)
    return found


def with_the_rollback(plan: Plan, entries: Sequence[Entry], begun: Collection[int]) -> Plan:
    """The plan as it is after a verdict by which hosts are put back; the plan itself, where there is none.

    begun: the numbers of the phases that were. They are settled, the others are left out, and the way back follows.
    """
    judged = rollback_of(entries)
    if judged is None or plan.job is None or plan.settled:
        return plan
    rows = zip(plan.numbers, plan.phases, strict=True)
    settled = [replace(phase, number=number) for number, phase in rows if number in begun]
    back = list(settled)
    named = {host.name: host for host in plan.job.hosts}
    before = builds_before(entries)
    number = plan.numbers[-1] + 1
    builds = dict.fromkeys(before[name] for name in judged.back if name in named and name in before)
    for build in builds:
        hosts = tuple(named[name] for name in judged.back if name in named and before.get(name) == build)
        phases = batch_rollback(replace(plan.job, hosts=hosts, target=build), hosts, number)
        number += len(phases)
        back += phases
    return replace(plan, phases=tuple(back), settled=len(settled))


def rollback_of(entries: Iterable[Entry]) -> Judged | None:
    """The verdict by which hosts are put back."""
    said = [entry.event for entry in entries if isinstance(entry.event, Judged) and entry.event.back]
    return said[-1] if said else None


def goes_back(host_set: HostSet, entries: Sequence[Entry]) -> str:
    """Which hosts are put back after a bad verdict, on which build, and which are left as they are, in a sentence."""
    judged, before = rollback_of(entries), builds_before(entries)
    back = [host for host in host_set.hosts if judged and host.name in judged.back and host.name in before]
    told = []
    for build in dict.fromkeys(before[host.name] for host in back):
        hosts = [host.short for host in back if before[host.name] == build]
        told.append(f"{listed(hosts)} {'is' if len(hosts) == 1 else 'are'} put back on {build.vr}")
    if rest := [host.short for host in host_set.hosts if host not in back]:
        alone = len(rest) == 1
        told.append(f"{listed(rest)} {'is' if alone else 'are'} left as {'it is' if alone else 'they are'}")
    return "; ".join(told)


def stopped_by(entries: Iterable[Entry]) -> Judged | None:
    """The verdict that has stopped the run, unless somebody has gone on in spite of it since."""
    found: Judged | None = None
    for event in (entry.event for entry in entries):
        if isinstance(event, Judged) and event.stops:
            found = event
        elif isinstance(event, Resume) and found and not found.back:
            found = None
    return found


def judged_bad(entries: Iterable[Entry]) -> Nvr | None:
    """The build that the run was to install, where it was stopped because that was judged bad."""
    entries = list(entries)
    verdict = stopped_by(entries)
    begin = next((entry.event for entry in entries if isinstance(entry.event, Begin)), None)
    return nvr.parse(begin.target or "") if begin and verdict and verdict.verdict == BAD else None


def said(verdict: Judged) -> str:
    """The verdict as a sentence."""
    return f"the new build was judged {verdict.verdict}: {clean('; '.join(verdict.why))}"
