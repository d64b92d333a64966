"""Where a moment is on the picture: time runs evenly, but hours in which nothing happened take no room."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

BREAK = 40.0  # the room that an idle stretch takes
IDLE_SECONDS = 60.0  # what is shorter is always drawn as long as it was
TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


@dataclass(frozen=True)
class Piece:
    """A busy stretch of time, and the part of the picture that it takes."""

    began: float
    ended: float
    left: float
    width: float


class Scale:
    """From seconds since 1970 to a place between 0 and `width`.

    busy: the stretches (began, ended) in which something happened. What lies between two of them is left out if it
    is longer than a minute and than all that happened.
    """

    def __init__(self, busy: Iterable[tuple[float, float]], width: float) -> None:
        stretches = _merged(sorted(busy) or [(0.0, 0.0)])
        total = sum(ended - began for began, ended in stretches) or 1.0
        room = max(width - BREAK * (len(stretches) - 1), width / 2)
        self._break = (width - room) / max(len(stretches) - 1, 1)
        self.pieces: list[Piece] = []
        left = 0.0
        for began, ended in stretches:
            taken = room * (ended - began) / total
            self.pieces.append(Piece(began, ended, left, taken))
            left += taken + self._break

    def place(self, moment: float) -> float:
        """Where a moment is; one outside of all stretches is at the nearest end of one."""
        piece = next((p for p in self.pieces if moment <= p.ended), self.pieces[-1])
        inside = min(max(moment - piece.began, 0.0), piece.ended - piece.began)
        return piece.left + (piece.width * inside / (piece.ended - piece.began) if piece.ended > piece.began else 0.0)

    @property
    def breaks(self) -> list[tuple[float, float]]:
        """Where stretches were left out, and how many seconds each was."""
        pairs = zip(self.pieces, self.pieces[1:], strict=False)
        return [(after.left - self._break / 2, after.began - before.ended) for before, after in pairs]

    def ticks(self, apart: float) -> list[tuple[float, str]]:
        """Round moments, at least `apart` from one another on the picture: where, and the time of day in UTC."""
        rate = max((p.width / (p.ended - p.began) for p in self.pieces if p.ended > p.began), default=1.0)
        days = TICKS[-1] * max(1, math.ceil(apart / (TICKS[-1] * rate)))
        step = next((tick for tick in TICKS if tick * rate >= apart), days)
        shown = "%H:%M" if step >= 60 else "%H:%M:%S"
        ticks: list[tuple[float, str]] = []
        for piece in self.pieces:
            moment = -(-piece.began // step) * step
            while moment <= piece.ended:
                ticks.append((self.place(moment), datetime.fromtimestamp(moment, UTC).strftime(shown)))
                moment += step
        return ticks


def _merged(stretches: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Stretches that overlap, or have less than an idle stretch between them, as one."""
    apart = max(IDLE_SECONDS, sum(max(ended - began, 0.0) for began, ended in stretches))
    merged = [stretches[0]]
    for began, ended in stretches[1:]:
        if began - merged[-1][1] <= apart:
            merged[-1] = (merged[-1][0], max(merged[-1][1], ended))
        else:
            merged.append((began, ended))
    return merged
