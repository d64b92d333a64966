"""How a run ended, and what to type next. Pure."""

from __future__ import annotations

from ..errors import HalfWay, Interrupted, Locked, Refused, SopError
from ..fleet import detached
from ..fleet.outcome import Outcome
from ..inventory.model import Host
from ..journal.events import Backup
from ..lines import Line, below
from ..ranges import listed
from ..sop.model import Step
from .advice import after_a_run
from .batch_rollback import builds_before, said
from .blocked import sentences
from .decide import Plan
from .left_behind import left_over
from .lock_file import read_lock
from .locked import taken_over
from .put_back import still_out
from .refusals import OVERRIDE
from .state import Run
from .way_back import way_back


def ending(run: Run) -> SopError | None:
    """How the run ended, if not well: with every host that failed, what is down, and what to type next."""
    plan, host_set = run.plan, run.plan.request.host_set
    if run.complete:
        return _not_as_promised(run)
    if run.rolled_back:
        return _taken_back(run)
    if run.taken_over:
        return taken_over(host_set, run.journal.run, _last_line(run.taken_over), *_done_late(run))
    last = run.outcomes[-1][0]
    rows = [(phase.step, host, o) for phase, results in run.outcomes for host, o in results.items() if o.failure]
    problems = [_why(*row) for row in rows]
    problems = [*(_judged(run) if run.failures else []), *problems]
    lost = [host.short for host in host_set.hosts if host not in run.afterwards]
    if lost:
        problems.append(f"{listed(lost)}: cannot be reached any more, its state is not known")
    if run.halted and run.halted.back:
        problems += left_over(host_set, run.afterwards)
    problems += [*sentences(run), *what_is_down(run), *_cron_paused(run), *saved(run)]
    locked = [host for host, outcome in run.failures.items() if outcome.exited == detached.HELD]
    # Where it is the sync host, another run has this one's place: there is nothing left to resume or to abort.
    next_line = plan.typed("status") if host_set.sync in locked else after_a_run(run)
    if not run.failures and run.halted:
        return HalfWay(*_judged(run), *problems, next_line=next_line)
    if not run.failures:
        problems += [f"{', '.join(host.short for host in run.unjudged_now)}: not judged"] if run.unjudged_now else []
        return Interrupted("after " + last.step.name, *problems, next_line=next_line)
    if run.untouched and locked:
        return Locked(*problems, next_line=plan.typed("status"))
    if run.untouched and last.step.gate:
        why = [OVERRIDE] if last.step.refuses else [f"migration {one.text}" for one in run.brings]
        return Refused(*problems, *why, next_line=next_line)
    if run.untouched and not run.still_out:
        return SopError(*problems, f"no step that changes {host_set.name} was begun", next_line=next_line)
    problems.append(f"if it needs a person: {host_set.owner}, {host_set.contact}")
    return HalfWay(*problems, next_line=next_line)


def not_begun(plan: Plan, *problems: str, first: Line | None = None) -> Interrupted:
    """Who leaves before the first step; problems: what is left all the same; first: what is typed before the line."""
    typed = plan.typed(plan.request.procedure.name)
    lines = [first, Line("then", typed)] if first else [Line("next", typed)]
    return Interrupted("before the first step", *problems, next_line=below(lines))


def _judged(run: Run) -> list[str]:
    """By which verdict it was stopped."""
    return [said(run.halted)] if run.halted else []


def _taken_back(run: Run) -> SopError:
    """A batch was judged bad, and has the build again that it had: half-way only where others have the new one."""
    plan, before = run.plan, builds_before(run.journal.entries)
    wrong, still, back = [], [], run.halted.back if run.halted else ()
    for host in plan.request.host_set.hosts:
        found = run.afterwards.get(host)
        if host.name in back and not found:
            wrong.append(f"{host.short}: does not answer any more")
        elif found and host.name in back and found.installed != before.get(host.name):
            wrong.append(f"{host.short}: has {found.installed}, not {before.get(host.name)}")
        elif found and host.name in back and host.serves and not found.healthy(plan.request.host_set.health.status):
            wrong.append(f"{host.short}: is not healthy any more")
        elif found and found.installed == plan.target:
            still.append(host.short)
    there = [f"{host.short} is back on {before.get(host.name)}" for host in plan.hosts if host.name in back]
    if wrong:
        return HalfWay(*_judged(run), *wrong, next_line=plan.typed("status"))
    if still:
        left_out = f"{', '.join(still)} has {plan.target} still"
        rest = way_back(run)
        return HalfWay(
            *_judged(run),
            *there,
            left_out,
            next_line=below([rest._replace(mark="next")]) if rest and rest.typed else plan.typed("status"),
        )
    return SopError(*_judged(run), *there, next_line=f"fab {plan.request.host_set.name} report  # what was seen")


