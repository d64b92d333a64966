"""Ctrl-C, a terminal that goes away, an end that is asked for: while hosts are being changed, and before."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .observer import Report


class Ended(KeyboardInterrupt):
    """Somebody else than the operator ends this: SIGTERM, or SIGHUP when the terminal is gone. As Ctrl-C twice."""


@contextmanager
def endable() -> Iterator[None]:
    """SIGTERM and SIGHUP raise Ended, so that what was begun is written down. One that is ignored (nohup) stays so."""
    signals = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) == signal.SIG_DFL]

    def end(signum: int, frame: FrameType | None) -> None:
        for one in signals:
            signal.signal(one, signal.SIG_IGN)  # it comes twice, from the terminal and from the shell
        raise Ended(signal.Signals(signum).name)

    for one in signals:
        signal.signal(one, end)
    try:
        yield
    finally:
        for one in signals:
            signal.signal(one, signal.SIG_DFL)


@contextmanager
def patience(report: Report) -> Iterator[Event]:
    """Ctrl-C once: the running phase is finished and nothing is begun after it. Twice: leave now."""
    asked = Event()

    def once(signum: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        report.finishing()

    before = signal.signal(signal.SIGINT, once)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
