"""What is typed after a run that did not end well."""

from __future__ import annotations

from typing import Any

from invoke import Context

from . import entry
from .flags import SHOWING, task


@task("plan", "yes", *SHOWING, plan="Show what is left and stop.")
def resume(context: Context, **typed: Any) -> None:
    """Go on with the rest.

    What the set's hosts have kept of the run, and what is true on them now,
    decides what is left. A step that still runs is followed, one that failed is
    tried again, one that was done is not: no migration runs twice.
    """
    entry.after_a_failure(context, "resume", **typed)


@task("yes", "json")
def abort(context: Context, **typed: Any) -> None:
    """End the run as it is, release its lock.

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


@task("plan", "yes", *SHOWING)
def mend_rpm(context: Context, **typed: Any) -> None:
    """Clear what a cut-off rpm transaction left.

    On every host: unfinished transactions of yum 3 are forgotten, and of two
    builds that rpm's database has of the package one is left.
    """
    entry.start(context, "mend-rpm", **typed)
