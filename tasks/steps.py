"""Each SOP step by itself, on a host set or on one host."""

from __future__ import annotations

from invoke import Context, task

from . import entry
from .flags import SHOWING, showing
from .report import Shown
from .upgrade import FLAGS

_ASKING = {key: FLAGS[key] for key in ("plan", "yes")}
_ANYWHERE = {**_ASKING, "serial": FLAGS["serial"]}


@task(help={**_ANYWHERE, **SHOWING}, auto_shortflags=False)
@showing(SHOWING)
def stop_httpd(context: Context, shown: Shown, serial: bool = False, plan: bool = False, yes: bool = False) -> None:
    """SOP step: service httpd stop."""
    entry.start(context, "stop-httpd", shown, serial=serial, plan=plan, yes=yes)


@task(help={**_ANYWHERE, **{key: FLAGS[key] for key in ("version", "unverified")}, **SHOWING}, auto_shortflags=False)
@showing(SHOWING)
def yum_update(
    context: Context,
    shown: Shown,
    version: str | None = None,
    unverified: str | None = None,
    serial: bool = False,
    plan: bool = False,
    yes: bool = False,
) -> None:
    """SOP step: yum update, to one build everywhere."""
    entry.start(context, "yum-update", shown, version=version, unverified=unverified, serial=serial, plan=plan, yes=yes)


@task(help={**_ASKING, **SHOWING}, auto_shortflags=False)
@showing(SHOWING)
def upgrade_db(context: Context, shown: Shown, plan: bool = False, yes: bool = False) -> None:
    """SOP step: blockerbugs upgrade_db, once."""
    entry.start(context, "upgrade-db", shown, plan=plan, yes=yes)


@task(help={**_ASKING, **SHOWING}, auto_shortflags=False)
@showing(SHOWING)
def sync(context: Context, shown: Shown, plan: bool = False, yes: bool = False) -> None:
    """SOP step: blockerbugs sync, once, as the check."""
    entry.start(context, "sync", shown, plan=plan, yes=yes)


@task(help={**_ANYWHERE, **SHOWING}, auto_shortflags=False)
@showing(SHOWING)
def start_httpd(context: Context, shown: Shown, serial: bool = False, plan: bool = False, yes: bool = False) -> None:
    """SOP step: service httpd start, and health."""
    entry.start(context, "start-httpd", shown, serial=serial, plan=plan, yes=yes)


@task(help={**_ANYWHERE, "parallel": "All hosts at once: nobody serves meanwhile.", **SHOWING}, auto_shortflags=False)
@showing(SHOWING)
def restart_httpd(
    context: Context, shown: Shown, serial: bool = False, parallel: bool = False, plan: bool = False, yes: bool = False
) -> None:
    """SOP step: service httpd restart, one by one.

    Serially, each host waited for, because the others have to serve meanwhile;
    --parallel takes them all at once.
    """
    entry.start(context, "restart-httpd", shown, serial=serial, together=parallel and not serial, plan=plan, yes=yes)
