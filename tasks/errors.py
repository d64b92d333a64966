"""What can end a run early, and the exit status each ending has.

    SopError                1    something failed, and nothing is left half done
    ├── Refused             2    nothing was changed: wrong usage, or the facts speak against it
    │   ├── Locked          3    another run holds the set
    │   └── Unreachable     4    no connection, unknown or changed host key, no authentication
    ├── TakenOver           3    somebody else carries this run out now
    ├── HalfWay             5    hosts were changed and the run did not end: a person must go on
    ├── TryLater            75   nothing is wrong, but not now (sysexits' EX_TEMPFAIL)
    └── Interrupted         130  Ctrl-C, SIGTERM, SIGHUP

Every one is an `invoke.Exit`, so Invoke itself prints the message on stderr and exits with the code:
there is no second place that turns an error into a status.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence
from enum import IntEnum
from typing import Any

from invoke.exceptions import Exit

from .lines import again, fitted
from .ranges import together

MANY, MOST, LAST = 8, 17, 3  # sentences about one end that are shown as they come; and of more; and of these the last


class Code(IntEnum):
    """Every exit status of the collection; README's table is checked against it."""

    DONE = 0
    FAILED = 1
    REFUSED = 2
    LOCKED = 3
    UNREACHABLE = 4
    HALF_WAY = 5
    TRY_LATER = 75
    INTERRUPTED = 130


MEANING = {
    Code.DONE: "done, or nothing to do",
    Code.FAILED: "failed, and nothing is left half done",
    Code.REFUSED: "refused or wrong usage, nothing was changed; also: the plan shows changes",
    Code.LOCKED: "locked by another run, or this one was taken over by somebody else",
    Code.UNREACHABLE: "unreachable, host key or authentication; nothing was changed",
    Code.HALF_WAY: "stopped half-way: the last lines say what is down and what to type",
    Code.TRY_LATER: "not now, try again later; nothing was changed",
    Code.INTERRUPTED: "interrupted: Ctrl-C, SIGTERM, or the terminal is gone",
}


def _width() -> int | None:
    """The columns of the terminal that stderr is, if it is one."""
    return max(20, shutil.get_terminal_size().columns) if sys.stderr and sys.stderr.isatty() else None


def _to_be_copied(text: str) -> str:
    """Lines to type, each whole; on a terminal what explains one that is too long stands below it."""
    width = _width()
    return fitted(text, width) if width else text


def _between_words(line: str) -> str:
    """A line of stderr, on a terminal wrapped where a word ends: the terminal itself would break words."""
    width = _width()
    if not width:
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    options: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False, "subsequent_indent": indent}
    return "\n".join(textwrap.fill(part, width, **options) for part in line.split("\n"))


def _on_a_screen(problems: Sequence[str]) -> list[str]:
    """The sentences; where they are many, those that say the same of several hosts as one, and only so many of them.

    The last ones say what all of it comes to.
    """
    if len(problems) <= MANY:
        return list(problems)
    short = together(problems)
    more = len(short) - MOST
    return short if more <= 0 else [*short[: MOST - LAST], f"and {more} more", *short[-LAST:]]


class SopError(Exit):
    """An end that the operator is told about in words.

    problems: one sentence each, starting with the host it is about, if it is about one.
    next_line: the command to type now, or None where there is nothing to type.
    """

    exit_code = Code.FAILED
    heading = "failed"

    def __init__(self, *problems: str, next_line: str | None = None) -> None:
        self.problems = problems
        problems = tuple(_on_a_screen(problems))
        self.next_line = next_line and again(next_line)
        one = len(problems) == 1
        lines = [f"{self.heading}: {problems[0]}"] if one else [f"{self.heading}:", *(f"  {p}" for p in problems)]
        typed = [f"next: {self.next_line}"] if self.next_line else []
        self._plain = "\n".join([*lines, *typed])
        shown = [*map(_between_words, lines), *map(_to_be_copied, typed)]
        super().__init__("\n".join(shown), int(self.exit_code))

    def __str__(self) -> str:
        return self._plain


class Refused(SopError):
    """Nothing was changed on any host."""

    exit_code = Code.REFUSED
    heading = "refused, nothing was changed"


class Locked(Refused):
    """Another run holds the host set."""

    exit_code = Code.LOCKED
    heading = "locked, nothing was changed"


class Unreachable(Refused):
    """A host (or the way to it) could not be reached, believed or logged in to."""

    exit_code = Code.UNREACHABLE
    heading = "not reached, nothing was changed"


class TakenOver(SopError):
    """Somebody else has resumed this run, or given it up: nothing is begun from here any more."""

    exit_code = Code.LOCKED
    heading = "taken over"


class HalfWay(SopError):
    """Hosts were changed and the run could not end; the message says what is down."""

    exit_code = Code.HALF_WAY
    heading = "stopped half-way"


class TryLater(SopError):
    """Somebody else's work is in the way; it will pass."""

    exit_code = Code.TRY_LATER
    heading = "not now, nothing was changed"


class Interrupted(SopError):
    """The operator pressed Ctrl-C, or somebody else ended the program."""

    exit_code = Code.INTERRUPTED
    heading = "interrupted"
