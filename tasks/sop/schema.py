"""What alembic answers when it is asked at which revision the database is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .model import Schema

# `REV`, or `REV (head)`, `REV (effective head)`, `REV (head) (mergepoint)`: one for each branch, in any order.
_REVISION = re.compile(r"([0-9A-Za-z_.-]+)((?: \([a-z ]+\))*)")
_HEADS = ("(head)", "(effective head)")
IS_AT = "the database is at "  # how shell/database.sh begins to say where it is


@dataclass(frozen=True)
class Revisions:
    """The revisions in an answer, sorted: those that are newest, and those that are not.

    nothing: was there nothing else in the answer either?
    """

    heads: tuple[str, ...]
    behind: tuple[str, ...]
    nothing: bool

    @property
    def schema(self) -> Schema:
        """Is the database at its newest schema? One that has no revision was never migrated."""
        if self.behind or self.nothing:
            return Schema.PENDING
        return Schema.CURRENT if self.heads else Schema.UNKNOWN

    def __str__(self) -> str:
        return ",".join(self.behind or self.heads)


def read(lines: Iterable[str]) -> Revisions:
    """The revisions in these lines of an answer; a line that is none is not the answer."""
    told = [text for line in lines if (text := line.strip())]
    found = [match.groups() for text in told if (match := _REVISION.fullmatch(text))]
    heads = {revision for revision, notes in found if any(head in notes for head in _HEADS)}
    behind = {revision for revision, _ in found} - heads
    return Revisions(tuple(sorted(heads)), tuple(sorted(behind)), not told)


def proven(output: str) -> str | None:
    """Where the database was seen to be by the proof of a migration, in what that said; None where it said nothing."""
    lines = [line for line in output.splitlines() if line.startswith(IS_AT)]
    return ",".join(sorted(lines[-1].removeprefix(IS_AT).split())) if lines else None
