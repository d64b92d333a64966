"""blockerbugs: the application's command, `upgrade_db` and `sync`, as the installed version has them."""

from __future__ import annotations

import os

from . import _db, alembic
from ._ends import Quit
from ._host import Host, complain, log, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

FRAME = '  File "/usr/lib/python2.7/site-packages/{file}", line {line}, in {function}\n    {code}'


def run(host: Host, args: list[str]) -> None:
    """`blockerbugs upgrade_db|sync`; both write themselves down in the database."""
    installed = host.state()["installed"]
    if installed is None:
        complain("sh: blockerbugs: command not found")
        raise Quit(127)
    commands = {"upgrade_db": _upgrade_db, "sync": _sync}
    if len(args) != 1 or args[0] not in commands:
        complain("usage: blockerbugs [-h] {init_db,upgrade_db,sync,generate_config} ...")
        raise Quit(2)
    note = _db.write_down(host.database, host.name, args[0])
    try:
        commands[args[0]](host, installed)
    except Quit as end:
        _db.write_outcome(host.database, note, "ok" if end.status == 0 else "failed")
        raise
    _db.write_outcome(host.database, note, "ok")


def _upgrade_db(host: Host, installed: dict[str, Any]) -> None:
    """Run the migrations between the database's revision and the installed version's newest."""
    host.obey("upgrade-db", lambda: _crash(host, "ALTER TABLE bug ADD COLUMN votes INTEGER", "upgrade"))
    alembic.context()
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
        log(
            f"INFO  [alembic.runtime.migration] Running upgrade {migration['down'] or ''} -> "
            f"{migration['revision']}, {migration['message']}"
        )
        host.work(0.2)
        failed = _db.migrate(host.database, migration)
        if failed:
            _crash(host, failed, "upgrade")


def _sync(host: Host, installed: dict[str, Any]) -> None:
    """Fetch the bugs; the installed version's tables must be there."""
    statement = installed["query"]
    host.obey("sync", _bugzilla_away)
    host.work(0.3)
    if _db.revision(host.database) != _db.head(installed["migrations"]):
        _crash(host, statement, "sync")
    _try(lambda: say("Updating bugs from bugzilla.redhat.com: 2 updated"))


def _try(speak: Callable[[], None]) -> None:
    """Logging never fails a sync: `blockerbugs sync > /dev/null` is how cron runs it."""
    try:
        speak()
    except OSError:
        return


def _bugzilla_away() -> None:
    complain("Traceback (most recent call last):")
    complain(FRAME.format(file="blockerbugs/cli.py", line=86, function="sync", code="sync_bugs.update_active()"))
    complain("xmlrpclib.ProtocolError: <ProtocolError for bugzilla.redhat.com/xmlrpc.cgi: 503 Service Unavailable>")
    raise Quit(1)


def _crash(host: Host, statement: str, function: str) -> NoReturn:
    """SQLAlchemy's traceback. As on the real hosts, the engine's address with its password is in it."""
    with open(os.path.join(host.root, "etc/blockerbugs/settings.py"), encoding="utf-8") as file:
        settings = file.read()
    address = settings.partition('SQLALCHEMY_DATABASE_URI = "')[2].partition('"')[0]
    lines = [
        "Traceback (most recent call last):",
        FRAME.format(
            file="blockerbugs/cli.py", line=42, function=function, code=f"engine = create_engine('{address}')"
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
