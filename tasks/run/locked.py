"""A set that is locked, or was taken over: by whom, and what the operator is told of it."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import Locked, TakenOver
from ..inventory.model import Host, HostSet
from ..lines import Line, below, ssh
from ..sop import kept
from ..sop.model import Facts
from .advice import beside_a_run, forget
from .lock_file import read_lock

ELSEWHERE = "elsewhere "
V0_1 = "d6d6b6f"  # the last commit of the version that wrote down no version of its own


def holder(host_set: HostSet, facts: Mapping[Host, Facts]) -> tuple[Host, str] | None:
    """Where the set's lock is, and what stands in it.

    Every host counts, not only the sync host: who has another one as sync_host in hosts.yml holds the set all the same,
    also where our hosts.yml does not have that one: then the text is `elsewhere RUN SYNC`.
    """
    hosts = [host for host in (host_set.sync, *host_set.hosts) if host in facts]
    ours = {host.name for host in host_set.hosts}
    elsewhere = [
        (host, f"{ELSEWHERE}{run} {sync}") for host in hosts for run, sync in facts[host].open if sync not in ours
    ]
    locks = [(host, lock) for host in hosts if (lock := facts[host].lock) is not None]
    return next(iter([*locks, *elsewhere]), None)


def locked_by(host: Host, text: str, host_set: HostSet) -> Locked:
    """What the operator is told about the lock `text` on `host`."""
    name, lock = host_set.name, read_lock(text.removeprefix("earlier "))
    if lock and text.startswith("earlier "):
        return Locked(
            f"{name} is held by {lock}",
            f"{host.short}: version 0.1 of this tool started the run (state in {kept.EARLIER}); "
            "only that version can end it",
            next_line=f"git checkout {V0_1} && fab {name} resume",
        )
    if text.startswith(ELSEWHERE):
        run, sync = text.removeprefix(ELSEWHERE).split(" ", 1)
        return Locked(
            f"{name}: run {run} is unfinished on {host.short}; its lock is on {sync}",
            f"{sync} is not in {name} in hosts.yml: add it. If it is permanently gone, the next line discards the run",
            next_line=forget(host_set, host, run),
        )
    if lock is None:
        path = f"{kept.root(host_set.app)}/lock"
        return Locked(
            f"{name}: {path} on {host.short} is not a lock of this tool",
            next_line=f"{ssh(host.name, f'sudo cat {path}')}  # remove it if nobody needs it",
        )
    held = f"{name} is held by {lock}"
    if host != host_set.sync:
        here = f"not on {host_set.sync.short}: the run used another sync_host"
        why = f"its lock is on {host.short}, {here}"
        first = Line("next", f"fab {name} resume", f"after you set sync_host: {host.short} in hosts.yml again")
        return Locked(held, why, next_line=below([first, Line("or", f"fab {name} abort", "the same")]))
    return Locked(
        held,
        next_line=below(beside_a_run(host_set, lock.operator, runs=False)),
    )


def taken_over(host_set: HostSet, run: str, driver: str, *also: str) -> TakenOver:
    """What is told to whoever does not carry the run out any more; driver: as in RunFolder; also: what they did before
    they knew.
    """
    who = driver.rsplit(" (", 1)[0] or "somebody else"
    return TakenOver(
        f"{host_set.name}: {who} took over run {run} and will resume or abort it",
        *also,
        next_line=f"fab {host_set.name} status",
    )
