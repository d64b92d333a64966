"""socat: between its stdin and stdout and a unix socket, which is what haproxy's admin socket is asked with."""

from __future__ import annotations

import os
import sys

from . import _sockets
from ._ends import Quit
from ._host import Host, complain


def run(host: Host, args: list[str]) -> None:
    """`socat [-t SECONDS] [-T SECONDS] -|STDIO UNIX-CONNECT:PATH`."""
    seconds, places = _options(args)
    kind, _, path = (
        places[1].partition(":") if len(places) == 2 and places[0].upper() in ("-", "STDIO") else ("", "", "")
    )
    if kind.upper() not in ("UNIX-CONNECT", "UNIX", "UNIX-CLIENT"):
        complain("socat[1] E here only: socat [-t SECONDS] [-T SECONDS] - UNIX-CONNECT:PATH")
        raise Quit(1)
    try:
        line = _sockets.connected_to(host.path(path), seconds)
        while data := os.read(0, 65536):
            line.sendall(data)
        line.shutdown(_sockets.SHUT_WR)
        while data := line.recv(65536):
            sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except TimeoutError:
        raise Quit(0) from None  # the real one says nothing either, when nothing has come for so long
    except OSError as error:
        complain(f'socat[{os.getpid()}] E connect(5, AF=1 "{path}", {len(path) + 3}): {os.strerror(error.errno or 0)}')
        raise Quit(1) from None


def _options(args: list[str]) -> tuple[float | None, list[str]]:
    """After how many seconds of nothing it ends, and the two places."""
    seconds, rest = None, list(args)
    while rest and rest[0][:2] in ("-t", "-T"):
        word = rest.pop(0)
        value = word[2:] or (rest.pop(0) if rest else "0")
        seconds = float(value) if word.startswith("-T") else seconds
    return seconds, rest
