"""Go on with a run that stopped half-way, from what the hosts have kept."""

from __future__ import annotations

from contextlib import closing
from functools import partial

from fabric import Config

from ..around.telling import notifying
from ..errors import Code
from ..inventory.model import HostSet
from ..journal.events import Begin, Resume
from ..journal.file import Journal, kept_here, operator
from . import remaining, standing
from .batch_rollback import rollback_of, said, stopped_by
from .begun import plan_again
from .consent import Consent, agree, check_that_somebody_can_agree
from .lock import RunLock
from .look import connected, look
from .observer import Report
from .phases import leaving, perform
from .state import Run
from .takeover import (
    Found,
    check_that_it_is_still_held,
    check_that_none_is_lost,
    check_that_the_sync_host_is_there,
    deposed,
    find,
    take_over,
)


def resume(host_set: HostSet, config: Config, consent: Consent, report: Report) -> Code:
    """Show what was done and what is left of the run that holds the set; follow what runs, and do the rest.

    Raises Refused where the rest would not be the same any more, and what a run raises.
    """
    check_that_somebody_can_agree(host_set, consent, report)
    with connected(config, report, host_set, tolerant=True, also=host_set.proxies, around=True) as reached:
        check_that_the_sync_host_is_there(reached)
        report.looking(host_set.hosts)
        found = find(reached)
        if not isinstance(found, Found):
            report.free(host_set, found, f"nothing to resume: no run holds {host_set.name}")
            check_that_none_is_lost(reached, held=False)
            return Code.DONE
        check_that_none_is_lost(reached, held=True)
        own = kept_here(only=[Begin.name])
        plan, warnings = plan_again(host_set, found.lock, found.entries, own, found.facts)
        if verdict := stopped_by(found.entries):
            does = "takes its hosts back" if verdict.back else "goes on with that build all the same"
            warnings = [*warnings, f"{said(verdict)}; resume {does}"]
        for text in warnings:
            report.warning(text)
        report.resume(plan, found.lock, remaining.of(plan, found.states, found.facts))
        if consent.plan_only:
            return Code.REFUSED
        agree(host_set, consent, report)
        check_that_it_is_still_held(host_set, found.lock, look(reached, repos=False, schema=False))
        journal = Journal(run=found.lock.run, earlier=found.entries)
        back = rollback_of(found.entries)
        run_lock = RunLock(reached, journal)
        run_lock.holds = True  # in this process or in another: the run has locked it
        run = Run(plan, journal, doing="taking the run over", may_ask=not consent.yes, halted=back)
        with closing(journal), notifying(host_set.told, journal, report.warning) as run_begins, leaving(run, run_lock):
            journal.adopt()
            journal.check_room()  # whoever is deposed must not be deposed for nothing
            states = take_over(reached, run_lock, found.lock)
            run.touched = remaining.touched(plan, states)
            with deposed(found.lock):
                # Facts after states: what a step has done that ended in between must be seen.
                facts = look(reached, repos=False)
            check_that_it_is_still_held(host_set, found.lock, facts)  # it may have ended by itself just now
            with deposed(found.lock):
                journal.write(Resume(operator(), host_set.name))
                noted = facts[host_set.sync].around
                around = standing.of_a_plan(plan, reached, run_lock, journal, report, noted)
                around.begin(partial(standing.lasts, plan, reached), run_begins, strict=False)  # to go on matters more
            return perform(run, remaining.of(plan, states, facts), run_lock, report, around)
