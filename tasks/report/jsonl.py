"""For programs: one JSON object a line, the events of `tasks.journal`; docs/json.md is written from them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING

from .. import clock
from ..errors import Code, SopError
from ..journal import json_events, looked
from ..journal.coding import as_json, cleaned, iso
from ..journal.events import VERSION, Event
from ..lines import again
from ..run import left_behind, record
from ..run.noted import what_is_up
from ..run.observer import Again, Report
from ..run.proxies import left_out, taken_out_by_others
from ..run.remaining import running as running_now
from ..sop.model import UNREACHED
from . import along, stands, words
from .screen import Nowhere, Unbreakable

if TYPE_CHECKING:
    from ..fleet.outcome import Outcome
    from ..inventory.model import Host, HostSet
    from ..journal.events import Around, Blocked, Judged
    from ..journal.history import Past
    from ..run.decide import Plan
    from ..run.lock_file import Lock
    from ..run.remaining import Remaining, States
    from ..run.state import Run
    from ..sop.model import Facts, Phase
    from ..sop.nvr import Nvr
    from ..sop.restarts import Restart


class Machine(Report):
    """Writes every event to `stream` as it comes."""

    def __init__(self, stream: IO[str] | None) -> None:
        self._stream = Unbreakable(stream or Nowhere())
        self._lock = threading.Lock()
        self._again = Again()
        self._step = ""
        self._set = ""
        self._interrupted = False
        self._next: str | None = None  # what people are told to type after an end that is no error

    def close(self, error: BaseException | None) -> None:
        code = Code.DONE if error is None else getattr(error, "code", Code.FAILED)
        sop = error if isinstance(error, SopError) else None
        problems, next_line = (tuple(sop.problems), sop.next_line) if sop else ((), self._next and again(self._next))
        self._tell(json_events.Exit(int(code), problems, next_line))
        if self._stream.lost:
            raise SopError(f"what --json tells could not be written: {self._stream.lost.strerror}")

    def said(self, who: str, text: str) -> None:
        self._tell(json_events.Said(who, text))

    def waits_for(self, hosts: Sequence[Host], what: str, seconds: float) -> None:
        if self._again.due(hosts, what):
            self._tell(json_events.WaitsFor(_names(hosts), what, seconds))

    def lost(self, host: Host, seconds: float) -> None:
        self._tell(json_events.Lost(host.name, self._step, seconds))

    def back(self, host: Host) -> None:
        self._tell(json_events.Back(host.name, self._step))

    def restarted(self, restart: Restart) -> None:
        self._tell(record.restarted(self._set, restart))

    def looking(self, hosts: Sequence[Host]) -> None:
        self._tell(json_events.Looking(_names(hosts)))

    def plan(self, plan: Plan) -> None:
        self._set = plan.request.host_set.name
        phases = tuple(
            json_events.PlannedPhase(number, phase.step.name, _names(phase.hosts), phase.step.shown)
            for number, phase in enumerate(plan.phases, 1)
        )
        hosts = tuple(
            json_events.PlannedHost(
                host.name,
                _build(plan.facts[host].installed),
                (plan.facts[host].offered or {}).get(plan.target) if plan.target else None,
                host in plan.hosts,
                along.of_host(plan, host),
            )
            for host in plan.request.host_set.hosts
        )
        warnings, around = tuple(plan.warnings), tuple(stands.sentences(plan))
        self._tell(json_events.Planned(*_what(plan), hosts, phases, warnings, record.brought(plan), around))

    def nothing_to_do(self, plan: Plan) -> None:
        self._tell(json_events.NothingToDo(*_what(plan)))

    def resume(self, plan: Plan, lock: Lock, remaining_phases: Sequence[Remaining]) -> None:
        self._set = plan.request.host_set.name
        phases = tuple(
            json_events.RemainingPhase(
                number,
                phase.step.name,
                tuple(host.name for host in phase.hosts if host not in left.names),
                _names(list(left.names)),
                _names(left.runs),
                _names(left.again),
            )
            for number, (phase, left) in enumerate(zip(plan.phases, remaining_phases, strict=True), 1)
        )
        self._tell(json_events.Remaining(*_what(plan), lock.run, lock.operator, lock.since, phases))

    def held(self, host_set: HostSet, lock: Lock, states: States) -> None:
        running = tuple(looked.Running(host.name, step) for host, step in running_now(states))
        self._tell(looked.Held(host_set.name, lock.run, lock.operator, lock.since, running))

    def aborted(
        self, host_set: HostSet, lock: Lock, facts: Mapping[Host, Facts], well: bool = True, bad: Nvr | None = None
    ) -> None:
        self._next = left_behind.left_behind(host_set, facts, bad=bad) or f"fab {host_set.name} status"
        down, cron = _names(left_behind.down(host_set, facts)), facts[host_set.sync].cron
        self._tell(looked.Aborted(host_set.name, lock.run, lock.operator, lock.since, down, cron))

    def free(self, host_set: HostSet, facts: Mapping[Host, Facts], text: str, well: bool = True) -> None:
        self._next = left_behind.left_behind(host_set, facts) or None
        down, paused = _names(left_behind.down(host_set, facts)), facts[host_set.sync].paused
        self._tell(looked.Free(host_set.name, text, down, paused))

    def leftovers(self, host_set: HostSet, facts: Mapping[Host, Facts], bad: Nvr | None = None) -> None:
        self._next = left_behind.left_behind(host_set, facts, bad=bad) or None

    def phase(self, number: int, total: int, phase: Phase) -> None:
        self._step = phase.step.name
        self._tell(record.phase(self._set, number, total, phase))

    def line(self, host: Host, text: str) -> None:
        self._tell(json_events.Line(host.name, self._step, text))

    def done(self, host: Host, seconds: float) -> None:
        self._tell(json_events.Done(host.name, self._step, seconds))

    def failed(self, host: Host, why: str) -> None:
        self._tell(json_events.Failed(host.name, self._step, why))

    def unknown(self, host: Host, why: str) -> None:
        self._tell(json_events.Unknown(host.name, self._step, why))

    def waiting(self, seconds: float, why: str) -> None:
        self._tell(json_events.Waiting(seconds, why))

    def judged(self, judged: Judged) -> None:
        self._tell(judged)

    def blocked(self, blocked: Blocked) -> None:
        self._tell(blocked)

    def finishing(self, ending: bool = False) -> None:
        self._interrupted = True  # told with the next event: a signal handler must not wait for the lock

    def recap(self, run: Run) -> None:
        host_set = run.plan.request.host_set
        watched = list(record.watched(run))
        self._tell(
            json_events.Recap(
                *_what(run.plan),
                run=run.journal.run,
                journal=str(run.journal.path),
                hosts=tuple(_became(run, host) for host in host_set.hosts),
                restarts=tuple(record.restarted(host_set.name, restart) for restart in run.restarts),
                users=next((one for one in watched if not one.host), None),
                nodes=tuple(one for one in watched if one.host),
            )
        )

    def finished(self, run: Run, next_line: str | None) -> None:
        self._tell(json_events.Finished(*_what(run.plan), run.journal.run, run.seconds, next_line))

    def status(self, host_set: HostSet, facts: Mapping[Host, Facts]) -> None:
        hosts = tuple(_found(host_set, host, facts.get(host)) for host in host_set.hosts)
        up = tuple(looked.Up(*one) for one in what_is_up(host_set, facts))
        taken_out = tuple(_taken_out(host_set, facts))
        self._tell(looked.Status(host_set.name, host_set.app.package, hosts, taken_out, up))

    def history(self, host_set: HostSet, runs: Sequence[Past]) -> None:
        self._tell(looked.History(host_set.name, tuple(map(_past, runs))))

    def around(self, event: Around) -> None:
        self._tell(event)

    def note(self, text: str) -> None:
        self._tell(json_events.Note(text))

    def warning(self, text: str) -> None:
        self._tell(json_events.Warned(text))

    def verbatim(self, text: str) -> None:
        self._tell(json_events.Note(text))

    def _tell(self, event: Event) -> None:
        if self._interrupted:
            self._interrupted = False
            self._tell(json_events.Interrupt())
        envelope = {"schema": VERSION, "time": iso(clock.now()), "event": event.name}
        text = json.dumps(cleaned(envelope | as_json(event)))
        with self._lock:
            self._stream.write(f"{text}\n")
            self._stream.flush()


def _names(hosts: Sequence[Host]) -> tuple[str, ...]:
    return tuple(host.name for host in hosts)


def _build(found: Nvr | None) -> str | None:
    return str(found) if found else None


def _what(plan: Plan) -> tuple[str, str, str | None]:
    return plan.request.host_set.name, plan.request.procedure.name, _build(plan.target)


def _became(run: Run, host: Host) -> json_events.HostBecame:
    before, now = run.plan.facts[host], run.afterwards.get(host)
    begun = [
        json_events.StepBecame(
            phase.step.name, _state(results[host]), results[host].seconds, _warnings(run, phase, host)
        )
        for phase, results in run.outcomes
        if host in results
    ]
    rest = [json_events.StepBecame(name, "not reached", 0.0, ()) for name in run.missing_on(host)]
    return json_events.HostBecame(
        host=host.name,
        installed_before=_build(before.installed),
        installed=_build(now.installed) if now else None,
        schema_before=before.revision,
        schema_now=now.revision if now else None,
        service=now.service if now else "unknown",
        answers=now.answers if now else None,
        steps=(*begun, *rest),
    )


def _warnings(run: Run, phase: Phase, host: Host) -> tuple[str, ...]:
    return tuple(text for (step, text), hosts in run.warnings.items() if step == phase.step.name and host in hosts)


def _state(outcome: Outcome) -> str:
    if outcome.failure:
        return "failed" if outcome.known else "unknown"
    return "done before" if outcome.earlier else "done"


def _past(past: Past) -> looked.PastRun:
    return looked.PastRun(
        run=past.run,
        began=past.began,
        who=past.who,
        what=past.what,
        before=tuple(map(str, past.before)),
        after=tuple(map(str, past.after)),
        how=past.how,
        well=past.well,
        httpd_down=past.httpd_down,
        stops_httpd=past.stops_httpd,
        still_down=past.still_down,
        seconds=past.seconds,
        target=str(past.target) if past.target else None,
        put_back=past.put_back,
    )


def _taken_out(host_set: HostSet, facts: Mapping[Host, Facts]) -> Iterator[looked.TakenOut]:
    everywhere = {**dict.fromkeys(host_set.machines, UNREACHED), **facts}
    for at, rows in left_out(host_set, everywhere).items():
        for run, what in rows:
            yield looked.TakenOut(at.name, what, run)
    for at, host, how in taken_out_by_others(host_set, everywhere):
        yield looked.TakenOut(at.name, f"{host.short} is {how}", None)


def _found(host_set: HostSet, host: Host, found: Facts | None) -> looked.HostFacts:
    return looked.HostFacts(
        host=host.name,
        asked=found is not None,
        role=host_set.roles(host),
        installed=_build(found.installed) if found else None,
        offered=_build(max(found.offered or (), default=None) if found else None),
        service=found.service if found else "unknown",
        answers=found.answers if found else None,
        version=found.version if found else None,
        schema_now=found.revision if found else None,
        at_head=words.at_head(found) if found else None,
        cron=found.cron if found else None,
        cron_paused_by=found.paused if found else None,
        free_mb=found.free if found else None,
        problems=tuple(words.unknown(found)),
    )
