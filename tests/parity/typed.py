"""A row typed both ways, and how each ended.

In: the first server began a session, whatever was run in it. Out: it began none. Beside that the exit status has to be
the one that belongs to it: ssh's 0 or 255; ours 0 ("status" shows any host), or 4 ("unreachable") and 2 ("refused", for
a configuration that cannot be used). Where the two do not fit, the row fails, and shows both.
"""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from tests.warm import Warm
from tests.warmed import FAB, PROJECT

from .field import Field, Laid
from .row import Row, Verdict

PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Ended:
    """How one line ended."""

    verdict: Verdict | str
    said: str
    code: int
    seconds: float


class Typist:
    """Who types the lines of a field's rows."""

    def __init__(self, field: Field) -> None:
        self._field = field
        self._fab: Warm | None = None

    def close(self) -> None:
        """End the warm interpreter."""
        if self._fab:
            self._fab.close()

    def both(self, row: Row) -> tuple[Ended, Ended]:
        """How `ssh` and our line ended."""
        with self._field.laid(row) as laid:
            ssh = self.ssh(laid)
        with self._field.laid(row) as laid:  # once more: ssh may have added a key to known_hosts
            return ssh, self.ours(laid)

    def only_ours(self, row: Row) -> Ended:
        """How our line ended, where ssh is not to be tried."""
        with self._field.laid(row) as laid:
            return self.ours(laid)

    def ssh(self, laid: Laid) -> Ended:
        """`ssh -F FILE HOST true`; at a terminal, or with BatchMode."""
        batch = ["-o", "BatchMode=yes"] if laid.row.answers is None else []
        command = ["ssh", "-F", str(laid.home / "config"), *batch, laid.row.typed, "true"]
        return _judged(laid, lambda: self._run(command, laid), in_by=(0,), out_by=(255,))

    def ours(self, laid: Laid) -> Ended:
        """`fab --ssh-config FILE stg status`."""
        words = ["--ssh-config", str(laid.home / "config"), "stg", "status"]
        return _judged(laid, lambda: self._fabs(words, laid), in_by=(0,), out_by=(2, 4))

    def _fabs(self, words: list[str], laid: Laid) -> tuple[int, str]:
        if laid.row.answers is not None:  # a warm interpreter gives nobody a terminal
            return self._run([sys.executable, "-m", "fabric", *words], laid, {"PYTHONPATH": str(PROJECT)})
        if self._fab is None:
            self._fab = Warm(FAB, within=(str(self._field.inside),))
        environment = {**laid.environment, "PYTHONPATH": str(PROJECT)}
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "session": True}
        program = self._fab.start(["-m", "fabric"], words, PROJECT, environment, **streams)
        with program, _ended(program.pid):
            try:
                said, _ = program.communicate(timeout=PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                program.kill()
                return -1, f"no end after {PATIENCE_SECONDS} s"
        return int(program.returncode), said

    def _run(self, command: list[str], laid: Laid, more: Mapping[str, str] | None = None) -> tuple[int, str]:
        inside = [str(self._field.inside), *command]
        environment = {**laid.environment, **(more or {})}
        if laid.row.answers is not None:
            return _at_a_terminal(inside, environment, laid.row.answers)
        program = subprocess.Popen(
            inside, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment,
            cwd=PROJECT, start_new_session=True,
        )  # fmt: skip
        with program, _ended(program.pid):
            try:
                said, _ = program.communicate(timeout=PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                program.kill()
                return -1, f"no end after {PATIENCE_SECONDS} s"
        return program.returncode, said.decode("utf-8", "replace")


@contextmanager
def _ended(session: int) -> Iterator[None]:
    """Leave nothing of it behind, a ProxyCommand for one."""
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(session, signal.SIGKILL)


def _judged(laid: Laid, run: Callable[[], tuple[int, str]], in_by: tuple[int, ...], out_by: tuple[int, ...]) -> Ended:
    began = time.monotonic()
    code, said = run()
    took = time.monotonic() - began
    sessions = laid.sessions()
    if code not in (in_by if sessions else out_by):
        return Ended(f"exit {code} and {sessions or 'no'} session", said, code, took)
    return Ended("in" if sessions else "out", said, code, took)


def _at_a_terminal(
    command: list[str], environment: dict[str, str], answers: tuple[tuple[str, str], ...]
) -> tuple[int, str]:
    """Answer each question once, in their order, as soon as it stands there."""
    keyboard, terminal = pty.openpty()
    program = subprocess.Popen(
        ["setsid", "--ctty", *command], stdin=terminal, stdout=terminal, stderr=terminal, env=environment, cwd=PROJECT
    )
    os.close(terminal)
    said, asked, left, ends = "", 0, list(answers), time.monotonic() + PATIENCE_SECONDS
    with program, _ended(program.pid), os.fdopen(keyboard, "r+b", buffering=0) as line:
        while select.select([line], [], [], max(0.0, ends - time.monotonic()))[0]:
            try:
                chunk = line.read(65536)
            except OSError:  # Linux's way to say that the other side is closed
                return program.wait(), said
            said += chunk.decode("utf-8", "replace")
            if left and re.search(left[0][0], said[asked:]):
                asked = len(said)
                line.write(f"{left.pop(0)[1]}\n".encode())
    return -1, f"{said}\nno end after {PATIENCE_SECONDS} s"
