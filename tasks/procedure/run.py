"""A run, from the question to the recap."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Event
from types import FrameType

from fabric import Config

from ..errors import Code, HalfWay, Interrupted, Refused, SopError, Unreachable
from ..fleet.connection import Outcome
from ..fleet.hosts import App, Host, HostSet, Inventory
from ..fleet.machines import Machines
from ..report import Report, ask, can_ask
from . import preflight
from .hold import Hold, locked_by
from .journal import Journal, migration_failed, operator
from .plan import PROCEDURES, RESTART_TOGETHER, Plan, Request, check_request, decide, predecessor
from .preflight import Facts
from .sop import Phase
from .todo import Left, digests, everything
from .watch import Watch

LOOK_SECONDS = 120
LOCK_SECONDS = 1.0  # between two looks at a lock that is waited for


@dataclass(frozen=True)
class Consent:
    """How much may be done: only the plan; all of it without asking; or what the operator agrees to.

    lock_wait: for how many seconds a set that another run holds is waited for.
    """

    plan_only: bool = False
    yes: bool = False
    lock_wait: float = 0.0


@dataclass
class Run:
    """What has become of a plan so far."""

    plan: Plan
    journal: Journal
    doing: str = "nothing yet"
    began: float = field(default_factory=time.monotonic)
    outcomes: list[tuple[Phase, dict[Host, Outcome]]] = field(default_factory=list)
    afterwards: dict[Host, Facts] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Seconds since the first phase began."""
        return time.monotonic() - self.began

    @property
    def untouched(self) -> bool:
        """No step was begun that changes what serves, or it has put back what it changed."""
        failed = {host for host in self.failures if self.failures[host].known}
        return not any(
            phase.step.changes and not (phase.step.mends and set(results) <= failed) for phase, results in self.outcomes
        )

    @property
    def half_way(self) -> bool:
        """Is there something that only `resume` or `abort` can bring to its end?"""
        complete = len(self.outcomes) == len(self.plan.phases) and not self.failures
        unknown = any(not outcome.known for outcome in self.failures.values())
        return not complete and (unknown or (self.plan.resumable and not self.untouched))

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
    check_that_somebody_can_agree(request.host_set, consent)
    request = replace(request, migration_failed=migration_failed(request.host_set.name))
    stage = predecessor(request, inventory)
    everyone = (*request.host_set.hosts, *(stage.hosts if stage else ()))
    with Machines(everyone, config, report.ask_password, tolerant=not request.procedure.needs_all_hosts) as machines:
        _check_that_the_meant_are_there(request, machines)
        report.looking(request.host_set.hosts)
        plan = _consider(machines, request, stage, consent, report)
        report.plan(plan)
        if not plan.phases:
            report.nothing_to_do(plan)
            return Code.DONE
        if consent.plan_only:
            report.commands(plan)
            return Code.REFUSED
        agree(plan.request.host_set, consent)
        journal = Journal()
        hold = Hold(machines, request.app, request.host_set, journal)
        with closing(journal):
            journal.write("begin", operator=operator(), **_promised(plan))
            last = hold.take(f"{request.procedure.name} {plan.target or ''}".strip())
            if last != plan.facts[request.host_set.sync].last:
                again = partial(_consider, machines, request, stage, consent, report, hold)
                _check_that_it_is_still_so(plan, again, hold)
            return perform(
                Run(plan, journal), everything(plan), hold, machines, report, _after_success(plan, inventory)
            )


def _consider(
    machines: Machines,
    request: Request,
    stage: HostSet | None,
    consent: Consent,
    report: Report,
    hold: Hold | None = None,
) -> Plan:
    """Look at everything and decide, as soon as nobody else holds the set. Raises Locked if that does not come."""
    ends = time.monotonic() + consent.lock_wait
    while True:
        facts = look(machines, request.app, request.host_set, request.procedure.installs)
        holder = facts[request.host_set.sync].lock
        if holder is None or consent.plan_only or hold:
            break
        locked = locked_by(holder, request.app, request.host_set)
        if time.monotonic() >= ends:
            raise locked
        report.waiting(ends - time.monotonic(), f"at most: {locked.problems[0]}")
        time.sleep(LOCK_SECONDS)
    stage_facts = look(machines, request.app, stage, repos=False) if stage else None
    return decide(request, facts, stage, stage_facts)


def _check_that_it_is_still_so(plan: Plan, consider: Callable[[], Plan], hold: Hold) -> None:
    """Between the look and the lock another run has come and gone: what was agreed to must still be what is needed."""
    try:
        now = consider()
    except SopError:
        hold.release()
        raise
    if (now.target, now.hosts, now.phases) == (plan.target, plan.hosts, plan.phases):
        return
    hold.release()
    raise Refused(
        f"{plan.request.host_set.name}: another run has changed it since it was looked at",
        next_line=plan.typed(plan.request.procedure.name),
    )


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


def check_that_somebody_can_agree(host_set: HostSet, consent: Consent) -> None:
    """Raises Refused if the set wants to be confirmed and nobody is there to do it."""
    if host_set.confirm != "none" and not (consent.yes or consent.plan_only or can_ask()):
        raise Refused(
            f"{host_set.name} wants to be confirmed, and there is no terminal to ask on", next_line="add --yes"
        )


