"""What is found in a migration's file, operation by operation."""

from __future__ import annotations

from dataclasses import dataclass, replace

ADDS, CHANGES, UNKNOWN = "adds", "changes", "unknown"  # verdicts


def words(text: str) -> frozenset[str]:
    """The words of a text, to ask whether something is one of them."""
    return frozenset(text.split())


class Unreadable(ValueError):
    """Nothing in the file can be relied on; why."""


@dataclass(frozen=True)
class Found:
    """An operation: its verdict, and what it does in words; no words where that is not worth telling.

    table: the one it changes, creates: the one that is new by it, both as the database keeps the name.
    ends: may there be none of that name afterwards, or another?
    commits: does it end the transaction in which the migration began, or stand outside of one?
    """

    kind: str
    what: str
    table: str | None = None
    creates: str | None = None
    commits: bool = False
    ends: bool = False


def at_line(found: Found, line: int) -> Found:
    """The same, with the place in the file where that is what helps."""
    return replace(found, what=f"line {line}: {found.what}") if found.kind == UNKNOWN else found


def new_index(unique: bool, table: str | None, together: bool) -> Found:
    """An index; together: built while others write (CONCURRENTLY), which no transaction can do."""
    on = table or "a table"
    if unique:
        what = f"refuses rows of {on} that are the same (unique index)"
        return Found(CHANGES, what, table, commits=together)
    waits = "" if together else ", which cannot be written meanwhile"
    return Found(ADDS, f"an index of {on}{waits}", commits=together)


def new_column(
    table: str | None, column: str | None, required: bool, filled: bool, unique: bool, primary: bool
) -> Found:
    """A column; required: it must not be empty, filled: what is not said gets a value by the database itself."""
    name = f"the column {table or 'a table'}.{column or '?'}"
    if primary:
        return Found(CHANGES, f"{name} becomes the primary key", table)
    if required and not filled:
        return Found(CHANGES, f"{name} is required and has no default: rows without it are refused", table)
    if unique and filled:
        return Found(CHANGES, f"{name} is unique and has a default: a second row with it is refused", table)
    return Found(ADDS, name)
