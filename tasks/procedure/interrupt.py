"""Ctrl-C while hosts are being changed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

from ..report import Report


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
