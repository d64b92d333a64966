"""What building and tagging tell the operator: events in, sentences out through the report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from shlex import join

from ..run.observer import Report
from .spec import Package
from .tree import Attempt, Task

SAY_AGAIN_SECONDS = 60.0
_MB = 1 << 20


class Progress:
    """Told what happens; says it once, and again each minute while it lasts."""

    def __init__(self, report: Report, clock: Callable[[], float] = time.monotonic) -> None:
        self._report = report
        self._last = clock()
        self.verbatim = report.verbatim
        self._clock = clock
        self._seen: dict[int, str] = {}
        self._since: dict[int, float] = {}
        self._said_at: dict[str, float] = {}
        self._tenth = -1

    def _say(self, text: str) -> None:
        self._last = self._clock()
        self._report.note(text)

    def spec(self, path: Path, package: Package) -> None:
        """The spec was found and read."""
        self._say(f"spec: {path}: {package.nvr}")

    def tarball(self, path: Path) -> None:
        """The tarball is there, with the right version."""
        self._say(f"tarball: {path}")

    def srpm(self, path: Path) -> None:
        """The SRPM was made."""
        self._say(f"srpm: {path} ({path.stat().st_size / 1024:.0f} kB)")

    def command(self, argv: Sequence[str | Path], dry: bool) -> None:
        """A program will be run, or in a dry run would be."""
        self.verbatim(f"{'would run' if dry else 'run'}: {join(str(word) for word in argv)}")

    def note(self, text: str) -> None:
        """A sentence."""
        self._say(text)

    def lines(self, texts: Iterable[str]) -> None:
        """Some lines of something, set off."""
        for text in texts:
            self.verbatim(f"  | {text}")

    def situation(self, nvr: str, hint: str | None, built: str, follow: int | None) -> None:
        """What the hub knows of the NVR; hint: the line for the spec that ends the lottery over builders."""
        if hint:
            self._say(f"{nvr} is noarch: koji may choose any builder; to pin the arch, add to the spec: {hint}")
        if built:
            self._say(f"{nvr} is built already: {built}")
        if follow:
            self._say(f"{nvr} is being built: following task {follow}, nothing is submitted")

    def uploaded(self, done: int, size: int) -> None:
        """So many of `size` bytes are on the hub; said at each tenth of a big file."""
        tenth = 10 * done // max(1, size) if done else -1
        if tenth > self._tenth and (size > _MB or done == size):
            self._say(
                f"uploaded {done / _MB:.1f} of {size / _MB:.1f} MB" if size > _MB else f"uploaded {size / 1024:.0f} kB"
            )
        self._tenth = tenth if done < size else -1

    def again(self, why: str, seconds: float, number: int, most: int) -> None:
        """A call failed and will be tried again."""
        self._say(f"{why}; again in {seconds:g} s ({number} of {most})")

    def task(self, task: Task, builder: str) -> None:
        """A task as it is now; said when it differs from the last time."""
        now = task.state.name.lower()
        before = self._seen.get(task.id)
        if before != now:
            self._seen[task.id], self._since[task.id] = now, self._clock()
            where = f" on {builder}" if builder else ""
            self._say(f"task {task.id} {task.name}: {f'{before} → ' if before else ''}{now}{where}")

    def still(self, task: Task, builder: str) -> None:
        """A task that has not moved; said when there was nothing to say for a minute."""
        if self._clock() - self._last >= SAY_AGAIN_SECONDS:
            state = f"{task.state.name.lower()} on {builder}" if builder else task.state.name.lower()
            self._say(f"task {task.id} {task.name}: still {state}, {duration(self._clock() - self._since[task.id])}")

    def waiting(self, what: str, since: float, typically: float = 0) -> None:
        """`what` is waited for since that moment of the clock; said at first and each minute."""
        now = self._clock()
        if now - self._said_at.get(what, -SAY_AGAIN_SECONDS) >= SAY_AGAIN_SECONDS:
            self._said_at[what] = now
            usual = f", usually about {duration(typically)}" if typically else ""
            self._say(f"waiting for {what}: {duration(now - since)}{usual}")

    def lost(self, attempt: Attempt, number: int) -> None:
        """An attempt was lost to a wrong builder."""
        self._say(f"attempt {number}: {told(attempt)}")

    def moved(self, nvr: str, tag: str, who: str, when: float) -> None:
        """The build is in the tag; who put it there and when (seconds since 1970), if that is known."""
        self._say(f"{nvr} is in {tag}" + (f": {by_at(who, when)}" if who else ""))


def by_at(who: str, when: float | None) -> str:
    """`by robot, 2026-11-25 20:46`, in the operator's own time; when: seconds since 1970, or None for not known."""
    return f"by {who}, {datetime.fromtimestamp(when):%Y-%m-%d %H:%M}" if when else f"by {who}"


def told(attempt: Attempt) -> str:
    """One attempt in words: task, builder, architecture, what became of it, what it cost."""
    where = f"{attempt.builder} ({attempt.arch})"
    return f"task {attempt.task} on {where}: {attempt.how}; {duration(attempt.seconds)} lost"


def duration(seconds: float) -> str:
    """`42 s`, `15 min`, `2 min 5 s`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
