"""What became of one script on one host."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..inventory.model import Host

FOR_THE_RUN = "--run-- "  # begins a line that a script says to this program, not to people
_SPEAKS_OF_AN_ERROR = re.compile(
    r"Error\b|Exception\b|error:|[Ff]ailed|conflicts with|[Nn]o space left|[Pp]ermission denied|is not signed"
)
# Headings of lists, rules, what a unit is, advice: what stands above or below them tells more.
_NO_REASON = re.compile(
    r"[-=*_~.\s]+|Error Summary|Complete!|Failed:|(in)?active|failed|(de)?activating|unknown|Trying other mirror\."
    r"|Error: (GPG check FAILED|Transaction failed)|You (could|can) try .*|\(try .*\)|\(Background on this error .*\)"
    r"|See .* for details\.?"
)


@dataclass(frozen=True)
class Outcome:
    """What became of one script on one host.

    failure: None if it did what it should, otherwise one sentence; known: False when the line dropped or the
    time ran out, and the command may still be running; began: seconds since 1970; exited: its status, if it has one.
    earlier: it was done before this run was resumed.
    """

    output: str
    seconds: float
    failure: str | None = None
    known: bool = True
    began: float = 0.0
    exited: int | None = None
    earlier: bool = False


Means = Callable[[int, str], "str | None"]  # an exit status, the last line → a sentence, if the status has a meaning


def meaningless(exited: int, last: str) -> None:
    """An exit status that says nothing by itself."""


class Listener:
    """Told what happens on hosts, from several threads; this one has no use for any of it."""

    def line(self, host: Host, text: str) -> None:
        """A host said this, cleaned."""

    def ended(self, host: Host, outcome: Outcome) -> None:
        """What became of a host's script, as soon as that is known."""

    def lost(self, host: Host, seconds: float) -> None:
        """The line dropped in the middle; the host is tried again for so many seconds."""

    def back(self, host: Host) -> None:
        """A host that was lost is there again."""


def failure(exited: int, output: str, means: Means = meaningless) -> str | None:
    """None for status 0, otherwise one sentence: what the status means by itself, or the line that tells most."""
    if exited == 0:
        return None
    shown = for_people(output)
    last = next((line.strip() for line in reversed(shown.splitlines())), "")
    return means(exited, last) or f"exit status {exited}: {telling_line(shown)}"


def for_people(output: str) -> str:
    """What a script said, without what it said to this program."""
    return "\n".join(line for line in output.splitlines() if not line.startswith(FOR_THE_RUN))


def telling_line(output: str) -> str:
    """The last line that speaks of an error, or else the last: SQLAlchemy, for one, ends with a link.

    What stands below it belongs to it where it is a heading, as yum's and dnf's are.
    """
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["no output"]
    at_all = [at for at, line in enumerate(lines) if not _NO_REASON.fullmatch(line) and _is_more(lines, at)]
    telling = [at for at in at_all if _SPEAKS_OF_AN_ERROR.search(lines[at])]
    at = (telling or at_all or [0])[-1]
    return " ".join(lines[at : at + 2]) if lines[at].endswith(":") else lines[at]


def _is_more(lines: Sequence[str], at: int) -> bool:
    """Is it more than a heading of nothing, and more than an entry of a list of what failed?"""
    headed = at and lines[at - 1] == "Failed:"
    return not headed and not (lines[at].endswith(":") and at + 1 == len(lines))
