"""What others are told of a run. Pure; no more than the journal says, from which secrets were taken out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..journal.coding import Entry
from ..journal.events import Begin, End, Ended, Event, Typed, Watched
from ..journal.words import duration, heading


def message(event: str, entries: Iterable[Entry]) -> tuple[str, str, dict[str, Any]]:
    """Subject, text, and the same as data, of a run that is about to begin (`begin`) or has ended (`end`)."""
    known = [entry for entry in entries if entry.event]
    events = [entry.event for entry in known if entry.event]
    begin = next((one for one in events if isinstance(one, Begin)), None)
    end = next((one for one in reversed(events) if isinstance(one, End)), None)
    run = known[0].run if known else ""
    who = next((one.operator for one in reversed(events) if isinstance(one, Begin | Typed)), "") or "somebody"
    title = heading(begin, next((name for one in events if (name := getattr(one, "set", ""))), ""))
    unverified = begin.unverified if begin else None
    data = {
        "run": run,
        "set": begin.set if begin else "",
        "procedure": begin.procedure if begin else "",
        "target": begin.target if begin else None,
        "operator": who,
        "unverified": unverified,
    }
    if event == "begin":
        lines = [f"Run {run} by {who} on {', '.join(_hosts(begin))}."]
        lines += [f"Unverified, because {unverified}"] if unverified else []
        return f"{title}: begins", "\n".join(lines), data
    how = end.how if end else "fab ended without writing an end"
    times = [entry.time for entry in known if entry.time is not None]
    took = max(times) - min(times) if times else 0.0
    lines = [*_what_failed(events), *_what_was_down(events, end), f"Run {run} by {who}, {duration(took)}."]
    return f"{title}: {how}", "\n".join(lines), {**data, "how": how, "code": end.code if end else None}


def _hosts(begin: Begin | None) -> Sequence[str]:
    return (begin.order or list(begin.hosts)) if begin else ()


def _what_failed(events: Iterable[Event]) -> Iterator[str]:
    for event in (one for one in events if isinstance(one, Ended)):
        for host, became in event.hosts.items():
            if became.state == "failed":
                yield f"{host}: {event.step}: {became.failure or 'no reason was written down'}"


def _what_was_down(events: Iterable[Event], end: End | None) -> Iterator[str]:
    if end and (end.httpd_down or end.httpd_still_down):
        least = "at least " if end.httpd_still_down else ""
        yield f"httpd was down for {least}{duration(end.httpd_down or 0.0)}{', and still is' if least else ''}."
    counts: dict[str, tuple[int, int]] = {}  # a run that was resumed has watched it more than once
    for event in events:
        if isinstance(event, Watched) and not event.host:
            requests, failed = counts.get(event.url, (0, 0))
            counts[event.url] = requests + event.requests, failed + event.failed
    for url, (requests, failed) in counts.items():
        yield f"{url}: {requests} requests, {failed} failed."
