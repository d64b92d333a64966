"""Threads that work on hosts outlive who waits for them and is made to leave: how they are told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock, local

from ..inventory.model import Host


class Left(Exception):
    """Whoever wanted this done has left before it was sent: it is not sent any more."""


@dataclass
class SideBySide:
    """Hosts that are worked on in threads of their own; turns: of who sends something to a host; left: see `follow`."""

    turns: Mapping[Host, Lock]
    left: Event = field(default_factory=Event)


class Thread(local):
    """What this thread is one of."""

    of: SideBySide | None = None


@contextmanager
def left_behind(left: Event) -> Iterator[None]:
    """Set `left` where who waits in the block does not see its end."""
    try:
        yield
    except BaseException:
        left.set()
        raise
