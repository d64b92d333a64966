"""What of a plan is left to do, from what its hosts have kept and from what is true on them now. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..inventory.model import Host
from ..sop.model import Facts, Phase, Step
from .decide import Plan

States = Mapping[Host, Mapping[str, str]]
Numbered = tuple[int, Phase]
_ATTEMPT = re.compile(r"(?P<name>[^.]+)(\.(?P<number>[0-9]{1,9}))?")


@dataclass(frozen=True)
class Remaining:
    """What is left of one phase: under which name each host that is not done with it keeps the step.

    again: the hosts on which it failed or died before, or where what it did is no longer so; runs: where it is running.
    """

    names: Mapping[Host, str]
    again: tuple[Host, ...] = ()
    runs: tuple[Host, ...] = ()


def everything(plan: Plan) -> list[Remaining]:
    """All of the plan, on all its hosts."""
    return [Remaining(dict.fromkeys(phase.hosts, _name(n, phase))) for n, phase in _numbered(plan)]


def _numbered(plan: Plan) -> list[Numbered]:
    return list(zip(plan.numbers, plan.phases, strict=True))


def of(plan: Plan, states: States, facts: Mapping[Host, Facts]) -> list[Remaining]:
    """What of `plan` remains, given each host's steps (detached.read_states) and what was found on it just now."""
    rows: list[Remaining] = []
    begun = _begun(plan, states)
    for place, (number, phase) in enumerate(_numbered(plan)):
        if place < plan.settled:
            rows.append(Remaining({}))
        elif phase.step.looks:
            redone = {host for row in rows for host in row.names}
            rows.append(_look(plan, number, phase, begun, redone))
        else:
            rows.append(_of_phase(plan, number, phase, begun, states, facts))
    for at, phase in enumerate(plan.phases):
        if phase.step.encloses and at >= plan.settled:
            _enclosed(plan, at, rows, states, facts)
    return [
        _gate(plan, at, rows, facts) if phase.step.gate and at >= plan.settled else rows[at]
        for at, phase in enumerate(plan.phases)
    ]


def _enclosed(plan: Plan, at: int, rows: list[Remaining], states: States, facts: Mapping[Host, Facts]) -> None:
    """A drain is wanted where something is left of what is done under it, whatever became of it before; the way back
    where something is drained, or is going to be. What looks whether it is still so does that again.
    """
    first, until = plan.phases[at], plan.phases[at].step.until
    end = next((n for n in range(at, len(plan.phases)) if plan.phases[n].step.name == until), None)
    if end is None:
        return
    work = [n for n in range(at + 1, end) if rows[n].names and not plan.phases[n].step.looks]
    rows[at] = _named(first, plan.numbers[at], states, lambda host: not work or first.step.still(facts[host]) is True)
    last = plan.phases[end]
    out = rows[at].names
    rows[end] = _named(
        last, plan.numbers[end], states, lambda host: host not in out and last.step.still(facts[host]) is True
    )
    under_it = [n for n in range(at + 1, end) if not plan.phases[n].step.looks]
    for n in range(at + 1, max(under_it, default=at)):
        if plan.phases[n].step.looks and plan.phases[n].hosts == first.hosts:
            wanted = first.hosts if n < max(work, default=at) else ()  # where nothing is left, nothing need be drained
            rows[n] = Remaining(dict.fromkeys(wanted, _name(plan.numbers[n], plan.phases[n])))


def _gate(plan: Plan, at: int, rows: Sequence[Remaining], facts: Mapping[Host, Facts]) -> Remaining:
    """What may refuse a build is asked again of every host that the build is still to be installed on.

    Only hosts remember that it was passed, and it may have been another build. Where a step is at work on it, the gate
    was passed, and what it looks at changes under its eyes.
    """
    later = [row for phase, row in zip(plan.phases[at:], rows[at:], strict=True) if not phase.step.looks]
    at_work = {host for row in later for host in row.runs}
    still = {host for row in later for host in row.names if facts[host].installed != plan.target} - at_work
    hosts = [host for host in plan.phases[at].hosts if host in still or host in rows[at].names]
    return Remaining(dict.fromkeys(hosts, _name(plan.numbers[at], plan.phases[at])))


