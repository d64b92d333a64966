"""Do one phase on its hosts, and write down what becomes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import dropwhile
from threading import Event

from ..fleet.groups import Pool, Row
from ..fleet.machines import Group
from ..fleet.outcome import Outcome, for_people
from ..inventory.model import Host, HostSet
from ..journal.events import Waited
from ..sop import drains, restarts
from ..sop.model import Effect, Phase, Step
from ..sop.restarts import Restart
from . import record
from .batch_rollback import goes_back
from .hearing import OutputListener, PhaseListener
from .lock import RunLock, says
from .observer import Report
from .remaining import Remaining
from .state import Run
from .uncertain import found_out

Then = Callable[[], None]


def nothing() -> None:
    """Nobody wants to be told."""


def do_phase(
    run: Run, number: int, phase: Phase, rest: Remaining, run_lock: RunLock, report: Report, ours: Then = nothing
) -> None:
    """Do one phase on the hosts where it is left to do, and write it down before and after.

    ours: called as soon as the sync host has not to be asked any more whether the run is still ours.
    """
    host_set, given_up = run.plan.request.host_set, run.failures
    done = {host: Outcome("", 0.0, earlier=True) for host in phase.hosts if host not in rest.names}
    rest = replace(rest, names={host: name for host, name in rest.names.items() if host not in given_up})
    if not rest.names:
        with run.turn:
            run.outcomes.append((phase, done))
        return
    part = replace(phase, hosts=tuple(rest.names))
    with run.turn:
        _begin(run, number, part, report)
    _check_still_ours(run, part, run_lock)
    ours()
    results = _do(run, number, phase, rest, run_lock, report)
    with run.turn:
        run.waits = bool(phase.window and run.at_work)
        run.outcomes.append((phase, done | results))
        run.taking_out -= set(phase.hosts)
        run.starting -= {host for host, outcome in results.items() if outcome.known}
        run.journal.write(record.ended(host_set, number, phase, results))
        for transacted in record.transactions(run.plan, results) if phase.step.transacts else ():
            run.journal.write(transacted)
        if phase.step.leaves and not run.failures:
            run.journal.write(record.backup(host_set, results[host_set.sync]))


def _begin(run: Run, number: int, part: Phase, report: Report) -> None:
    """Write down what is done next."""
    host_set, step, total = run.plan.request.host_set, part.step, max(run.plan.numbers)
    settled = run.plan.settled
    if settled and len(run.outcomes) >= settled:
        place = len(run.outcomes) - settled + 1
        report.puts_back(place, len(run.plan.phases) - settled, goes_back(host_set, run.journal.entries))
    report.phase(number, total, part)
    run.doing, run.at_work = step.name, [*(run.at_work if part.window else ()), *part.hosts]
    run.starting |= set(part.hosts) if step.httpd in (Effect.UP, Effect.BOUNCE) else set()
    run.looking = run.looking | set(part.hosts) if step.looks else run.looking - set(part.hosts)
    run.journal.write(record.phase(host_set.name, number, total, part))


def asks_the_sync_host(phase: Phase, host_set: HostSet) -> bool:
    """Is the sync host asked before the phase whether the run is still ours?

    A host that could not be told of another driver would go on working for us.
    """
    return phase.step.encloses or not (phase.step.looks or set(phase.hosts) == {host_set.sync})


def _check_still_ours(run: Run, part: Phase, run_lock: RunLock) -> None:
    """See that the run is still ours to carry out; not in a turn: hosts side by side share the answer."""
    host_set, step = run.plan.request.host_set, part.step
    if asks_the_sync_host(part, host_set):
        note = drains.note_away(host_set, run.journal.run, part.hosts) if step.encloses else ""
        run_lock.check_still_ours(note)
    with run.turn:
        run.taking_out |= set(part.hosts) if step.encloses else set()
        run.waits = run.waits if part.window and step.looks else not step.looks


def _do(run: Run, number: int, phase: Phase, rest: Remaining, run_lock: RunLock, report: Report) -> dict[Host, Outcome]:
    step = phase.step
    scripts = {host: run_lock.script(host, name, step.script, step.looks) for host, name in rest.names.items()}
    noticing = {host: _noticing(run, step, host, script) for host, script in scripts.items()}
    told, what = PhaseListener(run, report), f"to end {step.name}"
    group = _group(phase, run)
    results = run_lock.machines.carry_out(noticing, group, step.seconds, what, told, run_lock.reconnect, says)
    unseen = {host: outcome for host, outcome in results.items() if not outcome.known}
    if not step.looks:
        results |= found_out(unseen, rest, scripts, run_lock)
    for host in unseen:
        told.end(host, results[host])
    lost = told.lost_once
    with run.turn:
        seen = [(host, _has_restarted(run, host, step, o, host in lost, report)) for host, o in results.items()]
    back = [host for host, restarted in seen if restarted]
    if any(later.step.after_restart == step for later in run.plan.phases):
        run.stopped |= {host: run.boot_of(host) for host, o in results.items() if not o.failure and host not in lost}
    results = {host: replace(o, output=for_people(o.output)) for host, o in results.items()}
    return results | _done_again(run, number, phase, back, run_lock, report)


def _group(phase: Phase, run: Run) -> Group:
    """A row ends with the first host that fails; where hosts.yml lets some fail, the others are done all the same."""
    in_row = phase.in_turn and not run.plan.request.host_set.fail_budget
    return Row.from_connections if in_row else partial(Pool.of, at_once=phase.at_once)


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
        write_the_restart(run, replace(noticed, service=service), report)
    elif boot and not noticed:
        meanwhile = f"during {step.name}" if lost else run.meanwhile(host)
        write_the_restart(run, Restart(host, boot, meanwhile, service), report)
    return bool(boot and service)


def write_the_restart(run: Run, restart: Restart, report: Report) -> None:
    """Tell it, and write it down."""
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
        scripts, _group(phase, run), again.seconds, what, listener, run_lock.reconnect, says
    )
    run.waits = False
    well = [host for host, outcome in results.items() if not outcome.failure]
    run.stopped |= {host: run.boot_of(host) for host in well}
    looks = dict.fromkeys(well, f"restarted=\n{step.script}")
    return results | run_lock.machines.carry_out(
        looks, _group(phase, run), step.seconds, what, listener, run_lock.reconnect, says
    )


def _seconds_away(phase: Phase, run: Run) -> float:
    """How long its hosts were away at most: since the first step that took them down after they were seen well."""
    with run.turn:
        done = [(one.step, results) for one, results in run.outcomes if one.hosts == phase.hosts]
    seen = max((at for at, (step, _) in enumerate(done[:-1]) if step.sees_it_serve), default=-1)
    since = list(dropwhile(lambda row: row[0].httpd not in (Effect.BOUNCE, Effect.DOWN), done[seen + 1 :]))
    return sum(max((o.seconds for o in results.values()), default=0.0) for _, results in since)


def let_the_balancer_see(phase: Phase, run: Run, report: Report, asked_to_stop: Event) -> None:
    """After a host of a rolling upgrade: was it away so long that the balancer may have taken it out?"""
    if not phase.let_return:
        return
    wanted = run.plan.request.host_set.health.status
    was_ill = not all(run.plan.facts[host].healthy(wanted) for host in phase.hosts)
    away = _seconds_away(phase, run)
    if was_ill or phase.let_return.notices(away):
        seconds = phase.let_return.seconds_to_return
        why = "it was down before" if was_ill else f"it was down for {away:.1f} s"
        why = f"for the balancer to see the host back ({why})"
        if seconds >= 1:
            report.waiting(seconds, why)
        began = time.monotonic()
        asked_to_stop.wait(seconds)
        with run.turn:
            run.journal.write(Waited(why, time.monotonic() - began))
