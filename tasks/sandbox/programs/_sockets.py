"""Sockets on this machine, by socket's half in C: see _light."""

from __future__ import annotations

import os
from _socket import AF_UNIX, SHUT_WR, SO_REUSEADDR, SOL_SOCKET, socket

__all__ = ["SHUT_WR", "accepted", "connected", "connected_to", "listening", "socket"]


def connected(port: int, seconds: float | None) -> socket:
    """A connection to a port of this machine; whatever is done with it may take so many seconds. Raises OSError."""
    line = socket()
    line.settimeout(seconds)
    line.connect(("127.0.0.1", port))
    return line


def connected_to(path: str, seconds: float | None) -> socket:
    """A connection to the unix socket of this name; the folder becomes the current one. Raises OSError."""
    folder, name = os.path.split(path)
    os.chdir(folder or ".")  # an address has room for a hundred letters, and a sandbox's folder may have more
    line = socket(AF_UNIX)
    line.settimeout(seconds)
    line.connect(name)
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
