"""What to type next, in every kind of ending: lines that can be typed as they stand, and what each would do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from ..errors import SopError
from ..inventory.model import Host, HostSet, Inventory
from ..lines import ssh
from ..sop import kept
from ..sop.model import NOT_REACHED, Effect, Facts, Job, Procedure, Schema
from ..sop.nvr import Nvr
from ..sop.workflows import MAJOR, MEND, MINOR, PROCEDURES, RESTART, ROLLBACK, START, by_hand
from .decide import Plan, decide
from .state import Run

WIDE = 30  # columns up to which the lines to type are given the same width: 80 must do for the most of them
BY_HAND = "by hand, step by step"


class Line(NamedTuple):
    """What can be typed as it stands, and what it would do or when it can be done; mark: `next`, `or`, `then`.

    The latter is a comment of the shell's, so that the whole line can be pasted.
    """

    mark: str
    typed: str
    does: str = ""


def text(lines: Sequence[Line]) -> str:
    """The lines below one another, as they stand behind `next: `; nothing where there are none."""
    wide = max((len(line.typed) for line in lines if len(line.typed) <= WIDE), default=0)
    shown = [
        f"{line.mark:>4}: {line.typed:<{wide}}  {f'# {line.does}' if line.does else ''}".rstrip() for line in lines
    ]
    return "\n".join(line.rstrip() for line in shown).removeprefix("next: ")


def beside_a_run(host_set: HostSet, operator: str, runs: bool) -> list[Line]:
    """What to type where a run has locked the set; operator: who began it; runs: does a step of it still run?"""
    ousts = f"takes over the run; {operator}'s client starts no further steps"
    resume = Line("or", f"fab {host_set.name} resume", f"attaches to the running step; {ousts}" if runs else ousts)
    abort = Line("or", f"fab {host_set.name} abort", "after the step ends" if runs else "ends it, and frees the set")
    return [Line("next", f"fab {host_set.name} status", "is it still at work?"), resume, abort]


def after_a_run(run: Run) -> str:
    """After a run that did not end well."""
    plan, host_set = run.plan, run.plan.request.host_set
    if run.afterwards and host_set.sync not in run.afterwards:
        return text(_without_the_sync_host(run))
    if run.half_way:
        return while_locked(run)
    last = run.outcomes[-1][0].step if run.outcomes else None
    if run.failures and last and last.instead:
        return plan.typed(last.instead)
    if plan.request.procedure.upgrade:
        return plan.typed(plan.request.procedure.name)
    return text(_in_turn(plan, _left(run)) or [Line("next", plan.typed(plan.request.procedure.name))])


def while_locked(run: Run) -> str:
    """Where the set stays locked: resume or abort; and, when it is aborted, the build before, or the SOP by hand."""
    name = run.plan.request.host_set.name
    if run.waits:
        follows = Line("next", f"fab {name} resume", "attaches to the running step, then continues")
        return text([follows, Line("or", f"fab {name} abort", "after the step ends; skips the remaining steps")])
    return text(_resume_or_abort(run))


def _resume_or_abort(run: Run) -> list[Line]:
    plan, name = run.plan, run.plan.request.host_set.name
    lines = [Line("next", f"fab {name} resume", _goes_on(run)), Line("or", f"fab {name} abort", _gives_up(run))]
    back = way_back(run)
    if plan.request.procedure.rolling:
        again = Line("then", plan.typed(plan.request.procedure.name), "the same again, on the hosts that need it")
        return [*lines, back or again]
    lines += [back] if back else []
    return [*lines, *_in_turn(plan, _left(run), "or" if back else "then", BY_HAND)]


def _left(run: Run) -> list[Procedure]:
    """The SOP's steps that are left, as they are typed by hand."""
    plan, request = run.plan, run.plan.request
    done: dict[str, bool] = {}
    for phase, results in run.outcomes:
        done[phase.step.name] = not any(outcome.failure for outcome in results.values())
    if request.procedure.upgrade:
        left = by_hand(plan.phases, run.afterwards, done, unsure=True)
    else:
        left = _left_of_the_sop(request.host_set, run.afterwards, done, plan.target)
    last = run.outcomes[-1][0].step if run.outcomes else None
    if run.failures and not left and last and last.httpd in (Effect.UP, Effect.BOUNCE):
        return [RESTART]
    if not request.procedure.upgrade and run.failures and request.procedure not in left:
        return [request.procedure, *left]
    return left


