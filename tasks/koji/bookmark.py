"""How to go on after an interruption: the place reached in a build, and the line to type from there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..errors import Interrupted, Refused, SopError, TryLater
from .hub_errors import NotYet


@dataclass
class Bookmark:
    """task: the build that runs in Koji; nvr: what is built and waited for; start: what was typed, without either.

    flags: what has to be typed again, e.g. ` --profile stg`; moving: the task that moves a build to another tag.
    """

    start: str = "invoke build"
    flags: str = ""
    task: int | None = None
    nvr: str | None = None
    moving: int | None = None

    @property
    def line(self) -> str:
        """The line to type to go on from here."""
        if self.nvr:
            return f"invoke wait-tag {self.nvr}{self.flags}"
        if self.task:
            return f"invoke build --task {self.task}{self.flags}"
        return f"{self.start}{self.flags}"

    @property
    def what(self) -> str:
        """What goes on without us, as a sentence; empty when nothing does."""
        if self.nvr:
            return f"{self.nvr} is built, only the waiting ended"
        running = self.task or self.moving
        return f"task {running} goes on in koji" if running else ""


@contextmanager
def resumable(bookmark: Bookmark) -> Iterator[None]:
    """Let every early end of what is inside say how to go on: Ctrl-C, no ticket (K1), no hub (K2)."""
    try:
        yield
    except (KeyboardInterrupt, Interrupted):  # the second: Ctrl-C at a question, e.g. for a password
        raise Interrupted(bookmark.what or "nothing of it runs in koji", next_line=bookmark.line) from None
    except TryLater as error:
        if not bookmark.what:
            raise TryLater(*error.problems, next_line=bookmark.line) from error
        raise NotYet(*error.problems, bookmark.what, next_line=bookmark.line) from error
    except Refused as error:
        if not bookmark.what:
            raise
        # Something was submitted, so "nothing was changed" would not be true.
        cure = f"{error.next_line}, and then: " if error.next_line else ""
        raise SopError(*error.problems, bookmark.what, next_line=cure + bookmark.line) from error
