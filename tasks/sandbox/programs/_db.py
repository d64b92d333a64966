"""The set's one database: its schema revision, its bugs, and a book of what was run on it."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._files import Name


def connect(database: Name) -> sqlite3.Connection:
    """A connection that begins and ends transactions only when told to, and waits for others' locks."""
    return sqlite3.connect(database, timeout=10, isolation_level=None)


def revision(database: Name) -> str | None:
    """The schema revision the database is at."""
    with closing(connect(database)) as db:
        row = db.execute("SELECT version_num FROM alembic_version").fetchone()
    return row[0] if row else None


def head(chain: list[dict[str, Any]]) -> str:
    """The newest revision of a package's chain."""
    newest: str = chain[-1]["revision"]
    return newest


def write_down(database: Name, host: str, program: str) -> int:
    """Note that a program starts on this database; gives the number of the note."""
    with closing(connect(database)) as db:
        note = db.execute("INSERT INTO run (host, program, began) VALUES (?, ?, ?)", (host, program, time.time()))
        return int(note.lastrowid or 0)


def write_outcome(database: Name, note: int, outcome: str) -> None:
    """Note how it ended."""
    with closing(connect(database)) as db:
        db.execute("UPDATE run SET outcome = ? WHERE id = ?", (outcome, note))


def migrate(database: Name, migration: dict[str, Any]) -> str | None:
    """Run one migration in a transaction; gives the statement that failed after the database was put back."""
    with closing(connect(database)) as db:
        db.execute("BEGIN IMMEDIATE")
        for statement in migration["sql"]:
            try:
                db.execute(statement)
            except sqlite3.OperationalError:
                db.execute("ROLLBACK")
                failed: str = statement
                return failed
        db.execute("UPDATE alembic_version SET version_num = ?", (migration["revision"],))
        db.execute("COMMIT")
    return None
