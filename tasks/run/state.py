"""What has become of a plan so far."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import RLock

from .. import clock
from ..fleet import detached
from ..fleet.outcome import Outcome
from ..inventory.model import Host
from ..journal.downtime import downtime
from ..journal.events import Judged, Resume
from ..journal.file import Journal
from ..sop import drains, steps, yum
from ..sop.migrations import Migration
from ..sop.model import Effect, Facts, Phase, Schema
from ..sop.restarts import Restart
from .decide import Plan
from .probe import Seen


@dataclass
class Run:
    """What has become of a plan so far.

    doing: for whoever ends it, what it is at; waits: for a step to end, which does so by itself; at_work: where.
    looking: those of them whose step only looks, so that nothing has to wait for its end.
    starting: where a step that starts httpd was begun, and its end was not seen.
    restarts: the hosts that restarted meanwhile, in the order in which it was noticed.
    stopped: the boot on which this run stopped what a restart would start again, where it did.
    taking_out: where something is being taken out of the balancer just now.
    put_back: where what the run had taken out of the balancer was put back at its end; still_out: where not, and why.
    still_up: what still stands around the run where its client was made to leave, by its name in hosts.yml.
    ended: is its end written down?
    afterwards: what the hosts are like at the end, once they were looked at again; the others are lost.
    users: what was seen of the set's public URL, nodes: of each node's own; as far as hosts.yml has them.
    turn: of who writes something down, where hosts are side by side.
    touched: was a step begun that changes what serves, before this client resumed it?
    may_ask: may the operator be asked in the middle of it? halted: the verdict that ended it, here or before a resume
    that puts hosts back. brings: the migrations for which the build was refused.
    """

    plan: Plan
    journal: Journal
    doing: str = "nothing yet"
    waits: bool = False
    at_work: list[Host] = field(default_factory=list)
    looking: set[Host] = field(default_factory=set)
    starting: set[Host] = field(default_factory=set)
    began: float = field(default_factory=time.monotonic)
    outcomes: list[tuple[Phase, dict[Host, Outcome]]] = field(default_factory=list)
    afterwards: dict[Host, Facts] = field(default_factory=dict)
    looked: bool = False
    restarts: list[Restart] = field(default_factory=list)
    stopped: dict[Host, str | None] = field(default_factory=dict)
    taking_out: set[Host] = field(default_factory=set)
    put_back: set[Host] = field(default_factory=set)
    still_out: dict[Host, str] = field(default_factory=dict)
    still_up: list[str] = field(default_factory=list)
    users: Seen | None = None
    nodes: dict[Host, Seen] = field(default_factory=dict)
    turn: RLock = field(default_factory=RLock)
    touched: bool = False
    ended: bool = False
    may_ask: bool = True
    halted: Judged | None = None
    brings: tuple[Migration, ...] = ()

    @property
    def verdicts(self) -> dict[int, Judged]:
        """The number of a phase → how the batch that it ends was judged, here or before a resume."""
        events = [entry.event for entry in self.journal.entries]
        return {event.number: event for event in events if isinstance(event, Judged)}

    @property
    def busy(self) -> list[Host]:
        """Where a step is at work that changes something: what it does must not be undone under its hands."""
        return [host for host in self.at_work if host not in self.looking]

    @property
    def seconds(self) -> float:
        """Seconds since the run, or what a resume does of it, began."""
        return time.monotonic() - self.began

    @property
    def down_for(self) -> float:
        """For how many seconds the service ran on no host of the set, so far."""
        serving = [host.name for host in self.plan.request.host_set.serving]
        return downtime(self.journal.entries, serving, clock.now()).seconds

    @property
    def resumed(self) -> bool:
        """Was it begun before, so that it may be half-way although nothing was done for it here?"""
        return any(isinstance(entry.event, Resume) for entry in self.journal.entries)

    @property
    def untouched(self) -> bool:
        """No step was begun that changes what serves, or it has put back what it changed."""
        failed = {host for host in self.failures if self.failures[host].known}
        return not self.touched and not any(
            phase.step.changes and not (phase.step.mends and set(results) <= failed) for phase, results in self.outcomes
        )

    @property
    def complete(self) -> bool:
        """Was all of the plan done, and is what it left well?"""
        return self._all_done and not self.halted and not self.unjudged

    @property
    def unjudged_now(self) -> list[Host]:
        """Of these, those on which it serves by now."""
        return [host for host in self.unjudged if not self.missing_on(host)]

    @property
    def rolled_back(self) -> bool:
        """Was the batch that was judged bad put back, all of it? Nothing is left to do for this run then."""
        return bool(self.halted and self.halted.back) and self.plan.settled > 0 and self._all_done

    @property
    def _all_done(self) -> bool:
        return len(self.outcomes) == len(self.plan.phases) and not self.failures

    @property
    def unjudged(self) -> list[Host]:
        """The hosts that have the new build, and nobody has judged it."""
        known = self.verdicts
        rows = zip(self.plan.numbers, self.plan.phases, strict=True)
        return [host for number, phase in rows if number not in known for host in phase.judged]

    @property
    def half_way(self) -> bool:
        """Is there something that only `resume` or `abort` can bring to its end?"""
        unknown = any(not outcome.known for outcome in self.failures.values())
        left = unknown or bool(self.still_out)
        return not (self.complete or self.rolled_back) and (left or (self.plan.resumable and not self.untouched))

    @property
    def down(self) -> list[Host]:
        """Where httpd does not run. As long as nobody has looked again it is where this run has stopped it."""
        return [host for host in self.plan.request.host_set.serving if self._is_down(host)]

    @property
    def may_be_down(self) -> list[Host]:
        """Where this run has stopped httpd, and it may run again: its start was begun, or the host is lost since."""
        unseen = [host for host in self.plan.request.host_set.serving if host not in self.afterwards]
        return [host for host in unseen if self._was_stopped(host) and not self._is_down(host)]

    def _is_down(self, host: Host) -> bool:
        if host in self.afterwards:
            return self.afterwards[host].runs is False
        return self._was_stopped(host) and not (self.looked or host in self.starting)

    def _was_stopped(self, host: Host) -> bool:
        done = [p.step.httpd for p, results in self.outcomes if host in results and not results[host].failure]
        return [effect for effect in done if effect != Effect.NONE][-1:] == [Effect.DOWN]

    @property
    def may_be_out(self) -> list[Host]:
        """Where this run may have taken something out of the balancer that it has not put back."""
        out: dict[Host, str] = {}
        for phase, results in self.outcomes:
            well = [host for host, outcome in results.items() if not outcome.failure]
            out = {host: until for host, until in out.items() if until != phase.step.name or host not in well}
            if phase.step.encloses:
                out |= dict.fromkeys(results, phase.step.until)
        return [] if self.complete else [*out, *(self.taking_out - out.keys())]

    def missing_on(self, host: Host) -> list[str]:
        """The steps that were planned for `host` and not begun."""
        begun = sum(host in results for _, results in self.outcomes)
        return self.plan.does_to(host)[begun:]

    @property
    def schema(self) -> str | None:
        """The revision that the database is at by what this run has seen itself; None where it has to be asked for."""
        if not self.complete:
            return None
        for phase, results in self.outcomes:
            for outcome in results.values():
                if proven := steps.proven_schema(phase.step, outcome.output):
                    return proven
        before = self.plan.facts[self.plan.request.host_set.sync]
        # What needs the schema leaves it as it is: a minor upgrade has looked for migrations.
        stays = before.schema == Schema.CURRENT and self.plan.request.procedure.needs_schema and not self.resumed
        return before.revision if stays else None

    @property
    def warnings(self) -> dict[tuple[str, str], list[Host]]:
        """What rpm and drains warned of in steps that succeeded: the step and the line → the hosts that said it."""
        told: dict[tuple[str, str], list[Host]] = {}
        for phase, results in self.outcomes:
            for host, outcome in results.items():
                said = (*yum.warnings(outcome.output), *drains.notes(outcome.output))
                for text in said if not outcome.failure else ():
                    told.setdefault((phase.step.name, text), []).append(host)
        return told

    def meanwhile(self, host: Host) -> str:
        """What was done since `host` was last seen on the boot that it is known by: `during …`, or `after …`."""
        last = max((n for n, (_, results) in enumerate(self.outcomes) if host in results), default=-1)
        between = [phase.step.name for phase, _ in self.outcomes[last + 1 :]]
        if between:
            return f"during {', '.join(dict.fromkeys(between))}"
        return f"after {self.outcomes[last][0].step.name}" if last >= 0 else "after it was looked at"

    def boot_of(self, host: Host) -> str | None:
        """The boot that a host is known to be on."""
        noticed = [restart.boot for restart in self.restarts if restart.host == host]
        return noticed[-1] if noticed else self.plan.facts[host].boot

    @property
    def taken_over(self) -> Outcome | None:
        """What a host said that works for another driver of this run now; None where all work for us."""
        return next((outcome for outcome in self.failures.values() if outcome.exited == detached.TAKEN_OVER), None)

    @property
    def done_late(self) -> list[Host]:
        """Where the phase in which it turned out that this run was taken over was done all the same."""
        results = self.outcomes[-1][1] if self.taken_over else {}
        return [host for host, outcome in results.items() if not (outcome.earlier or outcome.failure)]

    @property
    def failures(self) -> dict[Host, Outcome]:
        """The failures that ended the run, by host."""
        return {host: o for _, results in self.outcomes for host, o in results.items() if o.failure}
