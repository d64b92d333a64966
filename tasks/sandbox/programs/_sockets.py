"""Sockets on this machine's loopback, by socket's half in C: see _light."""

from __future__ import annotations

from _socket import SO_REUSEADDR, SOL_SOCKET, socket

__all__ = ["accepted", "connected", "listening", "socket"]


def connected(port: int, seconds: float | None) -> socket:
    """A connection to a port of this machine; whatever is done with it may take so many seconds. Raises OSError."""
    line = socket()
    line.settimeout(seconds)
    line.connect(("127.0.0.1", port))
    return line


def listening(port: int) -> socket:
    """A socket to which clients may come on a port of this machine. Raises OSError."""
    listener = socket()
    listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    return listener


def accepted(listener: socket, seconds: float) -> socket:
    """The line to the next client; whatever is done with it may take so many seconds. Raises OSError."""
    line = socket(fileno=listener._accept()[0])  # type: ignore[attr-defined]  # the stub has only accept, which is Python's
    line.settimeout(seconds)
    return line
