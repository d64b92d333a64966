"""What became of one script on one host."""

from __future__ import annotations

import re
from dataclasses import dataclass

from invoke.runners import Result

from . import detached

FOR_THE_RUN = "--run-- "  # begins a line that a script says to this program, not to people
_SPEAKS_OF_AN_ERROR = re.compile(r"Error\b|Exception\b|error:|[Ff]ailed")


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

    @property
    def taken_over(self) -> bool:
        """Was it not started because this run is carried out from elsewhere now?"""
        return self.exited == detached.TAKEN_OVER


class StepFailed(Exception):
    """A script failed, or nobody knows."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.failure)
        self.outcome = outcome


def failure(result: Result) -> str:
    """One sentence: the status that means something by itself, or the line that tells most."""
    said = for_people(result.stdout)
    if result.exited == detached.HELD:
        return detached.SAYS[detached.HELD]  # and the last word is that run's lock
    if result.exited in detached.SAYS:
        last = said.splitlines()[-1:]
        return detached.SAYS[result.exited] + (f" (its last words: {last[0].strip()})" if last else "")
    return f"exit status {result.exited}: {telling_line(said)}"


def for_people(output: str) -> str:
    """What a script said, without what it said to this program."""
    return "\n".join(line for line in output.splitlines() if not line.startswith(FOR_THE_RUN))


def telling_line(output: str) -> str:
    """The last line that speaks of an error, or else the last: SQLAlchemy, for one, ends with a link.

    What stands below it belongs to it where it is a heading, as yum's and dnf 5's are.
    """
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["no output"]
    telling = (at for at in reversed(range(len(lines))) if _SPEAKS_OF_AN_ERROR.search(lines[at]))
    at = next(telling, len(lines) - 1)
    return " ".join(lines[at : at + 2]) if lines[at].endswith(":") else lines[at]
