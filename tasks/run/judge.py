"""Is a batch that serves the new build well? From samples of requests to a verdict with its numbers. Pure.

Errors: an exact binomial test of the share of requests that failed against the share that may: what failed before the
upgrade or fails on the hosts beside, and never less than hosts.yml tolerates. Where that is much, or little was seen of
it, it is no reason to call the batch bad, and none to call it good. Latency: a rank test (Mann-Whitney) of the answers
against those of the hosts beside, each of these taken so many times as slow as hosts.yml lets pass; and, for a build
that is slow now and then, a binomial test of how many are slower than nearly all of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ..inventory.batches import Judge, Promql
from ..journal.events import BAD as BAD
from ..journal.events import GOOD as GOOD
from ..journal.events import INCONCLUSIVE as INCONCLUSIVE
from .chance import slower, tail

CERTAIN = 1e-4  # what is less likely by chance is no chance: it is looked at every second, so this is not 5 %
SUSPICIOUS = 0.01  # what is less likely by chance at the end is not told as good
RECENT_SECONDS = 15.0  # looked at by itself too: a build that turns bad later has good answers in front of the bad ones
LEAST_FAILURES = 3
LEAST_BEFORE = 50  # requests: the share that failed of fewer is a guess
MOST_ALLOWED = 0.1  # what failed more often was ill itself: nobody is called good for being no worse
SLOW_SHARE = 0.05  # of the answers that are compared with are slower than what the new ones are held against
MOST_COMPARED = 4096
LEAST_ANSWERS = 10  # on both sides, before the rank test's normal approximation is believed
NOTICED_SECONDS = 0.02  # nobody notices a smaller difference, however many times as slow that is
ABOVE_IN_A_ROW = 3  # a query looks back: what the restart cost is still in it for a moment


class Sample(NamedTuple):
    """One request: when it began (time.monotonic), how many seconds it took, and had it a good answer?

    refused: it was answered, by an error of the server.
    """

    at: float
    seconds: float
    good: bool
    refused: bool = False


@dataclass(frozen=True)
class Source:
    """What was asked of one address since the batch serves the new build.

    who: the host, or whose address it is; before: the same address before the upgrade; beside: hosts that are not being
    judged, meanwhile; old: have they the build of before? node: is it a host's own address?
    compares: how long its answers take too? What users see of a set is a mixture of old and new.
    """

    who: str
    new: Sequence[Sample]
    before: Sequence[Sample] = ()
    beside: Sequence[Sample] = ()
    old: bool = True
    node: bool = True
    compares: bool = True

    @property
    def reachable(self) -> bool:
        """Was there ever an answer, if only a 500? If not, it may simply not be reachable from here.

        Where nobody looked before the upgrade, an answer of the hosts beside shows that there is a way to it.
        """
        return any(one.good or one.refused for one in (*self.before, *self.new, *(() if self.before else self.beside)))


@dataclass(frozen=True)
class Measured:
    """The numbers of one source. allowed: the share of requests that may fail; chance: how likely so many failures are.

    surely: how likely they are where nothing is allowed that was much, or a guess.
    median, beside: seconds of a good answer, None where too few were seen; slower_by_chance: of the rank test;
    slow: the share of answers slower than nearly all that they are compared with; slow_by_chance: how likely that is.
    """

    requests: int
    failed: int
    allowed: float
    chance: float
    surely: float
    median: float | None = None
    beside: float | None = None
    slower_by_chance: float = 1.0
    slow: float = 0.0
    slow_by_chance: float = 1.0


@dataclass(frozen=True)
class Finding:
    """What is to be said of one source: who, a verdict, the sentence, and the numbers if there are any."""

    who: str
    verdict: str
    reason: str
    measured: Measured | None = None


@dataclass(frozen=True)
class Verdict:
    """What is to be said of a batch: bad if anything is, good only if something is and nothing is inconclusive."""

    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> str:
        """good, bad or inconclusive."""
        said = [finding.verdict for finding in self.findings]
        if BAD in said:
            return BAD
        return GOOD if GOOD in said and INCONCLUSIVE not in said else INCONCLUSIVE

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentences that lead to it; all of them, if it is good."""
        wanted = self.verdict
        told = [one for one in self.findings if one.verdict == wanted] or self.findings
        return tuple(f"{one.who}: {one.reason}" for one in told) or ("nothing was seen of it",)


def measure(source: Source, judge: Judge) -> Measured:
    """Count the failures, compare the answers."""
    requests, failed = len(source.new), sum(not one.good for one in source.new)
    allowed = max(judge.tolerated, *(_share(one, LEAST_ANSWERS) for one in (source.before, source.beside)))
    surely = max(
        judge.tolerated, *(min(MOST_ALLOWED, _share(one, LEAST_BEFORE)) for one in (source.before, source.beside))
    )
    found = Measured(requests, failed, allowed, tail(failed, requests, allowed), tail(failed, requests, surely))
    new, old = _seconds(source.new), _seconds(source.beside or source.before)
    if not source.compares or min(len(new), len(old)) < LEAST_ANSWERS:
        return found
    bound = sorted(max(one * judge.latency, one + NOTICED_SECONDS) for one in old)
    slow = sum(one > bound[int((1 - SLOW_SHARE) * len(bound))] for one in new)
    return replace(
        found,
        median=_median(new),
        beside=_median(old),
        slower_by_chance=slower(new, bound),
        slow=slow / len(new),
        slow_by_chance=tail(slow, len(new), SLOW_SHARE),
    )