def agree(host_set: HostSet, consent: Consent) -> None:
    """Ask, as the set wants it. Raises Refused unless the operator agrees."""
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


def perform(
    run: Run, todo: Sequence[Left], hold: Hold, machines: Machines, report: Report, next_line: str | None = None
) -> Code:
    """Carry out what is left of the plan, look again, recap, and give the lock back unless the run is half-way.

    Returns DONE; raises SopError for every other end.
    """
    try:
        end = _phase_by_phase(run, todo, hold, machines, report)
    except Refused as error:  # the journal's disk, or a host's sudo: after the first phase it is no refusal any more
        if not run.outcomes:
            hold.release()
            raise
        raise HalfWay(*error.problems, next_line=_go_on(run)) from None
    except KeyboardInterrupt:
        run.journal.write("end", how="left at Ctrl-C", seconds=round(run.seconds, 3))
        raise Interrupted(
            f"left in the middle of {run.doing}, which goes on by itself; the set stays locked", next_line=_go_on(run)
        ) from None
    _write_the_end(run, end, hold)
    if end:
        raise end
    report.finished(run, next_line)
    return Code.DONE


def _write_the_end(run: Run, end: SopError | None, hold: Hold) -> None:
    run.journal.write("end", how=end.heading if end else "done", seconds=round(run.seconds, 3))
    try:
        hold.keep() if run.half_way else hold.release()
    except SopError as error:
        if not end:
            raise HalfWay(*error.problems, next_line=_go_on(run)) from None


def _promised(plan: Plan) -> dict[str, object]:
    """The plan, as the journal keeps it."""
    request = plan.request
    return {
        "set": request.host_set.name,
        "procedure": request.procedure.name,
        "target": str(plan.target) if plan.target else None,
        "unverified": request.unverified,
        "hosts": {host.name: str(plan.facts[host].installed) for host in plan.hosts},
        "asked_as": request.asked_as,
        "order": [host.name for host in plan.job.hosts] if plan.job else [],
        "serial": request.serial,
        "migrated": bool(plan.job and plan.job.migrated),
        "together": request.procedure is RESTART_TOGETHER,
        "steps": plan.steps,
        "hosts_yml": digests(request.app, request.host_set),
    }


def _phase_by_phase(run: Run, todo: Sequence[Left], hold: Hold, machines: Machines, report: Report) -> SopError | None:
    """Do the phases until all are done, or one has failed, or Ctrl-C was pressed; look again; say how it ended."""
    plan, host_set = run.plan, run.plan.request.host_set
    watch = Watch(host_set.url) if host_set.url else None
    with watch or nullcontext(), _patience(report) as asked_to_stop:
        for number, (phase, left) in enumerate(zip(plan.phases, todo, strict=True), 1):
            if asked_to_stop.is_set():
                break
            told = {"set": host_set.name, "step": phase.step.name}
            before: dict[Host, Outcome] = {host: Outcome("", 0.0) for host in phase.hosts if host not in left.names}
            if left.names:
                part = replace(phase, hosts=tuple(left.names))
                report.phase(number, len(plan.phases), part)
                run.doing = f"{phase.step.name} on {', '.join(host.short for host in part.hosts)}"
                run.journal.write("phase", **told, hosts=[host.name for host in part.hosts])
            results = _do(phase, left, hold, machines, report) if left.names else {}
            run.outcomes.append((phase, before | results))
            if left.names:
                run.journal.write("ended", **told, failed=bool(run.failures), hosts=_told(results))
            if run.failures:
                break
            _let_the_balancer_see(phase, run, report, asked_to_stop)
        run.afterwards = ask_hosts(machines, plan.request.app, host_set, repos=False)
    report.recap(run, watch.seen if watch else None)
    return _end(run)


def _do(phase: Phase, left: Left, hold: Hold, machines: Machines, report: Report) -> dict[Host, Outcome]:
    step = phase.step
    scripts = {host: hold.script(host, name, step.script, step.looks) for host, name in left.names.items()}
    results = machines.do(scripts, phase.at_once, report.line, step.seconds, hold.reconnect)
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
    if run.untouched and last.step.refuses:
        return Refused(*problems, next_line=next_line)
    if run.untouched:
        return SopError(*problems, f"no step that changes {host_set.name} was begun", next_line=next_line)
    problems.append(f"if it needs a person: {host_set.owner}, {host_set.contact}")
    return HalfWay(*problems, next_line=next_line)


def _what_next(run: Run, phase: Phase) -> str:
    if run.failures:
        tasks = phase.step.if_it_fails or (run.plan.request.procedure.name,)
        if run.plan.request.procedure.name == "minor-upgrade" and phase.step.name in ("restart-httpd", "healthy"):
            tasks = ("rollback",)
    elif run.plan.request.procedure.rolling:
        tasks = (run.plan.request.procedure.name,)
    else:
        left = [phase.step.name for phase in run.plan.phases[len(run.outcomes) :]]
        tasks = tuple(name for name in left if name in PROCEDURES) or ("status",)
    by_hand = ", then ".join(run.plan.typed(task) for task in tasks)
    return f"{_go_on(run)} and then by hand: {by_hand}" if run.half_way else by_hand


def _go_on(run: Run) -> str:
    name = run.plan.request.host_set.name
    return f"fab {name} resume, to go on from here; or fab {name} abort, to give it up"


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
