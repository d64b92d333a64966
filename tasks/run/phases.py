"""Carry the phases of a plan out, one after the other, and write down what becomes of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from threading import Event

from ..errors import Code, HalfWay, Interrupted, Refused, SopError, TakenOver
from ..fleet.groups import Pool, Row
from ..fleet.machines import Group
from ..fleet.outcome import Outcome, for_people
from ..inventory.model import Host
from ..journal.events import Deposed, Waited
from ..ranges import listed
from ..sop import drains, restarts
from ..sop.model import Facts, Phase, Schema, Step
from ..sop.restarts import Restart
from . import record
from .advice import after_a_step, while_locked
from .back import with_the_way_back
from .ending import ending, saved, what_is_down
from .hearing import OutputListener, PhaseListener
from .interrupt import Ended, patience
from .judging import Court
from .left_behind import cut_off
from .lock import RunLock, says
from .look import ask_hosts
from .observer import Report
from .probe import Watches
from .put_back import after_a_run, clean
from .remaining import Remaining, everything
from .state import Run
from .uncertain import found_out


def perform(
    run: Run, remaining_phases: Sequence[Remaining], run_lock: RunLock, report: Report, next_line: str | None = None
) -> Code:
    """Carry out what is left of the plan, look again, recap, and give the lock back unless the run is half-way.

    Returns DONE; raises SopError for every other end.
    """
    try:
        try:
            end = _phase_by_phase(run, remaining_phases, run_lock, report)
        except TakenOver as error:
            end = error
        except BaseException:  # also Ctrl-C twice: what was drained shall not wait for who comes next
            after_a_run(run, run_lock, report, busy=run.at_work)
            raise
        _write_the_end(run, end, run_lock)
    except Refused as error:  # the journal's disk, or a host's sudo: after the first phase it is no refusal any more
        if not (run.outcomes or run.resumed):
            run_lock.release()
            raise
        if not run.afterwards:
            run.afterwards = _look_again(run, run_lock, report)
            report.recap(run)
        problems = [*error.problems, *([f"first: {error.next_line}"] if error.next_line else [])]
        raise HalfWay(*problems, *what_is_down(run), *saved(run), next_line=while_locked(run)) from None
    if end:
        raise end
    report.finished(run, next_line or after_a_step(run))
    return Code.DONE


@contextmanager
def leaving(run: Run) -> Iterator[None]:
    """Whoever is made to leave writes down that it did. Raises Interrupted then, with what goes on by itself."""
    try:
        yield
    except KeyboardInterrupt as error:
        at = str(error) if isinstance(error, Ended) else "Ctrl-C"
        where = f" on {listed(host.short for host in run.at_work)}" if run.at_work else ""
        goes_on = "; the step may keep running there" if run.waits else ""
        what = f"the client ended during {run.doing}{where}{goes_on}; the set stays locked"
        left = Interrupted(what, *what_is_down(run), *saved(run), next_line=while_locked(run))
        with suppress(Refused):
            run.journal.write(record.end(run, left, f"left at {at}"))
        raise left from None


def _write_the_end(run: Run, end: SopError | None, run_lock: RunLock) -> None:
    if isinstance(end, TakenOver):  # the run's end is somebody else's to write
        run.journal.write(Deposed(run.plan.request.host_set.name, end.problems[0]))
    else:
        run.journal.write(record.end(run, end))
    try:
        end_it = run_lock.check_still_ours if run.half_way else run_lock.release
        drained = drains.where(run.plan.request.host_set)
        forget = clean(run_lock.reached, run.afterwards, run.put_back) if drained else ""
        end_it(forget) if forget else end_it()
    except TakenOver as error:
        if isinstance(end, TakenOver):
            return
        # How it ended here is told too, but not what to type next: that is not ours any more.
        raise TakenOver(*error.problems, *(end.problems if end else ()), next_line=error.next_line) from None
    except SopError as error:
        if not end:
            raise HalfWay(*error.problems, next_line=while_locked(run)) from None


def _phase_by_phase(
    run: Run, remaining_phases: Sequence[Remaining], run_lock: RunLock, report: Report
) -> SopError | None:
    """Do the phases until all are done, or one has failed, or Ctrl-C was pressed; look again; say how it ended."""
    host_set = run.plan.request.host_set
    watches = Watches(host_set)
    report.watching(watches.public)
    with watches, patience(report) as asked_to_stop:
        run_lock.machines.asks_no_more(asked_to_stop.is_set)
        court = Court(run, watches, report, asked_to_stop)
        if _each(run, remaining_phases, run_lock, court) and run.halted and run.halted.back:
            _put_back(run, run_lock, court)
        if run.taken_over:
            if run.done_late:
                run.afterwards = _look_again(run, run_lock, report)
            return ending(run)
        run.afterwards = _look_again(run, run_lock, report)
        after_a_run(run, run_lock, report)
    run.users, run.nodes = watches.public(), watches.nodes()
    for watched in record.watched(run):
        run.journal.write(watched)
    report.recap(run)
    for text in cut_off(host_set, run.afterwards):
        report.warning(text)
    return ending(run)


def _each(run: Run, remaining_phases: Sequence[Remaining], run_lock: RunLock, court: Court) -> bool:
    """Do the phases in turn. Do the hosts still do what they are told: has none failed, and has nobody said stop?"""
    plan = run.plan
    rows = list(zip(plan.numbers, plan.phases, remaining_phases, strict=True))
    for number, phase, rest in rows[len(run.outcomes) :]:
        if court.asked_to_stop.is_set():
            return False
        court.begins(phase, rest)
        _phase(run, number, phase, rest, run_lock, court.report)
        if run.failures:
            return False
        _let_the_balancer_see(phase, run, court.report, court.asked_to_stop)
        if phase.judged and not plan.settled and not court.judges(number, phase):
            break
    return True


def _put_back(run: Run, run_lock: RunLock, court: Court) -> None:
    """The batch that was judged bad, on the build that it had; where a resume has not done that already."""
    if not run.plan.settled:
        begun = run.plan.numbers[: len(run.outcomes)]
        run.plan = with_the_way_back(run.plan, run.journal.entries, begun)
        _each(run, everything(run.plan), run_lock, court)


def _look_again(run: Run, run_lock: RunLock, report: Report) -> dict[Host, Facts]:
    """What the hosts are like now, and whether one has restarted since it was seen last.

    The schema takes half a second: it is asked for where the run has not proven it.
    """
    schema = run.schema
    found = ask_hosts(run_lock.reached, repos=False, schema=schema is None)
    for host, facts in found.items():
        if facts.boot and run.boot_of(host) not in (None, facts.boot):
            _write_the_restart(run, Restart(host, facts.boot, run.meanwhile(host)), report)
    if schema is None:
        return found
    return {host: replace(facts, revision=schema, schema=Schema.CURRENT) for host, facts in found.items()}


def _phase(run: Run, number: int, phase: Phase, rest: Remaining, run_lock: RunLock, report: Report) -> None:
    """Do one phase on the hosts where it is left to do, and write it down before and after."""
    host_set, total = run.plan.request.host_set, max(run.plan.numbers)
    done = {host: Outcome("", 0.0, earlier=True) for host in phase.hosts if host not in rest.names}
    if not rest.names:
        run.outcomes.append((phase, done))
        return
    part = replace(phase, hosts=tuple(rest.names))
    report.phase(number, total, part)
    run.doing, run.at_work = phase.step.name, list(part.hosts)
    run.journal.write(record.phase(host_set.name, number, total, part))
    if not phase.step.looks and set(part.hosts) != {host_set.sync}:
        run_lock.check_still_ours()  # a host that could not be told of another driver would go on working for us
    if phase.step.around:
        run_lock.check_still_ours(drains.note_away(host_set, run.journal.run, part.hosts))
    run.waits = not phase.step.looks
    results = _do(run, number, phase, rest, run_lock, report)
    run.waits = False
    run.outcomes.append((phase, done | results))
    run.journal.write(record.ended(host_set, number, phase, results))
    if phase.step.leaves and not run.failures:
        run.journal.write(record.backup(host_set, results[host_set.sync]))


def _do(run: Run, number: int, phase: Phase, rest: Remaining, run_lock: RunLock, report: Report) -> dict[Host, Outcome]:
    step = phase.step
    scripts = {host: run_lock.script(host, name, step.script, step.looks) for host, name in rest.names.items()}
    noticing = {host: _noticing(run, step, host, script) for host, script in scripts.items()}
    told, what = PhaseListener(run, report), f"to end {step.name}"
    results = run_lock.machines.carry_out(noticing, _group(phase), step.seconds, what, told, run_lock.reconnect, says)
    unseen = {host: outcome for host, outcome in results.items() if not outcome.known}
    if not step.looks:
        results |= found_out(unseen, rest, scripts, run_lock)
    for host in unseen:
        told.end(host, results[host])
    lost = told.lost_once
    back = [host for host, outcome in results.items() if _has_restarted(run, host, step, outcome, host in lost, report)]
    if any(later.step.after_restart == step for later in run.plan.phases):
        run.stopped |= {host: run.boot_of(host) for host, o in results.items() if not o.failure and host not in lost}
    results = {host: replace(o, output=for_people(o.output)) for host, o in results.items()}
    return results | _done_again(run, number, phase, back, run_lock, report)


def _group(phase: Phase) -> Group:
    return Row.from_connections if phase.in_turn else partial(Pool.of, at_once=phase.at_once)


def _noticing(run: Run, step: Step, host: Host, script: str) -> str:
    """The step, with a prefix that notices a restart of its host since the plan.

    Steps that check a stop compare with the boot of the stop: httpd that runs in that boot was started by somebody.
    """
    since_plan = run.plan.facts[host].boot
    boot = run.stopped.get(host, since_plan) if step.after_restart else since_plan
    return f"{restarts.notice(run.plan.request.app, boot)}\n{script}" if boot else script


def _has_restarted(run: Run, host: Host, step: Step, outcome: Outcome, lost: bool, report: Report) -> bool:
    """Write down and tell that a host has restarted, if it has; did that undo what the step looks at?"""
    boot, service = restarts.seen(outcome.output)
    noticed = next((restart for restart in run.restarts if (restart.host, restart.boot) == (host, boot)), None)
    if boot and service and noticed:  # not a second restart, but more about the first
        run.restarts.remove(noticed)
        _write_the_restart(run, replace(noticed, service=service), report)
    elif boot and not noticed:
        meanwhile = f"during {step.name}" if lost else run.meanwhile(host)
        _write_the_restart(run, Restart(host, boot, meanwhile, service), report)
    return bool(boot and service)


def _write_the_restart(run: Run, restart: Restart, report: Report) -> None:
    run.restarts.append(restart)
    run.journal.write(record.restarted(run.plan.request.host_set.name, restart))
    report.restarted(restart)


def _done_again(
    run: Run, number: int, phase: Phase, hosts: Sequence[Host], run_lock: RunLock, report: Report
) -> dict[Host, Outcome]:
    """On hosts that restarted: do what that has undone, and look once more; kept under a name of this boot's own."""
    step, again = phase.step, phase.step.after_restart
    if not (hosts and again):
        return {}
    run_lock.check_still_ours()
    names = {host: f"{number:02d}-{again.name}.{run.boot_of(host)}" for host in hosts}
    scripts = {host: run_lock.script(host, name, again.script, looks=False) for host, name in names.items()}
    what = f"to end {again.name}"
    run.waits = True
    listener = OutputListener(report)
    results = run_lock.machines.carry_out(
        scripts, _group(phase), again.seconds, what, listener, run_lock.reconnect, says
    )
    run.waits = False
    well = [host for host, outcome in results.items() if not outcome.failure]
    run.stopped |= {host: run.boot_of(host) for host in well}
    looks = dict.fromkeys(well, f"restarted=\n{step.script}")
    return results | run_lock.machines.carry_out(
        looks, _group(phase), step.seconds, what, listener, run_lock.reconnect, says
    )


def _let_the_balancer_see(phase: Phase, run: Run, report: Report, asked_to_stop: Event) -> None:
    """After a host of a rolling upgrade: was it away so long that the balancer may have taken it out?"""
    if not phase.let_return:
        return
    wanted = run.plan.request.host_set.health.status
    was_ill = not all(run.plan.facts[host].healthy(wanted) for host in phase.hosts)
    away = sum(max((o.seconds for o in results.values()), default=0.0) for _, results in run.outcomes[-2:])
    if was_ill or phase.let_return.notices(away):
        seconds = phase.let_return.seconds_to_return
        why = "it was down before" if was_ill else f"it was down for {away:.1f} s"
        why = f"for the balancer to see the host back ({why})"
        if seconds >= 1:
            report.waiting(seconds, why)
        began = time.monotonic()
        asked_to_stop.wait(seconds)
        run.journal.write(Waited(why, time.monotonic() - began))
