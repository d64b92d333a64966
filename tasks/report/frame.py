"""What stands below the lines that stay, while a run is at work: values in, lines out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.text import Text

from ..ranges import listed
from . import words
from .recap import unreached

if TYPE_CHECKING:
    from ..inventory.model import Host
    from ..run.probe import Seen
    from ..sop.model import Phase

MOST_HOSTS = 10  # of a phase, that each have a line; of more it is told how many are at work
LONGEST, MOST_LOST = 3, 5  # of those that have a line all the same: at work for the longest, without a connection
SHORT_OF_STEPS = 60  # columns below which the step's name, which stands above, is left out
ECHO = 3  # columns left free, because a terminal shows ^C where the cursor is


@dataclass
class Work:
    """What is going on now.

    limit: seconds after which the step is given up; at_once: hosts at the same time, in the order of `left`;
    since: when each of these began, on the clock of `time.monotonic`; last: each one's last line.
    lost: hosts without a connection, and until when they are tried again. failed: where it did not end well; total: how
    many hosts there were at first. through: how many of a set are through with all its batches, in words.
    """

    step: str
    limit: float
    at_once: int
    left: list[Host]
    since: dict[Host, float]
    last: dict[Host, str] = field(default_factory=dict)
    lost: dict[Host, float] = field(default_factory=dict)
    failed: list[Host] = field(default_factory=list)
    total: int = 0
    through: str = ""

    @classmethod
    def of(cls, phase: Phase, now: float, through: str = "") -> Work:
        """A phase that begins."""
        hosts = list(phase.hosts)
        since = dict.fromkeys(hosts[: phase.at_once], now)
        return cls(phase.step.name, phase.step.seconds, phase.at_once, hosts, since, total=len(hosts), through=through)

    def end(self, host: Host, now: float) -> None:
        """A host is through with it, and the next one in the row begins."""
        self.lost.pop(host, None)
        if host in self.left:
            self.left.remove(host)
        for begun in self.left[: self.at_once]:
            self.since.setdefault(begun, now)

    @property
    def running(self) -> list[Host]:
        """Who is at work."""
        return self.left[: self.at_once]


@dataclass
class Wait:
    """A wait that is as it should be: why, and until when."""

    why: str
    ends: float


@dataclass
class Late:
    """Hosts that have not answered yet, what they are waited for to do, and since when."""

    hosts: list[Host]
    what: str
    since: float


def frame(
    work: Work | None,
    wait: Wait | None,
    seen: Seen | None,
    ending: bool,
    now: float,
    width: int,
    late: Late | None = None,
) -> list[Text]:
    """The lines below those that stay: none is longer than `width`, and the last one leaves room for a ^C."""
    lines = []
    if work:
        lines += _hosts(work, now, width)
    if wait:
        left = max(0.0, wait.ends - now)
        lines.append(_line(f"waiting {words.duration(left)} {wait.why}", "aside", width))
    if late:
        lines.append(_line(words.waits_for(late.hosts, late.what, now - late.since), "aside", width))
    if seen and seen.requests:
        lines.append(_watched(seen, width))
    advice = _advice(work, ending, now) if work or wait or ending else []  # before the first step Ctrl-C simply ends
    if advice and len("; ".join(advice)) <= width - ECHO:
        advice = ["; ".join(advice)]
    return [*lines, *(_line(text, "warn" if ending else "aside", width - ECHO) for text in advice)]


def _hosts(work: Work, now: float, width: int) -> list[Text]:
    through = [_line(work.through, "aside", width)] if work.through else []
    if work.total > MOST_HOSTS:
        return [*_counted(work, width), *_each(work, _unwell(work), now, width), *through]
    more = len(work.left) - len(work.running)
    waiting = [_line(f"and {more} more", "aside", width)] if more > 0 else []
    return [*_each(work, work.running, now, width), *waiting, *through]


def _counted(work: Work, width: int) -> list[Text]:
    """How far a phase over many hosts is, and where it failed."""
    done = work.total - len(work.left) - len(work.failed)
    counts = f"{work.step} | {done} of {work.total} done, {len(work.running)} at work"
    if not work.failed:
        return [_line(counts, "", width)]
    failed = listed((host.short for host in work.failed), width - len("failed: "))
    return [_line(f"{counts}, {len(work.failed)} failed", "", width), _line(f"failed: {failed}", "bad", width)]


def _unwell(work: Work) -> list[Host]:
    """Those at work that are looked at: without a connection, or the longest there."""
    lost = [host for host in work.running if host in work.lost]
    rest = sorted((h for h in work.running if h not in work.lost), key=lambda host: work.since.get(host, 0.0))
    return [*lost[:MOST_LOST], *rest[:LONGEST]]


def _each(work: Work, hosts: Sequence[Host], now: float, width: int) -> list[Text]:
    wide = max((len(host.short) for host in hosts), default=0)
    lines = []
    for host in hosts:
        step = "" if width < SHORT_OF_STEPS or work.total > MOST_HOSTS else f" | {work.step}"
        time_taken = words.duration(now - work.since.get(host, now))
        head = f"{host.short:<{wide}}{step} | {time_taken}"
        last = work.last.get(host)
        if host in work.lost:
            last = f"no connection, tried for {words.duration(max(0.0, work.lost[host] - now))} more"
        lines.append(_line(f"{head} | {last}" if last else head, "", width))
    return lines


def _watched(seen: Seen, width: int) -> Text:
    if seen.never:
        return _line(f"{seen.requests} requests, none was answered well: {unreached(seen)}", "aside", width)
    now = "users get no answer now" if seen.down else "users get an answer"
    told = f"{now}; {seen.failed} of {seen.requests} requests failed"
    told = told if len(told) <= width else told.replace(" requests", "")
    return _line(told, "bad" if seen.failed else "good", width)


def _advice(work: Work | None, ending: bool, now: float) -> list[str]:
    """How long it may take at most, and what Ctrl-C does."""
    if ending:
        return ["stopping after this step", "Ctrl-C again: exit now"]
    running = [host for host in work.running if host not in work.lost] if work else []
    left = [work.limit - (now - work.since.get(host, now)) for host in running] if work else []
    limit = [f"at most {words.duration(max(0.0, *left))} more"] if left else []
    return [*limit, "Ctrl-C stops after this step"]


def _line(text: str, style: str, width: int) -> Text:
    line = Text(text, style=style, no_wrap=True)
    line.truncate(max(1, width), overflow="ellipsis")
    return line
