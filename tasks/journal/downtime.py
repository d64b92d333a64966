"""For how long no host of a set had its httpd running, from the journal's events. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import reduce
from typing import Any

Span = tuple[datetime, datetime]
_UP = ("start-httpd", "restart-httpd", "healthy")  # once one of these is done, httpd runs


def downtime(events: Iterable[dict[str, Any]], hosts: Sequence[str], now: datetime) -> float:
    """Seconds in which httpd was down on all `hosts` at once, as far as the events of a run tell.

    hosts: the full names of those that serve; now: until when a host counts that was stopped and not started.
    A stop counts from its beginning, a start up to its end: httpd was down for this long at most.
    """
    if not hosts:
        return 0.0
    spans = _spans([event for event in events if event.get("event") in ("phase", "ended")], now)
    together = reduce(_both, (spans.get(host, []) for host in hosts))
    return sum(((end - begin).total_seconds() for begin, end in together), 0.0)


def _spans(events: Iterable[dict[str, Any]], now: datetime) -> dict[str, list[Span]]:
    """Host → from when to when its httpd was down. What is no event of ours (edited by hand) says nothing."""
    since: dict[str, datetime] = {}
    spans: dict[str, list[Span]] = {}
    for event in events:
        try:
            changes = list(_changes(event))
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
            continue
        for host, what, at in changes:
            if what == "down":
                since.setdefault(host, at)
            elif host in since:
                began = since.pop(host)
                spans.setdefault(host, []).extend([(began, at)] if what == "up" else [])
    for host, at in since.items():
        spans.setdefault(host, []).append((at, now))
    return spans


def _changes(event: dict[str, Any]) -> Iterable[tuple[str, str, datetime]]:
    """(host, what its httpd does: down, up, or stays, when) for what an event tells."""
    step = event["step"]
    if event["event"] == "phase":  # nobody may have seen its end
        for host in event["hosts"] if step == "stop-httpd" else ():
            yield host, "down", _time(event["time"])
        return
    for host, outcome in event["hosts"].items():
        began = _time(outcome["began"])
        ended = began + timedelta(seconds=outcome["seconds"])
        if step == "restart-httpd" or (step == "stop-httpd" and outcome["state"] != "failed"):
            yield host, "down", began
        if step in _UP and outcome["state"] == "done":
            yield host, "up", ended
        if step == "stop-httpd" and outcome["state"] == "failed":
            yield host, "stays", began


def _time(text: str) -> datetime:
    """The moment. Raises ValueError for one without a zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


def _both(ones: list[Span], others: list[Span]) -> list[Span]:
    """When both were down."""
    pairs = [(max(a, c), min(b, d)) for a, b in ones for c, d in others]
    return [(begin, end) for begin, end in pairs if begin < end]
