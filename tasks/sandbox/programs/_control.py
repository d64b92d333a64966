"""How a program talks to the machine room: one line of JSON each way over loopback, with the fleet's secret."""

from __future__ import annotations

import os

from . import _light, _sockets
from ._ends import NoFleet
from ._files import read_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._files import Name

__all__ = ["NoFleet", "ask", "dial"]


def dial(home: Name, op: str, **details: object) -> _sockets.socket:
    """Send one request; the answer is still to be read. Raises NoFleet."""
    fleet = read_json(os.path.join(home, "fleet.json"))
    request = {"secret": fleet["secret"], "op": op, **details}
    try:
        line = _sockets.connected(fleet["control"], seconds=10)
        line.settimeout(None)
        line.sendall(_light.dumps(request).encode() + b"\n")
    except OSError as error:
        raise NoFleet(f"no fleet runs on {home}") from error
    return line


def ask(home: Name, op: str, **details: object) -> dict[str, Any]:
    """Send one request and wait for the answer. Raises NoFleet."""
    line, answer = dial(home, op, **details), b""
    try:
        while not answer.endswith(b"\n"):
            more = line.recv(4096)
            if not more:
                raise OSError
            answer += more
    except OSError:
        raise NoFleet(f"the fleet on {home} ended before it answered") from None
    finally:
        line.close()
    reply: dict[str, Any] = _light.loads(answer.decode())
    return reply
