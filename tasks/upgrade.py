"""The SOP's two upgrades, and the way back."""

from __future__ import annotations

from typing import Any

from invoke import Context

from . import entry
from .flags import SHOWING, task


@task("version", "unverified", "plan", "yes", "lock_wait", *SHOWING)
def minor_upgrade(context: Context, **typed: Any) -> None:
    """Host after host, no schema change.

    On each host: download, yum update, restart, healthy? The others keep
    serving. The next host is touched only when this one answers with the new
    build. A pending schema migration stops it before anything is installed.
    """
    entry.start(context, "minor-upgrade", **typed)


@task("version", "unverified", "plan", "yes", "serial", "lock_wait", *SHOWING)
def major_upgrade(context: Context, **typed: Any) -> None:
    """All stopped, database migrated once.

    Download while it serves, stop the service on all, yum update on all,
    migrate the database and check it once on the sync host, start on all,
    healthy?
    Each phase begins when every host has ended the one before.
    """
    entry.start(context, "major-upgrade", **typed)


@task("version", "plan", "yes", *SHOWING, version="The build to go back to. Default: the recorded one.")
def rollback(context: Context, **typed: Any) -> None:
    """Go back to the build before.

    Host after host, as a minor upgrade. After a migration it is refused until
    the database has been restored, and then the build has to be typed. Whether
    the build is still to be had is asked on every host first.
    """
    entry.start(context, "rollback", **typed)
