"""The application's commands, as the installed version has them: migrate, check and schema_status of fleet.json."""

from __future__ import annotations

import os

from . import _db, _faults, alembic
from ._ends import Quit
from ._host import Host, complain, log, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

BUGZILLA = "bugzilla.redhat.com"
CHECKED = {"blockerbugs": f"Updating bugs from {BUGZILLA}: 2 updated"}
NOT_CHECKED = {
    "blockerbugs": f"xmlrpclib.ProtocolError: <ProtocolError for {BUGZILLA}/xmlrpc.cgi: 503 Service Unavailable>"
}
FRAME = '  File "/usr/lib/python2.7/site-packages/{file}", line {line}, in {function}\n    {code}'


def run(host: Host, args: list[str]) -> None:
    """One of the commands; the two that work on the database write themselves down there, by the SOP's names."""
    installed = host.state()["installed"]
    called = [host.program, *args]
    if host.program == "alembic" and (installed is None or called not in _commands(host)):
        alembic.run(host, args)
        return
    if installed is None:
        complain(f"sh: {host.program}: command not found")
        raise Quit(127)
    if called == host.app["migrate"]:
        _written_down(host, "upgrade_db", lambda: _migrate(host, installed))
    elif called == host.app["schema_status"]:
        alembic.current(host, installed)
    elif called == host.app["check"]:
        _written_down(host, "sync", lambda: _check(host, installed))
    else:
        mine = [" ".join(words[1:]) for words in _commands(host) if words[0] == host.program]
        complain(f"usage: {host.program} {{{','.join(mine)}}}")
        raise Quit(2)


def _commands(host: Host) -> list[list[str]]:
    return [host.app[key] for key in ("migrate", "check", "schema_status") if host.app[key]]


def _written_down(host: Host, name: str, command: Callable[[], None]) -> None:
    note = _db.write_down(host.database, host.name, name)
    try:
        command()
    except Quit as end:
        _db.write_outcome(host.database, note, "ok" if end.status == 0 else "failed")
        raise
    _db.write_outcome(host.database, note, "ok")


def _migrate(host: Host, installed: dict[str, Any]) -> None:
    """Run the migrations between the database's revision and the installed version's newest."""
    host.obey("upgrade-db", lambda: _crash(host, "ALTER TABLE bug ADD COLUMN votes INTEGER", "upgrade"))
    _meet_a_lock(host)
    alembic.context(host)
    chain = installed["migrations"]
    now = _db.revision(host.database)
    known = [m["revision"] for m in chain]
    if now is not None and now not in known:
        complain("Traceback (most recent call last):")
        complain(
            FRAME.format(file="alembic/util/messaging.py", line=69, function="err", code="raise CommandError(msg)")
        )
        complain(f"alembic.util.exc.CommandError: Can't locate revision identified by '{now}'")
        raise Quit(1)
    for migration in chain[known.index(now) + 1 if now else 0 :]:
        step = f"{migration['down'] or ''} -> {migration['revision']}, {migration['message']}"
        log(f"{'INFO  [alembic.runtime.migration] Running upgrade ' if host.app['alembic'] else ''}{step}")
        host.work(0.2)
        failed = _db.migrate(host.database, migration)
        if failed:
            _crash(host, failed, "upgrade")


def _meet_a_lock(host: Host) -> None:
    """Wait for the session that holds one, if there is one; as long as PostgreSQL would with these PGOPTIONS."""
    for fault in _faults.take(host.home, host.name, "upgrade-db", {"locked"}):
        _, _, limit = os.environ.get("PGOPTIONS", "").rpartition("lock_timeout=")
        patience = int(limit) / 1000 if limit else None
        if patience is None or fault["seconds"] < patience:
            host.wait(fault["seconds"])
            continue
        host.wait(patience)
        complain("psycopg2.errors.LockNotAvailable: canceling statement due to lock timeout")
        raise Quit(1)


def _check(host: Host, installed: dict[str, Any]) -> None:
    """Work with the database; the installed version's tables must be there."""
    statement = installed["query"]
    host.obey("sync", lambda: _fail(host))
    host.work(0.3)
    if _db.revision(host.database) != _db.head(installed["migrations"]):
        _crash(host, statement, host.app["check"][-1])
    _try(lambda: say(CHECKED.get(host.package, "2 rows are well")))


def _try(speak: Callable[[], None]) -> None:
    """Logging never fails a check: `… > /dev/null` is how cron runs it."""
    try:
        speak()
    except OSError:
        return


def _fail(host: Host) -> None:
    complain("Traceback (most recent call last):")
    function = host.app["check"][-1]
    code = "sync_bugs.update_active()" if host.package in NOT_CHECKED else f"{function}()"
    complain(FRAME.format(file=f"{host.package}/cli.py", line=86, function=function, code=code))
    complain(NOT_CHECKED.get(host.package, "RuntimeError: what it checks does not answer"))
    raise Quit(1)


def _crash(host: Host, statement: str, function: str) -> NoReturn:
    """SQLAlchemy's traceback. As on the real hosts, the engine's address with its password is in it."""
    address = _address(host)
    lines = [
        "Traceback (most recent call last):",
        FRAME.format(
            file=f"{host.package}/cli.py", line=42, function=function, code=f"engine = create_engine('{address}')"
        ),
        FRAME.format(
            file="sqlalchemy/engine/default.py",
            line=593,
            function="do_execute",
            code="cursor.execute(statement, parameters)",
        ),
        f"sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) could not execute on {address}",
        f"[SQL: {statement}]",
        "(Background on this error at: http://sqlalche.me/e/e3q8)",
    ]
    complain("\n".join(lines))
    raise Quit(1)


def _address(host: Host) -> str:
    """The database's, out of the settings; without its password where there are none."""
    if not host.app["settings"]:
        return f"postgresql+psycopg2://db01.{host.set_name}:5432/{host.package}"
    with open(os.path.join(host.root, host.app["settings"].lstrip("/")), encoding="utf-8") as file:
        return file.read().partition('SQLALCHEMY_DATABASE_URI = "')[2].partition('"')[0]
