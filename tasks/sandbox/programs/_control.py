"""How a program talks to the machine room: one line of JSON each way over loopback, with the fleet's secret."""

from __future__ import annotations

import json
import os

from ._files import read_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Any

    from ._files import Name


class NoFleet(Exception):
    """Nobody answers: the fleet does not run, or it ended in the middle."""


def dial(home: Name, op: str, **details: object) -> socket.socket:
    """Send one request; the answer is still to be read. Raises NoFleet."""
    import socket  # only few programs have something to say to the machine room

    fleet = read_json(os.path.join(home, "fleet.json"))
    request = {"secret": fleet["secret"], "op": op, **details}
    try:
        line = socket.create_connection(("127.0.0.1", fleet["control"]), timeout=10)
        line.settimeout(None)
        line.sendall(json.dumps(request).encode() + b"\n")
    except OSError as error:
        raise NoFleet(f"no fleet runs on {home}") from error
    return line


def ask(home: Name, op: str, **details: object) -> dict[str, Any]:
    """Send one request and wait for the answer. Raises NoFleet."""
    with dial(home, op, **details) as line:
        try:
            answer = line.makefile("rb").readline()
        except OSError:
            answer = b""
    if not answer:
        raise NoFleet(f"the fleet on {home} ended before it answered")
    reply: dict[str, Any] = json.loads(answer)
    return reply
