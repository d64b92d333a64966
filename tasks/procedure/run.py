"""A run, from the question to the recap."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from types import FrameType

from fabric import Config

from ..errors import Code, HalfWay, Interrupted, Refused, SopError, Unreachable
from ..fleet.connection import Outcome
from ..fleet.hosts import App, Host, HostSet, Inventory
from ..fleet.machines import Machines
from ..report import Report, ask, can_ask
from . import preflight
from .journal import Journal, migration_failed, operator
from .plan import PROCEDURES, Plan, Request, check_request, decide, predecessor
from .preflight import Facts
from .sop import Phase
from .watch import Watch

LOOK_SECONDS = 120


@dataclass(frozen=True)
class Consent:
    """How much may be done: only the plan; all of it without asking; or what the operator agrees to."""

    plan_only: bool = False
    yes: bool = False


@dataclass
class Run:
    """What has become of a plan so far."""

    plan: Plan
    id: str
    journal_path: Path
    began: float = field(default_factory=time.monotonic)
    outcomes: list[tuple[Phase, dict[Host, Outcome]]] = field(default_factory=list)
    afterwards: dict[Host, Facts] = field(default_factory=dict)
    phase: str = "nothing"

    @property
    def seconds(self) -> float:
        """Seconds since the first phase began."""
        return time.monotonic() - self.began

    def done_on(self, host: Host) -> list[str]:
        """The steps that succeeded on `host`."""
        return [p.step.name for p, results in self.outcomes if host in results and not results[host].failure]

    def failed_on(self, host: Host) -> list[str]:
        """The steps that failed on `host`, or of which nobody knows."""
        return [p.step.name for p, results in self.outcomes if host in results and results[host].failure]

    def missing_on(self, host: Host) -> list[str]:
        """The steps that were planned for `host` and not begun."""
        begun = sum(host in results for _, results in self.outcomes)
        return self.plan.does_to(host)[begun:]

    @property
    def failures(self) -> dict[Host, Outcome]:
        """The failures that ended the run, by host."""
        return {host: o for _, results in self.outcomes for host, o in results.items() if o.failure}


def carry_out(request: Request, inventory: Inventory, config: Config, consent: Consent, report: Report) -> Code:
    """Choose, connect, look at everything, plan, show, ask, do the phases, look again, recap.

    Returns DONE, or REFUSED when only the plan was wanted and it holds changes. Raises SopError for every other end.
    """
    check_request(request)
    _check_that_somebody_can_agree(request.host_set, consent)
    request = replace(request, migration_failed=migration_failed(request.host_set.name))
    stage = predecessor(request, inventory)
    everyone = (*request.host_set.hosts, *(stage.hosts if stage else ()))
    with Machines(everyone, config, report.ask_password, tolerant=not request.procedure.needs_all_hosts) as machines:
        _check_that_the_meant_are_there(request, machines)
        report.looking(request.host_set.hosts)
        facts = look(machines, request.app, request.host_set, request.procedure.installs)
        stage_facts = look(machines, request.app, stage, repos=False) if stage else None
        plan = decide(request, facts, stage, stage_facts)
        report.plan(plan)
        if not plan.phases:
            report.nothing_to_do(plan)
            return Code.DONE
        if consent.plan_only:
            report.commands(plan)
            return Code.REFUSED
        _agree(plan, consent)
        return _perform(plan, machines, report, _after_success(plan, inventory))


def look(machines: Machines, app: App, host_set: HostSet, repos: bool) -> dict[Host, Facts]:
    """The facts of every host of a set, in one round trip each. Raises Unreachable for a host that is lost now."""
    facts = dict.fromkeys(machines.unreachable, preflight.UNREACHED) | ask_hosts(machines, app, host_set, repos)
    lost = [host for host in host_set.hosts if host not in facts]
    if lost:
        problems = [
            f"{host.short}: was lost, or did not answer in {LOOK_SECONDS} s, while it was looked at" for host in lost
        ]
        raise Unreachable(*problems, next_line=f"fab {host_set.name} status")
    return facts


def ask_hosts(machines: Machines, app: App, host_set: HostSet, repos: bool) -> dict[Host, Facts]:
    """The facts of those hosts of the set that answer.

    repos: also what the repositories offer, see `preflight.script`.
    """
    script = preflight.script(app, host_set, repos)
    asked_at = time.time()
    outcomes = machines.do(dict.fromkeys(host_set.hosts, script), max(2, host_set.at_once), seconds=LOOK_SECONDS)
    return {
        host: replace(
            preflight.read(app, host_set, outcome.output, repos, asked_at),
            problems=(f"cannot be looked at: {outcome.failure}",) if outcome.failure else (),
        )
        for host, outcome in outcomes.items()
        if outcome.known
    }


def _check_that_the_meant_are_there(request: Request, machines: Machines) -> None:
    """One dead host must not keep another from being stopped or started; the ones that are meant have to be there."""
    for host in request.hosts:
        if host in machines.unreachable:
            raise machines.unreachable[host]


def _check_that_somebody_can_agree(host_set: HostSet, consent: Consent) -> None:
    if host_set.confirm != "none" and not (consent.yes or consent.plan_only or can_ask()):
        raise Refused(
            f"{host_set.name} wants to be confirmed, and there is no terminal to ask on", next_line="add --yes"
        )


def _agree(plan: Plan, consent: Consent) -> None:
    host_set = plan.request.host_set
    if consent.yes or host_set.confirm == "none":
        return
    by_name = host_set.confirm == "name"
    question = f"\nType {host_set.name} to go on: " if by_name else "\nIs this ok [y/N]: "
    try:
        answer = ask(question)
    except EOFError:
        answer = ""
    if answer != host_set.name if by_name else answer.lower() not in ("y", "yes"):
        raise Refused("not confirmed")


def _perform(plan: Plan, machines: Machines, report: Report, next_line: str | None) -> Code:
    journal = Journal()
    run = Run(plan, journal.run, journal.path)
    try:
        journal.write("begin", operator=operator(), **_promised(plan))
        end = _phase_by_phase(run, machines, report, journal)
        journal.write("end", how=end.heading if end else "done", seconds=round(run.seconds, 3))
    except Refused as error:  # the journal's disk, or a host's sudo: after the first phase it is no refusal any more
        if not run.outcomes:
            raise
        raise HalfWay(*error.problems, next_line=plan.typed("status")) from None
    except KeyboardInterrupt:
        journal.write("end", how="left at Ctrl-C", seconds=round(run.seconds, 3))
        raise Interrupted(
            f"left in the middle of {run.phase}, which goes on by itself or not: look before anything else",
            next_line=plan.typed("status"),
        ) from None
    finally:
        journal.close()
    if end:
        raise end
    report.finished(run, next_line)
    return Code.DONE


def _promised(plan: Plan) -> dict[str, object]:
    """The plan, as the journal keeps it."""
    request = plan.request
    return {
        "set": request.host_set.name,
        "procedure": request.procedure.name,
        "target": str(plan.target) if plan.target else None,
        "unverified": request.unverified,
        "hosts": {host.name: str(plan.facts[host].installed) for host in plan.hosts},
    }


def _phase_by_phase(run: Run, machines: Machines, report: Report, journal: Journal) -> SopError | None:
    """Do the phases until all are done, or one has failed, or Ctrl-C was pressed; look again; say how it ended."""
    plan, host_set = run.plan, run.plan.request.host_set
    watch = Watch(host_set.url) if host_set.url else None
    with watch or nullcontext(), _patience(report) as asked_to_stop:
        for number, phase in enumerate(plan.phases, 1):
            if asked_to_stop.is_set():
                break
            run.phase = f"{phase.step.name} on {', '.join(host.short for host in phase.hosts)}"
            report.phase(number, len(plan.phases), phase)
            told = {"set": host_set.name, "step": phase.step.name}
            journal.write("phase", **told, hosts=[host.name for host in phase.hosts])
            results = _do(phase, machines, report)
            run.outcomes.append((phase, results))
            journal.write("ended", **told, failed=bool(run.failures), hosts=_told(results))
            if run.failures:
                break
            _let_the_balancer_see(phase, run, report, asked_to_stop)
        run.afterwards = ask_hosts(machines, plan.request.app, host_set, repos=False)
    report.recap(run, watch.seen if watch else None)
    return _end(run)


def _do(phase: Phase, machines: Machines, report: Report) -> dict[Host, Outcome]:
    scripts = dict.fromkeys(phase.hosts, phase.step.script)
    results = machines.do(scripts, phase.at_once, report.line, phase.step.seconds)
    for host, outcome in results.items():
        if outcome.failure:
            report.failed(host, outcome.failure)
        else:
            report.done(host, outcome.seconds)
    return results


def _let_the_balancer_see(phase: Phase, run: Run, report: Report, asked_to_stop: Event) -> None:
    """After a host of a rolling upgrade: was it away so long that the balancer may have taken it out?"""
    if not phase.let_return:
        return
    wanted = run.plan.request.host_set.health.status
    was_ill = not all(run.plan.facts[host].healthy(wanted) for host in phase.hosts)
    away = sum(max((o.seconds for o in results.values()), default=0.0) for _, results in run.outcomes[-2:])
    if was_ill or phase.let_return.notices(away):
        seconds = phase.let_return.seconds_to_return
        if seconds >= 1:
            why = "it was down before" if was_ill else f"it was away for {away:.1f} s"
            report.waiting(seconds, f"until the balancer sees it back: {why}")
        asked_to_stop.wait(seconds)


def _told(results: Mapping[Host, Outcome]) -> dict[str, object]:
    return {host.name: o.failure or f"done in {o.seconds:.3f} s" for host, o in results.items()}


def _end(run: Run) -> SopError | None:
    """How the run ended, if not well: with every host that failed, what is down, and what to type next."""
    plan, host_set = run.plan, run.plan.request.host_set
    untouched = not any(phase.step.changes for phase, _ in run.outcomes)
    complete = len(run.outcomes) == len(plan.phases) and not run.failures
    if complete:
        return _not_as_promised(run)
    last = run.outcomes[-1][0]
    problems = [f"{host.short}: {last.step.name}: {outcome.failure}" for host, outcome in run.failures.items()]
    down = [
        host.short
        for host in host_set.serving
        if host not in run.afterwards or run.afterwards[host].service != "active"
    ]
    lost = [host.short for host in host_set.hosts if host not in run.afterwards]
    if lost:
        problems.append(f"{', '.join(lost)}: cannot be reached any more, its state is not known")
    if down:
        problems.append(f"{plan.request.app.service} is not running on {', '.join(down)}")
    next_line = _what_next(run, last)
    if not run.failures:
        return Interrupted("after " + last.step.name, *problems, next_line=next_line)
    if untouched and last.step.refuses:
        return Refused(*problems, next_line=next_line)
    if untouched:
        return SopError(*problems, f"no step that changes {host_set.name} was begun", next_line=next_line)
    problems.append(f"if it needs a person: {host_set.owner}, {host_set.contact}")
    return HalfWay(*problems, next_line=next_line)


def _what_next(run: Run, phase: Phase) -> str:
    if not all(outcome.known for outcome in run.failures.values()):
        return f"{run.plan.typed('status')}, and see whether it still runs before it is run again"
    if run.failures:
        tasks = phase.step.if_it_fails or (run.plan.request.procedure.name,)
    elif run.plan.request.procedure.rolling:
        tasks = (run.plan.request.procedure.name,)
    else:
        left = [phase.step.name for phase in run.plan.phases[len(run.outcomes) :]]
        tasks = tuple(name for name in left if name in PROCEDURES) or ("status",)
    return ", then ".join(run.plan.typed(task) for task in tasks)


def _not_as_promised(run: Run) -> SopError | None:
    """Every command succeeded; did the world become what was promised?"""
    plan, host_set = run.plan, run.plan.request.host_set
    looked_at = any(phase.step.name == "healthy" for phase in plan.phases)
    wrong = []
    for host in plan.hosts:
        found = run.afterwards.get(host)
        if not found:
            wrong.append(f"{host.short}: does not answer any more")
        elif plan.target and found.installed != plan.target:
            wrong.append(f"{host.short}: has {found.installed}, not {plan.target}")
        elif looked_at and host.serves and not found.healthy(host_set.health.status):
            wrong.append(f"{host.short}: is not healthy any more")
    return HalfWay(*wrong, next_line=plan.typed("status")) if wrong else None


def _after_success(plan: Plan, inventory: Inventory) -> str | None:
    """The same upgrade on the set that was waiting for this one (prod after stg)."""
    request = plan.request
    waiting = [s for s in inventory.host_sets.values() if s.after == request.host_set.name]
    if not (waiting and plan.target and request.procedure.installs and len(plan.hosts) == len(request.host_set.hosts)):
        return None
    return f"fab {waiting[0].name} {request.procedure.name} --version {plan.target.vr}"


@contextmanager
def _patience(report: Report) -> Iterator[Event]:
    """Ctrl-C once: the running phase is finished and nothing is begun after it. Twice: leave now."""
    asked = Event()

    def once(signum: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        report.finishing()

    before = signal.signal(signal.SIGINT, once)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
