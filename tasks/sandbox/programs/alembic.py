"""alembic: `alembic [-c FILE] current|heads`."""

from __future__ import annotations

from . import _db
from ._ends import Quit
from ._host import Host, complain, log, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def context(host: Host) -> None:
    """What every command logs first that works with alembic."""
    if not host.app["alembic"]:
        return
    log("INFO  [alembic.runtime.migration] Context impl SQLiteImpl.")
    log("INFO  [alembic.runtime.migration] Will assume non-transactional DDL.")


def run(host: Host, args: list[str]) -> None:
    """The revision of the database on stdout, "(head)" after it when the installed code knows none newer."""
    command = [a for at, a in enumerate(args) if not a.startswith("-") and (at == 0 or args[at - 1] != "-c")]
    installed = host.state()["installed"]
    if installed is None:
        complain("FAILED: No config file 'alembic.ini' found, or file has no '[alembic]' section")
        raise Quit(255)
    if command == ["heads"]:
        say(f"{_db.head(installed['migrations'])} (head)")
        return
    if command != ["current"]:
        complain("usage: alembic [-h] [-c CONFIG] {current,heads} ...")
        raise Quit(2)
    current(host, installed)


def current(host: Host, installed: dict[str, Any]) -> None:
    """Where the database is, for the code that is installed."""
    newest = _db.head(installed["migrations"])
    host.obey("schema", _refuse)
    context(host)
    now = _db.revision(host.database)
    if now is not None and now not in [m["revision"] for m in installed["migrations"]]:
        complain(f"FAILED: Can't locate revision identified by '{now}'")
        raise Quit(255)
    if now is not None:
        say(f"{now} (head)" if now == newest else now)


def _refuse() -> None:
    complain(
        "sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) could not connect to server: Connection refused"
    )
    raise Quit(1)
