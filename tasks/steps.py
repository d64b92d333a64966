"""Each SOP step by itself, on a host set or on one host."""

from __future__ import annotations

from typing import Any

from invoke import Context

from . import entry
from .flags import SHOWING, task


@task("serial", "plan", "yes", *SHOWING)
def stop_httpd(context: Context, **typed: Any) -> None:
    """Stop the service.

    Blockerbugs: service httpd stop. hosts.yml names another application's.
    """
    entry.start(context, "stop-httpd", **typed)


@task("version", "unverified", "serial", "plan", "yes", *SHOWING)
def yum_update(context: Context, **typed: Any) -> None:
    """yum update, to one build everywhere."""
    entry.start(context, "yum-update", **typed)


@task("plan", "yes", *SHOWING)
def upgrade_db(context: Context, **typed: Any) -> None:
    """Migrate the database, once.

    On the sync host. Blockerbugs: blockerbugs upgrade_db. hosts.yml names
    another application's.
    """
    entry.start(context, "upgrade-db", **typed)


@task("plan", "yes", *SHOWING)
def sync(context: Context, **typed: Any) -> None:
    """The application's own check, once.

    On the sync host. Blockerbugs: blockerbugs sync. hosts.yml names another
    application's.
    """
    entry.start(context, "sync", **typed)


@task("serial", "plan", "yes", *SHOWING)
def start_httpd(context: Context, **typed: Any) -> None:
    """Start the service, and look at its health.

    Blockerbugs: service httpd start. hosts.yml names another application's.
    """
    entry.start(context, "start-httpd", **typed)


@task("serial", "parallel", "plan", "yes", *SHOWING)
def restart_httpd(context: Context, **typed: Any) -> None:
    """Restart the service, one by one.

    Serially, each host waited for, because the others have to serve meanwhile;
    --parallel takes them all at once. Blockerbugs: service httpd restart.
    hosts.yml names another application's.
    """
    entry.start(context, "restart-httpd", **typed)


@task("plan", "yes", *SHOWING)
def drain(context: Context, **typed: Any) -> None:
    """Take hosts out of the balancer.

    No new requests for them, and those that they have are answered; only where
    every other server is UP at every proxy. They stay out until undrain.
    """
    entry.start(context, "drain", **typed)


@task("plan", "yes", *SHOWING)
def undrain(context: Context, **typed: Any) -> None:
    """Put drained hosts back, if they are well.

    Those that this tool has drained; one that somebody else has taken out of
    the balancer stays out.
    """
    entry.start(context, "undrain", **typed)
