"""A run, from the question to the recap."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from fabric import Config

from ..errors import Code, HalfWay, Interrupted, Refused, SopError
from ..fleet.connection import Outcome
from ..fleet.hosts import Host, HostSet, Inventory
from ..fleet.machines import Machines
from ..report import Report, ask, can_ask
from . import preflight
from .journal import Journal, operator
from .plan import Plan, Request, check_request, decide, predecessor
from .preflight import Facts
from .sop import Phase
from .watch import Watch


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
    stage = predecessor(request, inventory)
    with Machines((*request.host_set.hosts, *(stage.hosts if stage else ())), config) as machines:
        report.looking(request.host_set.hosts)
        facts = look(machines, request, request.host_set)
        stage_facts = look(machines, request, stage, repos=False) if stage else None
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


def look(machines: Machines, request: Request, host_set: HostSet, repos: bool | None = None) -> dict[Host, Facts]:
    """The facts of every host of a set, in one round trip each. Raises Unreachable for a host that is lost now."""
    with_repos = request.procedure.installs if repos is None else repos
    facts = ask_hosts(machines, request, host_set, with_repos)
    lost = [host.short for host in host_set.hosts if host not in facts]
    if lost:
        raise Refused(*(f"{name}: the connection was lost while it was looked at" for name in lost))
    return facts


def ask_hosts(machines: Machines, request: Request, host_set: HostSet, repos: bool) -> dict[Host, Facts]:
    """The facts of those hosts of the set that answer."""
    script = preflight.script(request.app, host_set, repos)
    asked_at = time.time()
    outcomes = machines.do(dict.fromkeys(host_set.hosts, script), max(2, host_set.at_once), seconds=120)
    return {
        host: preflight.read(request.app, host_set, outcome.output, repos, asked_at)
        for host, outcome in outcomes.items()
        if outcome.known
    }


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
            "left in the middle of a step, which goes on by itself or not: look before anything else",
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
            report.phase(number, len(plan.phases), phase)
            journal.write("phase", step=phase.step.name, hosts=[host.name for host in phase.hosts])
            results = _do(phase, machines, report)
            run.outcomes.append((phase, results))
            journal.write("ended", step=phase.step.name, hosts=_told(results))
            if run.failures or asked_to_stop():
                break
            _let_the_balancer_see(phase, run, report)
        run.afterwards = ask_hosts(machines, plan.request, host_set, repos=False)
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


def _let_the_balancer_see(phase: Phase, run: Run, report: Report) -> None:
    """Between two hosts of a rolling upgrade: was this one away so long that it may have been taken out?"""
    if not phase.let_return:
        return
    away = sum(max((o.seconds for o in results.values()), default=0.0) for _, results in run.outcomes[-2:])
    if phase.let_return.notices(away):
        seconds = phase.let_return.seconds_to_return
        report.waiting(seconds, f"until the balancer sees it back: it was away for {away:.1f} s")
        time.sleep(seconds)


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
        return SopError(*problems, "nothing was changed that serves: httpd runs the old build", next_line=next_line)
    problems.append(f"if it needs a person: {host_set.owner}, {host_set.contact}")
    return HalfWay(*problems, next_line=next_line)


def _what_next(run: Run, phase: Phase) -> str:
    tasks = phase.step.if_it_fails or (run.plan.request.procedure.name,)
    return ", then ".join(run.plan.typed(task) for task in tasks)


def _not_as_promised(run: Run) -> SopError | None:
    """Every command succeeded; did the world become what was promised?"""
    plan, wanted = run.plan, run.plan.target
    if not wanted:
        return None
    wrong = [
        f"{host.short}: {f'has {found.installed}, not {wanted}' if found else 'does not answer any more'}"
        for host in plan.hosts
        if not (found := run.afterwards.get(host)) or found.installed != wanted
    ]
    return HalfWay(*wrong, next_line=plan.typed("status")) if wrong else None


def _after_success(plan: Plan, inventory: Inventory) -> str | None:
    """The same upgrade on the set that was waiting for this one (prod after stg)."""
    request = plan.request
    waiting = [s for s in inventory.host_sets.values() if s.after == request.host_set.name]
    if not (waiting and plan.target and request.procedure.installs and len(plan.hosts) == len(request.host_set.hosts)):
        return None
    return f"fab {waiting[0].name} {request.procedure.name} --version {plan.target.vr}"


@contextmanager
def _patience(report: Report) -> Iterator[Callable[[], bool]]:
    """Ctrl-C once: the running phase is finished and nothing is begun after it. Twice: leave now."""
    asked = False

    def once(signum: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        report.finishing()

    before = signal.signal(signal.SIGINT, once)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)
