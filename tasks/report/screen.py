"""Where the sentences go: a terminal with its colours and its width, or a pipe with one fact a line."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
import threading
from typing import IO, Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from ..lines import again, fitted

PIPE_WIDTH = 200  # a pipe has no width: rows must not break where somebody wants to grep
SIDE_BY_SIDE = 4  # rows that may become columns
GAP = 2  # blanks between a table's columns
GONE = (errno.EPIPE, errno.EIO, errno.EBADF)  # a reader that has left, a terminal that is closed
WRAPS_AT = 30  # columns that a table's last column has at least

# Colours out of the 256 that can be read on black and on white alike; a test measures them.
STYLES = {
    "good": "color(28)",
    "bad": "color(160)",
    "warn": "color(166)",
    "aside": "color(244)",
    "head": "bold",
    "best": "bold color(28)",
    "worst": "bold color(160)",
}

# Of 16 colours none is sure to be seen on any ground; what must not be overlooked is bold as well.
FEW = {**STYLES, "good": "green", "bad": "bold red", "warn": "bold", "aside": "none"}
FEW |= {"best": "bold green", "worst": "bold red"}


class Screen:
    """Prints; neither a reader that has gone (`| head`), a closed terminal nor a full disk is a reason to stop.

    stream: where to, by default stdout; width: columns, by default the terminal's.
    turn: held by whoever writes to the terminal, from the first column that counts to the last.
    """

    def __init__(self, stream: IO[str] | None = None, width: int | None = None) -> None:
        self._stream = Unbreakable(stream or sys.stdout or Nowhere())
        if width is None and not self._stream.isatty():
            width = PIPE_WIDTH
        file: Any = self._stream  # rich says IO[str], and needs only what a text stream of ours has
        colours = Console(file=file).color_system
        theme = Theme(STYLES if colours in ("256", "truecolor") else FEW)
        self.console = Console(file=file, width=width, theme=theme, highlight=False, emoji=False, markup=False)
        self.turn = threading.RLock()

    @property
    def lost(self) -> OSError | None:
        """Why what was printed could not be written, if it could not."""
        return self._stream.lost

    @property
    def width(self) -> int:
        """Columns."""
        return self.console.width

    @property
    def animated(self) -> bool:
        """May lines be drawn again and again? Not in a pipe, in CI, for TERM=dumb, or where NO_COLOR asks for calm."""
        able = self._stream.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")
        return able and not any(os.environ.get(name) for name in ("NO_COLOR", "CI"))

    @property
    def arrow(self) -> str:
        """From this to that, in letters that the terminal has."""
        return "→" if self.console.encoding.startswith("utf") else "->"

    def say(self, text: str, style: str = "") -> None:
        """A sentence. It wraps between words on a terminal, unless it is a line to type; in a pipe it is one line."""
        text, on_terminal = again(text), self.console.is_terminal
        to_type = text.startswith("next: ")
        shown = fitted(text, self.width) if on_terminal and to_type else text
        self.print(Text(shown, style=style), soft_wrap=to_type or not on_terminal)

    def quote(self, text: str, style: str = "aside") -> None:
        """What somebody else said, unbroken: it has to be found again by its words, or copied."""
        self.print(Text(text, style=style), soft_wrap=True)

    def rows(self, *tables: Table) -> None:
        """A table; where the terminal is too narrow for it, turned on its side, or a block for each row.

        No word is ever broken; a long last column may wrap between words. Of several, the first that fits.
        """
        table = next(filter(self._fits, tables), tables[-1])
        rows = list(zip(*(column.cells for column in table.columns), strict=True))
        if self._fits(table):
            for column in table.columns[:-1]:
                column.no_wrap = True
            self.print(table)
        elif len(rows) <= SIDE_BY_SIDE and self._fits(turned := _turned(table)):
            self.print(turned)
        else:
            self._blocks(table)

    def _fits(self, table: Table) -> bool:
        widths = [max(map(len, map(str, (column.header, *column.cells)))) for column in table.columns]
        last = min(widths[-1], table.columns[-1].min_width or WRAPS_AT)
        return sum(widths[:-1]) + last + table.padding[1] * (len(widths) - 1) <= self.width

    def _blocks(self, table: Table) -> None:
        for first, *facts in zip(*(column.cells for column in table.columns), strict=True):
            self.say(str(first).strip(), style="head")
            for column, fact in zip(table.columns[1:], facts, strict=True):
                if fact:
                    self.say(f"  {column.header}: {fact}")

    def print(self, what: RenderableType, soft_wrap: bool = False) -> None:
        """Anything that rich can draw."""
        with self.turn:
            if not self._stream.isatty():  # a row's blanks at its end are for nobody's eyes
                with self.console.capture() as drawn:
                    self.console.print(what, soft_wrap=soft_wrap)
                what = Text("\n".join(line.rstrip() for line in drawn.get().splitlines()) or "")
                soft_wrap = True
            self.console.print(what, soft_wrap=soft_wrap)


def table(*columns: str, gap: int = GAP) -> Table:
    """An empty one, as all of ours look; gap: blanks between its columns."""
    made = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="aside")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def _turned(rows: Table) -> Table:
    """The same with its rows as columns."""
    first, *others = rows.columns
    made = table(str(first.header), *(str(cell) for cell in first.cells))
    for column in others:
        made.add_row(str(column.header), *column.cells)
    return made


class Nowhere(io.StringIO):
    """Where Python found no stdout, because somebody closed it."""

    def write(self, text: str) -> int:
        """It is thrown away."""
        return len(text)


class Unbreakable(io.TextIOBase):
    """A stream that may stop taking what is written: the rest then goes nowhere, and nothing is raised.

    lost: why, if that is a failure (a full disk); a reader that has gone is none.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self.lost: OSError | None = None
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a host may say what this terminal has no letters for

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The stream's."""
        return getattr(self._stream, "encoding", None) or "ascii"

    def write(self, text: str) -> int:
        """All of it, or nothing."""
        try:
            return self._stream.write(text)
        except (OSError, ValueError) as error:
            self._give_up(error)
        return len(text)

    def flush(self) -> None:
        """Now, not when the buffer is full."""
        try:
            self._stream.flush()
        except (OSError, ValueError) as error:
            self._give_up(error)

    def isatty(self) -> bool:
        """Is a person looking?"""
        return self._stream.isatty()

    def fileno(self) -> int:
        """The stream's."""
        return self._stream.fileno()

    def _give_up(self, error: OSError | ValueError) -> None:
        if isinstance(error, OSError) and error.errno not in GONE:
            self.lost = self.lost or error
        # What is still in the buffer has to go somewhere, too: Python writes it out when it ends, and would complain.
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
