"""From the events of a run, as the journal has them, to what the page shows. Pure, and refuses no journal.

A journal may be of an older version, cut in the middle or edited by hand: what is missing or strange is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..journal.coding import Entry
from ..journal.events import (
    Abort,
    Around,
    Backup,
    Became,
    Begin,
    Deposed,
    End,
    Ended,
    Judged,
    Phase,
    Resume,
    Span,
    Typed,
    Unlock,
    Waited,
)
from ..journal.events import Watched as Seen
from ..journal.words import around, heading

UNKNOWN = "unknown"  # a step that was begun, and nobody wrote down its end


@dataclass(frozen=True)
class Bar(Span):
    """What became of one step on one host. state: done, failed, unknown. number: the phase's in the plan, or 0."""

    host: str
    number: int
    step: str
    state: str
    failure: str = ""
    output: str = ""


@dataclass(frozen=True)
class Wait(Span):
    """A time in which nothing was done, and why."""

    why: str


@dataclass(frozen=True)
class Watched:
    """What `url` answered: when it was watched, the requests made and failed, the outages and the longest.

    host: the node whose own page it is; "" for the set's, which its users see.
    """

    host: str
    url: str
    whiles: tuple[Span, ...]
    requests: int
    failed: int
    longest: float
    outages: tuple[Span, ...]
    down: bool = False  # at the end
    because: str = ""  # why it was, though every host answered

    @property
    def gaps(self) -> tuple[Span, ...]:
        """When nobody watched: whether it answered is not known."""
        pairs = zip(self.whiles, self.whiles[1:], strict=False)
        return tuple(Span(a.ended, b.began - a.ended) for a, b in pairs if b.began > a.ended)

    @property
    def never(self) -> bool:
        """Was there not one good answer? It may simply not be reachable from where fab ran: nothing is known then."""
        return self.requests == self.failed


@dataclass(frozen=True)
class Chapter:
    """A phase: its number in the plan (0 where it is not known), its step, what that does, and the command."""

    number: int
    step: str
    says: str
    command: str
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class Story:
    """One run. Times are seconds since 1970; what the journal does not say is empty, or None for a number."""

    run: str
    title: str
    host_set: str
    procedure: str
    target: str
    unverified: str
    how: str  # "" if no end was written
    code: int | None
    httpd_down: float | None
    httpd_still_down: bool | None
    stops_httpd: bool
    hosts: tuple[str, ...]
    before: Mapping[str, str]
    after: Mapping[str, str]
    schema: tuple[str, str]
    people: tuple[tuple[float, str, str], ...]  # when, who, and what they typed: begin, resume, abort, unlock
    chapters: tuple[Chapter, ...]
    bars: tuple[Bar, ...]
    backups: tuple[str, ...] = ()
    waits: tuple[Wait, ...] = ()
    users: tuple[Watched, ...] = ()
    nodes: tuple[Watched, ...] = ()
    verdicts: tuple[str, ...] = ()
    around: tuple[tuple[float, str, bool], ...] = ()  # when, what was begun or undone, and could it not be?
    times: tuple[float, ...] = field(default=())

    @property
    def began(self) -> float:
        """The first moment of it."""
        return min(self.times, default=0.0)

    @property
    def ended(self) -> float:
        """The last moment that is known of."""
        return max(self.times, default=0.0)

    @property
    def failures(self) -> list[Bar]:
        """The steps that failed, also those that a later try has done, in the order in which they did."""
        return [bar for bar in self.bars if bar.state == "failed"]

    def tries(self, step: Chapter | Bar, host: str) -> list[Bar]:
        """What became of a phase on a host, try by try; empty if it was not reached."""
        return [bar for bar in self.bars if (bar.number, bar.step, bar.host) == (step.number, step.step, host)]


def tell(entries: Iterable[Entry]) -> Story:
    """The story of one run, from all its entries in the order in which they were written."""
    entries = [entry for entry in entries if entry.event]
    events = [entry.event for entry in entries]
    begin = next((event for event in events if isinstance(event, Begin)), None)
    end = next((event for event in reversed(events) if isinstance(event, End | Abort | Unlock)), None)
    ended = next((event for event in reversed(events) if isinstance(event, End)), None)
    told = (event for event in reversed(events) if isinstance(event, End | Abort))
    down = next((event for event in told if event.httpd_down is not None), ended)
    bars, chapters, waits, watched = _bars(entries), _chapters(begin, events), _waits(entries), _watched(entries)
    users, nodes = (tuple(one for one in watched if bool(one.host) is node) for node in (False, True))
    spans: list[Span] = [*bars, *waits, *(outage for one in users for outage in one.outages)]
    named = [*(begin.order or begin.hosts if begin else ()), *(host for one in chapters for host in one.hosts)]
    host_set = next((name for event in events if (name := getattr(event, "set", ""))), "")
    return Story(
        run=entries[0].run if entries else "",
        title=heading(begin, host_set),
        host_set=host_set,
        procedure=begin.procedure if begin else "",
        target=begin.target or "" if begin else "",
        unverified=begin.unverified or "" if begin else "",
        how=_how(events, end),
        code=end.code if isinstance(end, End) else None,
        httpd_down=down.httpd_down if down else None,
        httpd_still_down=down.httpd_still_down if down else None,
        stops_httpd=bool(begin and begin.stops_httpd),
        hosts=tuple(dict.fromkeys([*named, *(begin.hosts if begin else ()), *(bar.host for bar in bars)])),
        before=begin.hosts if begin else {},
        after=ended.hosts if ended else {},
        schema=(begin.schema or "" if begin else "", ended.schema or "" if ended else ""),
        people=tuple(
            (entry.time or 0.0, entry.event.operator, entry.event.name)
            for entry in entries
            if isinstance(entry.event, Begin | Typed)
        ),
        chapters=chapters,
        bars=bars,
        backups=tuple(event.file for event in events if isinstance(event, Backup) and event.file),
        waits=waits,
        users=users,
        nodes=nodes,
        verdicts=tuple(
            f"{', '.join(event.hosts)}: {event.verdict}: {'; '.join(event.why)}"
            for event in events
            if isinstance(event, Judged)
        ),
        around=tuple(
            (one.time or 0.0, around(one.event), bool(one.event.failure))
            for one in entries
            if isinstance(one.event, Around)
        ),
        times=(
            *(entry.time for entry in entries if entry.time is not None),
            *(t for span in spans for t in (span.began, span.ended)),
        ),
    )