def _why(step: Step, host: Host, outcome: Outcome) -> str:
    lock = read_lock(_last_line(outcome)) if outcome.exited == detached.HELD else None
    return f"{host.short}: {step.name}: {f'another run has locked this host: {lock}' if lock else outcome.failure}"


def _done_late(run: Run) -> list[str]:
    """What this run did before it knew that it is somebody else's, and what is down now."""
    late = listed(host.short for host in run.done_late)
    return [f"{run.outcomes[-1][0].step.name} was done on {late}", *what_is_down(run)] if late else []


def _last_line(outcome: Outcome) -> str:
    return "".join(outcome.output.splitlines()[-1:])


def what_is_down(run: Run) -> list[str]:
    """Where httpd does not run, as far as this run knows, where a host may still be drained, what stands around it."""
    service, down = run.plan.request.app.service, listed(host.short for host in run.down)
    told = [f"{service} is not running on {down}"] if down else []
    if unseen := listed(host.short for host in run.may_be_down):
        told.append(f"{service} was stopped on {unseen}; whether it runs again is not known")
    up = [f"{name} may still be up" for name in run.still_up]
    return [*told, *(still_out(host, why) for host, why in run.still_out.items()), *up]


def _cron_paused(run: Run) -> list[str]:
    """That cron's sync is still paused, where the run ends and leaves it so."""
    host_set = run.plan.request.host_set
    found = run.afterwards.get(host_set.sync)
    if run.half_way or not (found and found.paused):
        return []
    ways = f"fab {host_set.name} abort lets it sync again, and so does an upgrade-db that succeeds"
    return [f"{host_set.sync.short}: {host_set.app.scheduler}'s sync is paused: {ways}"]


def saved(run: Run) -> list[str]:
    """Where the database was saved to before anything was stopped, if it was."""
    host_set = run.plan.request.host_set
    done = any(phase.step.leaves and not any(o.failure for o in r.values()) for phase, r in run.outcomes)
    if not (done and host_set.backup):
        return []
    sizes = [entry.event.size for entry in run.journal.entries if isinstance(entry.event, Backup)]
    size = f", {sizes[-1]} bytes" if sizes and sizes[-1] else ""
    return [f"the database as it was before is in {host_set.backup.file} on {host_set.sync.short}{size}"]


def _not_as_promised(run: Run) -> SopError | None:
    """Every command succeeded; did the world become what was promised?"""
    plan, host_set = run.plan, run.plan.request.host_set
    looked_at = any(phase.step.sees_it_serve for phase in plan.phases)
    wrong = []
    for host in plan.hosts:
        found = run.afterwards.get(host)
        if not found:
            wrong.append(f"{host.short}: does not answer any more")
        elif plan.target and found.installed != plan.target:
            wrong.append(f"{host.short}: has {found.installed}, not {plan.target}")
        elif looked_at and host.serves and not found.healthy(host_set.health.status):
            wrong.append(f"{host.short}: is not healthy any more")
    wrong += _cron_away(run)
    return HalfWay(*wrong, next_line=plan.typed("status")) if wrong else None


def _cron_away(run: Run) -> list[str]:
    """Who has paused cron has to see it back (C3)."""
    host_set = run.plan.request.host_set
    before, now = run.plan.facts[host_set.sync], run.afterwards.get(host_set.sync)
    paused = any(phase.step.pauses_cron for phase in run.plan.phases)
    if not (paused and now) or (now.cron and not now.paused) or not (before.cron or before.paused):
        return []
    app = host_set.app
    return [f"{host_set.sync.short}: {app.scheduler}'s sync is not back in {app.schedule}"]
