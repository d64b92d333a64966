"""For programs: one JSON object a line. docs/json.md says what each means, and a test holds the two together."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING

from ..errors import Code, SopError
from ..fleet.output import clean
from ..run.observer import Again, Report
from . import words
from .screen import Unbreakable

if TYPE_CHECKING:
    from ..fleet.outcome import Outcome
    from ..inventory.model import Host, HostSet
    from ..journal.history import Past
    from ..run.decide import Plan
    from ..run.lock import Lock
    from ..run.probe import Seen
    from ..run.remaining import Left, States
    from ..run.state import Run
    from ..sop.model import Facts, Phase
    from ..sop.nvr import Nvr
    from ..sop.restarts import Restart

SCHEMA = 1  # another one when a key goes away or changes its meaning; new keys and events may come at any time

Json = dict[str, object]


class Machine(Report):
    """Writes every event to `stream` as it comes."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = Unbreakable(stream)
        self._lock = threading.Lock()
        self._again = Again()
        self._step = ""
        self._interrupted = False
        self._next: str | None = None  # what people are told to type after an end that is no error

    def close(self, error: BaseException | None) -> None:
        code = Code.DONE if error is None else getattr(error, "code", Code.FAILED)
        told = error if isinstance(error, SopError) else None
        self._write(
            "end",
            exit_code=int(code),
            problems=list(told.problems) if told else [],
            next=told.next_line if told else self._next,
        )

    def said(self, who: str, text: str) -> None:
        self._write("said", who=who, text=text)

    def waits_for(self, hosts: Sequence[Host], what: str, seconds: float) -> None:
        if self._again.due(hosts, what):
            self._write("waits_for", hosts=_names(hosts), what=what, seconds=round(seconds, 3))

    def lost(self, host: Host, seconds: float) -> None:
        self._write("lost", host=host.name, step=self._step, seconds=round(seconds, 3))

    def back(self, host: Host) -> None:
        self._write("back", host=host.name, step=self._step)

    def restarted(self, restart: Restart) -> None:
        self._write("restarted", **_restart(restart))

    def looking(self, hosts: Sequence[Host]) -> None:
        self._write("looking", hosts=_names(hosts))

    def plan(self, plan: Plan) -> None:
        phases = [
            {"number": number, "step": phase.step.name, "hosts": _names(phase.hosts), "command": phase.step.shown}
            for number, phase in enumerate(plan.phases, 1)
        ]
        hosts = [
            {
                "host": host.name,
                "installed": _build(plan.facts[host].installed),
                "repo": (plan.facts[host].offered or {}).get(plan.target) if plan.target else None,
                "touched": host in plan.hosts,
            }
            for host in plan.request.host_set.hosts
        ]
        self._write("plan", **_what(plan), hosts=hosts, phases=phases, warnings=list(plan.warnings))

    def nothing_to_do(self, plan: Plan) -> None:
        self._write("nothing_to_do", **_what(plan))

    def resume(self, plan: Plan, lock: Lock, todo: Sequence[Left]) -> None:
        phases = [
            {
                "number": number,
                "step": phase.step.name,
                "done": [host.name for host in phase.hosts if host not in left.names],
                "left": _names(list(left.names)),
                "running": _names(left.runs),
                "again": _names(left.again),
            }
            for number, (phase, left) in enumerate(zip(plan.phases, todo, strict=True), 1)
        ]
        self._write("resume", **_what(plan), **_lock(lock), phases=phases)

    def held(self, host_set: HostSet, lock: Lock, states: States) -> None:
        running = [{"host": host.name, "step": step} for host, step in words.running(states)]
        self._write("held", set=host_set.name, **_lock(lock), running=running)

    def aborted(self, host_set: HostSet, lock: Lock, facts: Mapping[Host, Facts]) -> None:
        self._next = words.ways_on(host_set, facts) or f"fab {host_set.name} status"
        down = _names(words.down(host_set, facts))
        self._write("aborted", set=host_set.name, **_lock(lock), down=down, cron=facts[host_set.sync].cron)

    def free(self, host_set: HostSet, facts: Mapping[Host, Facts], text: str) -> None:
        self._next = words.unlocked(host_set, facts) or None
        down, paused = _names(words.down(host_set, facts)), facts[host_set.sync].paused
        self._write("free", set=host_set.name, text=text, down=down, cron_paused_by=paused)

    def left(self, host_set: HostSet, facts: Mapping[Host, Facts]) -> None:
        self._next = words.unlocked(host_set, facts) or None

    def phase(self, number: int, total: int, phase: Phase) -> None:
        self._step = phase.step.name
        self._write("phase", number=number, total=total, step=self._step, hosts=_names(phase.hosts))

    def line(self, host: Host, text: str) -> None:
        self._write("line", host=host.name, step=self._step, text=text)

    def done(self, host: Host, seconds: float) -> None:
        self._write("done", host=host.name, step=self._step, seconds=round(seconds, 3))

    def failed(self, host: Host, why: str) -> None:
        self._write("failed", host=host.name, step=self._step, why=why)

    def unknown(self, host: Host, why: str) -> None:
        self._write("unknown", host=host.name, step=self._step, why=why)

    def waiting(self, seconds: float, why: str) -> None:
        self._write("waiting", seconds=round(seconds, 3), why=why)

    def finishing(self) -> None:
        self._interrupted = True  # told with the next event: a signal handler must not wait for the lock

    def recap(self, run: Run) -> None:
        host_set = run.plan.request.host_set
        outage = _seen(host_set.url, run.users) if run.users else None
        nodes = [{"host": host.name, **_seen(host.url, seen)} for host, seen in run.nodes.items()]
        hosts = [_became(run, host) for host in host_set.hosts]
        restarts = [_restart(restart) for restart in run.restarts]
        told = {"hosts": hosts, "restarts": restarts, "outage": outage, "nodes": nodes}
        self._write("recap", **_what(run.plan), run=run.journal.run, journal=str(run.journal.path), **told)

    def finished(self, run: Run, next_line: str | None) -> None:
        self._write("finished", **_what(run.plan), run=run.journal.run, seconds=round(run.seconds, 3), next=next_line)

    def status(self, host_set: HostSet, facts: Mapping[Host, Facts]) -> None:
        hosts = [_found(host_set, host, facts.get(host)) for host in host_set.hosts]
        self._write("status", set=host_set.name, package=host_set.app.package, hosts=hosts)

    def history(self, host_set: HostSet, runs: Sequence[Past]) -> None:
        told = [
            {
                "run": past.run,
                "began": past.began.isoformat(timespec="seconds") if past.began else None,
                "who": list(past.who),
                "what": past.what,
                "before": [str(build) for build in past.before],
                "after": [str(build) for build in past.after],
                "how": past.how,
                "well": past.well,
                "httpd_down": past.httpd_down,
                "still_down": past.still_down,
                "seconds": past.seconds,
            }
            for past in runs
        ]
        self._write("history", set=host_set.name, runs=told)

    def note(self, text: str) -> None:
        self._write("note", text=text)

    def warning(self, text: str) -> None:
        self._write("warning", text=text)

    def verbatim(self, text: str) -> None:
        self._write("note", text=text)

    def _write(self, event: str, **told: object) -> None:
        if self._interrupted:
            self._interrupted = False
            self._write("interrupt")
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        text = json.dumps({"schema": SCHEMA, "time": now, "event": event, **told})
        with self._lock:
            self._stream.write(f"{text}\n")
            self._stream.flush()