def alike(rows: Sequence[Sequence[Sample]]) -> list[Sample]:
    """What hosts answered, host by host, as one row, without those that fail much more often than most of them do."""
    shares = sorted(_share(row) for row in rows if row)
    most = shares[(len(shares) - 1) // 2] + MOST_ALLOWED if shares else 0.0
    return [one for row in rows if _share(row) <= most for one in row]


def _share(samples: Sequence[Sample], least: int = 1) -> float:
    """How many of them failed; none, where fewer than `least` were seen."""
    return sum(not one.good for one in samples) / len(samples) if len(samples) >= least else 0.0


def _seconds(samples: Sequence[Sample]) -> list[float]:
    """Of the good answers, evenly thinned out: a rank test of more says nothing more, and takes long."""
    good = [one.seconds for one in samples if one.good]
    return good[:: len(good) // MOST_COMPARED + 1]


def _median(values: Sequence[float]) -> float:
    row = sorted(values)
    return (row[(len(row) - 1) // 2] + row[len(row) // 2]) / 2


def of_a_source(source: Source, judge: Judge) -> Finding:
    """What is to be said of one address, at the end of the soak."""
    if not source.reachable:
        return Finding(source.who, INCONCLUSIVE, "no answer from here, so that nothing is known of it")
    found = measure(source, judge)
    if (early := _bad(source, found, judge)) is not None:
        return early
    told = f"{_failures(found)}{_compared(source, found)}"
    if found.requests < judge.min_requests:
        text = f"{told}: fewer than {judge.min_requests} requests, too few to judge by"
        return Finding(source.who, INCONCLUSIVE, text, found)
    if found.failed and found.chance < SUSPICIOUS:
        text = f"{told}: more than the {_percent(found.allowed)} that may, too few to be certain"
        return Finding(source.who, INCONCLUSIVE, text, found)
    if found.failed and found.surely < SUSPICIOUS:
        text = f"{told}: no more than the {_percent(found.allowed)} of before or beside, which were too ill or too few"
        return Finding(source.who, INCONCLUSIVE, text, found)
    if min(found.slower_by_chance, found.slow_by_chance) < SUSPICIOUS:
        return Finding(source.who, INCONCLUSIVE, f"{told}: slower, not by enough to be certain", found)
    if found.median is None and source.compares:
        return Finding(source.who, INCONCLUSIVE, f"{told}, because too little was seen of what it was before", found)
    return Finding(source.who, GOOD, told, found)


def already_bad(source: Source, judge: Judge, now: float) -> Finding | None:
    """What is certain before the soak has ended: of all requests so far, or of the latest ones by themselves."""
    if not source.reachable:
        return None
    latest = replace(
        source,
        new=[one for one in source.new if one.at >= now - RECENT_SECONDS],
        beside=[one for one in source.beside if one.at >= now - RECENT_SECONDS],
    )
    for one in (source, latest):
        found = _bad(source, measure(one, judge), judge)
        if found:
            return found
    return None


def _bad(source: Source, found: Measured, judge: Judge) -> Finding | None:
    if found.failed >= LEAST_FAILURES and found.chance < CERTAIN:
        text = f"{_failures(found)}, where {_percent(found.allowed)} may"
        return Finding(source.who, BAD, text, found)
    if found.slower_by_chance < CERTAIN:
        text = f"more than {judge.latency:g} times as slow{_compared(source, found)}"
        return Finding(source.who, BAD, text, found)
    if found.slow_by_chance < CERTAIN:
        text = f"{_percent(found.slow)} of its answers more than {judge.latency:g} times as slow as nearly all"
        return Finding(source.who, BAD, f"{text}{_compared(source, found)}", found)
    return None


def _failures(found: Measured) -> str:
    share = f" ({_percent(found.failed / found.requests)})" if found.failed else ""
    return f"{found.failed} of {found.requests} requests failed{share}"


def _compared(source: Source, found: Measured) -> str:
    if not source.compares:
        return ""
    if found.median is None or found.beside is None:
        return "; answers not compared"
    who = "before the upgrade" if not source.beside else "the old build" if source.old else "the hosts beside it"
    return f"; answers in {_milliseconds(found.median)}, {who} in {_milliseconds(found.beside)}"


def _percent(share: float) -> str:
    return f"{share * 100:.2g} %" if share < 0.1 else f"{share * 100:.0f} %"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def of_a_query(values: Sequence[float | str], promql: Promql, over: bool) -> Finding | None:
    """What a Prometheus has said, answer by answer: a number, or why there is none; over: has the soak ended?"""
    above = [isinstance(one, float) and one > promql.threshold for one in values]
    last = values[-1] if values else "was not asked"
    if isinstance(last, str):
        return Finding("promql", INCONCLUSIVE, last) if over else None
    told = f"{last:g}, the threshold is {promql.threshold:g}"
    if above[-1] and (over or (len(above) >= ABOVE_IN_A_ROW and all(above[-ABOVE_IN_A_ROW:]))):
        return Finding("promql", BAD, told)
    return Finding("promql", GOOD, told) if over else None


def at_the_end(sources: Sequence[Source], judge: Judge, query: Finding | None) -> Verdict:
    """The verdict of a soak.

    What users see counts beside the hosts' own pages, and only where it is too little, these are enough: never the
    other way round, the balancer hides from users a host that fails.
    """
    nodes = any(source.node and source.reachable for source in sources)
    kept = []
    for source in sources:
        found = of_a_source(source, judge)
        little = found.measured is None or found.measured.requests < judge.min_requests
        if not (found.verdict == INCONCLUSIVE and nodes and little and not source.node):
            kept.append(found)
    return Verdict((*kept, *([query] if query else [])))


def meanwhile(sources: Sequence[Source], judge: Judge, query: Finding | None, now: float) -> Verdict | None:
    """A verdict that needs no more time: bad, or none."""
    found = [one for source in sources if (one := already_bad(source, judge, now))]
    if query and query.verdict == BAD:
        found.append(query)
    return Verdict(tuple(found)) if found else None
