"""What a run has taken out of the balancer, and has not put back itself, is put back by whoever ends it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from ..errors import SopError
from ..inventory.model import Host, HostSet
from ..sop import drains
from ..sop.model import UNREACHED, Facts
from .lock import RunLock
from .look import Reached, ask_proxies
from .observer import Report
from .proxies import left_out, what_is_drained
from .state import Run

SECONDS = 60


@dataclass(frozen=True)
class PutBack:
    """What became of what was to be put back.

    failed: where it may still be out, and why. left: what is out by somebody else's word, a sentence for each.
    """

    failed: dict[Host, str] = field(default_factory=dict)
    left: tuple[str, ...] = ()


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
        failed = put_back(run_lock.reached, run.journal.run, hosts, facts, report, guard).failed
    except SopError as error:
        failed = dict.fromkeys(hosts, error.problems[0])
    for host, why in failed.items():
        report.warning(still_out(host, why))
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
) -> PutBack:
    """Put back what `run` (any run, if it is empty) has taken out at these hosts; told is what was, and what was left.

    facts: what is known of the set's hosts: those that are well have requests again at once, the others as soon as the
    balancer's own check has found that they are.
    """
    host_set = reached.host_set
    well = [host for host in host_set.serving if host in facts and facts[host].healthy(host_set.health.status)]
    scripts = {host: f"{guard}\n{drains.undo(host_set, host, run, well)}" for host in hosts}
    outcomes = reached.machines.ask(scripts, SECONDS, "to put back what was drained", host_set.reconnect)
    failed, left = {}, []
    for host in scripts:
        outcome = outcomes.get(host)
        for name, _, text in (line.partition("\t") for line in (outcome.output if outcome else "").splitlines()):
            if name == "undrained":
                report.note(f"{host.short}: {text}")
            if name == "left":
                left.append(f"{host.short}: {text}")
        if outcome is None or outcome.failure:
            failed[host] = outcome.failure if outcome and outcome.failure else "cannot be reached"
    for text in left:
        report.warning(text)
    return PutBack(failed, tuple(left))


def still_out(host: Host, why: str, run: str = "this run") -> str:
    """That something may still be drained at a host."""
    return f"{host.short}: what {run} drained there may still be drained: {why}"


def not_put_back(host_set: HostSet, done: PutBack, run: str, facts: Mapping[Host, Facts]) -> list[str]:
    """What the run (any, if it is empty) may still have out of the balancer, a sentence for each.

    facts: what is found afterwards; what is UNREACHED then may be out as well.
    """
    failed = [still_out(host, why, f"run {run}" if run else "a run") for host, why in done.failed.items()]
    return failed + what_is_drained(host_set, facts, run, but=done.failed)


def clean(reached: Reached, facts: Mapping[Host, Facts], put_back: Iterable[Host] = ()) -> str:
    """Shell for the sync host, which forgets the places of which it is known that nothing is taken out there."""
    host_set = reached.host_set
    dirty = left_out(host_set, facts)
    looked = [host for host in drains.where(host_set) if facts.get(host, UNREACHED) != UNREACHED]
    known = {host for host in looked if host not in dirty} | set(put_back)
    return drains.forget_away(host_set, sorted(known, key=lambda host: host.name))
