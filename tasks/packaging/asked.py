"""What was typed, and the configuration behind it: what every task of build.py begins with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from invoke import Context

from ..errors import Refused
from . import settings
from .bookmark import Bookmark
from .hub import Hub
from .progress import Progress
from .settings import Build, Koji


@dataclass(frozen=True)
class Asked:
    """What a task was asked for: its settings, how to go on, the screen, and whether nothing may be changed."""

    context: Context
    koji: Koji
    build: Build
    bookmark: Bookmark
    progress: Progress
    dry: bool

    @contextmanager
    def hub(self) -> Iterator[Hub]:
        """A logged-in hub, for the length of a `with`."""
        hub = Hub(self.koji, self.progress)
        try:
            yield hub
        finally:
            hub.close()


def read(context: Context, start: str, profile: str = "", attempts: int = 0) -> Asked:
    """Read the configuration and what was typed over it. Raises Refused for values that make no sense."""
    from ..report import Report

    if attempts < 0:
        raise Refused(f"--attempts {attempts}: at least 1", next_line="--attempts 5")
    typed: dict[str, Any] = {"profile": profile} if profile else {}
    typed |= {"attempts": attempts} if attempts else {}
    koji = replace(settings.read(Koji, context.config), **typed)
    flags = f" --profile {profile}" if profile else ""
    bookmark = Bookmark(start, flags)
    return Asked(
        context, koji, settings.read(Build, context.config), bookmark, Progress(Report()), context.config.run.dry
    )