def _look(plan: Plan, number: int, phase: Phase, begun: Sequence[Numbered], redone: set[Host]) -> Remaining:
    """A look was passed if anything was begun after it, on any host; not where something before it is done again."""
    passed = _begun_later(plan, number, phase, begun)
    return Remaining(dict.fromkeys((h for h in phase.hosts if h in redone or not passed), _name(number, phase)))


def _begun(plan: Plan, states: States) -> list[Numbered]:
    """The phases of which a step that changes something was begun, on any host."""
    names = {one["name"] for steps in states.values() for step in steps if (one := _ATTEMPT.fullmatch(step))}
    return [
        (number, phase) for number, phase in _numbered(plan) if _name(number, phase) in names and not phase.step.looks
    ]


def _begun_later(plan: Plan, number: int, phase: Phase, begun: Sequence[Numbered]) -> bool:
    """Was any step begun, on any host, that comes after this phase?

    Where hosts go side by side, or on without one that has failed, only what its own hosts begin later tells.
    """
    host_set, own = plan.request.host_set, set(phase.hosts)
    apart = bool(host_set.window or host_set.fail_budget)
    return any(n > number and (not apart or not own.isdisjoint(p.hosts)) for n, p in begun)


def _of_phase(
    plan: Plan,
    number: int,
    phase: Phase,
    begun: Sequence[Numbered],
    states: States,
    facts: Mapping[Host, Facts],
) -> Remaining:
    """A host that was restarted and is not well is restarted again: what was wrong may have been mended since."""
    later = _begun_later(plan, number, phase, begun)
    names = {one.step.name for _, one in begun}

    def done(host: Host) -> bool:
        return _done(phase.step, _state(states[host], _name(number, phase)), facts[host], names, later)

    return _named(phase, number, states, done)


def _named(phase: Phase, number: int, states: States, done: Callable[[Host], bool]) -> Remaining:
    """The hosts of a phase that are not done with it, and the name under which each keeps its next attempt."""
    names: dict[Host, str] = {}
    again, runs = [], []
    for host in phase.hosts:
        name = _name(number, phase)
        attempts, state = _attempts(states[host], name), _state(states[host], name)
        if state != "runs" and done(host):
            continue
        if state == "runs":
            runs.append(host)
        elif attempts:
            attempts += 1
            again.append(host)
        names[host] = _attempt(name, attempts)
    return Remaining(names, tuple(again), tuple(runs))


def _done(step: Step, state: str | None, facts: Facts, begun: set[str], later: bool) -> bool:
    """Was it done, and is it still so? Facts come first: what was done may have been undone (a host that restarted).

    state: as it was kept, where the step does not run. begun: the steps that were, on any host; later: was one of them
    that comes after this one?
    """
    still = step.still(facts)
    if step.proven and still:
        return True
    if state != "0":
        return False
    if step.until in begun:
        return True
    return still is not False and (later or step.at_first(facts) is not False)


def touched(plan: Plan, states: States) -> bool:
    """Was a step begun, on any host, that changes what serves?"""
    return any(phase.step.changes for _, phase in _begun(plan, states))


def running(states: States) -> list[tuple[Host, str]]:
    """The steps that run, each with its host."""
    return [(host, step) for host, steps in states.items() for step, state in steps.items() if state == "runs"]


def _name(number: int, phase: Phase) -> str:
    return f"{number:02d}-{phase.step.name}"


def _attempt(name: str, attempt: int) -> str:
    """The first attempt has the bare name, the second ends with `.2`."""
    return name if attempt < 2 else f"{name}.{attempt}"


def _state(steps: Mapping[str, str], name: str) -> str | None:
    """What became of the last attempt, if there was one."""
    return steps.get(_attempt(name, _attempts(steps, name)))


def _attempts(steps: Mapping[str, str], name: str) -> int:
    """The number of the step's last attempt on a host; 0 where it was not begun there."""
    found = (_ATTEMPT.fullmatch(step) for step in steps)
    return max((int(one["number"] or 1) for one in found if one and one["name"] == name), default=0)
