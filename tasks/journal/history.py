"""The runs of a host set, out of what was written down of them: here, and on its sync host by all operators. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ..sop.nvr import Nvr, parse
from .coding import Entry
from .events import Abort, Begin, Deposed, End, Event, Resume, Typed, Unlock

DRIVEN = (Begin, Resume, End, Deposed, Abort, Unlock)
NAMES = tuple(kind.name for kind in DRIVEN)  # all that is needed of a journal


@dataclass(frozen=True)
class Past:
    """One run.

    began: seconds since 1970, None for a time that is none; who: everybody who typed something for it; before, after:
    the builds that its hosts had; how: how it ended, as a sentence says it; stops_httpd: was it going to?
    httpd_down: for so many seconds, None where nobody knows; still_down: at its end, too, so that it was longer (None:
    not known); seconds: from its begin to its last end, resumed or not, None where nobody wrote it down.
    target: the build that it was to install; put_back: the hosts that have their old one again, as that was bad.
    """

    run: str
    began: float | None
    who: tuple[str, ...]
    what: str
    before: tuple[Nvr, ...]
    after: tuple[Nvr, ...]
    how: str
    well: bool
    stops_httpd: bool
    httpd_down: float | None
    still_down: bool | None
    seconds: float | None
    target: Nvr | None = None
    put_back: tuple[str, ...] = ()


def runs(
    journals: Iterable[Sequence[Entry]], set_name: str, holder: str | None = None, package: str = ""
) -> list[Past]:
    """The runs of a set, the oldest first, out of some journals; what stands in two of them counts once.

    holder: the run that holds the set now. package: what is upgraded there: a set of the same name may be another
    application's, in another hosts.yml.
    """
    by_run: dict[str, list[Entry]] = {}
    for journal in journals:
        parts: dict[str, list[Entry]] = {}
        for entry in journal:
            if isinstance(entry.event, DRIVEN):
                parts.setdefault(entry.run, []).append(entry)
        for run, part in parts.items():
            by_run[run] = _merged(by_run.get(run, []), part)
    found = []
    for run, entries in by_run.items():
        begin = next((one for one in entries if isinstance(one.event, Begin)), None)
        if begin and isinstance(begin.event, Begin) and begin.event.set == set_name:
            found.append((begin.time or 0.0, _past(run, begin.event, begin.time, entries, run == holder)))
    in_order = [past for _, past in sorted(found, key=lambda pair: pair[0])]
    return [past for past in in_order if not package or _may_be_of(past, package)]


def _may_be_of(past: Past, package: str) -> bool:
    """Where no host's build is known, nobody knows whose run it was. An old drain's are known at its end alone."""
    known = {nvr.name for nvr in (*past.before, *past.after)}
    return not known or package in known


def _merged(ones: Sequence[Entry], others: Sequence[Entry]) -> list[Entry]:
    """Two journals of one run as one, each in its own order; where that leaves a choice, the time decides."""
    both = [entry for entry in ones if any(map(partial(_same, entry), others))]
    rest, merged = list(ones), []
    for entry in others:
        shared = any(map(partial(_same, entry), both))
        while rest and not _same(rest[0], entry) and (shared or _comes_first(rest[0], entry, both)):
            merged.append(rest.pop(0))
        if rest and _same(rest[0], entry):
            rest.pop(0)
        merged.append(entry)
    return merged + rest


def _same(one: Entry, other: Entry) -> bool:
    return (one.time, one.event) == (other.time, other.event)


def _comes_first(one: Entry, other: Entry, both: Sequence[Entry]) -> bool:
    return one not in both and (one.time or 0.0) <= (other.time or 0.0)


def _past(run: str, begin: Begin, began: float | None, entries: Sequence[Entry], holds: bool) -> Past:
    events = [entry.event for entry in entries if entry.event]
    ended, end = next(((one.time, one.event) for one in reversed(entries) if isinstance(one.event, End)), (None, None))
    told = (event for event in reversed(events) if isinstance(event, End | Abort))
    down = next((event for event in told if event.httpd_down is not None), None)
    who = (event.operator for event in events if isinstance(event, Begin | Typed))
    resumed = any(isinstance(event, Resume) for event in events)
    last = events[-1]
    # Each client writes down its own time: a run that was resumed took from the begin to the last end.
    between = ended - began if ended is not None and began is not None and ended >= began else None
    return Past(
        run=run,
        began=began,
        who=tuple(dict.fromkeys(filter(None, who))),
        what=begin.procedure,
        before=_builds(begin.hosts),
        after=_builds(_of_those(end.hosts, begin.hosts) if end else {}),
        how=_how(last) + (", lock kept" if holds else ""),
        well=isinstance(last, End) and last.how == "done",
        stops_httpd=begin.stops_httpd,
        httpd_down=down.httpd_down if down else None,
        still_down=down.httpd_still_down if down else None,
        seconds=between if resumed else end.seconds if end else None,
        target=parse(begin.target) if begin.target else None,
        put_back=end.put_back if end else (),
    )


def _how(last: Event) -> str:
    if isinstance(last, Abort):
        return "aborted"
    if isinstance(last, Unlock):
        return "unlocked"
    if isinstance(last, Deposed):
        return "taken over"
    return last.how if isinstance(last, End) else "unfinished: running, or client lost"


def _of_those(hosts: Mapping[str, str], meant: Mapping[str, str]) -> Mapping[str, str]:
    """The builds of the hosts that the run was for; of all, where its begin does not say who they were."""
    return {host: build for host, build in hosts.items() if host in meant or not meant}


def _builds(hosts: Mapping[str, str]) -> tuple[Nvr, ...]:
    """Each build once, in order. What is none (edited by hand) is left out."""
    found = {parse(nvr) for nvr in hosts.values()}
    return tuple(sorted(nvr for nvr in found if nvr))
