"""From the events of a run, as the journal has them, to what the page shows. Pure, and refuses no journal.

A journal may be of an older version, cut in the middle or edited by hand: what is missing or strange is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Event = Mapping[str, Any]
JOINED_SECONDS = 5.0  # after a resume: the first request is made, and fails, within its time-out
UNKNOWN = "unknown"  # a step that was begun, and nobody wrote down its end


@dataclass(frozen=True)
class Span:
    """A stretch of time: when it began, in seconds since 1970, and how many seconds it took."""

    began: float
    seconds: float

    @property
    def ended(self) -> float:
        """When it ended, in seconds since 1970."""
        return self.began + self.seconds


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

    @property
    def never(self) -> bool:
        """Was there not one good answer? A node may simply not be reachable from where fab ran."""
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
    host_set: str
    procedure: str
    target: str
    unverified: str
    how: str  # "" if no end was written
    code: int | None
    httpd_down: float | None
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


def tell(events: Iterable[Event]) -> Story:
    """The story of one run, from all its events in the order in which they were written."""
    events = [event for event in events if isinstance(event.get("event"), str)]
    begin = _first(events, "begin")
    end = next((event for event in reversed(events) if event["event"] in ("end", "abort", "unlock")), {})
    bars = _bars(events)
    chapters = _chapters(begin, events)
    named = [*_texts(begin.get("order")), *_table(begin.get("hosts")), *(h for c in chapters for h in c.hosts)]
    waits = tuple(
        Wait(max(at - seconds, 0.0), seconds, _text(event.get("why")))
        for event in _all(events, "waited")
        for at, seconds in [(_time(event) or 0.0, _number(event.get("seconds")) or 0.0)]
        if at
    )
    watched = _watched(events)
    users, nodes = (tuple(one for one in watched if bool(one.host) is node) for node in (False, True))
    spans: list[Span] = [*bars, *waits, *(outage for one in users for outage in one.outages)]
    times = [t for event in events if (t := _time(event)) is not None]
    return Story(
        run=next((_text(event.get("run")) for event in events), ""),
        host_set=next((name for event in events if (name := _text(event.get("set")))), ""),
        procedure=_text(begin.get("procedure")),
        target=_text(begin.get("target")),
        unverified=_text(begin.get("unverified")),
        how=_how(events, end),
        code=_whole(end.get("code")),
        httpd_down=_number(end.get("httpd_down")),
        hosts=tuple(dict.fromkeys([*named, *(bar.host for bar in bars)])),
        before={host: _text(nvr) for host, nvr in _table(begin.get("hosts")).items()},
        after=_installed(end.get("hosts")),
        schema=(_schema(begin.get("schema")), _schema(end.get("schema"))),
        people=tuple(
            (_time(event) or 0.0, _text(event.get("operator")), event["event"])
            for event in events
            if event["event"] in ("begin", "resume", "abort", "unlock")
        ),
        chapters=chapters,
        bars=bars,
        backups=tuple(file for event in _all(events, "backup") if (file := _text(event.get("file")))),
        waits=waits,
        users=users,
        nodes=nodes,
        times=(*times, *(t for span in spans for t in (span.began, span.ended))),
    )


def title(story: Story) -> str:
    """`prod: major upgrade to blockerbugs-1.1.0-1.el7`."""
    name = story.procedure.replace("-upgrade", " upgrade") or "a run whose beginning is not in the journal"
    return f"{story.host_set or 'unknown set'}: {name}" + (f" to {story.target}" if story.target else "")


def _how(events: Sequence[Event], end: Event) -> str:
    """How it ended, as far as the journal of this machine knows."""
    other = "taken over" if _first(events, "taken-over") else ""
    return _text(end.get("how")) or {"abort": "given up", "unlock": "unlocked"}.get(_text(end.get("event")), other)


def _bars(events: Sequence[Event]) -> tuple[Bar, ...]:
    """Every step that was begun on a host, with the end that was written for it, if one was."""
    bars: list[Bar] = []
    for index, event in enumerate(events):
        at = _time(event)
        if event["event"] != "phase" or at is None:
            continue
        ended, last = _end_of(events[index + 1 :])
        until = _time(ended) or last or at
        for host in _texts(event.get("hosts")):
            told = _table(ended.get("hosts")).get(host)
            bars.append(_bar(host, _whole(event.get("number")) or 0, _text(event.get("step")), at, until, told))
    return tuple(bars)


def _end_of(later: Sequence[Event]) -> tuple[Event, float | None]:
    """The end of a phase among the events after it, and the last time at which it can still have been running."""
    last = None
    for event in later:
        if event["event"] == "ended":
            return event, _time(event)
        if event["event"] in ("phase", "begin", "resume", "abort", "unlock"):
            break
        last = _time(event) or last
    return {}, last


def _bar(host: str, number: int, step: str, at: float, until: float, told: object) -> Bar:
    if isinstance(told, str):  # as it was written at first: "done in 0.503 s", or why it failed
        done = told.startswith("done in ")
        seconds = _number(told.split()[2]) if done else None
        return Bar(at, seconds or until - at, host, number, step, "done" if done else "failed", "" if done else told)
    if not isinstance(told, Mapping):
        return Bar(at, max(until - at, 0.0), host, number, step, UNKNOWN)
    failure = _text(told.get("failure"))
    state = _text(told.get("state")) or ("failed" if failure else "done")
    began = _moment(told.get("began")) or at
    seconds = _number(told.get("seconds"))
    taken = max(until - began, 0.0) if seconds is None else seconds
    return Bar(began, taken, host, number, step, state, failure, _lines(told.get("output")))


def _chapters(begin: Event, events: Sequence[Event]) -> tuple[Chapter, ...]:
    """The phases that were planned, and those that were begun, in the order of their numbers."""
    planned = begin.get("steps")
    chapters: dict[tuple[int, str], Chapter] = {}
    numbered = any(_whole(event.get("number")) for event in _all(events, "phase"))
    rows = [_texts(row) for row in planned] if isinstance(planned, list) and numbered else []
    for number, row in enumerate(rows, 1):
        if row:
            chapters[number, row[0]] = Chapter(number, row[0], "", "", tuple(row[1:]))
    for event in _all(events, "phase"):
        key = (_whole(event.get("number")) or 0, _text(event.get("step")))
        before = chapters.get(key)
        hosts = dict.fromkeys([*(before.hosts if before else ()), *_texts(event.get("hosts"))])
        says, command = _text(event.get("says")), _text(event.get("command"))
        chapters[key] = Chapter(*key, says, command, tuple(hosts))
    return tuple(sorted(chapters.values(), key=lambda chapter: chapter.number))


def _watched(events: Sequence[Event]) -> tuple[Watched, ...]:
    """What was seen of each URL; a run that was resumed has watched it more than once."""
    seen: dict[tuple[str, str], Watched] = {}
    since, still_down = None, False
    for event in events:
        if event["event"] in ("begin", "resume"):
            since = _time(event)
        if event["event"] == "end":
            still_down = event.get("httpd_still_down") is True
        if event["event"] != "watched":
            continue
        at, host, url = _time(event), _text(event.get("host")), _text(event.get("url"))
        before = seen.get((host, url), Watched(host, url, (), 0, 0, 0.0, ()))
        down = event.get("down") is True
        found = _spans(event.get("outages"))
        if down and found and at is not None:  # it went on beyond the last request
            found = (*found[:-1], Span(found[-1].began, max(found[-1].seconds, at - found[-1].began)))
        more = (Span(since, max(at - since, 0.0)),) if at is not None and since is not None else ()
        outages = _joined(before.outages, found, since if still_down else None)
        seen[host, url] = Watched(
            host,
            url,
            before.whiles + more,
            before.requests + (_whole(event.get("requests")) or 0),
            before.failed + (_whole(event.get("failed")) or 0),
            max(before.longest, _number(event.get("longest")) or 0.0, *(outage.seconds for outage in outages)),
            outages,
            down,
        )
    return tuple(seen.values())


def _joined(before: tuple[Span, ...], later: tuple[Span, ...], resumed: float | None) -> tuple[Span, ...]:
    """One outage, where httpd was left down and nobody had an answer when the run was resumed, at `resumed`."""
    if not (before and later and resumed is not None and later[0].began <= resumed + JOINED_SECONDS):
        return before + later
    last, first = before[-1], later[0]
    return (*before[:-1], Span(last.began, first.began + first.seconds - last.began), *later[1:])


def _spans(rows: object) -> tuple[Span, ...]:
    """`[[moment, seconds], …]` as spans."""
    return tuple(
        Span(began, _number(row[1]) or 0.0)
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, list) and len(row) == 2 and (began := _moment(row[0])) is not None
    )


def _installed(hosts: object) -> dict[str, str]:
    """Host and build, whether the end was written as `host: NVR` or as `host: {installed: NVR}`."""
    rows = _table(hosts)
    return {
        host: _text(value.get("installed")) if isinstance(value, Mapping) else _text(value)
        for host, value in rows.items()
    }


def _schema(value: object) -> str:
    return ", ".join(_texts(value)) if isinstance(value, list) else _text(value)


def _first(events: Sequence[Event], name: str) -> Event:
    return next((event for event in events if event["event"] == name), {})


def _all(events: Sequence[Event], name: str) -> list[Event]:
    return [event for event in events if event["event"] == name]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _lines(value: object) -> str:
    return "\n".join(_texts(value)) if isinstance(value, list) else _text(value)


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _table(value: object) -> dict[str, Any]:
    """A JSON object; a bare list of hosts counts as one that says nothing of them."""
    return value if isinstance(value, dict) else dict.fromkeys(_texts(value))


def _number(value: object) -> float | None:
    """Seconds: at least 0, and no more than a year."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and 0 <= number <= 366 * 86400 else None


def _whole(value: object) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _time(event: Event) -> float | None:
    return _moment(event.get("time"))


def _moment(value: object) -> float | None:
    """ISO 8601 as seconds since 1970; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(_text(value))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
