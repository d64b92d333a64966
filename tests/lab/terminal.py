"""Somebody at a terminal: waits for a question, types an answer."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

PATIENCE_SECONDS = 120


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self._master, slave = pty.openpty()
        inside = {**environment, "TERM": "xterm-256color"}
        self._process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=inside, cwd=folder, start_new_session=True
        )
        os.close(slave)
        self.said = ""
        self._asked = 0  # how much of it was there when the last answer was typed

    def asks(self, question: str) -> None:
        """Wait until `question` stands there. AssertionError if it is never asked."""
        assert self._reads(until=question), f"never asked {question!r}:\n{self.said}"

    def answers(self, question: str, answer: str) -> None:
        """Wait until `question` stands there, and type `answer`."""
        self.asks(question)
        self._asked = len(self.said)
        os.write(self._master, f"{answer}\n".encode())

    def ends(self) -> int:
        """Wait for the end; the exit code."""
        self._reads(until=None)
        code = self._process.wait(PATIENCE_SECONDS)
        os.close(self._master)
        return code

    def _reads(self, until: str | None) -> bool:
        ends = time.monotonic() + PATIENCE_SECONDS
        while until is None or until not in self.said[self._asked :]:
            ready, _, _ = select.select([self._master], [], [], max(0.0, ends - time.monotonic()))
            try:
                chunk = os.read(self._master, 65536) if ready else b""
            except OSError:  # Linux's way to say that the other side is closed
                chunk = b""
            if not chunk:
                return False
            self.said += chunk.decode("utf-8", "replace")
        return True
