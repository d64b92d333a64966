"""The plan of a run that was begun before, made again from what it wrote down. Pure.

Its journal's copy lies on a host, and what comes from a host is checked: against hosts.yml, the lock, and what this
machine wrote itself if the run was begun here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..errors import Refused
from ..inventory.model import Host, HostSet
from ..journal.coding import Entry, whole
from ..journal.events import Begin, Phase
from ..sop import nvr
from ..sop.model import Facts, Job
from ..sop.workflows import PROCEDURES, RESTART_TOGETHER
from . import changed
from .batch_rollback import with_the_rollback
from .decide import Plan
from .lock_file import Lock, doing
from .locked import V0_1
from .record import TOOL
from .request import Request


def plan_again(
    host_set: HostSet, lock: Lock, copy: Sequence[Entry], own: Iterable[Entry], facts: Mapping[Host, Facts]
) -> tuple[Plan, list[str]]:
    """The plan, and warnings about what has changed since and does not matter to it.

    copy: the journal as the sync host has it; own: as this machine has it. Raises Refused where it is not the same plan
    any more, or where the two do not agree about it.
    """
    try:
        begin, job = _job(host_set, lock, copy, own)
    except ValueError as error:
        raise _refused(host_set, lock, str(error)) from None
    different = changed.made_another_run(begin.hosts_yml, host_set)
    if different:
        raise _refused(
            host_set,
            lock,
            f"hosts.yml was changed since it began: {', '.join(different)}",
            f"fab {host_set.name} resume  # after you revert those keys",
        )
    procedure = RESTART_TOGETHER if begin.together else PROCEDURES[begin.procedure]
    names = (f"-H {name}" for host in host_set.hosts for name in (host.name, *host.aliases))
    asked_as = begin.asked_as if begin.asked_as in names else host_set.name
    request = Request(procedure, host_set, job.hosts, asked_as, unverified=begin.unverified, serial=begin.serial)
    plan = Plan(request, job.target, facts, tuple(procedure.phases(job)), (), job)
    if plan.steps != [list(row) for row in begin.steps]:
        version = begin.version or "0.1"
        raise _refused(
            host_set,
            lock,
            "the steps in its journal are not those that this version runs"
            if begin.version == TOOL
            else f"version {version} of this tool started the run; this version would run different steps",
            "" if begin.version else f"git checkout {V0_1} && fab {host_set.name} resume",
        )
    numbers = {entry.event.number for entry in copy if isinstance(entry.event, Phase)}
    return with_the_rollback(plan, copy, numbers), changed.warnings(begin.settings, host_set)


def _job(host_set: HostSet, lock: Lock, copy: Iterable[Entry], own: Iterable[Entry]) -> tuple[Begin, Job]:
    """Raises ValueError with what is wrong with the journal's first entry."""
    entry = next((one for one in copy if isinstance(one.event, Begin) and one.run == lock.run), None)
    if entry is None or not isinstance(entry.event, Begin) or not whole(entry):
        raise ValueError("its journal cannot be read")
    begin, sync = entry.event, host_set.sync.short
    for ours in own:
        if ours.run == lock.run and isinstance(ours.event, Begin) and ours.raw != entry.raw:
            keys = sorted(key for key in {*ours.raw, *entry.raw} if ours.raw.get(key) != entry.raw.get(key))
            raise ValueError(f"the journal copy on {sync} differs from the local journal in: {', '.join(keys)}")
    if begin.set != host_set.name or begin.procedure not in PROCEDURES:
        raise ValueError(f"its journal on {sync} is of {begin.set or 'no set'}: {begin.procedure or 'nothing'}")
    named = {host.name: host for host in host_set.hosts}
    if not named.keys() >= set(begin.order):
        raise ValueError(f"hosts.yml does not have {', '.join(sorted(set(begin.order) - named.keys()))} any more")
    target = nvr.parse(begin.target) if begin.target else None
    if begin.target and (target is None or target.name != host_set.app.package):
        raise ValueError(f"its journal on {sync} has {begin.target} for a build of {host_set.app.package}")
    if doing(begin.procedure, target) != lock.doing:
        raise ValueError(f"its lock on {sync} is for {lock.doing}, its journal for {doing(begin.procedure, target)}")
    hosts = tuple(named[name] for name in begin.order)
    return begin, Job(host_set, hosts, target, begin.serial, begin.migrated, begin.schema, begin.signed)


def _refused(host_set: HostSet, lock: Lock, why: str, cure: str = "") -> Refused:
    """cure: the line that leads to the end of the run, beside abort."""
    ways = filter(None, (cure, f"fab {host_set.name} abort"))
    return Refused(f"{host_set.name}: run {lock.run} cannot be resumed: {why}", next_line="\n  or: ".join(ways))