def _how(events: Sequence[object], end: End | Abort | Unlock | None) -> str:
    """How it ended, as far as the journal of this machine knows."""
    if isinstance(end, End):
        return end.how
    if end:
        return "aborted" if isinstance(end, Abort) else "unlocked"
    return "taken over" if any(isinstance(event, Deposed) for event in events) else ""


def _waits(entries: Sequence[Entry]) -> tuple[Wait, ...]:
    """A wait is written down when it is over, and so is the time in which a batch was judged."""
    waits = []
    for entry in entries:
        event = entry.event
        if isinstance(event, Waited | Judged) and entry.time:
            why = event.why if isinstance(event, Waited) else f"to judge {', '.join(event.hosts)}: {event.verdict}"
            waits.append(Wait(max(entry.time - event.seconds, 0.0), event.seconds, why))
    return tuple(waits)


def _bars(entries: Sequence[Entry]) -> tuple[Bar, ...]:
    """Every step that was begun on a host, with the end that was written for it, if one was."""
    bars: list[Bar] = []
    for index, entry in enumerate(entries):
        phase, at = entry.event, entry.time
        if not isinstance(phase, Phase) or at is None:
            continue
        ended, until = _end_of(entries[index + 1 :])
        for host in phase.hosts:
            became = ended.hosts.get(host) if ended else None
            bars.append(_bar(host, phase, at, at if until is None else until, became))
    return tuple(bars)


def _end_of(later: Sequence[Entry]) -> tuple[Ended | None, float | None]:
    """The end of a phase among what comes after it, and the last time at which it can still have been running."""
    last = None
    for entry in later:
        if isinstance(entry.event, Ended):
            return entry.event, last if entry.time is None else entry.time
        if isinstance(entry.event, Phase | Begin | Typed):
            break
        last = last if entry.time is None else entry.time
    return None, last


def _bar(host: str, phase: Phase, at: float, until: float, became: Became | None) -> Bar:
    if became is None:
        return Bar(at, max(until - at, 0.0), host, phase.number, phase.step, UNKNOWN)
    began = at if became.began is None else became.began
    taken = max(until - began, 0.0) if became.seconds is None else became.seconds
    output = "\n".join(became.output)
    return Bar(began, taken, host, phase.number, phase.step, became.state, became.failure or "", output)


def _chapters(begin: Begin | None, events: Sequence[object]) -> tuple[Chapter, ...]:
    """The phases that were planned, and those that were begun, in the order of their numbers."""
    phases = [event for event in events if isinstance(event, Phase)]
    planned = begin.steps if begin and any(phase.number for phase in phases) else ()
    chapters = {(n, row[0]): Chapter(n, row[0], "", "", row[1:]) for n, row in enumerate(planned, 1) if row}
    for phase in phases:
        at = (phase.number, phase.step)
        hosts = dict.fromkeys([*(chapters[at].hosts if at in chapters else ()), *phase.hosts])
        chapters[at] = Chapter(*at, phase.says, phase.command, tuple(hosts))
    return tuple(sorted(chapters.values(), key=lambda chapter: chapter.number))


def _watched(entries: Sequence[Entry]) -> tuple[Watched, ...]:
    """What was seen of each URL; a run that was resumed has watched it more than once."""
    seen: dict[tuple[str, str], Watched] = {}
    since = None
    for entry in entries:
        if isinstance(entry.event, Begin | Resume):
            since = entry.time
        if isinstance(entry.event, Seen):
            at = (entry.event.host or "", entry.event.url)
            before = seen.get(at, Watched(*at, (), 0, 0, 0.0, ()))
            seen[at] = _more(before, entry.event, since, entry.time)
    return tuple(seen.values())


def _more(before: Watched, seen: Seen, since: float | None, at: float | None) -> Watched:
    """What was seen before, and what one more client has seen: from `since` up to `at`."""
    found = seen.outages
    if seen.down and found and at is not None:  # it went on beyond the last request
        found = (*found[:-1], Span(found[-1].began, max(found[-1].seconds, at - found[-1].began)))
    more = (Span(since, max(at - since, 0.0)),) if at is not None and since is not None else ()
    return Watched(
        before.host,
        before.url,
        before.whiles + more,
        before.requests + seen.requests,
        before.failed + seen.failed,
        max(before.longest, seen.longest, *(outage.seconds for outage in found)),
        before.outages + found,
        seen.down,
        seen.because or "",
    )
