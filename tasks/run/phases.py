"""Carry the phases of a plan out, one after the other, and write down what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import groupby

from ..errors import Code, HalfWay, Interrupted, Refused, SopError, TakenOver
from ..inventory.model import Host
from ..journal.events import Deposed
from ..ranges import listed
from ..sop import drains
from ..sop.model import Facts, Schema
from ..sop.restarts import Restart
from . import advice, automatic, record
from .batch_rollback import with_the_rollback
from .blocked import blocked
from .budget import used_up
from .ending import ending, not_begun, saved, what_is_down
from .foretold import refused_for
from .interrupt import Asked, left_at, patience
from .judging import Court
from .left_behind import cut_off
from .lock import RunLock
from .look import ask_hosts
from .observer import Report
from .phase import Then, asks_the_sync_host, do_phase, let_the_balancer_see, nothing, write_the_restart
from .probe import Watches
from .put_back import after_a_run, clean
from .remaining import Remaining, everything
from .standing import Standing
from .state import Run
from .window import PhaseToDo, side_by_side


def perform(
    run: Run,
    remaining_phases: Sequence[Remaining],
    run_lock: RunLock,
    report: Report,
    around: Standing,
    next_line: str | None = None,
) -> Code:
    """Carry out what is left of the plan, look again, recap, and give the lock back unless the run is half-way.

    around: what stands around the run, which is undone before that.

    Returns DONE; raises SopError for every other end.
    """
    with patience(report) as asked:
        try:
            end = _to_the_end(run, remaining_phases, run_lock, report, around, asked)
            _write_the_end(run, end, run_lock, around.forget)
        except KeyboardInterrupt:
            run.still_up = around.still_up
            raise
        except (Refused, HalfWay) as error:
            if run.ended:
                raise
            raise _ended_outside_a_step(run, run_lock, report, error) from None
        if end:
            raise end
        report.finished(run, advice.what_is_left(run) or next_line)
        return Code.DONE


def _to_the_end(
    run: Run,
    remaining_phases: Sequence[Remaining],
    run_lock: RunLock,
    report: Report,
    around: Standing,
    asked: Asked,
) -> SopError | None:
    """Do what is left, undo what stands around it, and say how it ended; whatever ends it, it is undone."""
    sync = run.plan.request.host_set.sync
    try:
        automatic.hold_off(run, run_lock, report)
        if asked.is_set() and run.resumed:  # it is half-way still, and keeps its lock
            raise KeyboardInterrupt
        begins = not asked.is_set()
        end = _phase_by_phase(run, remaining_phases, run_lock, report, around, asked) if begins else not_begun(run.plan)
        if not isinstance(end, TakenOver):
            automatic.after_a_run(run, run_lock, report)
        around.end_with(end, ask_first=sync in run.afterwards)
    except TakenOver as error:
        end = error
    except BaseException as error:  # also Ctrl-C twice: what was drained shall not wait for who comes next
        if isinstance(error, KeyboardInterrupt):
            asked.set()  # threads of hosts side by side end what they wait for, and nobody is asked any more
        try:
            after_a_run(run, run_lock, report, busy=run.busy)
        finally:
            around.leave(busy=run.busy)
        raise
    if found := run.afterwards.get(sync):
        run.afterwards[sync] = replace(found, around=tuple(row for row in found.around if row[2] not in around.down))
    return end


def _ended_outside_a_step(run: Run, run_lock: RunLock, report: Report, error: Refused | HalfWay) -> SopError:
    """What it is where the journal's disk is full, sudo says no, or the sync host is lost between two steps: a refusal
    before the first phase alone.
    """
    if isinstance(error, Refused) and not (run.outcomes or run.resumed):
        automatic.after_a_run(run, run_lock, report)
        with suppress(Refused):
            _write(run, error)
        run_lock.release()
        return error
    if not run.afterwards:
        run.afterwards = _look_again(run, run_lock, report)
        report.recap(run)
    first = [f"first: {error.next_line}"] if isinstance(error, Refused) and error.next_line else []
    lost = run.plan.request.host_set.sync not in run.afterwards
    next_line = advice.after_a_run(run) if lost else advice.while_locked(run)
    end = HalfWay(*error.problems, *first, *what_is_down(run), *saved(run), next_line=next_line)
    with suppress(Refused):
        _write(run, end)
    return end


def _write(run: Run, end: SopError | None, how: str | None = None) -> None:
    run.journal.write(record.end(run, end, how))
    run.ended = True


@contextmanager
def leaving(run: Run, run_lock: RunLock) -> Iterator[None]:
    """Whoever is made to leave writes down that it did. Raises Interrupted then, with what goes on by itself."""
    try:
        yield
    except KeyboardInterrupt as error:
        if run.ended or not run_lock.holds:
            raise _left_outside(run, run_lock, left_at(error)) from None
        where = f" on {listed(host.short for host in run.at_work)}" if run.at_work else ""
        goes_on = "; the step may keep running there" if run.waits else ""
        goes_on += ", not drained any more" if goes_on and run.put_back else ""
        what = f"the client ended during {run.doing}{where}{goes_on}; the set stays locked"
        left = Interrupted(what, *what_is_down(run), *saved(run), next_line=advice.while_locked(run))
        with suppress(Refused):
            _write(run, left, left_at(error))
        raise left from None


def _left_outside(run: Run, run_lock: RunLock, how: str) -> Interrupted:
    """Who leaves before the lock was asked for, or when the run has ended as it is written down already."""
    name = run.plan.request.host_set.name
    if not run.ended:
        left = not_begun(run.plan)
        with suppress(Refused):
            _write(run, left, how)
        return left
    so, next_line = {
        True: (f"{name} stays locked by it", advice.while_locked(run)),
        None: (f"whether {name} is still locked by it is not known", f"fab {name} status"),
        False: ("its lock is released", f"fab {name} history"),
    }[run_lock.holds]
    return Interrupted(f"run {run.journal.run} had ended, and {so}", next_line=next_line)


def _write_the_end(run: Run, end: SopError | None, run_lock: RunLock, forget: str) -> None:
    """forget: shell for the sync host, after what was undone around the run."""
    if isinstance(end, TakenOver):  # the run's end is somebody else's to write
        run.journal.write(Deposed(run.plan.request.host_set.name, end.problems[0]))
    else:
        _write(run, end)
    try:
        end_it = run_lock.check_still_ours if run.half_way else run_lock.release
        drained = drains.where(run.plan.request.host_set)
        put_back = clean(run_lock.reached, run.afterwards, run.put_back) if drained else ""
        first = " && ".join(filter(None, (forget, put_back)))
        end_it(first) if first else end_it()
    except TakenOver as error:
        if isinstance(end, TakenOver):
            return
        # How it ended here is told too, but not what to type next: that is not ours any more.
        raise TakenOver(*error.problems, *(end.problems if end else ()), next_line=error.next_line) from None
    except SopError as error:
        if not end:
            raise HalfWay(*error.problems, next_line=advice.while_locked(run)) from None
        if not run.half_way:  # nobody saw that the lock was given back: its end is not all that is to be said
            raise HalfWay(*end.problems, *error.problems, next_line=error.next_line) from None


def _phase_by_phase(
    run: Run,
    remaining_phases: Sequence[Remaining],
    run_lock: RunLock,
    report: Report,
    around: Standing,
    asked_to_stop: Asked,
) -> SopError | None:
    """Do the phases until all are done, or one has failed, or Ctrl-C was pressed; look again; say how it ended."""
    host_set = run.plan.request.host_set
    watches = Watches(host_set)
    report.watching(watches.public)
    with watches:
        run_lock.machines.asks_no_more(asked_to_stop.is_set)
        court = Court(run, watches, report, asked_to_stop)
        if _each(run, remaining_phases, run_lock, court, around) and run.halted and run.halted.back:
            _roll_back(run, run_lock, court, around)
        asked_to_stop.ending = True
        if run.taken_over:
            if run.done_late:
                run.afterwards = _look_again(run, run_lock, report)
            return ending(run)
        run.afterwards = _look_again(run, run_lock, report)
        run.brings = refused_for(run, run_lock.reached)
        _tell_what_blocked(run, report)
        after_a_run(run, run_lock, report)
    run.users, run.nodes = watches.public(), watches.nodes()
    for watched in record.watched(run):
        run.journal.write(watched)
    report.recap(run)
    for text in cut_off(host_set, run.afterwards):
        report.warning(text)
    return ending(run)


def _tell_what_blocked(run: Run, report: Report) -> None:
    """Write down and tell who held a lock that the migration gave up on, and what the schema was found at."""
    if found := blocked(run):
        run.journal.write(found)
        report.blocked(found)


def _each(run: Run, remaining_phases: Sequence[Remaining], run_lock: RunLock, court: Court, around: Standing) -> bool:
    """Do the phases in turn. Do the hosts still do what they are told: has none failed, and has nobody said stop?"""
    plan, host_set = run.plan, run.plan.request.host_set

    def do(row: PhaseToDo, report: Report, ours: Then = nothing) -> bool:
        number, phase, rest = row
        if court.asked_to_stop.is_set() or (run.halted and not plan.settled):
            return False
        court.begins(phase, rest)
        # Side by side only who asks the sync host anyway, or works there, asks it: a step may be at work on it.
        if not phase.window or asks_the_sync_host(phase, host_set) or set(phase.hosts) == {host_set.sync}:
            around.prolong(phase.step.seconds, run.at_work, run.turn)
        do_phase(run, number, phase, rest, run_lock, report, ours)
        if used_up(run):
            return False
        let_the_balancer_see(phase, run, report, court.asked_to_stop)
        return bool(plan.settled) or court.judges(number, phase, report)

    rows = list(zip(plan.numbers, plan.phases, remaining_phases, strict=True))[len(run.outcomes) :]
    for window, part in groupby(rows, key=lambda row: row[1].window):
        of_it = list(part)
        well = (
            side_by_side(run, of_it, run_lock, court.report, do)
            if window
            else all(do(row, court.report) for row in of_it)
        )
        if not well:
            break
    return not (court.asked_to_stop.is_set() or used_up(run))


def _roll_back(run: Run, run_lock: RunLock, court: Court, around: Standing) -> None:
    """The batch that was judged bad, on the build that it had; where a resume has not done that already."""
    if not run.plan.settled:
        court.takes_along()
        done = [id(phase) for phase, _ in run.outcomes]
        rows = zip(run.plan.numbers, run.plan.phases, strict=True)
        begun = [number for number, phase in rows if id(phase) in done]
        run.plan = with_the_rollback(run.plan, run.journal.entries, begun)
        _each(run, everything(run.plan), run_lock, court, around)


def _look_again(run: Run, run_lock: RunLock, report: Report) -> dict[Host, Facts]:
    """What the hosts are like now, and whether one has restarted since it was seen last.

    The schema takes half a second: it is asked for where the run has not proven it.
    """
    schema, run.looked = run.schema, True
    changed = any(phase.step.transacts for phase, _ in run.outcomes)
    found = ask_hosts(run_lock.reached, repos=False, schema=schema is None, after=changed)
    for host, facts in found.items():
        if facts.boot and run.boot_of(host) not in (None, facts.boot):
            write_the_restart(run, Restart(host, facts.boot, run.meanwhile(host)), report)
    if schema is None:
        return found
    return {host: replace(facts, revision=schema, schema=Schema.CURRENT) for host, facts in found.items()}
