"""The SOP's two upgrades, what follows a failed one, and the looks at a host set."""

from __future__ import annotations

from typing import Any

from invoke import Context

from . import entry
from .errors import Refused
from .flags import SHOWING, task
from .report import Shown


@task("version", "unverified", "plan", "yes", "lock_wait", *SHOWING)
def minor_upgrade(context: Context, **typed: Any) -> None:
    """Upgrade: host after host, no schema change.

    On each host: download, yum update, restart httpd, healthy? The others keep
    serving. The next host is touched only when this one answers with the new
    build. A pending schema migration stops it before anything is installed.
    """
    entry.start(context, "minor-upgrade", **typed)


@task("version", "unverified", "plan", "yes", "serial", "lock_wait", *SHOWING)
def major_upgrade(context: Context, **typed: Any) -> None:
    """Upgrade: all stopped, database migrated once.

    Download while httpd serves, stop httpd on all, yum update on all,
    upgrade_db and sync once on the sync host, start httpd on all, healthy?
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


@task("plan", "yes", *SHOWING, plan="Show what is left and stop.")
def resume(context: Context, **typed: Any) -> None:
    """After a failure: go on with the rest.

    What the set's hosts have kept of the run, and what is true on them now,
    decides what is left. A step that still runs is followed, one that failed is
    tried again, one that was done is not: upgrade_db never runs twice.
    """
    entry.after_a_failure(context, "resume", **typed)


@task("yes", "json")
def abort(context: Context, **typed: Any) -> None:
    """After a failure: give the run up.

    Cron's sync is restored, the lock released, and what is down is said.
    Nothing is started or taken back.
    """
    entry.after_a_failure(context, "abort", **typed)


@task("yes", "json")
def unlock(context: Context, **typed: Any) -> None:
    """Release the lock that a dead run has left.

    Shows whose it is and how old; refused while a step of that run still runs.
    Cron is not touched: `abort` does that.
    """
    entry.after_a_failure(context, "unlock", **typed)


@task("last", "json")
def history(context: Context, shown: Shown, last: int) -> None:
    """Show the last runs: who, what, how it ended.

    What the sync host has kept of all operators' runs, and this machine's
    journal; only the latter, where the sync host cannot be reached. httpd down:
    for how long it ran on no host of the set.
    """
    if last < 1:
        raise Refused(f"--last {last}: at least one run has to be shown", next_line="fab --help history")
    entry.history(context, shown, last)


@task("json")
def status(context: Context, shown: Shown) -> None:
    """Show what every host runs, and its health.

    Always of the whole set, also after -H with one host. Changes nothing; what
    every column comes from is asked in one round trip per host. Exits 0
    whatever it finds, and 4 if a host cannot be reached.
    """
    entry.status(context, shown)


@task("run", "out")
def report(context: Context, run: str, out: str) -> None:
    """Write a run's timeline as a page, for the ticket.

    One HTML file that needs no network, and the picture in it as SVG: every
    host's steps over time, what the users saw, what failed, the commands and
    their output without secrets. From this machine's journal; asks no host.
    """
    entry.report(context, run, out)
