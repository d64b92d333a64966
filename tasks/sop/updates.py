"""Automatic updates of a host (dnf-automatic's timers, yum-cron) are held off while a run works on it.

The functions are in shell/updates.sh.
"""

from __future__ import annotations

from ..inventory.model import App
from . import kept
from .shell import call


def fact(app: App) -> str:
    """Shell that prints which are on, which are at work, and who holds them off."""
    return call("fact_updates", kept.root(app))


def hold(app: App, run: str) -> str:
    """Shell that stops those that are on for this run, and notes that; it may be done twice."""
    return call("updates_hold", kept.root(app), run)


def give(app: App, run: str) -> str:
    """Shell that starts again what the run holds off, any run where it is empty; it may be done twice."""
    return call("updates_give", kept.root(app), run)
