"""A run, from the question to the recap."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial

from fabric import Config

from ..around.telling import notifying
from ..errors import Code, Interrupted, Refused, SopError, TryLater
from ..inventory.model import Host, HostSet, Inventory
from ..journal.file import Journal, operator
from ..lines import Line
from ..sop.model import Facts
from . import prometheus, record, standing
from .advice import after_success
from .ask_around import Looks
from .consent import Consent, agree, check_that_somebody_can_agree
from .decide import Plan, decide
from .ending import not_begun
from .forecast import on_stage
from .foretold import with_migrations
from .interrupt import left_at
from .lock import RunLock
from .lock_file import doing
from .locked import holder, locked_by
from .look import Reached, connected, look
from .noted import known
from .observer import Report
from .phases import leaving, perform
from .proxies import asked
from .remaining import everything
from .request import Request, check_request, predecessor
from .resolved import resolved
from .standing import Standing
from .state import Run

LOCK_SECONDS = 1.0  # between two looks at a lock that is waited for


def carry_out(request: Request, inventory: Inventory, config: Config, consent: Consent, report: Report) -> Code:
    """Choose, connect, look at everything, plan, show, ask, do the phases, look again, recap.

    Returns DONE, or REFUSED when only the plan was wanted and it holds changes. Raises SopError for every other end.
    """
    check_request(request)
    check_that_somebody_can_agree(request.host_set, consent, report)
    stage = predecessor(request, inventory)
    sets = (request.host_set, *([stage] if stage else []))
    with connected(
        config, report, *sets, tolerant=request.procedure.tolerant, also=asked(request), around=True
    ) as reached:
        _check_that_the_meant_are_there(request, reached)
        report.looking(request.host_set.hosts)
        plan = _consider(reached, request, stage, consent, report)
        plan = replace(with_migrations(plan, reached), forecast=on_stage(plan, stage, reached))
        report.plan(plan)
        if not plan.phases:
            report.nothing_to_do(plan)
            return Code.DONE
        if plan.forecast:
            report.note(plan.forecast.text)
        if consent.plan_only:
            report.commands(plan)
            return Code.REFUSED
        agree(plan.request.host_set, consent, report)
        journal = Journal()
        run_lock = RunLock(reached, journal)
        run = Run(plan, journal, doing="taking the lock", may_ask=not consent.yes)
        with (
            closing(journal),
            notifying(request.host_set.told, journal, report.warning) as run_begins,
            leaving(run, run_lock),
        ):
            journal.write(record.begin(plan, operator()))
            noted = plan.facts[request.host_set.sync].around
            around = standing.of_a_plan(plan, reached, run_lock, journal, report, noted)
            with _given_back(run, run_lock, around):
                last = run_lock.take(doing(request.procedure.name, plan.target))
                if last != plan.facts[request.host_set.sync].last:
                    again = partial(_consider, reached, request, stage, consent, report, run_lock)
                    _check_that_it_is_still_so(plan, again, run_lock)
                around.begin(partial(standing.lasts, plan, reached), run_begins)
            return perform(run, everything(plan), run_lock, report, around, after_success(plan, inventory))


@contextmanager
def _given_back(run: Run, run_lock: RunLock, around: Standing) -> Iterator[None]:
    """A run that gets no further than this has an end too, and no lock: history would call it lost."""
    try:
        yield
    except SopError as error:
        with suppress(Refused):
            run.journal.write(record.end(run, error))
        around.give_back()
        raise
    except KeyboardInterrupt as error:
        left = _not_begun(run, around)
        with suppress(Refused):
            run.journal.write(record.end(run, left, left_at(error)))
        try:
            run_lock.release(around.forget or "true")
        except SopError as lost:
            raise Interrupted(*left.problems, *lost.problems, next_line=lost.next_line) from None
        raise left from None


def _not_begun(run: Run, around: Standing) -> Interrupted:
    """Who leaves here has what is still up named."""
    host_set, up = run.plan.request.host_set, around.still_up
    undone = known(host_set, up)
    undoes = Line("next", f"fab {host_set.name} abort", f"undoes {', '.join(undone)}")
    return not_begun(run.plan, *(f"{name} may still be up" for name in up), first=undoes if undone else None)


def _consider(
    reached: Reached,
    request: Request,
    stage: HostSet | None,
    consent: Consent,
    report: Report,
    run_lock: RunLock | None = None,
) -> Plan:
    """Look at everything and decide, as soon as nobody else holds the set; a plan alone is made at once.

    Raises Locked if that does not come.
    """
    ends = time.monotonic() + consent.lock_wait
    while True:
        looks = Looks(reached, report)
        facts = look(reached, request.procedure.installs, stage=stage, wanted=request.wanted)
        held = None if run_lock else holder(request.host_set, facts)
        if held is None:
            plan = resolved(reached, decide(request, facts, stage), stage)
            if any(phase.judged for phase in plan.phases):
                prometheus.check(request.host_set)
            if plan.phases:
                plan = replace(plan, warnings=(*plan.warnings, *looks.check()))
            return plan
        if consent.plan_only:
            return resolved(reached, _planned_beside(held, request, facts, stage, report), stage)
        _wait_for(held, reached, report, ends)


def _planned_beside(
    held: tuple[Host, str], request: Request, facts: Mapping[Host, Facts], stage: HostSet | None, report: Report
) -> Plan:
    """What would be done if no run held the set.

    What stands in the way may be that run's, and it keeps every other task from the set: its lock says what leads out.
    """
    locked = locked_by(*held, request.host_set)
    report.warning(locked.problems[0])
    try:
        return decide(request, facts, stage)
    except (Refused, TryLater) as error:
        if error.next_line and "fab " not in error.next_line:  # an ssh, or an editor: they help as they stand
            raise
        raise type(error)(*error.problems, next_line=locked.next_line) from None


def _wait_for(held: tuple[Host, str] | None, reached: Reached, report: Report, ends: float) -> None:
    """Until the set is free, looking at little more than its lock: its hosts have work to do.

    ends: on time.monotonic's clock; then Locked is raised.
    """
    while held is not None:
        locked = locked_by(*held, reached.host_set)
        if time.monotonic() >= ends:
            raise locked
        report.waiting(ends - time.monotonic(), f"at most: {locked.problems[0]}")
        time.sleep(LOCK_SECONDS)
        facts = look(reached, repos=False, schema=False)
        held = holder(reached.host_set, facts)


def _check_that_it_is_still_so(plan: Plan, consider: Callable[[], Plan], run_lock: RunLock) -> None:
    """Between the look and the lock another run has come and gone: what was agreed to must still be what is needed."""
    try:
        now = consider()
    except SopError:
        run_lock.release()
        raise
    if (now.target, now.hosts, now.phases) == (plan.target, plan.hosts, plan.phases):
        return
    run_lock.release()
    raise Refused(
        f"another run changed {plan.request.host_set.name} after this plan was made: plan again",
        next_line=plan.typed(plan.request.procedure.name),
    )


def _check_that_the_meant_are_there(request: Request, reached: Reached) -> None:
    """One dead host must not keep another from being stopped or started; the ones that are meant have to be there.

    So must the sync host, which keeps the lock.
    """
    for host in (*request.hosts, request.host_set.sync):
        if host in reached.machines.unreachable:
            raise reached.machines.unreachable[host]
