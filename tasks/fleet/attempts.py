"""A host that was lost: when it is tried again, and which of its lines are new then."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic

from .shell import OnLine

GOOD_AGAIN_SECONDS = 60  # an attempt that lasted longer was more than a connection that took long and broke at once


class Attempts:
    """When to try a lost host again: sooner at first, then every few seconds, until `seconds` are over.

    They are over `seconds` after the host was lost; a host that was back for longer than a moment is lost anew.
    """

    def __init__(
        self,
        seconds: float,
        closing: threading.Event,
        left: threading.Event,
        on_loss: Callable[[float], None],
        on_return: Callable[[], None],
    ) -> None:
        self._seconds, self._closing, self._left = seconds, closing, left
        self._on_loss, self._on_return, self._told = on_loss, on_return, False
        self._pause = 0.25
        self._ends: float | None = None
        self._tried = monotonic()

    def another(self, was_there: bool) -> bool:
        """Wait, and say whether to try again; not if everything is being closed, or whoever waited for it has left.

        was_there: the host was lost in the middle of the last attempt, not before it could begin.
        """
        now = monotonic()
        if self._ends is None or (was_there and now - self._tried > GOOD_AGAIN_SECONDS):
            lost = now if was_there else self._tried
            self._ends, self._pause = lost + self._seconds, 0.25
        if now >= self._ends:
            return False
        if not self._told:
            self._told = True
            self._on_loss(self._ends - now)
        pause, self._pause = self._pause, min(2 * self._pause, 5.0)
        closing = self._closing.wait(min(pause, self._ends - now))
        self._tried = monotonic()
        return not (closing or self._left.is_set())

    @property
    def ends(self) -> float | None:
        """When they are over, once the host was lost."""
        return self._ends

    def back(self) -> None:
        """The host is there; to be told again if it was lost."""
        if self._told:
            self._told = False
            self._on_return()


class Fresh:
    """Tells lines once: a step that is followed again begins with what it has said already."""

    def __init__(self, tell: OnLine) -> None:
        self._tell = tell
        self._told = self._at = 0

    def begin(self) -> None:
        """What comes now is the step from its beginning."""
        self._at = 0

    def tell(self, line: str) -> None:
        """Tell `line` if it has not been told."""
        self._at += 1
        if self._at > self._told:
            self._told = self._at
            self._tell(line)
