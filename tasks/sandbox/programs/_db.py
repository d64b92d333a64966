"""The set's one database: its schema revision, its bugs, and a book of what was run on it."""

from __future__ import annotations

import time

# sqlite3 without the dates and collections that it imports: see _light. Here, because few programs want it.
from _sqlite3 import Error, OperationalError, connect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sqlite3 import Connection
    from typing import Any

    from ._files import Name

__all__ = ["Error", "head", "migrate", "opened", "revision", "write_down", "write_outcome"]


class opened:  # a word, as contextlib would have made it
    """A connection that begins and ends transactions only when told to, and waits for others' locks."""

    def __init__(self, database: Name) -> None:
        self._db: Connection = connect(database, timeout=10, isolation_level=None)

    def __enter__(self) -> Connection:
        return self._db

    def __exit__(self, *_: object) -> None:
        self._db.close()


def revision(database: Name) -> str | None:
    """The schema revision the database is at."""
    with opened(database) as db:
        row = db.execute("SELECT version_num FROM alembic_version").fetchone()
    return row[0] if row else None


def head(chain: list[dict[str, Any]]) -> str:
    """The newest revision of a package's chain."""
    newest: str = chain[-1]["revision"]
    return newest


def write_down(database: Name, host: str, program: str) -> int:
    """Note that a program starts on this database; gives the number of the note."""
    with opened(database) as db:
        note = db.execute("INSERT INTO run (host, program, began) VALUES (?, ?, ?)", (host, program, time.time()))
        return int(note.lastrowid or 0)


def write_outcome(database: Name, note: int, outcome: str) -> None:
    """Note how it ended."""
    with opened(database) as db:
        db.execute("UPDATE run SET outcome = ? WHERE id = ?", (outcome, note))


def migrate(database: Name, migration: dict[str, Any]) -> str | None:
    """Run one migration in a transaction; gives the statement that failed after the database was put back."""
    with opened(database) as db:
        db.execute("BEGIN IMMEDIATE")
        for statement in migration["sql"]:
            try:
                db.execute(statement)
            except OperationalError:
                db.execute("ROLLBACK")
                failed: str = statement
                return failed
        db.execute("UPDATE alembic_version SET version_num = ?", (migration["revision"],))
        db.execute("COMMIT")
    return None
