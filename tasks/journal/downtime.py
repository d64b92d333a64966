"""For how long no host of a set had its httpd running, from the journal's events. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

from .coding import Entry
from .events import Became, Begin, Ended, Phase

Stretch = tuple[float, float]  # from when to when, in seconds since 1970


@dataclass(frozen=True)
class Downtime:
    """seconds: for how long; goes_on: nothing tells that it has ended."""

    seconds: float = 0.0
    goes_on: bool = False


def downtime(entries: Iterable[Entry], hosts: Sequence[str], now: float) -> Downtime:
    """When httpd was down on all `hosts` at once, as far as the events of a run tell.

    hosts: the full names of those that serve; now: until when a host counts that was stopped and not started, in
    seconds since 1970. A stop counts from its beginning, a start up to its end: it was down for this long at most.
    Where it did not run when the run began it counts from there.
    """
    if not hosts:
        return Downtime()
    spans = _Spans()
    for entry in entries:
        if isinstance(entry.event, Begin) and entry.time is not None:
            for host in entry.event.down:
                spans.since.setdefault(host, entry.time)
        elif isinstance(entry.event, Phase) and entry.event.httpd == "down" and entry.time is not None:
            for host in entry.event.hosts:  # nobody may have seen its end
                spans.begin(host, entry.time)
        elif isinstance(entry.event, Ended):
            for host, became in entry.event.hosts.items():
                spans.end_of(entry.event.httpd, host, became)
    together = reduce(_both, (spans.of(host, now) for host in hosts))
    goes_on = all(host in spans.since for host in hosts)
    return Downtime(sum(ended - began for began, ended in together), goes_on)


class _Spans:
    """Host → since when it is down, and from when to when it was before."""

    def __init__(self) -> None:
        self.since: dict[str, float] = {}
        self._closed: dict[str, list[Stretch]] = {}
        self._expected: set[str] = set()  # a stop was begun there, and its end was not told yet

    def begin(self, host: str, at: float) -> None:
        """A stop is about to begin."""
        if host not in self.since:
            self.since[host] = at
            self._expected.add(host)

    def end_of(self, httpd: str, host: str, became: Became) -> None:
        """A step that does `httpd` has ended on a host."""
        failed = became.state == "failed"
        if httpd == "down" and failed and host in self._expected:  # it stays up
            del self.since[host]
        self._expected.discard(host)
        if became.began is None:
            return
        if httpd == "bounce" or (httpd == "down" and not failed):
            self.since.setdefault(host, became.began)
        if httpd in ("up", "bounce") and became.state == "done" and host in self.since:
            ended = became.began + (became.seconds or 0.0)
            self._closed.setdefault(host, []).append((self.since.pop(host), ended))

    def of(self, host: str, now: float) -> list[Stretch]:
        """All of them, the last up to `now` if it goes on."""
        return self._closed.get(host, []) + ([(self.since[host], now)] if host in self.since else [])


def _both(ones: list[Stretch], others: list[Stretch]) -> list[Stretch]:
    """When both were down."""
    pairs = [(max(a, c), min(b, d)) for a, b in ones for c, d in others]
    return [(begin, end) for begin, end in pairs if begin < end]
