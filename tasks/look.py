"""Looks at a host set and its runs; nothing is changed."""

from __future__ import annotations

from invoke import Context

from . import entry
from .flags import task
from .report import Shown


@task("verbose", "json", verbose="A row for every host, however many there are.")
def status(context: Context, shown: Shown) -> None:
    """Show what every host runs, and its health.

    Always of the whole set, also after -H with one host. Changes nothing; what
    every column comes from is asked in one round trip per host. Exits 0
    whatever it finds, and 4 if a host cannot be reached, or leaves a question
    without an answer.
    """
    entry.status(context, shown)


@task("last", "json")
def history(context: Context, shown: Shown, last: int) -> None:
    """Show the last runs: who, what, how it ended.

    What the sync host has kept of all operators' runs, and this machine's
    journal; only the latter, where the sync host cannot be reached. "down"
    is for how long the service ran on no host of the set.
    """
    entry.history(context, shown, last)


@task("run", "out")
def report(context: Context, run: str, out: str) -> None:
    """Write a run's timeline as a page, for the ticket.

    One HTML file that needs no network, and the picture in it as SVG: every
    host's steps over time, what the users saw, what failed, the commands and
    their output without secrets. From this machine's journal; asks no host.
    """
    entry.report(context, run, out)
