"""The runs of a host set, out of what was written down of them: here, and on its sync host by all operators. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..sop.nvr import Nvr, parse

Event = dict[str, Any]
_ENDS = ("end", "abort", "unlock")


@dataclass(frozen=True)
class Past:
    """One run.

    began: None for a time that is none; who: everybody who typed something for it; before, after: the builds that its
    hosts had; how: how it ended, as a sentence says it; httpd_down: at least so many seconds if httpd was still
    down at its end (still_down), None for a run that stops nothing; seconds: from its begin to its last end, resumed or
    not. None where nobody wrote it down.
    """

    run: str
    began: datetime | None
    who: tuple[str, ...]
    what: str
    before: tuple[Nvr, ...]
    after: tuple[Nvr, ...]
    how: str
    well: bool
    httpd_down: float | None
    still_down: bool
    seconds: float | None


def runs(events: Iterable[Event], set_name: str, holder: str | None = None) -> list[Past]:
    """The runs of a set, the oldest first, out of the events of any journals; what stands in two of them counts once.

    holder: the run that holds the set now.
    """
    by_run: dict[str, dict[tuple[str, str], Event]] = {}
    for event in events:
        run, time = event.get("run"), event.get("time")
        if isinstance(run, str) and isinstance(time, str):
            by_run.setdefault(run, {}).setdefault((time, event["event"]), event)
    found = []
    for run, unsorted in by_run.items():
        row = [unsorted[key] for key in sorted(unsorted)]
        begin = next((event for event in row if event["event"] == "begin" and event.get("set") == set_name), None)
        if begin:
            found.append((begin["time"], _past(run, begin, row, run == holder)))
    return [past for _, past in sorted(found, key=lambda pair: pair[0])]


def _past(run: str, begin: Event, row: list[Event], holds: bool) -> Past:
    driven = [event for event in row if event["event"] in ("begin", "resume", *_ENDS)]
    ends = [event for event in row if event["event"] == "end"]
    end = ends[-1] if ends else {}
    how = _how(driven[-1]) + (", holds the set" if holds else "")
    return Past(
        run=run,
        began=_moment(begin["time"]),
        who=tuple(dict.fromkeys(str(event["operator"]) for event in row if event.get("operator"))),
        what=str(begin.get("procedure")),
        before=_builds(begin.get("hosts")),
        after=_builds(end.get("hosts")),
        how=how,
        well=driven[-1].get("how") == "done",
        httpd_down=_number(end.get("httpd_down")) if _stops_httpd(begin) else None,
        still_down=end.get("httpd_still_down") is True,
        seconds=_seconds(begin, row, end),
    )


def _stops_httpd(begin: Event) -> bool:
    """Was it going to? A begin of before does not say, and may have."""
    steps = begin.get("steps")
    names = [row[0] for row in steps if isinstance(row, list) and row] if isinstance(steps, list) else None
    return names is None or "stop-httpd" in names or "restart-httpd" in names


def _seconds(begin: Event, row: list[Event], end: Event) -> float | None:
    """Each client writes down its own time: a run that was resumed took from the begin to the last end."""
    began, ended = _moment(begin["time"]), _moment(str(end.get("time")))
    if began and ended and any(event["event"] == "resume" for event in row):
        return (ended - began).total_seconds()
    return _number(end.get("seconds"))


def _how(last: Event) -> str:
    if last["event"] == "abort":
        return "given up"
    if last["event"] == "unlock":
        return "unlocked"
    return str(last.get("how")) if last["event"] == "end" else "no end: its client was lost, or is at work"


def _builds(hosts: object) -> tuple[Nvr, ...]:
    """Each build once, in order. What is none (edited by hand) is left out."""
    found = {parse(str(nvr)) for nvr in hosts.values()} if isinstance(hosts, dict) else set()
    return tuple(sorted(nvr for nvr in found if nvr))


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        return None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
