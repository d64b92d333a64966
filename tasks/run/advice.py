"""The ways out of a run that stopped, a line each, and what each would do. Pure."""

from __future__ import annotations

from dataclasses import replace

from ..errors import SopError
from ..inventory.model import Host
from ..sop.model import Facts
from ..sop.nvr import Nvr
from ..sop.workflows import PROCEDURES
from .decide import decide
from .state import Run

WIDE = 30  # columns up to which the lines to type are given the same width: 80 must do for the most of them


def ways_out(run: Run, by_hand: str = "") -> str:
    """What to type after a run that is half-way: resume or abort, and then rollback, or the SOP's steps `by_hand`."""
    name = run.plan.request.host_set.name
    if run.waits:
        return f"fab {name} resume, which follows it and goes on; or, when it has ended: fab {name} abort"
    rows = [("next", f"fab {name} resume", _goes_on(run)), ("  or", f"fab {name} abort", _gives_up(run))]
    way = _way_back(run)
    if way:
        rows.append(("then", *way))
    wide = max((len(typed) for _, typed, _ in rows if len(typed) <= WIDE), default=0)
    lines = [f"{mark}: {typed:<{wide}}  {does}" for mark, typed, does in rows]
    if by_hand:
        lines.append(f"{'  or' if way else 'then'} by hand: {by_hand}")
    return "\n".join(lines).removeprefix("next: ")


def _way_back(run: Run) -> tuple[str, str] | None:
    """What goes back to the build before, and what that would do now; None where no host has the new one."""
    plan, request = run.plan, run.plan.request
    earlier = [found.previous for found in run.afterwards.values() if found.installed == plan.target]
    if not plan.target or request.procedure.back or not earlier:
        return None
    typed = plan.typed("rollback")
    lost = [host.short for host in request.host_set.hosts if host not in run.afterwards]
    if lost:
        return typed, f"would be refused: {', '.join(lost)}: cannot be reached"
    asked = all(plan.facts[host].offered is not None for host in run.afterwards)
    facts = _with_offers(run, None if asked else dict.fromkeys(filter(None, earlier), ""))
    back, why = replace(request, procedure=PROCEDURES["rollback"]), ""
    for version in (None, *(nvr.vr for nvr in earlier[:1] if nvr)):
        try:
            target = decide(replace(back, version=version), facts).target
        except SopError as error:
            why = error.problems[0]
        else:
            how = "host after host" if asked else "if that is still on offer"
            if version:
                sync = run.afterwards.get(request.host_set.sync)
                unseen = sync and sync.revision is None and sync.migrated_with == plan.target
                first = "once the database is restored, " if unseen else ""
                return f"{typed} --version {version}", f"goes back, {first}{how}"
            return typed, f"back to {target}, {how}"
    return typed, f"would be refused: {why}"


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
    cron = any(phase.step.name == "pause-cron" for phase in run.plan.phases)
    down, serving = run.down, run.plan.request.host_set.serving
    where = "" if len(down) == len(serving) else f" on {', '.join(host.short for host in down)}"
    left = f"{run.plan.request.app.service} stays down{where}" if down else "all else stays as it is"
    return f"{'cron on again, ' if cron else ''}lock released; {left}"
