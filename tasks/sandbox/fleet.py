"""The fleet as a process, HOME [--keep], and how a program starts one.

Prints `ready` when everything listens. Ends when its stdin does, so it cannot outlive who started it; with --keep it
lives until SIGTERM or SIGINT. Exit status 3: another fleet runs on this HOME; 1: it cannot start.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .start import code

if TYPE_CHECKING:
    from types import TracebackType

ALREADY_RUNS = 3
CODE = code("fleet", "main", "sys.argv[1:]")


class FleetError(Exception):
    """The fleet did not start; the text is a sentence for the operator, `status` its exit status."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


class Fleet:
    """A running fleet; it ends when this is closed, or when the process that holds it dies."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = process.pid

    def close(self) -> None:
        """End the fleet and wait until nothing of it is left."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Fleet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def start(home: Path, keep: bool = False) -> Fleet:
    """Start the fleet that lies in `home` and wait until it is ready. Raises FleetError with its own words.

    keep: it goes on until SIGTERM, whoever started it.
    """
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", CODE, str(home), *(["--keep"] if keep else [])],
        stdin=subprocess.DEVNULL if keep else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a Ctrl-C at the terminal is the operator's to handle, not the hosts'
    )
    return ready(process)


def ready(process: subprocess.Popen[str]) -> Fleet:
    """The fleet that this process is to be, when it is ready. Raises FleetError with its own words."""
    fleet = Fleet(process)
    assert process.stdout is not None
    assert process.stderr is not None
    if process.stdout.readline() != "ready\n":
        sentence = process.stderr.read().strip()
        fleet.close()
        raise FleetError(sentence, process.returncode)
    return fleet


def running(home: Path) -> int | None:
    """The process id of the fleet that runs on `home`, if one does."""
    try:
        lock = os.open(home / "fleet.lock", os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.read(lock, 32) or b"0")
    else:
        return None
    finally:
        os.close(lock)


def _lock(home: Path) -> int | None:
    """Take the home's lock; None when another fleet has it. running() holds it for a moment, so try for a while."""
    lock = os.open(home / "fleet.lock", os.O_RDWR | os.O_CREAT, 0o600)
    for _ in range(10):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
            return lock
    os.close(lock)
    return None


async def _live(home: Path, keep: bool) -> str | None:
    """Run until told to end; gives the sentence that says why it could not start."""
    from .machines import CannotStart, MachineRoom

    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    room = MachineRoom(home)
    try:
        await room.begin()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        if not keep:
            # A thread, because a stdin that is a plain file or /dev/null cannot be polled.
            threading.Thread(target=_until_stdin_ends, args=(loop, over), daemon=True).start()
        await over.wait()
    except CannotStart as error:
        return str(error)
    finally:
        await room.end()
    return None


def _until_stdin_ends(loop: asyncio.AbstractEventLoop, over: asyncio.Event) -> None:
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(over.set)


def main(args: list[str]) -> int:
    """Run a fleet in the foreground; gives the exit status."""
    folders = [a for a in args if a != "--keep"]
    if len(folders) != 1 or not (home := Path(folders[0]).resolve()).joinpath("fleet.json").is_file():
        sys.stderr.write("sandbox: name the folder that the sandbox was laid down in: HOME [--keep]\n")
        return 2
    lock = _lock(home)
    if lock is None:
        sys.stderr.write(f"sandbox: another fleet runs on {home} already (process {running(home)})\n")
        return ALREADY_RUNS
    sentence = asyncio.run(_live(home, "--keep" in args))
    if sentence:
        sys.stderr.write(f"sandbox: {sentence}\n")
    return 1 if sentence else 0