def _left_of_the_sop(
    host_set: HostSet, facts: Mapping[Host, Facts], done: Mapping[str, bool], target: Nvr | None = None
) -> list[Procedure]:
    """What of a major upgrade is left, whatever begun it: all steps where a migration is wanted, or has just been."""
    newest = target or next(reversed(_builds(facts.values())), None)
    phases = PROCEDURES[MAJOR.name].phases(Job(host_set, host_set.hosts, newest))
    return by_hand(phases, facts, done, _migrating(facts.get(host_set.sync)))


def _migrating(sync: Facts | None) -> bool:
    """Is a migration wanted, or has one been done since the build before; or can nobody tell?"""
    if sync is None or sync.believed != Schema.CURRENT:
        return True
    moved = bool(sync.previous_schema) and sync.revision != sync.previous_schema
    return moved or (sync.migrated and sync.migrated_with == sync.installed)


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
    forgets = [Line("then", forget(host_set, host, run.journal.run), gone) for host in others]
    forgets[0] = forgets[0]._replace(mark="next")
    return [*forgets, Line("then", plan.typed(plan.request.procedure.name), moved), back]


def forget(host_set: HostSet, host: Host, run: str) -> str:
    """What is typed so that a host forgets a run that cannot be ended: its lock went with the sync host."""
    return ssh(host.name, f"sudo touch {kept.root(host_set.app)}/{run}/ended")


def way_back(run: Run) -> Line | None:
    """What goes back to the build before, and what that would do now; None where no host has the new one."""
    plan, request = run.plan, run.plan.request
    hosts = {host: run.afterwards[host] for host in request.host_set.hosts if host in run.afterwards}
    earlier = [found.previous for found in hosts.values() if found.installed == plan.target]
    if not plan.target or request.procedure.back or not earlier:
        return None
    typed = plan.typed(ROLLBACK.name)
    lost = [host.short for host in request.host_set.hosts if host not in hosts]
    if lost:
        return Line("then", typed, f"would be refused: {', '.join(lost)}: cannot be reached")
    asked = all(plan.facts[host].offered is not None for host in hosts)
    facts = _with_offers(run, None if asked else dict.fromkeys(filter(None, earlier), ""))
    back, why = replace(request, procedure=ROLLBACK), ""
    for version in (None, *(nvr.vr for nvr in earlier[:1] if nvr)):
        try:
            target = decide(replace(back, version=version), facts).target
        except SopError as error:
            why = error.problems[0]
        else:
            how = "host after host" if asked else "if the build is still in the repo"
            if version:
                sync = run.afterwards.get(request.host_set.sync)
                unseen = sync and sync.revision is None and sync.migrated_with == plan.target
                last = "; restore the database first" if unseen else ""
                return Line("then", f"{typed} --version {version}", f"rolls back {how}{last}")
            return Line("then", typed, f"rolls back to {target} {how}")
    return Line("then", typed, f"would be refused: {why}")


def _with_offers(run: Run, guessed: dict[Nvr, str] | None) -> dict[Host, Facts]:
    """What the hosts are like now. What is on offer was asked for the plan, unless it was made for a resume."""
    return {
        host: replace(found, offered=run.plan.facts[host].offered if guessed is None else guessed)
        for host, found in run.afterwards.items()
    }


def _goes_on(run: Run) -> str:
    """From which step to which."""
    phases = run.plan.phases
    begun = len(run.outcomes) - (1 if run.failures else 0)
    left = phases[begun:]
    if not left:
        return "nothing is left to do but to release the lock"
    steps = dict.fromkeys((left[0].step.name, left[-1].step.name))
    return f"goes on at step {begun + 1} of {len(phases)}: {' to '.join(steps)}"


def _gives_up(run: Run) -> str:
    """What is as before afterwards, and what is not."""
    cron = any(phase.step.pauses_cron for phase in run.plan.phases)
    down, serving = run.down, run.plan.request.host_set.serving
    where = "" if len(down) == len(serving) else f" on {', '.join(host.short for host in down)}"
    left = f"{run.plan.request.app.service} stays down{where}" if down else "all else stays as it is"
    return f"{'cron on again, ' if cron else ''}lock released; {left}"


def after_success(plan: Plan, inventory: Inventory) -> str | None:
    """The same upgrade on the set that was waiting for this one (prod after stg), and what moves the build there."""
    request = plan.request
    waiting = [s for s in inventory.host_sets.values() if s.after == request.host_set.name]
    if not (waiting and plan.target and request.procedure.installs and len(plan.hosts) == len(request.host_set.hosts)):
        return None
    upgrade = Line("next", f"fab {waiting[0].name} {request.procedure.name} --version {plan.target.vr}")
    if request.host_set.enable_repo == waiting[0].enable_repo:
        return text([upgrade])
    return text([Line("next", "invoke promote"), upgrade._replace(mark="then")])


