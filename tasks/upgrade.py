"""The SOP's two upgrades, and the look at a host set."""

from __future__ import annotations

from invoke import Context, task

from . import entry
from .errors import Refused
from .flags import JSON, SHOWING, showing
from .report import Shown

FLAGS = {
    "version": "The build: 0.4.4.11 or 0.4.4.11-1.el7. Default: what stg runs, or what the repos offer.",
    "unverified": "Reason to install a build that stg is not running; recorded in the journal.",
    "plan": "Show the plan and stop: exit 0 means nothing to do, 2 means changes.",
    "yes": "Do not ask.",
    "lock-wait": "Seconds to wait for another run that holds the set. Default: not at all.",
    "serial": "One host after the other, also where the set is worked on in parallel.",
}
_ASKING = {key: FLAGS[key] for key in ("plan", "yes")}


@task(help={**{key: FLAGS[key] for key in FLAGS if key != "serial"}, **SHOWING}, auto_shortflags=False)
@showing(SHOWING)
def minor_upgrade(
    context: Context,
    shown: Shown,
    version: str | None = None,
    unverified: str | None = None,
    plan: bool = False,
    yes: bool = False,
    lock_wait: float = 0.0,
) -> None:
    """Upgrade: host after host, no schema change.

    On each host: download, yum update, restart httpd, healthy? The others keep
    serving. The next host is touched only when this one answers with the new
    build. A pending schema migration stops it before anything is installed.
    """
    entry.start(
        context, "minor-upgrade", shown, version=version, unverified=unverified, plan=plan, yes=yes, lock_wait=lock_wait
    )


@task(help={**FLAGS, **SHOWING}, auto_shortflags=False)
@showing(SHOWING)
def major_upgrade(
    context: Context,
    shown: Shown,
    version: str | None = None,
    unverified: str | None = None,
    plan: bool = False,
    yes: bool = False,
    serial: bool = False,
    lock_wait: float = 0.0,
) -> None:
    """Upgrade: all stopped, database migrated once.

    Download while httpd serves, stop httpd on all, yum update on all,
    upgrade_db and sync once on the sync host, start httpd on all, healthy?
    Each phase begins when every host has ended the one before.
    """
    entry.start(
        context,
        "major-upgrade",
        shown,
        version=version,
        unverified=unverified,
        plan=plan,
        yes=yes,
        serial=serial,
        lock_wait=lock_wait,
    )


@task(
    help={"version": "The build to go back to. Default: the recorded one.", **_ASKING, **SHOWING}, auto_shortflags=False
)
@showing(SHOWING)
def rollback(context: Context, shown: Shown, version: str | None = None, plan: bool = False, yes: bool = False) -> None:
    """Go back to the build before.

    Host after host, as a minor upgrade. After a migration it is refused until
    the database has been restored, and then the build has to be typed. Whether
    the build is still to be had is asked on every host first.
    """
    entry.start(context, "rollback", shown, version=version, plan=plan, yes=yes)


@task(help={"plan": "Show what is left and stop.", "yes": FLAGS["yes"], **SHOWING}, auto_shortflags=False)
@showing(SHOWING)
def resume(context: Context, shown: Shown, plan: bool = False, yes: bool = False) -> None:
    """After a failure: go on with the rest.

    What the set's hosts have kept of the run, and what is true on them now,
    decides what is left. A step that still runs is followed, one that failed is
    tried again, one that was done is not: upgrade_db never runs twice.
    """
    entry.after_a_failure(context, "resume", shown, plan=plan, yes=yes)


@task(help={"yes": FLAGS["yes"], **JSON}, auto_shortflags=False)
@showing(JSON)
def abort(context: Context, shown: Shown, yes: bool = False) -> None:
    """After a failure: give the run up.

    Cron's sync is restored, the lock released, and what is down is said.
    Nothing is started or taken back.
    """
    entry.after_a_failure(context, "abort", shown, yes=yes)


@task(help={"yes": FLAGS["yes"], **JSON}, auto_shortflags=False)
@showing(JSON)
def unlock(context: Context, shown: Shown, yes: bool = False) -> None:
    """Release the lock that a dead run has left.

    Shows whose it is and how old; refused while a step of that run still runs.
    Cron is not touched: `abort` does that.
    """
    entry.after_a_failure(context, "unlock", shown, yes=yes)


@task(help={"last": "How many runs. Default: 20.", **JSON}, auto_shortflags=False)
@showing(JSON)
def history(context: Context, shown: Shown, last: int = 20) -> None:
    """Show the last runs: who, what, how it ended.

    What the sync host has kept of all operators' runs, and this machine's
    journal; only the latter, where the sync host cannot be reached. httpd down:
    for how long it ran on no host of the set.
    """
    if last < 1:
        raise Refused(f"--last {last}: at least one run has to be shown", next_line="fab --help history")
    entry.history(context, shown, last)


@task(help=JSON, auto_shortflags=False)
@showing(JSON)
def status(context: Context, shown: Shown) -> None:
    """Show what every host runs, and its health.

    Always of the whole set, also after -H with one host. Changes nothing; what
    every column comes from is asked in one round trip per host. Exits 0
    whatever it finds, and 4 if a host cannot be reached.
    """
    entry.status(context, shown)


@task(
    help={
        "run": "The run's id, or its beginning. Default: the last run of the set.",
        "out": "The file to write, its picture beside it. Default: below the journal's folder.",
    },
    auto_shortflags=False,
)
def report(context: Context, run: str = "", out: str = "") -> None:
    """Write a run's timeline as a page, for the ticket.

    One HTML file that needs no network, and the picture in it as SVG: every
    host's steps over time, what the users saw, what failed, the commands and
    their output without secrets. From this machine's journal; asks no host.
    """
    entry.report(context, run, out)
