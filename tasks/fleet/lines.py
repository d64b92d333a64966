"""What comes over a channel, as lines that are clean: bounded in memory and time, whatever a host sends."""

from __future__ import annotations

from collections import deque

from .output import LONGEST, Cleaner

MOST_BYTES = 4 * LONGEST + 4  # of one line: more than `clean` lets through, so that it says that it cut the rest off
MOST_KEPT = 2_000_000  # characters of an output's beginning, and as many of its end


class Lines:
    """Pieces in, whole lines out. Of a line that is too long only the beginning is kept."""

    def __init__(self, begun: bytes = b"") -> None:
        self._rest = bytearray(begun[:MOST_BYTES])

    def take(self, piece: bytes) -> list[str]:
        """The lines that end in `piece`, not yet cleaned."""
        lines = []
        *whole, rest = piece.split(b"\n")
        for part in whole:
            self._add(part)
            lines.append(self._rest.decode("utf-8", "replace"))
            self._rest.clear()
        self._add(rest)
        return lines

    def _add(self, part: bytes) -> None:
        self._rest += part[: MOST_BYTES - len(self._rest)]


class Kept:
    """The lines of an output, or of a very long one its beginning and its end; cleans them."""

    def __init__(self) -> None:
        self._cleaner = Cleaner()
        self._first: list[str] = []
        self._last: deque[str] = deque()
        self._first_size = self._last_size = self._left_out = 0

    def add(self, line: str) -> str:
        """`line` as it may be shown; blank ones carry nothing, and are not kept."""
        cleaned = self._cleaner.line(line)
        if not cleaned:
            return cleaned
        size = len(cleaned) + 100  # an empty string has a size, too
        if self._first_size + size <= MOST_KEPT and not self._last:
            self._first.append(cleaned)
            self._first_size += size
        else:
            self._last.append(cleaned)
            self._last_size += size
        while self._last_size > MOST_KEPT:
            self._last_size -= len(self._last.popleft()) + 100
            self._left_out += 1
        return cleaned

    @property
    def lines(self) -> tuple[str, ...]:
        """All that was kept, and in its place how much was not."""
        left_out = [f"({self._left_out} more lines were not kept)"] if self._left_out else []
        return (*self._first, *left_out, *self._last)
