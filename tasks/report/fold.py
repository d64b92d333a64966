"""What is too long for a screen is folded: hosts that are alike become one row, and it is tried how much fits."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text

from ..ranges import ROOM, listed
from .screen import Screen, table

if TYPE_CHECKING:
    from rich.table import Table

    from ..inventory.model import Host

Draw = Callable[[Screen], None]
Folded = Callable[[Screen, int], None]  # with so many rows and sentences of a kind at most
LINES, COLUMNS = 24, 80  # of the terminal that everything fits on
SMALL = 2  # hosts: nothing of so small a set is ever folded
MOST = (12, 9, 7, 6, 5, 4, 3, 2, 1, 0)  # rows and sentences of a kind that are tried, until all of it fits
DIFFER = "differ"


class Row(NamedTuple):
    """What a table says of one host; measure: what is said last, of several hosts as from and to."""

    host: Host
    cells: tuple[str, ...]
    measure: float | None = None


class Alike(NamedTuple):
    """The hosts of which a table says the same; measures: the least and the most of theirs, where there are any.

    rule: these are all the others, beside which the rest are exceptions.
    """

    hosts: list[Host]
    cells: tuple[str, ...]
    measures: tuple[float, ...]
    rule: bool = False


class Paper(Screen):
    """As a terminal, to see how many lines something takes."""

    def __init__(self, columns: int = COLUMNS) -> None:
        self._text = io.StringIO()
        super().__init__(self._text, columns)

    def say(self, text: str, style: str = "") -> None:
        """Wrapped, as on a terminal."""
        self.print(Text(text, style=style))

    @property
    def lines(self) -> int:
        """How many were written."""
        return self._text.getvalue().count("\n")


def needed(hosts: int, whole: Draw, above: int = 0) -> bool:
    """Is `whole` longer than a screen? hosts: how many the set has; above: lines that stand there already."""
    return hosts > SMALL and (hosts >= LINES or above + _lines(whole) > LINES)


def show(screen: Screen, folded: Folded, room: int) -> None:
    """Draw `folded` with as many rows of a kind as fit in `room` lines."""
    columns = max(COLUMNS, screen.width)
    most = next((most for most in MOST if _lines(partial(_with, folded, most), columns) <= room), MOST[-1])
    folded(screen, most)


def _with(folded: Folded, most: int, paper: Screen) -> None:
    folded(paper, most)


def _lines(draw: Draw, columns: int = COLUMNS) -> int:
    paper = Paper(columns)
    draw(paper)
    return paper.lines


def alike(rows: Iterable[Row], most: int) -> list[Alike]:
    """Hosts of which the same is said; all beyond `most` kinds of them as one that says in what they differ.

    What is said of more than half of them comes last, and all others are its exceptions; else the most frequent first.
    """
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(row.cells, []).append(row)
    kinds = sorted(groups.values(), key=len, reverse=True)
    rule = kinds[:1] if kinds[1:] and len(kinds[0]) > sum(map(len, kinds[1:])) else []
    exceptions = kinds[len(rule) :]
    room = max(1, most - len(rule))
    if len(exceptions) > room:
        exceptions = [*exceptions[: room - 1], [row for kind in exceptions[room - 1 :] for row in kind]]
    if not most:
        rule, exceptions = [], [[row for kind in kinds for row in kind]]
    return [*map(_of, exceptions), *(_of(kind)._replace(rule=True) for kind in rule)]


def _of(rows: Sequence[Row]) -> Alike:
    cells = tuple(cell[0] if len(set(cell)) == 1 else DIFFER for cell in zip(*(row.cells for row in rows), strict=True))
    measures = sorted(row.measure for row in rows if row.measure is not None)
    return Alike([row.host for row in rows], cells, (measures[0], measures[-1]) if measures else ())


def who(hosts: Sequence[Host], most: int, room: int = ROOM) -> str:
    """`web[001-198] (198)`; most: none, then they are only counted."""
    if len(hosts) > 1 and not most:
        return f"{len(hosts)} hosts"
    names = listed((host.short for host in hosts), room, few=SMALL)
    counted = "[" not in names
    return names if counted else f"{names} ({len(hosts)})"


def rows(
    columns: Sequence[str], kinds: Sequence[Alike], most: int, said: Callable[[float], str] | None = None
) -> Table:
    """A table of them; said: how a measure is told, which then is the last column."""
    made = table("hosts", *columns)
    for kind in kinds:
        measures = list(dict.fromkeys(map(said, kind.measures))) if said else []
        hosts = f"the other {len(kind.hosts)}" if kind.rule else who(kind.hosts, most)
        made.add_row(hosts, *kind.cells, *([" to ".join(measures) or "-"] if said else []))
    return made


def sentences(screen: Screen, texts: Sequence[str], most: int, what: str, style: str = "warn") -> None:
    """So many of them at most, and how many more there are; what: what they are."""
    for text in texts[:most]:
        screen.say(text, style)
    more = len(texts) - most
    if more > 0:
        screen.say(f"and {more} more {what}" if most else f"{more} {what}", style)
