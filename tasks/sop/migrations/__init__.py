"""What a schema migration would do, by what its file says: does it only add, does it change what is there? Pure.

A file is read, never run. What cannot be told is said to be so: `adds` is claimed only where every operation that the
file may come to is one that leaves rows, and code that knows nothing of the new ones, as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from ...fleet.output import clean
from .found import ADDS as ADDS
from .found import CHANGES as CHANGES
from .found import UNKNOWN as UNKNOWN
from .found import Found, Unreadable
from .python import read_python
from .sql import read_sql

LONGEST = 65_536  # bytes of a file that is read
MOST = 20  # files that are read
MOST_REASONS = 6
REASON = 200  # characters
# A file with a part for each direction: only where both are marked is it known where the way up ends.
_UP, _DOWN = (re.compile(rf"^--\s*(\+goose|\+migrate|migrate:)\s*{way}\b", re.I | re.M) for way in ("up", "down"))
_BACKWARDS = re.compile(r"[._-](down|undo|rollback|revert)\.sql$", re.I)


@dataclass(frozen=True)
class Migration:
    """A file that a build brings.

    verdict: ADDS, CHANGES, or UNKNOWN; why: what it does, or why that cannot be told, a few words each.
    whole: is it sure that it commits nothing in its middle, so that PostgreSQL takes all of it back where it fails?
    """

    file: str
    verdict: str
    why: tuple[str, ...]
    whole: bool = False

    @property
    def name(self) -> str:
        """The file without its folder."""
        return PurePosixPath(self.file).name

    @property
    def text(self) -> str:
        """`2b7f3.py changes what is there: renames the column bug.summary to title`."""
        says = {ADDS: "only adds", CHANGES: "changes what is there"}.get(self.verdict, "cannot tell what it does")
        return f"{self.name}: {says}: {'; '.join(self.why)}"


def classify(file: str, text: str) -> Migration:
    """What the migration in `file` does, whose text that is."""
    if len(text) > LONGEST:
        return cannot_tell(file, f"it is longer than {LONGEST // 1024} kB")
    suffix = PurePosixPath(file).suffix.lower()
    if suffix not in (".py", ".sql"):
        return cannot_tell(file, "it is neither Python nor SQL")
    if _BACKWARDS.search(file):
        return cannot_tell(file, "by its name it takes another migration back")
    try:
        found = read_python(text) if suffix == ".py" else read_sql(_upwards(text))
    except Unreadable as error:
        return cannot_tell(file, str(error))
    except (RecursionError, MemoryError):
        return cannot_tell(file, "it is too deep to be read")
    left = _without_new_tables(found)
    verdict = next((kind for kind in (CHANGES, UNKNOWN) if any(one.kind == kind for one in left)), ADDS)
    # What decides comes first.
    told = [one.what for kind in (CHANGES, UNKNOWN, ADDS) for one in left if one.kind == kind and one.what]
    whole = suffix == ".py" and not any(one.commits or one.kind == UNKNOWN for one in found)
    return Migration(clean(file), verdict, _few(told or ["nothing"]), whole)


def cannot_tell(file: str, why: str) -> Migration:
    """A migration of which nothing is known but its name, and why."""
    return Migration(clean(file), UNKNOWN, _few([why]))


def _upwards(text: str) -> str:
    """The part that an upgrade runs."""
    up = _UP.search(text)
    down = _DOWN.search(text, up.end()) if up else None
    return text[: down.start()] if down else text


def _without_new_tables(found: Iterable[Found]) -> list[Found]:
    """What is done to a table that the same migration has surely made changes nothing that was there."""
    new: set[str] = set()
    left = []
    for one in found:
        if one.creates:
            new.add(one.creates)
        if not (one.kind == CHANGES and one.table in new):
            left.append(one)
        if one.ends and one.table:
            new.discard(one.table)
        elif one.ends:
            new.clear()
    return left


def _few(told: Iterable[str]) -> tuple[str, ...]:
    rows = list(dict.fromkeys(clean(" ".join(text.split()))[:REASON] for text in told))
    more = len(rows) - MOST_REASONS
    return (*rows[:MOST_REASONS], *([f"and {more} more"] if more > 0 else []))
