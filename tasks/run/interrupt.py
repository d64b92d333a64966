"""Ctrl-C, a terminal that goes away, an end that is asked for: while hosts are being changed, and before."""

from __future__ import annotations

import atexit
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Condition, Event, RLock
from types import FrameType
from typing import TYPE_CHECKING

from ..errors import Code, Interrupted, SopError

if TYPE_CHECKING:
    from .observer import Report

GRACE_SECONDS = 2.0  # so long the way out is not cut short: signals come twice, from the terminal and from the shell
NOTHING = "no step was running"
_AGAIN = b"\ninterrupted again: left at once, without the last lines; status shows how things are\n"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ended(KeyboardInterrupt):
    """Somebody else than the operator ends this: SIGTERM, or SIGHUP when the terminal is gone. As Ctrl-C twice."""


def left_at(error: KeyboardInterrupt) -> str:
    """How it ended, as the journal has it: at which signal."""
    return f"left at {error if isinstance(error, Ended) else 'Ctrl-C'}"


class _Leaving:
    """A handler of signals: the first raises what `first` makes of it, one long after that ends the program at once."""

    def __init__(self, first: Callable[[int], BaseException]) -> None:
        self._first = first
        self._since: float | None = None

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        if self._since is None:
            self._since = time.monotonic()
            raise self._first(signum)
        if time.monotonic() - self._since > GRACE_SECONDS:
            with suppress(OSError):  # the terminal may be gone
                os.write(2, _AGAIN)
            os._exit(Code.INTERRUPTED)

    @property
    def begun(self) -> bool:
        """Has a signal come?"""
        return self._since is not None


def _ended(signum: int) -> BaseException:
    return KeyboardInterrupt() if signum == signal.SIGINT else Ended(signal.Signals(signum).name)


def _before_any_task(signum: int) -> BaseException:
    # No KeyboardInterrupt: Invoke makes exit status 1 of that. And no Exception, which a library may swallow.
    with suppress(OSError):
        os.write(2, f"{Interrupted(NOTHING)}\n".encode())
    return SystemExit(int(Code.INTERRUPTED))


def _handled() -> list[signal.Signals]:
    """The signals that end us. One that is ignored (nohup, a shell's background) stays so."""
    return [one for one in _SIGNALS if signal.getsignal(one) not in (signal.SIG_IGN, None)]


def arm() -> None:
    """For the rest of the process: a signal is exit 130 and a sentence, while modules are loaded and at the end too."""
    handler = _Leaving(_before_any_task)
    signals = _handled()
    for one in signals:
        signal.signal(one, handler)

    def ignore() -> None:  # the exit status is decided by now
        for one in signals:
            signal.signal(one, signal.SIG_IGN)

    atexit.register(ignore)


@contextmanager
def endable() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, SIGTERM and SIGHUP raise Ended, so that what was begun is written down; once."""
    handler = _Leaving(_ended)
    before = {one: signal.signal(one, handler) for one in _handled()}
    try:
        yield
    finally:
        for one, previous in before.items():
            # Who armed the program is on the way out with it now, and is not to be met by a second signal.
            signal.signal(one, handler if handler.begun and isinstance(previous, _Leaving) else previous)


@contextmanager
def interruptible() -> Iterator[None]:
    """A task: Ctrl-C, SIGTERM and SIGHUP raise Interrupted.

    A run that has begun has its own sentence, and one that has ended is said to have ended as it did.
    """
    try:
        with endable():
            yield
    except KeyboardInterrupt as error:
        if isinstance(error.__context__, SopError):  # it was on its way out already, past connections that were closed
            raise error.__context__ from None
        raise Interrupted(NOTHING) from None


class Asked(Event):
    """Was Ctrl-C pressed once? ending: no step is left, the run is at its end, which goes on all the same.

    It is set by a signal's handler, which may come in the middle of this thread's own `wait`.
    """

    ending = False

    def __init__(self) -> None:
        super().__init__()
        # Event's own lock lets nobody in twice: `set` would wait for the very `wait` that it interrupts.
        self._cond = Condition(RLock())


@contextmanager
def patience(report: Report) -> Iterator[Asked]:
    """Ctrl-C once: the running phase is finished and nothing is begun after it but the end. Twice: leave now."""
    asked = Asked()
    before = signal.getsignal(signal.SIGINT)

    def once(signum: int, frame: FrameType | None) -> None:
        if not asked.is_set():
            asked.set()
            report.finishing(asked.ending)
        elif callable(before):
            before(signum, frame)
        else:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, once)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
