"""What a migration says that has given up on a lock, and who is said to hold it."""

from __future__ import annotations

import re

HELD_BY = "a lock is held by "  # how shell/blocked.sh begins to say who
MOST = 5
LETTERS = 300
# PostgreSQL's sentence is in the language of its server; the error's name and number are not.
_GAVE_UP = re.compile(r"canceling statement due to lock timeout|\bLockNotAvailable\b|\b55P03\b")


def gave_up(output: str) -> bool:
    """Has the migration that said this given up because it waited too long for a lock?"""
    return bool(_GAVE_UP.search(output))


def holders(output: str) -> tuple[str, ...]:
    """Who held a lock meanwhile, as the set's `lock_holders` names them."""
    said = (line.removeprefix(HELD_BY).strip()[:LETTERS] for line in output.splitlines() if line.startswith(HELD_BY))
    return tuple(dict.fromkeys(filter(None, said)))[-MOST:]
