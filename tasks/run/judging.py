"""Judge a batch that serves the new build, for as long as hosts.yml says, and decide whether the run goes on."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from threading import Event, Lock

from ..inventory.batches import Judge
from ..inventory.model import Host
from ..journal.events import Judged
from ..ranges import listed
from ..sop.model import Phase
from . import prometheus, record
from .batch_rollback import builds_before, can_go_back
from .judge import BAD, GOOD, Source, Verdict, alike, at_the_end, meanwhile, of_a_query
from .observer import Report
from .probe import JudgedBy, Watches
from .remaining import Remaining
from .state import Run

LOOK_SECONDS = 1.0  # between two looks at what was seen
QUERY_SECONDS = 5.0  # between two questions to a Prometheus
EARLIER_SECONDS = 15.0  # so long before, what hosts on the old build answered counts too


@dataclass
class Court:
    """What the batches of a run are judged with: what is seen meanwhile, who is asked, and when it is to end.

    new: the hosts that have been judged and are well; question: one at a time; said_no: to one.
    """

    run: Run
    watches: Watches
    report: Report
    asked_to_stop: Event
    new: set[Host] = field(default_factory=set)
    question: Lock = field(default_factory=Lock)
    said_no: bool = False

    def begins(self, phase: Phase, rest: Remaining) -> None:
        """Before a phase that changes what serves: what was seen up to now is how it was before."""
        if phase.step.changes and rest.names:
            self.watches.upgrade_begins(rest.names)

    def judges(self, number: int, phase: Phase, report: Report) -> bool:
        """Judge the batch that a phase ends, if it ends one. Does the run go on?"""
        run = self.run
        hosts = [host for host in phase.judged if host not in run.failures]
        if not hosts or number in run.verdicts:
            return True
        began = time.monotonic()
        verdict = self._soak(hosts, began, report)
        if verdict is None:
            return True  # Ctrl-C: nothing follows, and whoever resumes the run judges again
        seconds = time.monotonic() - began
        goes_on = self._goes_on(hosts, verdict, report)
        if goes_on is None:
            return True  # as above, or the verdict of another host has ended the run
        with run.turn:
            self._writes(number, hosts, verdict, goes_on, seconds, report)
        return goes_on

    def takes_along(self) -> None:
        """Hosts that were side by side with one that was judged bad have the same build, and nobody has called it good:
        they are put back with it.
        """
        run, halted = self.run, self.run.halted
        if halted is None:
            return
        passed = {name for said in run.verdicts.values() if not said.stops for name in said.hosts}
        begun = dict.fromkeys(
            host for phase, done in run.outcomes if phase.window and phase.step.changes for host in done
        )
        others = [host for host in begun if host.name not in {*passed, *halted.back} and host not in run.failures]
        more = tuple(host.name for host in can_go_back(run.plan, others, builds_before(run.journal.entries)))
        if more:
            why = (*halted.why, f"side by side with it, and put back too: {', '.join(more)}")
            run.halted = replace(halted, hosts=halted.hosts + more, back=halted.back + more, why=why)
            run.journal.write(run.halted)

    @property
    def _judge(self) -> Judge:
        return self.run.plan.request.host_set.judge or Judge()

    def _soak(self, hosts: Sequence[Host], began: float, report: Report) -> Verdict | None:
        """The verdict at the end, or as soon as it is certain that it is bad; None where that is not waited for."""
        host_set, judge = self.run.plan.request.host_set, self._judge
        ends = began + host_set.soak
        old, others = self._beside(hosts)
        report.waiting(host_set.soak, f"to judge {', '.join(host.short for host in hosts)} with the new build")
        said: list[float | str] = []
        asked = began - QUERY_SECONDS
        with self.watches.judging(hosts, old or others) as watched:
            while not self.asked_to_stop.wait(max(0.0, min(LOOK_SECONDS, ends - time.monotonic()))):
                if self.run.halted:
                    return None
                now, over = time.monotonic(), time.monotonic() >= ends
                if judge.promql and (over or now - asked >= QUERY_SECONDS):
                    said.append(prometheus.ask(judge.promql))
                    asked = now
                sources = list(_sources(watched, began, bool(old)))
                query = of_a_query(said, judge.promql, over) if judge.promql else None
                if over:
                    return at_the_end(sources, judge, query)
                if found := meanwhile(sources, judge, query, now):
                    return found
        return None

    def _beside(self, hosts: Sequence[Host]) -> tuple[list[Host], list[Host]]:
        """The other hosts that serve: on the old build, and those that were judged before."""
        plan, serving = self.run.plan, self.run.plan.request.host_set.serving
        updated = {host for phase, done in self.run.outcomes if phase.step.changes for host in done}
        old = [
            host
            for host in serving
            if host not in {*updated, *self.run.at_work, *hosts} and plan.facts[host].installed != plan.target
        ]
        return old, [host for host in serving if host in self.new and host not in hosts]

    def _writes(
        self, number: int, hosts: Sequence[Host], verdict: Verdict, goes_on: bool, seconds: float, report: Report
    ) -> None:
        run, judge = self.run, self._judge
        back: list[Host] = []
        if verdict.verdict == BAD and judge.rollback:
            back = can_go_back(run.plan, hosts, builds_before(run.journal.entries))
            back = back if len(back) == len(hosts) else []
        said = Judged(
            set=run.plan.request.host_set.name,
            number=number,
            hosts=tuple(host.name for host in hosts),
            verdict=verdict.verdict,
            why=(*verdict.reasons, *_not_asked(hosts, verdict)),
            seconds=seconds,
            stops=not goes_on,
            back=tuple(host.name for host in back),
            measured=tuple(record.measured(finding) for finding in verdict.findings),
        )
        run.journal.write(said)
        report.judged(said)
        if goes_on:
            self.new |= set(hosts)
        elif run.halted is None or not run.halted.back:
            run.halted = said

    def _goes_on(self, hosts: Sequence[Host], verdict: Verdict, report: Report) -> bool | None:
        """A verdict that is inconclusive is for a person, or for hosts.yml; where neither says yes, the run stops.

        None: it has ended while another question stood. Hosts side by side do not wait for an answer: `turn` is free.
        """
        if verdict.verdict in (GOOD, BAD):
            return verdict.verdict == GOOD
        if self._judge.inconclusive == "continue":
            return True
        if not (self.run.may_ask and report.can_ask()):
            return False
        names = ", ".join(host.short for host in hosts)
        with self.question:
            if self.said_no or self._is_moot():
                return None
            question = f"\n{names}: inconclusive: {'; '.join(verdict.reasons)}\nGo on? [y/N]: "
            try:
                answer = report.ask(question, self._is_moot)
            except EOFError:
                answer = ""
            if self._is_moot():
                return None
            self.said_no = answer.lower() not in ("y", "yes")
            return not self.said_no

    def _is_moot(self) -> bool:
        """Has the run ended, or is it to, whatever is answered now?"""
        return bool(self.run.halted) or self.asked_to_stop.is_set()


def _not_asked(hosts: Sequence[Host], verdict: Verdict) -> list[str]:
    """Of some hosts of a batch the own page was asked: those of which nothing is said for all that."""
    asked = {finding.who for finding in verdict.findings}
    rest = [host.short for host in hosts if host.short not in asked]
    return [f"not asked: {listed(rest)}"] if rest and len(rest) < len(hosts) else []


def _sources(watched: JudgedBy, began: float, old: bool) -> Iterable[Source]:
    since = began - EARLIER_SECONDS if old else began
    beside = alike([watch.samples(since) for watch in watched.beside])
    for host, watch in watched.hosts.items():
        yield Source(host.short, watch.samples(began), watch.before or (), beside, old)
    if watched.public:
        public = watched.public
        yield Source("users", public.samples(began), public.before or (), node=False, compares=not watched.hosts)
