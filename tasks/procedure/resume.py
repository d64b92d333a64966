"""Go on with a run that stopped half-way, give it up, or release its lock: from what the hosts have kept."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from fabric import Config

from ..errors import Code, Refused, SopError, TryLater
from ..fleet import detached
from ..fleet.hosts import App, Host, HostSet
from ..fleet.machines import Machines
from ..report import Report
from ..telling.telling import told
from . import keep, nvr, todo
from .consent import Consent, agree, check_that_somebody_can_agree
from .hold import Hold, locked_by
from .journal import Journal, operator, read
from .keep import Lock
from .look import look
from .perform import leaving, perform
from .plan import Plan
from .preflight import Facts
from .progress import Run
from .request import PROCEDURES, RESTART_TOGETHER, Request
from .sop import Job


@dataclass(frozen=True)
class Found:
    """The run that holds a set: its lock, the events of its journal, its steps, and what the hosts are like now."""

    lock: Lock
    events: list[dict[str, Any]]
    states: todo.States
    facts: Mapping[Host, Facts]


def resume(app: App, host_set: HostSet, config: Config, consent: Consent, report: Report) -> Code:
    """Show what was done and what is left of the run that holds the set; follow what runs, and do the rest.

    Raises Refused where the rest would not be the same any more, and what a run raises.
    """
    check_that_somebody_can_agree(host_set, consent)
    with Machines(host_set.hosts, config, report.ask_password) as machines:
        found = _find(machines, app, host_set)
        if found is None:
            report.note(f"nothing to resume: no run holds {host_set.name}")
            return Code.DONE
        plan = _plan(found, app, host_set)
        report.resume(plan, found.lock, todo.left(plan, found.states, found.facts))
        if consent.plan_only:
            return Code.REFUSED
        agree(host_set, consent)
        _check_that_it_is_still_held(host_set, found.lock, look(machines, app, host_set, repos=False))
        journal = Journal(run=found.lock.run, earlier=found.events)
        run = Run(plan, journal, doing="taking the run over")
        with closing(journal), told(host_set.notify, journal, report) as run_begins, leaving(run):
            hold = Hold(machines, app, host_set, journal)
            journal.write("resume", operator=operator(), set=host_set.name)
            states = _states(machines, hold.keeping, host_set, take_over=True)
            # Facts after states: what a step has done that ended in between must be seen.
            facts = look(machines, app, host_set, repos=False)
            run_begins()
            return perform(run, todo.left(plan, states, facts), hold, machines, report)


def abort(app: App, host_set: HostSet, config: Config, consent: Consent, report: Report) -> Code:
    """Give the run that holds the set up: cron restored, lock released, and said what is down.

    Raises TryLater while one of its steps still runs.
    """
    check_that_somebody_can_agree(host_set, consent)
    with Machines(host_set.hosts, config, report.ask_password) as machines:
        found = _find(machines, app, host_set)
        if found is None:
            _give_cron_back(machines, app, host_set, consent, report)
            return Code.DONE
        _check_that_nothing_runs(host_set, found.states)
        report.held(host_set, found.lock, found.states)
        agree(host_set, consent)
        with closing(Journal(run=found.lock.run)) as journal:
            hold = Hold(machines, app, host_set, journal)
            # The run's own client may have slept before the question and begun a step while it was read.
            _check_that_nothing_runs(host_set, _states(machines, hold.keeping, host_set, take_over=True))
            _end_it(hold, journal, host_set, "abort", f"{keep.resume_cron(app)} || exit 1")
        now = look(machines, app, host_set, repos=False)
        report.aborted(app, host_set, found.lock, now)
        return Code.DONE


def unlock(app: App, host_set: HostSet, config: Config, consent: Consent, report: Report) -> Code:
    """Release a set's lock, whoever holds it, and nothing else. Shows its age and which of its steps still run."""
    check_that_somebody_can_agree(host_set, consent)
    with Machines(host_set.hosts, config, report.ask_password) as machines:
        text = look(machines, app, host_set, repos=False)[host_set.sync].lock
        if text is None:
            report.note(f"{host_set.name} is not locked")
            return Code.DONE
        if keep.read_lock(text) is None:
            raise locked_by(text, app, host_set)
        found = _find(machines, app, host_set)
        if found:
            report.held(host_set, found.lock, found.states)
            agree(host_set, consent)
            with closing(Journal(run=found.lock.run)) as journal:
                hold = Hold(machines, app, host_set, journal)
                now = _states(machines, hold.keeping, host_set, take_over=True)
                if now != found.states:
                    report.held(host_set, found.lock, now)
                _end_it(hold, journal, host_set, "unlock")
        report.note(f"{host_set.name} is unlocked")
        if found and found.facts[host_set.sync].paused:
            report.note(f"cron's sync stays paused on {host_set.sync.short}")
            report.note(f"next: fab {host_set.name} abort, which lets it run again")
        return Code.DONE


