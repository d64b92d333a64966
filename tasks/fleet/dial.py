"""The way to a host over the network."""

from __future__ import annotations

import re
import socket

from .ssh_config import Options


def dial(options: Options, host: str, port: int, seconds: float) -> socket.socket:
    """A socket to the first of the host's addresses that answers in so many seconds. Raises OSError."""
    family = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}.get(options.first("addressfamily"), 0)
    source = options.first("bindaddress")
    failed: OSError | None = None
    for kind, _, _, _, address in socket.getaddrinfo(host, port, family, socket.SOCK_STREAM):
        line = socket.socket(kind, socket.SOCK_STREAM)
        try:
            line.settimeout(seconds)
            if source:
                line.bind((source, 0))
            line.connect(address)
        except OSError as error:
            failed = error
            line.close()
        else:
            return line
    raise failed or OSError("it has no address")


def host_and_port(place: str) -> tuple[str, int | None]:
    """`host`, `host:port`, `[address]:port`, as `ssh -G` prints a jump host."""
    found = re.fullmatch(r"\[?([^\]]+?)\]?(?::(\d+))?", place)
    return (found[1], int(found[2]) if found[2] else None) if found else (place, None)
