"""ProxyCommand: a program that carries the connection, run by the shell as ssh runs it."""

from __future__ import annotations

import array
import contextlib
import os
import signal
import socket
import subprocess
import threading
from collections import deque

from .output import clean

KEPT_LINES = 20
ENDING_SECONDS = 1.0


class Proxy:
    """The program of a ProxyCommand; `socket` is its stdin and stdout, or what it hands over.

    command: what the shell runs. Raises OSError if it cannot be started.
    """

    def __init__(self, command: str) -> None:
        self.command = command
        self.socket, theirs = socket.socketpair()
        self._said: deque[str] = deque(maxlen=KEPT_LINES)
        # The operator's shell runs it (ssh_config(5)). Ctrl-C is for us: the step that runs is finished first, and
        # over this connection.
        shell = [os.environ.get("SHELL") or "/bin/sh", f"exec {command}"]
        words = ["/bin/sh", "-c", 'trap \'\' INT; exec "$0" -c "$1"', *shell]
        with theirs:
            end = theirs.fileno()
            self._process = subprocess.Popen(words, stdin=end, stdout=end, stderr=subprocess.PIPE, bufsize=0)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def receive(self, seconds: float) -> None:
        """ProxyUseFdpass: it connects, gives its socket away and ends; that is `socket` then.

        Raises OSError if nothing has come in this time.
        """
        self.socket.settimeout(seconds)
        with self.socket:
            size = socket.CMSG_LEN(array.array("i", [0]).itemsize)
            try:
                _, control, *_ = self.socket.recvmsg(1, size)
            except TimeoutError:
                raise OSError(f"its ProxyCommand handed no socket over in {seconds:g} s (ProxyUseFdpass)") from None
        handed = array.array("i")
        for _, kind, data in control:
            if kind == socket.SCM_RIGHTS:
                handed.frombytes(data[: handed.itemsize])
        if not handed:
            raise OSError(self.failure or "its ProxyCommand handed no socket over (ProxyUseFdpass)")
        self.socket = socket.socket(fileno=handed[0])

    @property
    def failure(self) -> str | None:
        """Why it has ended, with its last words; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(ENDING_SECONDS)
        code = self._process.poll()
        if code is None:
            return None
        self._reader.join(ENDING_SECONDS)
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit status {code}"
        words = f": {'; '.join(self._said)}" if self._said else ""
        return f"its ProxyCommand {how}{words} ({clean(self.command)})"

    def close(self) -> None:
        """End it, as ssh does when it has hung up."""
        with contextlib.suppress(OSError):  # ends whoever waits for it
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGHUP)
        try:
            self._process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self) -> None:
        """Keep its last words; what it says must never fill a pipe that nobody empties."""
        assert self._process.stderr
        rest = b""
        while chunk := os.read(self._process.stderr.fileno(), 4096):
            *whole, rest = (rest[-4096:] + chunk).split(b"\n")
            self._said.extend(line for raw in whole if (line := clean(raw.decode("utf-8", "replace"))))
        if rest:
            self._said.append(clean(rest.decode("utf-8", "replace")))
        self._process.stderr.close()