def _names(hosts: Sequence[Host]) -> list[str]:
    return [host.name for host in hosts]


def _build(found: Nvr | None) -> str | None:
    return str(found) if found else None


def _what(plan: Plan) -> Json:
    request = plan.request
    return {"set": request.host_set.name, "procedure": request.procedure.name, "target": _build(plan.target)}


def _restart(restart: Restart) -> Json:
    return {"host": restart.host.name, "meanwhile": restart.meanwhile, "service": restart.service}


def _lock(lock: Lock) -> Json:
    return {"run": lock.run, "operator": lock.operator, "since": lock.since}


def _became(run: Run, host: Host) -> Json:
    before, now = run.plan.facts[host], run.afterwards.get(host)
    begun: list[Json] = [
        {"step": phase.step.name, "state": _state(results[host]), "seconds": round(results[host].seconds, 3)}
        for phase, results in run.outcomes
        if host in results
    ]
    rest: list[Json] = [{"step": name, "state": "not reached", "seconds": 0.0} for name in run.missing_on(host)]
    return {
        "host": host.name,
        "installed_before": _build(before.installed),
        "installed": _build(now.installed) if now else None,
        "schema_before": before.revision,
        "schema_now": now.revision if now else None,
        "service": now.service if now else "unknown",
        "answers": now.answers if now else None,
        "steps": begun + rest,
    }


def _seen(url: str | None, seen: Seen) -> Json:
    def spans(of: Sequence[tuple[float, float]]) -> list[Json]:
        times = ((datetime.fromtimestamp(began, UTC), seconds) for began, seconds in of)
        return [{"began": began.isoformat(timespec="milliseconds"), "seconds": round(s, 3)} for began, s in times]

    counted = {"requests": seen.requests, "failed": seen.failed, "longest": round(seen.longest, 3), "down": seen.down}
    return {"url": url and clean(url), **counted, "outages": spans(seen.outages), "held_back": spans(seen.slow)}


def _state(outcome: Outcome) -> str:
    if outcome.failure:
        return "failed" if outcome.known else "unknown"
    return "done before" if outcome.earlier else "done"


def _found(host_set: HostSet, host: Host, found: Facts | None) -> Json:
    newest = max(found.offered or (), default=None) if found else None
    return {
        "host": host.name,
        "asked": found is not None,
        "role": host_set.roles(host),
        "installed": _build(found.installed) if found else None,
        "offered": _build(newest),
        "service": found.service if found else "unknown",
        "answers": found.answers if found else None,
        "version": found.version if found else None,
        "schema_now": found.revision if found else None,
        "at_head": words.at_head(found) if found else None,
        "cron": found.cron if found else None,
        "cron_paused_by": found.paused if found else None,
        "free_mb": found.free if found else None,
        "problems": [*found.problems, *(text for text in (found.no_list, found.no_schema) if text)] if found else [],
    }
