"""The channel that a root shell is at the other end of: whoever waits at it learns that the host is gone."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from paramiko.ssh_exception import SSHException

if TYPE_CHECKING:
    from paramiko import Channel, Transport

SEND_SECONDS = 60
SILENT_SECONDS = 5.0  # after which a host whose command says nothing is asked whether it is there
DEAD_SECONDS = 10.0  # without an answer, after which it is not: a line is known to be lost after 15 s at most


class ConnectionLost(Exception):
    """The connection went away while a command ran: what became of it is not known."""


class Wire:
    """A channel of `transport`."""

    def __init__(self, transport: Transport, channel: Channel) -> None:
        self._transport, self._channel = transport, channel

    @property
    def spoke(self) -> bool:
        """Has something come, or has the other side ended?"""
        return bool(self._channel.recv_ready() or self._channel.eof_received or self._channel.closed)

    def close(self) -> None:
        """End the channel; never raises."""
        with suppress(OSError, EOFError, SSHException):
            self._channel.close()

    def next(self, ends: float | None) -> bytes:
        """What comes next. Raises TimeoutError at `ends`, EOFError, and ConnectionLost where the host is silent.

        paramiko's keepalive wants no answer, and a socket that is a channel of a jump host, or a program's pipe, knows
        nothing of a peer that is gone. paramiko waits by the wall clock, too, which may be set meanwhile.
        """
        asked: tuple[float, threading.Event] | None = None
        heard = time.monotonic()
        while True:
            now = time.monotonic()
            if ends is not None and now >= ends:
                raise TimeoutError
            if asked and asked[1].is_set():
                asked, heard = None, now
            if not asked and now - heard >= SILENT_SECONDS:
                asked = now, self._is_there()
            if asked and now - asked[0] >= DEAD_SECONDS:
                self._transport.close()
                raise ConnectionLost("the host does not answer any more")
            until = [heard + SILENT_SECONDS if not asked else now + 0.5, *([ends] if ends is not None else [])]
            with suppress(TimeoutError):
                return self.receive(max(0.0, min(until) - now))

    def _is_there(self) -> threading.Event:
        """Ask the host's sshd for an answer, whatever it is; set when it has come."""
        answered = threading.Event()

        def ask() -> None:
            with suppress(OSError, EOFError, SSHException):
                self._transport.global_request("keepalive@openssh.com", wait=True)
                if self._transport.is_active():
                    answered.set()

        threading.Thread(target=ask, name="is there", daemon=True).start()
        return answered

    def send(self, text: str) -> None:
        """Raises ConnectionLost."""
        try:
            self._channel.settimeout(SEND_SECONDS)
            self._channel.sendall(text.encode("utf-8", "surrogateescape"))
        except (OSError, EOFError, SSHException) as error:
            raise ConnectionLost(str(error) or "the connection was closed") from error

    def receive(self, seconds: float | None) -> bytes:
        """What comes next. Raises TimeoutError, EOFError when the other side has closed, ConnectionLost."""
        try:
            self._channel.settimeout(seconds)
            chunk = self._channel.recv(65536)
        except TimeoutError:
            raise
        except (OSError, SSHException) as error:
            raise ConnectionLost(str(error) or type(error).__name__) from error
        if not chunk:
            raise EOFError
        return chunk
