"""Go on with a run that stopped half-way, from what the hosts have kept."""

from __future__ import annotations

from contextlib import closing

from fabric import Config

from ..errors import Code, Refused, SopError
from ..inventory.model import HostSet
from ..journal.coding import whole
from ..journal.events import Begin, Resume
from ..journal.file import Journal, operator
from ..notify.around import told
from ..sop import nvr
from ..sop.model import Job
from ..sop.workflows import PROCEDURES, RESTART_TOGETHER
from . import remaining
from .consent import Consent, agree, check_that_somebody_can_agree
from .decide import Plan
from .lock import Hold
from .look import connected, look
from .observer import Report
from .phases import leaving, perform
from .request import Request
from .state import Run
from .takeover import (
    Found,
    check_that_it_is_still_held,
    check_that_none_is_lost,
    check_that_the_sync_host_is_there,
    find,
    take_over,
)


def resume(host_set: HostSet, config: Config, consent: Consent, report: Report) -> Code:
    """Show what was done and what is left of the run that holds the set; follow what runs, and do the rest.

    Raises Refused where the rest would not be the same any more, and what a run raises.
    """
    check_that_somebody_can_agree(host_set, consent, report)
    with connected(config, report, host_set, tolerant=True) as reached:
        check_that_the_sync_host_is_there(reached)
        report.looking(host_set.hosts)
        found = find(reached)
        if not isinstance(found, Found):
            report.free(host_set, found, f"nothing to resume: no run holds {host_set.name}")
            check_that_none_is_lost(reached, held=False)
            return Code.DONE
        check_that_none_is_lost(reached, held=True)
        plan = _plan(found, host_set)
        report.resume(plan, found.lock, remaining.left(plan, found.states, found.facts))
        if consent.plan_only:
            return Code.REFUSED
        agree(host_set, consent, report)
        check_that_it_is_still_held(host_set, found.lock, look(reached, repos=False, schema=False))
        journal = Journal(run=found.lock.run, earlier=found.entries)
        run = Run(plan, journal, doing="taking the run over")
        with closing(journal), told(host_set.notify, journal, report.warning) as run_begins, leaving(run):
            hold = Hold(reached, journal)
            states = take_over(reached, hold)
            # Facts after states: what a step has done that ended in between must be seen.
            facts = look(reached, repos=False)
            check_that_it_is_still_held(host_set, found.lock, facts)
            journal.adopt()
            journal.write(Resume(operator(), host_set.name))
            run_begins()
            return perform(run, remaining.left(plan, states, facts), hold, report)


def _plan(found: Found, host_set: HostSet) -> Plan:
    """The plan of the run, made again from what it wrote down. Raises Refused if it is not the same plan any more."""
    entry = next((one for one in found.entries if isinstance(one.event, Begin)), None)
    named = {host.name: host for host in host_set.hosts}
    try:
        if not (entry and isinstance(entry.event, Begin) and whole(entry)):
            raise ValueError
        begin = entry.event
        procedure = RESTART_TOGETHER if begin.together else PROCEDURES[begin.procedure]
        hosts = tuple(named[name] for name in begin.order)
        target = nvr.parse(begin.target) if begin.target else None
        if begin.target and not target:
            raise ValueError(begin.target)
    except (KeyError, ValueError):
        raise _unusable(found, host_set, "its journal cannot be read, or hosts.yml has other hosts now") from None
    job = Job(host_set, hosts, target, begin.serial, begin.migrated, begin.schema)
    now, then = remaining.digests(host_set), begin.hosts_yml
    changed = sorted(key for key in {*now, *then} if then.get(key) != now.get(key))
    if changed:
        raise _unusable(found, host_set, f"hosts.yml was changed since it began: {', '.join(changed)}")
    request = Request(procedure, host_set, hosts, begin.asked_as, unverified=begin.unverified, serial=begin.serial)
    plan = Plan(request, target, found.facts, tuple(procedure.phases(job)), (), job)
    if plan.steps != [list(row) for row in begin.steps]:
        raise _unusable(found, host_set, "this version of the tool would do other steps than it planned")
    return plan


def _unusable(found: Found, host_set: HostSet, why: str) -> SopError:
    return Refused(
        f"{host_set.name}: run {found.lock.run} cannot be resumed: {why}",
        next_line=f"fab {host_set.name} abort\n  or: fab {host_set.name} resume  when it is changed back",
    )
