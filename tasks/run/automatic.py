"""Automatic updates are held off for a run on the hosts that it installs something on, and given back when it ends.

As with cron's sync, they stay held off while the run is half-way: its resume, abort or unlock gives them back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..errors import Refused
from ..inventory.model import Host, HostSet
from ..journal.events import AutomaticUpdates
from ..journal.file import Journal
from ..sop import drains, updates
from ..sop.model import Facts
from .lock import RunLock
from .look import Reached
from .observer import Report
from .state import Run

SECONDS = 60


def hold_off(run: Run, run_lock: RunLock, report: Report) -> None:
    """Hold them off, right before the first change; what cannot be held off is a warning."""
    request, facts = run.plan.request, run.plan.facts
    meant = [host for host in run.plan.hosts if facts[host].updates or facts[host].held_off]
    if not (request.procedure.installs and meant):
        return
    run_lock.check_still_ours()
    script = updates.hold(request.app, run.journal.run)
    done, failed = _asked(run_lock.reached, dict.fromkeys(meant, script), "held_off", "to hold off automatic updates")
    for host, why in failed.items():
        report.warning(f"{host.short}: automatic updates could not be held off: {why}")
    _told(run.journal, request.host_set, "held off", done)


def after_a_run(run: Run, run_lock: RunLock, report: Report) -> None:
    """Give back what the run holds off where it ends here. Raises nothing that a host can cause."""
    facts = run.plan.facts
    hosts = [host for host in run.plan.hosts if facts[host].updates or facts[host].held_off]
    if run.half_way or not (run.plan.request.procedure.installs and hosts):
        return
    guard = drains.ours(run_lock.run_folder)
    give_back(run_lock.reached, run.journal, hosts, report, run.journal.run, guard)


def give_back(
    reached: Reached, journal: Journal, hosts: Iterable[Host], report: Report, run: str = "", guard: str = ":"
) -> None:
    """Start again what `run` (any, if it is empty) holds off on these hosts; what cannot be is a warning."""
    host_set = reached.host_set
    scripts = {
        host: f"{guard}\n{updates.give(host_set.app, run)}"
        for host in hosts
        if host not in reached.machines.unreachable
    }
    done, failed = _asked(reached, scripts, "given_back", "to give automatic updates back") if scripts else ({}, {})
    for host, why in failed.items():
        report.warning(f"{host.short}: automatic updates may still be held off: {why}")
    _told(journal, host_set, "given back", done)


def held_off(host_set: HostSet, facts: Mapping[Host, Facts]) -> dict[Host, str]:
    """Where a run holds them off, and which run."""
    return {host: facts[host].held_off[0] for host in host_set.hosts if host in facts and facts[host].held_off}


def sentences(host_set: HostSet, facts: Mapping[Host, Facts]) -> list[str]:
    """What is on, and what is held off, for whoever looks at the set."""
    told = []
    for host in host_set.hosts:
        found = facts.get(host)
        if found and found.held_off:
            told.append(f"{host.short}: automatic updates are held off by run {found.held_off[0]}")
        elif found and found.updates:
            told.append(f"{host.short}: automatic updates are on ({', '.join(found.updates)})")
    return told


def _asked(
    reached: Reached, scripts: Mapping[Host, str], word: str, what: str
) -> tuple[dict[Host, str], dict[Host, str]]:
    """The units that each host has named, and why others failed."""
    outcomes = reached.machines.ask(scripts, SECONDS, what, reached.host_set.reconnect)
    done: dict[Host, str] = {}
    failed: dict[Host, str] = {}
    for host in scripts:
        outcome = outcomes.get(host)
        if outcome is None or outcome.failure:
            failed[host] = outcome.failure if outcome and outcome.failure else "cannot be reached"
            continue
        rows = [line.partition("\t") for line in outcome.output.splitlines()]
        done[host] = next((text for name, _, text in rows if name == word), "")
    return done, failed


def _told(journal: Journal, host_set: HostSet, what: str, done: Mapping[Host, str]) -> None:
    units = {host.name: text for host, text in done.items() if text}
    if not units:
        return
    try:
        journal.write(AutomaticUpdates(host_set.name, what, units))
    except Refused:
        if what == "held off":  # a full disk must not keep them from being given back
            raise
