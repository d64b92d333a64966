"""What was typed and configured, and the line to type to go on after an early end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from shlex import join
from typing import Any

from invoke import Context

from .. import lines
from ..errors import Interrupted, Refused, SopError, TryLater
from . import settings
from .hub import Hub
from .hub_errors import HubFault, NotYet
from .progress import Progress
from .settings import Build, Koji


@dataclass
class Bookmark:
    """How to go on: the place reached, and the line to type from there.

    start: what was typed; flags: what every line needs, e.g. ` --profile stg`; task: the build that runs in Koji; nvr:
    what is built and waited for; moving: the task that moves a build to another tag; upload: its path on the hub, once
    a task may have been made of it; doubt: a sentence about what may have been submitted, while that is not known;
    begin: what begins anew, where that is not start.
    """

    start: str = "invoke build"
    flags: str = ""
    task: int | None = None
    nvr: str | None = None
    moving: int | None = None
    upload: str = ""
    doubt: str = ""
    begin: str = ""

    def typed(self, *words: str) -> str:
        """A line of ours with the flags that every line needs."""
        return join(["invoke", *words]) + self.flags

    @property
    def again(self) -> str:
        """The line that begins anew."""
        return f"{self.begin or self.start}{self.flags}"

    @property
    def line(self) -> str:
        """The line to type to go on from here."""
        if self.nvr:
            return self.typed("wait-tag", self.nvr)
        if self.task:
            return self.typed("build", "--task", str(self.task))
        upload = f" --upload {self.upload}" if self.upload else ""
        return f"{self.start}{upload}{self.flags}"

    @property
    def what(self) -> str:
        """What goes on without us, or may do so, as a sentence; empty when nothing does."""
        if self.nvr:
            return f"{self.nvr} is built; only the wait was interrupted"
        running = self.task or self.moving
        return f"task {running} goes on in koji" if running else self.doubt


@contextmanager
def resumable(bookmark: Bookmark) -> Iterator[None]:
    """Let every early end of what is inside say how to go on: Ctrl-C, no ticket (K1), no hub (K2), the hub's no."""
    try:
        yield
    except (KeyboardInterrupt, Interrupted):  # the second: Ctrl-C at a question, e.g. for a password
        raise Interrupted(bookmark.what or "nothing of it runs in koji", next_line=bookmark.line) from None
    except TryLater as error:
        if not bookmark.what:
            raise TryLater(*error.problems, next_line=error.next_line or bookmark.line) from error
        raise NotYet(*error.problems, bookmark.what, next_line=bookmark.line) from error
    except (Refused, HubFault) as error:
        if not bookmark.what:
            raise
        # Something was submitted, so "nothing was changed" would not be true.
        cure = f"{error.next_line}\nthen: " if error.next_line else ""
        raise SopError(*error.problems, bookmark.what, next_line=cure + bookmark.line) from error


@dataclass(frozen=True)
class Options:
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


def read(context: Context, start: str, profile: str = "", attempts: str = "") -> Options:
    """Read the configuration and what was typed over it. Raises Refused for values that make no sense.

    start: what was typed (see `line`), without the profile.
    """
    from ..report import opened

    typed: dict[str, Any] = {"profile": profile} if profile else {}
    typed |= {"attempts": number("--attempts", attempts)} if attempts else {}
    return Options(
        context=context,
        koji=replace(settings.read(Koji, context.config), **typed),
        build=settings.read(Build, context.config),
        bookmark=Bookmark(start, f" --profile {profile}" if profile else ""),
        progress=Progress(opened()),
        dry=context.config.run.dry,
    )


def number(flag: str, typed: str) -> int:
    """A whole number from 1 on. Raises Refused; Invoke's own flags for numbers end in a traceback."""
    if not typed.isdecimal() or int(typed) < 1:
        raise Refused(f"{flag} {typed}: should be a whole number, at least 1", next_line=lines.mended(typed, "5"))
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
            next_line="invoke build --task ID  # and no other flags",
        )
