"""Each SOP step by itself, on a host set or on one host."""

from __future__ import annotations

from invoke import Context, task

from . import start
from .upgrade import FLAGS

_ASKING = {key: FLAGS[key] for key in ("plan", "yes")}
_ANYWHERE = {**_ASKING, "serial": FLAGS["serial"]}


@task(help=_ANYWHERE, auto_shortflags=False)
def stop_httpd(context: Context, serial: bool = False, plan: bool = False, yes: bool = False) -> None:
    """SOP step: service httpd stop."""
    start.start(context, "stop-httpd", serial=serial, plan=plan, yes=yes)


@task(help={**_ANYWHERE, **{key: FLAGS[key] for key in ("version", "unverified")}}, auto_shortflags=False)
def yum_update(
    context: Context,
    version: str | None = None,
    unverified: str | None = None,
    serial: bool = False,
    plan: bool = False,
    yes: bool = False,
) -> None:
    """SOP step: yum update, to one build everywhere."""
    start.start(context, "yum-update", version=version, unverified=unverified, serial=serial, plan=plan, yes=yes)


@task(help=_ASKING, auto_shortflags=False)
def upgrade_db(context: Context, plan: bool = False, yes: bool = False) -> None:
    """SOP step: blockerbugs upgrade_db, once."""
    start.start(context, "upgrade-db", plan=plan, yes=yes)


@task(help=_ASKING, auto_shortflags=False)
def sync(context: Context, plan: bool = False, yes: bool = False) -> None:
    """SOP step: blockerbugs sync, once, as the check."""
    start.start(context, "sync", plan=plan, yes=yes)


@task(help=_ANYWHERE, auto_shortflags=False)
def start_httpd(context: Context, serial: bool = False, plan: bool = False, yes: bool = False) -> None:
    """SOP step: service httpd start, and health."""
    start.start(context, "start-httpd", serial=serial, plan=plan, yes=yes)


@task(help={**_ANYWHERE, "parallel": "All hosts at once: nobody serves meanwhile."}, auto_shortflags=False)
def restart_httpd(
    context: Context, serial: bool = False, parallel: bool = False, plan: bool = False, yes: bool = False
) -> None:
    """SOP step: service httpd restart, one by one.

    Serially, each host waited for, because the others have to serve meanwhile; --parallel takes them all at once.
    """
    start.start(context, "restart-httpd", serial=serial, together=parallel and not serial, plan=plan, yes=yes)
