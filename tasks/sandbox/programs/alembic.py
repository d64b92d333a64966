"""alembic: `alembic [-c FILE] current|heads`."""

from __future__ import annotations

from . import _db
from ._ends import Quit
from ._host import Host, complain, log, say


def context() -> None:
    """What every alembic command logs first."""
    log("INFO  [alembic.runtime.migration] Context impl SQLiteImpl.")
    log("INFO  [alembic.runtime.migration] Will assume non-transactional DDL.")


def run(host: Host, args: list[str]) -> None:
    """The revision of the database on stdout, "(head)" after it when the installed code knows none newer."""
    command = [a for at, a in enumerate(args) if not a.startswith("-") and (at == 0 or args[at - 1] != "-c")]
    installed = host.state()["installed"]
    if installed is None:
        complain("FAILED: No config file 'alembic.ini' found, or file has no '[alembic]' section")
        raise Quit(255)
    newest = _db.head(installed["migrations"])
    if command == ["heads"]:
        say(f"{newest} (head)")
        return
    if command != ["current"]:
        complain("usage: alembic [-h] [-c CONFIG] {current,heads} ...")
        raise Quit(2)
    host.obey("schema", _refuse)
    context()
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
