"""For people at a terminal: below the lines that stay, one line for each host that is at work now."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.console import Group

from .frame import Late, Wait, Work, frame
from .human import Human
from .region import Region
from .screen import Screen

if TYPE_CHECKING:
    from ..inventory.model import Host
    from ..journal.events import Judged
    from ..run.decide import Plan
    from ..run.probe import Seen
    from ..run.state import Run
    from ..sop.model import Phase


class Live(Human):
    """As `Human`, and on top of it what changes while one looks: times, last lines, waits, the address that is watched.

    What is below the lines that stay is drawn by a thread, and taken away before anything else is shown.
    """

    def __init__(self, screen: Screen | None = None, verbose: bool = False, quiet: bool = False, agreed: bool = False):
        super().__init__(screen, verbose, quiet, agreed)
        self._drawn: Region | None = None
        self._work: Work | None = None
        self._wait: Wait | None = None
        self._late: Late | None = None
        self._seen: Callable[[], Seen | None] | None = None
        self._ending = self._asking = False

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
        self._work = Work.of(phase, time.monotonic(), self._progress.through if self._progress else "")
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
        if self._work and host in self._work.left:
            self._work.failed.append(host)
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

    def ask(self, question: str, moot: Callable[[], bool] | None = None) -> str:
        """As every report; what is drawn is taken away meanwhile, whatever hosts side by side have to tell."""
        self._asking = True
        self._rest()
        try:
            return super().ask(question, moot)
        finally:
            self._asking = False

    def judged(self, judged: Judged) -> None:
        self._wait = None
        super().judged(judged)

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

    def finishing(self, ending: bool = False) -> None:
        self._ending = not ending  # shown when the region is drawn next; a signal handler must not draw
        if ending or not self._drawn:
            super().finishing(ending)

    def recap(self, run: Run) -> None:
        self._rest()
        super().recap(run)

    def _ended(self, host: Host) -> None:
        if self._work:
            self._work.end(host, time.monotonic())

    def _draw(self) -> None:
        if not (self._quiet or self._drawn or self._asking):
            self._drawn = Region(self.screen, self._frame)

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
