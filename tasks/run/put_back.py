"""What a run has taken out of the balancer, and has not put back itself, is put back by whoever ends it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from ..errors import SopError
from ..inventory.model import Host
from ..sop import drains
from ..sop.model import UNREACHED, Facts
from .lock import RunLock
from .look import Reached, ask_proxies
from .observer import Report
from .proxies import left_out
from .state import Run

SECONDS = 60


def after_a_run(run: Run, run_lock: RunLock, report: Report, busy: Collection[Host] = ()) -> None:
    """Put back what the run has taken out and does not put back any more; say what became of it. Raises nothing.

    busy: hosts where a script is still at work, which is left to whoever comes next; so is all of a run that was taken
    over.
    """
    hosts = [host for host in run.may_be_out if host not in busy]
    run.still_out |= {host: "a step is still at work there" for host in run.may_be_out if host in busy}
    if run.taken_over or not hosts:
        return
    facts, guard = run.afterwards, drains.ours(run_lock.run_folder)
    try:
        failed = put_back(run_lock.reached, run.journal.run, hosts, facts, report, guard)
    except SopError as error:
        failed = dict.fromkeys(hosts, error.problems[0])
    run.put_back |= {host for host in hosts if host not in failed}
    run.still_out |= failed
    run.afterwards |= _as_it_is_now(run_lock.reached, run.afterwards, run.put_back)


def _as_it_is_now(reached: Reached, facts: Mapping[Host, Facts], put_back: Collection[Host]) -> dict[Host, Facts]:
    """What is different about those where something was put back: the line to type next depends on it."""
    nodes = {host: facts[host] for host in put_back if host in facts and host not in reached.proxies}
    well = {
        host: replace(found, drain_file=False, drained=tuple(row for row in found.drained if row[1] != drains.FILE))
        for host, found in nodes.items()
    }
    return well | (ask_proxies(reached) if facts else {})


def put_back(
    reached: Reached, run: str, hosts: Iterable[Host], facts: Mapping[Host, Facts], report: Report, guard: str = ":"
) -> dict[Host, str]:
    """Put back what `run` (any run, if it is empty) has taken out at these hosts; why that failed, where it did.

    facts: what is known of the set's hosts: those that are well have requests again at once, the others as soon as the
    balancer's own check has found that they are.
    """
    host_set = reached.host_set
    well = [host for host in host_set.serving if host in facts and facts[host].healthy(host_set.health.status)]
    scripts = {host: f"{guard}\n{drains.undo(host_set, host, run, well)}" for host in hosts}
    outcomes = reached.machines.ask(scripts, SECONDS, "to put back what was drained", host_set.reconnect)
    failed = {}
    for host in scripts:
        outcome = outcomes.get(host)
        for line in outcome.output.splitlines() if outcome else ():
            if line.startswith("undrained\t"):
                report.note(f"{host.short}: {line.split(chr(9), 1)[1]}")
        if outcome is None or outcome.failure:
            failed[host] = outcome.failure if outcome and outcome.failure else "cannot be reached"
    for host, why in failed.items():
        report.warning(still_out(host, why))
    return failed


def still_out(host: Host, why: str) -> str:
    """That something may still be drained at a host."""
    return f"{host.short}: what this run drained there may still be drained: {why}"


def clean(reached: Reached, facts: Mapping[Host, Facts], put_back: Iterable[Host] = ()) -> str:
    """Shell for the sync host, which forgets the places of which it is known that nothing is taken out there."""
    host_set = reached.host_set
    dirty = left_out(host_set, facts)
    looked = [host for host in drains.where(host_set) if facts.get(host, UNREACHED) != UNREACHED]
    known = {host for host in looked if host not in dirty} | set(put_back)
    return drains.forget_away(host_set, sorted(known, key=lambda host: host.name))
