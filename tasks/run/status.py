"""What a set is like now, and what was done on it: nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from fabric import Config

from ..errors import Refused, Unreachable
from ..inventory.model import Host, HostSet
from ..journal.coding import read
from ..journal.file import kept_here
from ..journal.history import NAMES, runs
from ..lines import below
from ..sop import kept
from ..sop.model import UNREACHED, Facts
from ..sop.nvr import Nvr
from . import automatic
from .advice import beside_a_run
from .batch_rollback import judged_bad, said, stopped_by
from .lock_file import read_lock
from .locked import holder, locked_by
from .look import LOOK_SECONDS, Reached, ask_hosts, connected
from .noted import sentences
from .observer import Report
from .proxies import by_others, what_is_drained
from .remaining import States, running
from .takeover import check_that_none_is_lost, journal_of, nobody_knows, states


def show(host_set: HostSet, config: Config, report: Report) -> None:
    """Every fact of every host of the set, and the run that has locked it. Raises Unreachable if a host is lost."""
    with connected(config, report, host_set, tolerant=True, also=host_set.proxies) as reached:
        facts = ask_hosts(reached, repos=True)
        taken = holder(host_set, facts)
        lock = read_lock(taken[1]) if taken and taken[0] == host_set.sync else None
        steps: States = {}
        verdict = None
        if lock:
            with suppress(Refused):  # lost since: the table says what was found
                verdict = stopped_by(journal_of(reached, lock.run))
                steps = states(reached, lock.run)
    report.status(host_set, facts)
    everywhere = dict.fromkeys(host_set.machines, UNREACHED) | facts
    drained = (*what_is_drained(host_set, everywhere), *by_others(host_set, everywhere))
    for text in (*drained, *sentences(host_set, facts), *automatic.sentences(host_set, facts)):
        report.note(text)
    if lock:
        report.held(host_set, lock, steps)
        if verdict:
            report.note(said(verdict))
        _, *ways = beside_a_run(host_set, lock.operator, bool(running(steps)), verdict)
        if not reached.machines.unreachable:
            report.note(f"next: {below([ways[0]._replace(mark='next'), *ways[1:]])}")
    elif not taken and host_set.sync not in facts:
        if host_set.sync not in reached.machines.unreachable:  # lost since, and not told below
            report.note(nobody_knows(host_set))
    elif not taken:
        report.leftovers(host_set, everywhere, _judged_bad(host_set, facts))
    else:
        elsewhere = locked_by(*taken, host_set)
        for problem in elsewhere.problems:
            report.note(problem)
        if not reached.machines.unreachable:
            report.note(f"next: {elsewhere.next_line}")
    check_that_none_is_lost(reached, lock is not None)
    _check_that_all_was_told(reached, facts)


def _judged_bad(host_set: HostSet, facts: Mapping[Host, Facts]) -> Nvr | None:
    """The build that the last run was stopped for, if it was typed on this machine; looked up where hosts differ."""
    if len({facts[host].installed for host in host_set.hosts if host in facts}) < 2:
        return None
    return judged_bad(entry for entry in kept_here() if entry.run == facts[host_set.sync].last)


def _check_that_all_was_told(reached: Reached, facts: Mapping[Host, Facts]) -> None:
    """Raises Unreachable with every host that was lost meanwhile, or left a question without an answer."""
    unclear = [host for host in reached.host_set.hosts if host not in facts or facts[host].unanswered]
    if unclear:
        problems = (
            f"{host.short}: a question was left without an answer, see above"
            if host in facts
            else f"{host.short}: was lost, or did not answer in {LOOK_SECONDS} s, while it was looked at"
            for host in unclear
        )
        raise Unreachable(*problems, next_line=reached.machines.ssh(unclear[0]))


def show_history(host_set: HostSet, config: Config, report: Report, last: int) -> None:
    """The `last` runs of the set: all operators', or only this machine's where the sync host cannot be asked."""
    sync = host_set.sync
    with connected(config, report, host_set, tolerant=True, hosts=(sync,)) as reached:
        outcomes = reached.machines.ask({sync: kept.history(host_set.app, last)}, 60)
        failure = outcomes[sync].failure if sync in outcomes else "cannot be reached"
    lines = kept.said(outcomes[sync].output) if not failure else []
    lock = next((read_lock(line.removeprefix("lock\t")) for line in lines if line.startswith("lock\t")), None)
    past = runs([kept_here(only=NAMES), read(lines)], host_set.name, lock.run if lock else None, host_set.app.package)
    report.history(host_set, past[-last:])
    if failure:
        report.note(f"{sync.short}: {failure}: only runs that were typed on this machine are shown")
