"""What was typed, and the configuration behind it: what every task of build.py begins with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from shlex import join
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


def read(context: Context, start: str, profile: str = "", attempts: str = "") -> Asked:
    """Read the configuration and what was typed over it. Raises Refused for values that make no sense.

    start: what was typed (see `line`), without the profile.
    """
    from ..report import opened

    typed: dict[str, Any] = {"profile": profile} if profile else {}
    typed |= {"attempts": number("--attempts", attempts)} if attempts else {}
    koji = replace(settings.read(Koji, context.config), **typed)
    flags = f" --profile {profile}" if profile else ""
    bookmark = Bookmark(start, flags)
    return Asked(
        context, koji, settings.read(Build, context.config), bookmark, Progress(opened()), context.config.run.dry
    )


def number(flag: str, typed: str) -> int:
    """A whole number from 1 on. Raises Refused; Invoke's own flags for numbers end in a traceback."""
    if not typed.isdecimal() or int(typed) < 1:
        raise Refused(f"{flag} {typed}: should be a whole number, at least 1", next_line=f"{flag} 5")
    return int(typed)


def line(task: str, *words: str, **flags: str | bool) -> str:
    """The line that was typed, to be typed again: `invoke build --spec x.spec --scratch`."""
    typed = ["invoke", task, *words]
    for name, value in flags.items():
        if value:
            typed += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return join(typed)


def only_follows(line: str) -> None:
    """Raises Refused for a `line` with flags that `--task` leaves no meaning."""
    flags = line.split()[2:3]
    if flags:
        raise Refused(
            f"--task only follows what was submitted: {flags[0]} has no meaning there",
            next_line="invoke build --task ID",
        )
