"""What to type next, in every kind of ending: lines that can be typed as they stand, and what each would do. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..inventory.model import Host, HostSet, Inventory
from ..journal.events import BAD, Judged
from ..lines import Line, below, ssh
from ..ranges import listed
from ..sop import kept
from ..sop.model import UNREACHED, Effect, Procedure
from ..sop.workflows import RESTART, by_hand
from .blocked import blocked
from .decide import Plan
from .left_behind import BY_HAND, left_behind, left_of_the_sop
from .noted import forgetting, undone_by_abort
from .proxies import left_out
from .state import Run
from .way_back import way_back


def beside_a_run(host_set: HostSet, operator: str, runs: bool, verdict: Judged | None = None) -> list[Line]:
    """What to type where a run has locked the set.

    operator: who began it; runs: does a step of it still run? verdict: the one that has stopped it.
    """
    ousts = f"takes over the run; {operator}'s client starts no further steps"
    resume = Line("or", f"fab {host_set.name} resume", f"attaches to the running step; {ousts}" if runs else ousts)
    abort = Line("or", f"fab {host_set.name} abort", "after the step ends" if runs else "ends it, and frees the set")
    ways = [resume, abort]
    if verdict and verdict.verdict == BAD and not verdict.back:
        ways = [abort, resume._replace(does=f"in spite of the verdict: {resume.does}")]
    return [Line("next", f"fab {host_set.name} status", "is it still at work?"), *ways]


def after_a_run(run: Run) -> str:
    """After a run that did not end well."""
    plan, host_set = run.plan, run.plan.request.host_set
    if run.afterwards and host_set.sync not in run.afterwards:
        return below(_without_the_sync_host(run))
    if run.half_way:
        return while_locked(run)
    last = run.outcomes[-1][0].step if run.outcomes else None
    if run.failures and last and last.refuses and host_set.after:
        return f"fab {host_set.after} status"
    if run.failures and last and last.instead:
        return plan.typed(last.instead)
    if plan.request.procedure.upgrade:
        return plan.typed(plan.request.procedure.name)
    return below(_in_turn(plan, _left(run)) or [Line("next", plan.typed(plan.request.procedure.name))])


def while_locked(run: Run) -> str:
    """Where the set stays locked: resume or abort; and, when it is aborted, the build before, or the SOP by hand."""
    name = run.plan.request.host_set.name
    if run.waits:
        follows = Line("next", f"fab {name} resume", "attaches to the running step, then continues")
        return below([follows, Line("or", f"fab {name} abort", "after the step ends; skips the remaining steps")])
    return below(_resume_or_abort(run))


def _resume_or_abort(run: Run) -> list[Line]:
    plan, name = run.plan, run.plan.request.host_set.name
    first = "once the lock is free, " if blocked(run) else ""
    resume = Line("next", f"fab {name} resume", first + _goes_on(run))
    abort = Line("or", f"fab {name} abort", _gives_up(run))
    back = way_back(run)
    if run.halted and run.halted.back:
        hosts = listed(host.short for host in plan.hosts if host.name in run.halted.back)
        back_again = resume._replace(does=f"takes {hosts} back to the build before")
        return [back_again, abort, *([back] if back else [])]
    if run.halted and run.halted.verdict == BAD:
        # Whoever types the first line is not to roll a bad build out.
        resume = resume._replace(mark="or", does=f"in spite of the verdict: {resume.does}")
        return [abort._replace(mark="next"), *([back] if back else []), resume]
    lines = [resume, abort]
    if plan.request.procedure.rolling:
        others = [Line("then", plan.typed(plan.request.procedure.name), "the same again, on the hosts that need it")]
    else:
        others = _in_turn(plan, _left(run), "or" if back and back.typed else "then", BY_HAND)
    if not back:
        return [*lines, *others]
    if not back.typed:
        return [*lines, *others, back]
    return [*lines, back, *([] if plan.request.procedure.rolling else others)]


def _left(run: Run) -> list[Procedure]:
    """The SOP's steps that are left, as they are typed by hand."""
    plan, request = run.plan, run.plan.request
    done: dict[str, bool] = {}
    for phase, results in run.outcomes:
        done[phase.step.name] = not any(outcome.failure for outcome in results.values())
    if request.procedure.upgrade:
        left = by_hand(plan.phases, run.afterwards, done, unsure=True)
    else:
        left = left_of_the_sop(request.host_set, run.afterwards, done, plan.target)
    last = run.outcomes[-1][0].step if run.outcomes else None
    if run.failures and not left and last and last.httpd in (Effect.UP, Effect.BOUNCE):
        return [RESTART]
    if not request.procedure.upgrade and run.failures and request.procedure not in left:
        return [request.procedure, *left]
    return left


