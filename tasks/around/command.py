"""A command on this machine, ended in time with all that it has started."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO

from ..fleet.output import clean

LAST_BYTES = 8192
SOON_SECONDS = 4.0  # after which a person at the screen is told what is waited for
DRAIN_SECONDS = 0.2  # for what it has said last; what it left in the background may hold its output open


def run(
    command: str, environment: Mapping[str, str], seconds: float, waits: Callable[[], None] = lambda: None
) -> tuple[str, bool]:
    """Run it in a shell, in a session of its own: why it failed, in a sentence, or nothing; did it end by itself?

    waits: is told where it is not done in SOON_SECONDS. Raises KeyboardInterrupt where somebody leaves meanwhile; it
    is ended then, too.
    """
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    except OSError as error:
        return f"cannot be started: {error.strerror}", True
    said = _Last(process.stdout)
    try:
        _wait(process, seconds, waits)
    except subprocess.TimeoutExpired:
        _kill(process)
        return f"did not end in {seconds:g} s", False
    except KeyboardInterrupt:
        _kill(process)
        raise
    if process.returncode == 0:
        return "", True
    last = said.line()
    return f"exit status {process.returncode}{f': {last}' if last else ''}", True


def _wait(process: subprocess.Popen[bytes], seconds: float, waits: Callable[[], None]) -> None:
    if seconds > SOON_SECONDS:
        with suppress(subprocess.TimeoutExpired):
            process.wait(SOON_SECONDS)
            return
        waits()
        seconds -= SOON_SECONDS
    process.wait(seconds)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class _Last:
    """The end of what a stream says, read in a thread for as long as anybody writes."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        assert stream
        self._stream = stream
        self._kept: deque[int] = deque(maxlen=LAST_BYTES)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with self._stream, suppress(OSError, ValueError):
            while piece := os.read(self._stream.fileno(), 65536):
                self._kept.extend(piece[-LAST_BYTES:])

    def line(self) -> str:
        """The last line, fit to be shown."""
        self._reader.join(DRAIN_SECONDS)
        lines = bytes(self._kept.copy()).decode("utf-8", "replace").split("\n")
        return clean(next((text for text in reversed(lines) if text.strip()), "").strip())[:300]