def after_a_step(run: Run) -> str | None:
    """What has to follow a step of the SOP that was done by itself; nothing where httpd was just stopped on purpose."""
    plan, host_set = run.plan, run.plan.request.host_set
    steps = [phase.step for phase in plan.phases]
    if plan.request.procedure.upgrade or any(step.httpd == Effect.DOWN and not step.looks for step in steps):
        return None
    facts = {host: run.afterwards.get(host, Facts(service=NOT_REACHED)) for host in host_set.hosts}
    return left_behind(host_set, facts, after=plan.request.procedure.name) or None


def left_behind(host_set: HostSet, facts: Mapping[Host, Facts], after: str = "") -> str:
    """What to type where no run holds the set and something is left to do; nothing where all is well.

    facts: of every host, NOT_REACHED where one is lost. after: the step of the SOP that was just done by itself.
    """
    fab, sync = f"fab {host_set.name}", facts[host_set.sync]
    reached = {host: found for host, found in facts.items() if found.service != NOT_REACHED}
    lost = [host.short for host in host_set.hosts if host not in reached]
    when = f"when {', '.join(lost)} can be reached again" if lost else ""
    builds, pending, stopped = _builds(reached.values()), sync.believed == Schema.PENDING, down(host_set, facts)
    rows = [(f"{fab} abort", "lets cron sync again")] if sync.paused else []
    minor = not pending and (sync.believed == Schema.CURRENT or not stopped)
    if any(found.cut_off for found in reached.values()):
        rows.append((f"{fab} {MEND.name}", "mends what a cut-off rpm transaction left"))
    if builds and (pending or len(builds) > 1):
        upgrade = MINOR if minor else MAJOR
        rows.append((f"{fab} {upgrade.name} --version {builds[-1].vr}", when or f"all hosts to {builds[-1].vr}"))
    if len(builds) > 1 and minor and not (stopped or lost):
        earlier = {found.previous for found in reached.values() if found.installed == builds[-1]} & set(builds)
        rows += [
            (f"{fab} {ROLLBACK.name} --version {nvr.vr}", "rolls back if the build is still in the repo")
            for nvr in earlier
            if nvr
        ]
    elif stopped and len(builds) > 1 and minor:
        rows.append((f"{fab} {START.name}", when or "with the builds that are there"))
    elif stopped or pending:
        left = _left_of_the_sop(host_set, reached, _up_to(host_set, after))
        words = [f"{one.name} --version {builds[-1].vr}" if one.installs and builds else one.name for one in left]
        if lost and all(one.tolerant and not one.outage for one in left):
            fab, when = f"fab -H {','.join(host.short for host in stopped)}", ""
        rows += [(" ".join([fab, *words]), when or (BY_HAND if rows and words[1:] else ""))] if words else []
    marks = ["next", *["or"] * len(rows)]
    if sync.paused:
        marks[1:2] = ["then"]
    return text([Line(mark, typed, does) for mark, (typed, does) in zip(marks, rows, strict=False)])


def _up_to(host_set: HostSet, after: str) -> dict[str, bool]:
    """The steps of a major upgrade that were done when `after` was."""
    names = [phase.step.name for phase in PROCEDURES[MAJOR.name].phases(Job(host_set, host_set.hosts))]
    return dict.fromkeys(names[: names.index(after) + 1] if after in names else (), True)


def _builds(facts: Iterable[Facts]) -> list[Nvr]:
    """What is installed, each build once, the newest last."""
    return sorted({found.installed for found in facts if found.installed})


def down(host_set: HostSet, facts: Mapping[Host, Facts]) -> list[Host]:
    """Where httpd is known not to run."""
    return [host for host in host_set.serving if facts[host].service not in ("active", NOT_REACHED)]


def left_over(host_set: HostSet, facts: Mapping[Host, Facts]) -> list[str]:
    """What hosts that serve well have left over all the same: different builds, transactions that were cut off."""
    there = {host: facts[host] for host in host_set.hosts if host in facts}
    told = []
    if len(_builds(there.values())) > 1:
        builds = [f"{host.short} has {found.installed.vr}" for host, found in there.items() if found.installed]
        told.append(f"half upgraded: {', '.join(builds)}")
    return told + cut_off(host_set, facts)


def cut_off(host_set: HostSet, facts: Mapping[Host, Facts]) -> list[str]:
    """Where an rpm transaction that was cut off has left something, and what mends that on all of them."""
    cut = [host.short for host in host_set.hosts if host in facts and facts[host].cut_off]
    mends = f"fab {host_set.name} {MEND.name} mends that"
    return [f"{', '.join(cut)}: an rpm transaction was cut off; {mends}"] if cut else []
