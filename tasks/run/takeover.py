"""The run that holds a set: found on its hosts, looked at, and taken over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ..errors import HalfWay, Refused, TryLater
from ..fleet import detached
from ..inventory.model import Host, HostSet
from ..journal.coding import Entry, read
from ..sop import kept
from ..sop.model import Facts
from . import remaining
from .lock import RunLock
from .lock_file import Lock, read_lock
from .locked import holder, locked_by, taken_over
from .look import Reached, look

ANSWER_SECONDS = 60
GUIDE = "docs/guide.md, More bad moments"


@dataclass(frozen=True)
class Found:
    """The run that holds a set: its lock, its journal, its steps, and what the hosts are like now."""

    lock: Lock
    entries: list[Entry]
    states: remaining.States
    facts: Mapping[Host, Facts]


def find(reached: Reached) -> Found | Mapping[Host, Facts]:
    """The run that holds the set, or only what its hosts are like, where none does.

    Raises Locked for a lock that is none of ours, or that whoever has another sync_host in hosts.yml has taken.
    """
    host_set, sync = reached.host_set, reached.host_set.sync
    facts = look(reached, repos=False)
    held = holder(host_set, facts)
    if held is None:
        return facts
    lock = read_lock(held[1])
    if lock is None or held[0] != sync:
        raise locked_by(*held, host_set)
    entries, steps = journal_of(reached, lock.run), states(reached, lock.run)
    # Facts after states: what a step has done that ended in between must be seen.
    return Found(lock, entries, steps, look(reached, repos=False))


def journal_of(reached: Reached, run: str) -> list[Entry]:
    """What the run's journal says, as far as the sync host has a copy of it; nothing where that host is lost."""
    sync = reached.host_set.sync
    outcome = reached.machines.ask({sync: kept.journal_of(reached.host_set.app, run)}, ANSWER_SECONDS).get(sync)
    return read(kept.said(outcome.output)) if outcome else []


def check_that_the_sync_host_is_there(reached: Reached) -> None:
    """It keeps the lock. Raises Unreachable, with every host that is lost, where it is one of them."""
    machines, host_set = reached.machines, reached.host_set
    if host_set.sync in machines.unreachable:
        machines.check_that_none_is_lost(nobody_knows(host_set), way=f" see: {GUIDE}, if the host is permanently gone")


def check_that_none_is_lost(reached: Reached, held: bool) -> None:
    """Raises Unreachable with every host that is lost; held: a run holds the set, and can be given up without it."""
    check_that_the_sync_host_is_there(reached)
    machines, host_set = reached.machines, reached.host_set
    if held:
        machines.check_that_none_is_lost(
            f"{host_set.name} stays locked by the unfinished run",
            way=f"  or: fab {host_set.name} abort  # does not need that host, if it is permanently gone",
        )
    machines.check_that_none_is_lost()


def nobody_knows(host_set: HostSet) -> str:
    """What is said where the sync host cannot be asked."""
    return f"cannot tell whether {host_set.name} is locked: the lock is on {host_set.sync.short}, which is unreachable"


def states(reached: Reached, run: str) -> remaining.States:
    """The run's steps on every host that can be reached. Raises Refused for one that is lost now."""
    outputs = _ask(reached, kept.run_folder(reached.host_set.app, run, ""))
    return {host: detached.read_states(text) for host, text in outputs.items()}


@contextmanager
def deposed(lock: Lock) -> Iterator[None]:
    """What has to succeed once a run was taken over, before anything is done for it.

    Raises HalfWay for what would be a refusal otherwise: "nothing was changed" is not so any more.
    """
    try:
        yield
    except Refused as error:
        ousted = f"run {lock.run} was taken over before this error; {lock.operator}'s client starts no further steps"
        raise HalfWay(*error.problems, ousted, next_line=error.next_line) from None


def take_over(reached: Reached, run_lock: RunLock, lock: Lock) -> remaining.States:
    """Become the run's only driver on every host that can be reached; its steps there.

    The sync host is the first to be told, and is asked again at the end: of two operators at once, the one named on
    the sync host at the end wins. The other one gives the other hosts back to it. Raises TakenOver for that one.
    """
    host_set = reached.host_set
    _ask(reached, run_lock.run_folder, (host_set.sync,), become=True)
    others = [host for host in reached.hosts if host != host_set.sync]
    with deposed(lock):
        outputs = _ask(reached, run_lock.run_folder, others, become=True)
        outputs |= _ask(reached, run_lock.run_folder, (host_set.sync,))
    driver = detached.read_driver(outputs[host_set.sync])
    if driver != run_lock.run_folder.driver:
        _ask(reached, replace(run_lock.run_folder, driver=driver), others, become=True)
        raise taken_over(host_set, run_lock.run_folder.run, driver)
    return {host: detached.read_states(outputs[host]) for host in reached.hosts if host in outputs}


def _ask(
    reached: Reached,
    run_folder: detached.RunFolder,
    hosts: Iterable[Host] | None = None,
    become: bool = False,
) -> dict[Host, str]:
    """What `detached.states` prints on each of the hosts (all, if not given); become: and drive the run from now on."""
    script = detached.states(run_folder, take_over=become)
    host_set = reached.host_set
    asked = dict.fromkeys(reached.hosts if hosts is None else hosts, script)
    outcomes = reached.machines.ask(asked, ANSWER_SECONDS)
    silent = [f"{host.short}: {outcome.failure}" for host, outcome in outcomes.items() if outcome.failure]
    if become and not all(outcome.known for outcome in outcomes.values()):
        silent.append(f"the takeover of run {run_folder.run} may be incomplete: not every host confirmed it")
        raise HalfWay(*silent, next_line=f"fab {host_set.name} status")
    if silent:
        raise Refused(*silent, next_line=f"fab {host_set.name} status")
    return {host: outcome.output for host, outcome in outcomes.items()}


def check_that_it_is_still_held(host_set: HostSet, lock: Lock, facts: Mapping[Host, Facts]) -> None:
    """While the operator read the question, another one may have given the run up, and begun the next."""
    now = read_lock(facts[host_set.sync].lock or "")
    if now is None or now.run != lock.run:
        raise Refused(
            f"{host_set.name}: run {lock.run} no longer holds the lock", next_line=f"fab {host_set.name} status"
        )


def check_that_nothing_runs(reached: Reached, lock: Lock, states: remaining.States, ousted: bool = False) -> None:
    """Raises TryLater, with every step that runs, and how one that hangs is ended.

    ousted: the run's client can begin nothing any more; then HalfWay, because somebody has to go on.
    """
    running = remaining.running(states)
    if not running:
        return
    host, step = running[0]
    host_set = reached.host_set
    pid = f"{kept.root(host_set.app)}/{lock.run}/{step}/pid"
    kill = f"{reached.machines.ssh(host)} \"sudo sh -c 'kill -- -\\$(cat {pid})'\""
    problems = [f"{host.short}: {step} still runs" for host, step in running]
    next_line = f"fab {host_set.name} resume  # attaches to it\n  or: {kill}  # if it hangs"
    if ousted:
        problems.append(
            f"{lock.operator}'s client started this step while you were at the prompt; it starts no further steps"
        )
        raise HalfWay(*problems, next_line=next_line)
    raise TryLater(*problems, next_line=next_line)