def _give_cron_back(machines: Machines, app: App, host_set: HostSet, consent: Consent, report: Report) -> None:
    """No run holds the set. One whose lock was released by `unlock` may have left cron's sync paused."""
    run, sync = look(machines, app, host_set, repos=False)[host_set.sync].paused, host_set.sync
    if run is None:
        report.note(f"nothing to give up: no run holds {host_set.name}")
        return
    report.note(f"{sync.short}: cron's sync is paused by run {run}, which holds {host_set.name} no more")
    agree(host_set, consent)
    holder = look(machines, app, host_set, repos=False)[sync].lock
    if holder is not None:  # begun while the question was read: cron must not come back in the middle of it
        raise locked_by(holder, app, host_set)
    with closing(Journal(run=run)) as journal:
        journal.write("abort", operator=operator(), set=host_set.name)
        Hold(machines, app, host_set, journal).release(f"{keep.resume_cron(app)} || exit 1")
    report.note(f"{sync.short}: cron's sync is on again")


def held(machines: Machines, app: App, host_set: HostSet, text: str) -> tuple[Lock, todo.States] | None:
    """For status: the lock that `text` is, and its run's steps; None if it is no lock of ours."""
    lock = keep.read_lock(text)
    return (lock, _states(machines, keep.keeping(app, lock.run, ""), host_set)) if lock else None


def _find(machines: Machines, app: App, host_set: HostSet) -> Found | None:
    text = look(machines, app, host_set, repos=False)[host_set.sync].lock
    if text is None:
        return None
    lock = keep.read_lock(text)
    if lock is None:
        raise locked_by(text, app, host_set)
    sync = host_set.sync
    copy = machines.do({sync: keep.journal_of(app, lock.run)}, 1, seconds=60)[sync].output
    states = _states(machines, keep.keeping(app, lock.run, ""), host_set)
    return Found(lock, read(keep.said(copy)), states, look(machines, app, host_set, repos=False))


def _states(machines: Machines, keeping: detached.Keeping, host_set: HostSet, take_over: bool = False) -> todo.States:
    script = detached.states(keeping, take_over)
    said = machines.do(dict.fromkeys(host_set.hosts, script), max(2, host_set.at_once), seconds=60)
    silent = [f"{host.short}: {outcome.failure}" for host, outcome in said.items() if outcome.failure]
    if silent:
        raise Refused(*silent, next_line=f"fab {host_set.name} status")
    return {host: detached.read_states(outcome.output) for host, outcome in said.items()}


def _plan(found: Found, app: App, host_set: HostSet) -> Plan:
    """The plan of the run, made again from what it wrote down. Raises Refused if it is not the same plan any more."""
    begin = next((event for event in found.events if event["event"] == "begin"), {})
    named = {host.name: host for host in host_set.hosts}
    try:
        procedure = RESTART_TOGETHER if begin["together"] else PROCEDURES[begin["procedure"]]
        hosts = tuple(named[name] for name in begin["order"])
        target = nvr.parse(begin["target"]) if begin["target"] else None
        if begin["target"] and not target:
            raise ValueError(begin["target"])
        serial, migrated = begin["serial"] is True, begin["migrated"] is True
        schema = None if begin["schema"] is None else str(begin["schema"])
        job = Job(app, host_set, hosts, target, serial, migrated, schema)
        digests = dict(begin["hosts_yml"])
        steps, unverified, asked_as = (begin[key] for key in ("steps", "unverified", "asked_as"))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _unusable(found, host_set, "its journal cannot be read, or hosts.yml has other hosts now") from None
    now = todo.digests(app, host_set)
    changed = sorted(key for key in {*now, *digests} if digests.get(key) != now.get(key))
    if changed:
        raise _unusable(found, host_set, f"hosts.yml was changed since it began: {', '.join(changed)}")
    request = Request(procedure, app, host_set, hosts, asked_as, unverified=unverified, serial=job.serial)
    plan = Plan(request, target, found.facts, tuple(procedure.phases(job)), (), job)
    if plan.steps != steps:
        raise _unusable(found, host_set, "this version of the tool would do other steps than it planned")
    return plan


def _unusable(found: Found, host_set: HostSet, why: str) -> SopError:
    return Refused(
        f"{host_set.name}: run {found.lock.run} cannot be resumed: {why}",
        next_line=f"change it back and fab {host_set.name} resume; or fab {host_set.name} abort",
    )


def _check_that_it_is_still_held(host_set: HostSet, lock: Lock, facts: Mapping[Host, Facts]) -> None:
    """While the operator read the question, another one may have given the run up, and begun the next."""
    now = keep.read_lock(facts[host_set.sync].lock or "")
    if now is None or now.run != lock.run:
        raise Refused(f"{host_set.name}: run {lock.run} holds it no more", next_line=f"fab {host_set.name} status")


def _check_that_nothing_runs(host_set: HostSet, states: todo.States) -> None:
    """Raises TryLater, with every step that runs."""
    rows = [(host, step, state) for host, steps in states.items() for step, state in steps.items()]
    running = [f"{host.short}: {step} still runs" for host, step, state in rows if state == "runs"]
    if running:
        raise TryLater(*running, next_line=f"fab {host_set.name} resume, which follows it")


def _end_it(hold: Hold, journal: Journal, host_set: HostSet, how: str, first: str = "true") -> None:
    """Write down how the run that was taken over ends; then `first`, and the lock is released."""
    journal.write(how, operator=operator(), set=host_set.name)
    hold.release(first)