def _in_turn(plan: Plan, left: Sequence[Procedure], mark: str = "next", does: str = "") -> list[Line]:
    """The steps in their order; those for the same hosts make one line, which ends where one of them fails."""
    lines: list[Line] = []
    before = ""
    for procedure in left:
        who, words = plan.words(procedure.name)
        if who == before:
            lines[-1] = lines[-1]._replace(typed=f"{lines[-1].typed} {words}")
        else:
            lines.append(Line("then" if lines else mark, f"fab {who} {words}", "" if lines else does))
        before = who
    return lines


def _without_the_sync_host(run: Run) -> list[Line]:
    """It has the lock, so that neither resume nor abort can be typed before it is back."""
    plan, host_set, sync = run.plan, run.plan.request.host_set, run.plan.request.host_set.sync
    back = Line("or", f"fab {host_set.name} resume", f"when {sync.short} is back")
    others = [host for host in host_set.hosts if host in run.afterwards]
    if not (others and plan.request.procedure.upgrade):
        return [back._replace(mark="next")]
    moved = f"after you set sync_host: {others[0].short} and remove {sync.short} in hosts.yml"
    gone = f"only if {sync.short} is permanently gone"
    discard = [Line("then", forget(host_set, host, run.journal.run), gone) for host in others]
    discard[0] = discard[0]._replace(mark="next")
    return [*discard, Line("then", plan.typed(plan.request.procedure.name), moved), back]


def forget(host_set: HostSet, host: Host, run: str) -> str:
    """What is typed so that a host forgets a run that cannot be ended: its lock went with the sync host."""
    return ssh(host.name, f"sudo touch {kept.root(host_set.app)}/{run}/ended")


def _goes_on(run: Run) -> str:
    """From which step to which."""
    phases = run.plan.phases
    done = {id(phase) for phase, results in run.outcomes if not any(o.failure for o in results.values())}
    left = [phase for phase in phases if id(phase) not in done]
    if not left:
        return "nothing is left to do but to release the lock"
    steps = dict.fromkeys((left[0].step.name, left[-1].step.name))
    begun = next(place for place, phase in enumerate(phases, 1) if phase is left[0])
    return f"goes on at step {begun} of {len(phases)}: {' to '.join(steps)}"


def _gives_up(run: Run) -> str:
    """What is as before afterwards, and what is not."""
    host_set, app = run.plan.request.host_set, run.plan.request.app
    mends = {
        f"{app.scheduler} on again": any(phase.step.pauses_cron for phase in run.plan.phases),
        "what is drained is put back": run.still_out or left_out(host_set, run.afterwards),
        "what is up around the run is undone": undone_by_abort(host_set, run.afterwards),
    }
    down, serving = run.down, host_set.serving
    where = "" if len(down) == len(serving) else f" on {listed(host.short for host in down)}"
    left = f"{app.service} stays down{where}" if down else "all else stays as it is"
    return f"{', '.join([*(what for what, so in mends.items() if so), 'lock released'])}; {left}"


def after_success(plan: Plan, inventory: Inventory) -> str | None:
    """The same upgrade on the set that was waiting for this one (prod after stg), and what moves the build there."""
    request = plan.request
    waiting = [s for s in inventory.host_sets.values() if s.after == request.host_set.name]
    if not (waiting and plan.target and request.procedure.installs and len(plan.hosts) == len(request.host_set.hosts)):
        return None
    upgrade = Line("next", f"fab {waiting[0].name} {request.procedure.name} --version {plan.target.vr}")
    if request.host_set.enable_repo == waiting[0].enable_repo:
        return below([upgrade])
    return below([Line("next", "invoke promote"), upgrade._replace(mark="then")])


def what_is_left(run: Run) -> str | None:
    """What has to follow a run that ended well: where an earlier run has left cron paused, and after a step of the SOP.

    Nothing follows a step that has just stopped httpd, on purpose.
    """
    plan, host_set = run.plan, run.plan.request.host_set
    steps = [phase.step for phase in plan.phases]
    if plan.request.procedure.upgrade:
        paused = host_set.sync in run.afterwards and run.afterwards[host_set.sync].paused
        does = [f"lets {host_set.app.scheduler} sync again, which run {paused} has paused"] if paused else []
        if up := undone_by_abort(host_set, run.afterwards):
            does.append(f"undoes {', '.join(up)}")
        lines = [Line("next", f"fab {host_set.name} abort", ", ".join(does))] if does else []
        return below([*lines, *forgetting(host_set, run.afterwards, follows=bool(lines))]) or None
    if any(step.httpd == Effect.DOWN and not step.looks for step in steps):
        return None
    facts = dict.fromkeys(host_set.hosts, UNREACHED) | run.afterwards
    return left_behind(host_set, facts, after=plan.request.procedure.name) or None
