"""Give the run that holds a set up, or only release its lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

from fabric import Config

from ..errors import Code, HalfWay, Interrupted, Locked, Refused
from ..inventory.model import Host, HostSet
from ..journal.events import Abort, Unlock
from ..journal.file import Journal, operator
from ..sop import drains, kept
from ..sop.model import UNREACHED, Facts
from . import automatic, record, standing
from .batch_rollback import judged_bad, said, stopped_by
from .consent import Consent, agree, check_that_somebody_can_agree
from .left_behind import left_behind
from .lock import RunLock
from .lock_file import Lock
from .locked import holder, locked_by
from .look import Reached, ask_hosts, connected, look
from .noted import sentences, undone_by_abort, undone_by_hand, what_is_up
from .observer import Report
from .proxies import left_out, what_is_drained
from .put_back import PutBack, not_put_back, put_back
from .takeover import (
    Found,
    check_that_it_is_still_held,
    check_that_nothing_runs,
    check_that_the_sync_host_is_there,
    deposed,
    find,
    states,
    take_over,
)


def abort(host_set: HostSet, config: Config, consent: Consent, report: Report) -> Code:
    """Give the run that holds the set up: cron restored, lock released, and said what is down.

    Returns DONE, or REFUSED when it was only to be shown (plan_only) and there is something to give up.
    A host that cannot be reached does not keep it from that, unless it is the sync host.
    Raises TryLater while one of its steps still runs, and HalfWay, once the lock is released, where what it has drained
    is not put back.
    """
    check_that_somebody_can_agree(host_set, consent, report)
    with _reached(host_set, config, report) as reached:
        found = find(reached)
        if not isinstance(found, Found):
            return _give_back(reached, found, consent, report)
        _show(reached, found, report)
        if consent.plan_only:
            cron = f"let {host_set.app.scheduler} sync again and " if found.facts[host_set.sync].paused else ""
            out = _undoes(host_set, found.facts)
            report.note(f"abort would {out}{cron}release the lock; it starts no service and rolls nothing back")
            return Code.REFUSED
        done = _end(reached, found, "abort", consent, report)
        still = _show_the_end(reached, done, found.lock.run, now := _afterwards(reached), report)
        report.aborted(host_set, found.lock, now, not still, judged_bad(found.entries))
        return _ends(host_set, still, now)


def unlock(host_set: HostSet, config: Config, consent: Consent, report: Report) -> Code:
    """Release a set's lock, and put back what its run has drained; nothing else. Shows whose it is and how old.

    Returns DONE, or REFUSED when it was only to be shown (plan_only) and there is a lock.
    Raises TryLater while a step of its run still runs: what is begun next could meet it; HalfWay as `abort` does.
    """
    check_that_somebody_can_agree(host_set, consent, report)
    with _reached(host_set, config, report) as reached:
        found = find(reached)
        if not isinstance(found, Found):
            report.free(host_set, found, f"{host_set.name} is not locked")
            return Code.DONE
        _show(reached, found, report)
        if consent.plan_only:
            out = _undoes(host_set, found.facts)
            report.note(f"unlock would {out}release the lock, and leave all else as it is")
            return Code.REFUSED
        done = _end(reached, found, "unlock", consent, report)
        still = _show_the_end(reached, done, found.lock.run, now := _afterwards(reached), report)
        report.free(host_set, now, f"{host_set.name} is unlocked", not still)
        return _ends(host_set, still, now)


def _undoes(host_set: HostSet, facts: Mapping[Host, Facts]) -> str:
    """What would be put back and taken down, as the beginning of a sentence."""
    out = "put back what is drained, " if what_is_drained(host_set, facts) else ""
    return out + "".join(f"undo {part}, " for part in undone_by_abort(host_set, facts))


@contextmanager
def _reached(host_set: HostSet, config: Config, report: Report) -> Iterator[Reached]:
    """Those hosts that can be reached: one that is dead must not hold the set for ever. The sync host has to be."""
    with connected(config, report, host_set, tolerant=True, also=host_set.proxies, around=True) as reached:
        check_that_the_sync_host_is_there(reached)
        for host in reached.machines.unreachable:
            report.warning(f"{host.short}: cannot be reached; what runs there, and whether it goes on, is not known")
        yield reached


def _show(reached: Reached, found: Found, report: Report) -> None:
    """The run that would be ended. Raises TryLater while one of its steps runs."""
    check_that_nothing_runs(reached, found.lock, found.states)
    report.held(reached.host_set, found.lock, found.states)
    if verdict := stopped_by(found.entries):
        report.warning(said(verdict) + ("; its hosts were to be taken back" if verdict.back else ""))


def _end(reached: Reached, found: Found, how: str, consent: Consent, report: Report) -> PutBack:
    """Ask, take the run over, write down how it ends, give cron back if it is given up, and release the lock."""
    lock, host_set = found.lock, reached.host_set
    agree(host_set, consent, report)
    # Its client may be at work, or have slept: what it has begun meanwhile is left to it.
    check_that_nothing_runs(reached, lock, states(reached, lock.run))
    with closing(Journal(run=lock.run)) as journal, _leaving(host_set, how, lock):
        journal.check_room()  # whoever is deposed must not be deposed for nothing
        run_lock = RunLock(reached, journal)
        check_that_nothing_runs(reached, lock, take_over(reached, run_lock, lock), ousted=True)
        with deposed(lock):
            now = look(reached, repos=False, schema=False)
        check_that_it_is_still_held(host_set, lock, now)  # it may have ended by itself just now: nobody was deposed
        with deposed(lock):
            me, aborted = operator(), how == "abort"
            journal.write(record.abort(host_set, me, found.entries, now) if aborted else Unlock(me, host_set.name))
            shells = [kept.resume_cron(host_set.app)] if aborted else []
            done, forget = _put_back(reached, lock.run, now, report)
            automatic.give_back(reached, journal, automatic.held_off(host_set, now), report)
            around = standing.of(reached, run_lock, journal, report, now[host_set.sync].around)
            around.end("aborted" if aborted else "unlocked")
            run_lock.release(" && ".join(filter(None, (around.forget, *shells, forget))) or "true")
    return done


def _afterwards(reached: Reached) -> dict[Host, Facts]:
    """What all are like now. One that is lost by now is UNREACHED: "nothing was changed" would not be so any more."""
    sync = reached.host_set.sync
    found = ask_hosts(reached, repos=False)
    if sync not in found:
        what = f"{sync.short}: was lost after it was told to end the run; what the set is like now is not known"
        raise HalfWay(what, next_line=f"fab {reached.host_set.name} status")
    return dict.fromkeys(reached.hosts, UNREACHED) | found


def _show_the_end(reached: Reached, done: PutBack, run: str, facts: Mapping[Host, Facts], report: Report) -> list[str]:
    """Show what others have drained; what the run (any, if it is empty) may still have drained, and what still stands
    around a run, a sentence for each.
    """
    still = not_put_back(reached.host_set, done, run, facts)
    for text in what_is_drained(reached.host_set, facts, but=done.failed):
        if text not in still:
            report.warning(text)
    return still + sentences(reached.host_set, facts, still=True)


def _ends(host_set: HostSet, still: list[str], facts: Mapping[Host, Facts]) -> Code:
    """DONE. Raises HalfWay where something may still be drained, or stands around a run still."""
    if still:
        raise HalfWay(*still, next_line=left_behind(host_set, facts, tried=True) or f"fab {host_set.name} abort")
    return Code.DONE


def _put_back(reached: Reached, run: str, facts: Mapping[Host, Facts], report: Report) -> tuple[PutBack, str]:
    """Put back what the run (any, if it is empty) has taken out; shell for the sync host, which forgets where that was.

    It raises nothing: whoever gives a run up must not be kept from that by a proxy that is away.
    """
    host_set = reached.host_set
    hosts = [host for host in drains.where(host_set) if host not in reached.machines.unreachable]
    done = put_back(reached, run, hosts, facts, report) if hosts else PutBack()
    return done, drains.forget_away(host_set, [host for host in hosts if host not in done.failed])


@contextmanager
def _leaving(host_set: HostSet, how: str, lock: Lock) -> Iterator[None]:
    """Raises Interrupted for who is made to leave: the run may have lost its driver, its pause of cron, its lock."""
    try:
        yield
    except KeyboardInterrupt:
        what = f"{host_set.name}: {how} of run {lock.run} was left in its middle"
        again = f"fab {host_set.name} status\n  or: fab {host_set.name} {how}  # if the run still has it locked"
        raise Interrupted(what, next_line=again) from None


def _give_back(reached: Reached, facts: Mapping[Host, Facts], consent: Consent, report: Report) -> Code:
    """No run holds the set. One whose lock is gone may have left cron's sync paused, or something drained."""
    host_set, sync = reached.host_set, reached.host_set.sync
    paused, out, up = facts[sync].paused, what_is_drained(host_set, facts), what_is_up(host_set, facts)
    run = paused or next((run for rows in left_out(host_set, facts).values() for run, _ in rows), None)
    off = automatic.held_off(host_set, facts)
    run = run if run is not None or not up else up[0].run
    run = run if run is not None else next(iter(off.values()), None)
    if run is None:
        report.free(host_set, facts, f"nothing to give up: no run holds {host_set.name}")
        return Code.DONE
    if paused:
        report.note(
            f"{sync.short}: {host_set.app.scheduler}'s sync is paused by run {run}, which holds {host_set.name} no more"
        )
    updates = automatic.sentences(host_set, facts) if off else []
    would = [
        *([f"let {host_set.app.scheduler} sync again"] if paused else []),
        *(["put back what is drained"] if out else []),
        *(f"undo {part}" for part in undone_by_abort(host_set, facts)),
        *(f"forget {gone.part}" for gone in undone_by_hand(host_set, facts) if gone.seconds <= 0),
        *(["give automatic updates back"] if off else []),
    ]
    if not would:  # only what hosts.yml has no more
        return _ends(host_set, sentences(host_set, facts, still=True), facts)
    for text in (*out, *sentences(host_set, facts), *updates):
        report.note(text)
    if consent.plan_only:
        report.note(f"abort would {' and '.join(would)}")
        return Code.REFUSED
    agree(host_set, consent, report)
    now = look(reached, repos=False)
    held = holder(host_set, now)
    if held is not None:  # begun while the question was read: cron must not come back in the middle of it
        raise locked_by(*held, host_set)
    with closing(Journal(run=run)) as journal:
        journal.write(Abort(operator(), host_set.name, None, None))
        done, forget = _put_back(reached, "", now, report) if out else (PutBack(), "")
        run_lock = RunLock(reached, journal)
        around = standing.of(reached, run_lock, journal, report, now[sync].around)
        around.end("aborted")
        automatic.give_back(reached, journal, automatic.held_off(host_set, now), report)
        try:
            run_lock.give_back(" && ".join(filter(None, (around.forget, forget))))
        except Locked:
            raise
        except Refused as error:  # after what was drained: "nothing was changed" may not be so
            raise HalfWay(*error.problems, next_line=error.next_line) from None
    still = _show_the_end(reached, done, "", now := _afterwards(reached), report)
    cron = f"{sync.short}: {host_set.app.scheduler}'s sync is {'on again' if now[sync].cron else 'not there'}"
    report.free(host_set, now, cron if paused else _given_back(host_set, bool(out), done, still), not still)
    return _ends(host_set, still, now)


def _given_back(host_set: HostSet, drained: bool, done: PutBack, still: list[str]) -> str:
    """What became of what a run had left, in a sentence; drained: that was something out of the balancer."""
    if not drained:
        return f"{host_set.name}: {'not all' if still else 'all'} that a run had left is undone"
    if still:
        return f"{host_set.name}: not all that was drained is put back"
    return f"{host_set.name}: nothing is drained {'by this tool ' if done.left else ''}any more"
