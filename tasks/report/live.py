"""For people at a terminal: below the lines that stay, one line for each host that is at work now."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live as Region
from rich.text import Text

from . import words
from .human import Human
from .recap import unreached
from .screen import Screen

if TYPE_CHECKING:
    from ..inventory.model import Host
    from ..run.decide import Plan
    from ..run.probe import Seen
    from ..run.state import Run
    from ..sop.model import Phase

TIMES_A_SECOND = 5
MOST_HOSTS = 10  # at work at the same time that each have a line
SHORT_OF_STEPS = 60  # columns below which the step's name, which stands above, is left out
ECHO = 3  # columns left free, because a terminal shows ^C where the cursor is


@dataclass
class Work:
    """What is going on now.

    limit: seconds after which the step is given up; at_once: hosts at the same time, in the order of `left`;
    since: when each of these began, on the clock of `time.monotonic`; last: each one's last line.
    lost: hosts without a connection, and until when they are tried again.
    """

    step: str
    limit: float
    at_once: int
    left: list[Host]
    since: dict[Host, float]
    last: dict[Host, str] = field(default_factory=dict)
    lost: dict[Host, float] = field(default_factory=dict)

    @classmethod
    def of(cls, phase: Phase, now: float) -> Work:
        """A phase that begins."""
        first = phase.hosts[: phase.at_once]
        return cls(phase.step.name, phase.step.seconds, phase.at_once, list(phase.hosts), dict.fromkeys(first, now))

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


class _Drawn:
    """What is drawn below the lines that stay, again and again until it is ended.

    rich's own thread would take its turn between the moment in which a line that is being printed has been told how
    high the frame is and the one in which it moves the cursor up by that: a frame of another height then costs a line.
    """

    def __init__(self, screen: Screen, frame: Callable[[], Group]) -> None:
        self._screen = screen
        self._region = Region(
            get_renderable=frame,
            console=screen.console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._over = threading.Event()
        with screen.turn:
            self._region.start()
        threading.Thread(target=self._draw, daemon=True).start()

    def _draw(self) -> None:
        while not self._over.wait(1 / TIMES_A_SECOND):
            with self._screen.turn:
                if not self._over.is_set():
                    self._region.refresh()

    def end(self) -> None:
        """It is taken away."""
        self._over.set()
        with self._screen.turn:
            self._region.stop()


class Live(Human):
    """As `Human`, and on top of it what changes while one looks: times, last lines, waits, the address that is watched.

    What is below the lines that stay is drawn by a thread, and taken away before anything else is shown.
    """

    def __init__(self, screen: Screen | None = None, verbose: bool = False, quiet: bool = False, agreed: bool = False):
        super().__init__(screen, verbose, quiet, agreed)
        self._drawn: _Drawn | None = None
        self._work: Work | None = None
        self._wait: Wait | None = None
        self._late: Late | None = None
        self._seen: Callable[[], Seen | None] | None = None
        self._ending = False

    def close(self, error: BaseException | None) -> None:
        self._rest()
        super().close(error)

    def plan(self, plan: Plan) -> None:
        self._rest()  # after it comes a question
        super().plan(plan)

    def watching(self, seen: Callable[[], Seen | None]) -> None:
        self._seen = seen

    def phase(self, number: int, total: int, phase: Phase) -> None:
        self._work = self._wait = None  # nothing of the step before below the new headline
        super().phase(number, total, phase)
        self._work = Work.of(phase, time.monotonic())
        self._draw()

    def line(self, host: Host, text: str) -> None:
        if self._work:
            self._work.last[host] = " ".join(text.split())
        super().line(host, text)

    def lost(self, host: Host, seconds: float) -> None:
        if self._work:
            self._work.lost[host] = time.monotonic() + seconds
        super().lost(host, seconds)

    def back(self, host: Host) -> None:
        if self._work:
            self._work.lost.pop(host, None)
        super().back(host)

    def done(self, host: Host, seconds: float) -> None:
        self._ended(host)
        super().done(host, seconds)

    def failed(self, host: Host, why: str) -> None:
        self._ended(host)
        super().failed(host, why)

    def waiting(self, seconds: float, why: str) -> None:
        self._work = None
        self._wait = Wait(why, time.monotonic() + seconds)
        self._draw()

    def waits_for(self, hosts: Sequence[Host], what: str, seconds: float) -> None:
        if self._quiet:
            super().waits_for(hosts, what, seconds)
            return
        seen_already = self._work is not None and set(hosts) <= set(self._work.left)
        if hosts and not seen_already:
            self._late = Late(list(hosts), what, time.monotonic() - seconds)
            self._draw()
        else:
            self._late = None
            if not (self._work or self._wait):
                self._rest()

    def answer(self, who: str, text: str, hidden: bool, moot: Callable[[], bool]) -> str | None:
        """As every report; what is drawn is taken away meanwhile."""
        drawn, self._drawn = self._drawn, None
        if drawn:
            drawn.end()
        try:
            return super().answer(who, text, hidden, moot)
        finally:
            if drawn:
                self._draw()

    def finishing(self) -> None:
        self._ending = True  # shown when the region is drawn next; a signal handler must not draw
        if not self._drawn:
            super().finishing()

    def recap(self, run: Run) -> None:
        self._rest()
        super().recap(run)

    def _ended(self, host: Host) -> None:
        if self._work:
            self._work.end(host, time.monotonic())

    def _draw(self) -> None:
        if not (self._quiet or self._drawn):
            self._drawn = _Drawn(self.screen, self._frame)

    def _rest(self) -> None:
        """Nothing is drawn any more."""
        drawn, self._drawn = self._drawn, None
        if drawn:
            drawn.end()
        self._work = self._wait = self._late = None

    def _frame(self) -> Group:
        now, width = time.monotonic(), self.screen.width
        seen = self._seen() if self._seen else None
        return Group(*frame(self._work, self._wait, seen, self._ending, now, width, self._late))


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
    running = work.running
    wide = max((len(host.short) for host in running), default=0)
    lines = []
    for host in running[:MOST_HOSTS]:
        step = "" if width < SHORT_OF_STEPS else f" | {work.step}"
        time_taken = words.duration(now - work.since.get(host, now))
        head = f"{host.short:<{wide}}{step} | {time_taken}"
        last = work.last.get(host)
        if host in work.lost:
            last = f"no connection, tried for {words.duration(max(0.0, work.lost[host] - now))} more"
        lines.append(_line(f"{head} | {last}" if last else head, "", width))
    more = len(work.left) - len(lines)
    if more > 0:
        lines.append(_line(f"and {more} more", "aside", width))
    return lines


def _watched(seen: Seen, width: int) -> Text:
    if seen.never:
        return _line(f"{seen.requests} requests, no answer: {unreached(seen)}", "aside", width)
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
    return [*limit, "Ctrl-C stops after this step (safe)"]


def _line(text: str, style: str, width: int) -> Text:
    line = Text(text, style=style, no_wrap=True)
    line.truncate(max(1, width), overflow="ellipsis")
    return line
