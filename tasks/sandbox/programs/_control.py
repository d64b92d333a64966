"""How a program talks to the machine room: one line of JSON each way over loopback, with the fleet's secret."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

from ._files import read_json

if TYPE_CHECKING:
    from pathlib import Path


class NoFleet(Exception):
    """Nobody answers: the fleet does not run, or it ended in the middle."""


def dial(home: Path, op: str, **details: object) -> socket.socket:
    """Send one request; the answer is still to be read. Raises NoFleet."""
    fleet = read_json(home / "fleet.json")
    request = {"secret": fleet["secret"], "op": op, **details}
    try:
        line = socket.create_connection(("127.0.0.1", fleet["control"]), timeout=10)
        line.settimeout(None)
        line.sendall(json.dumps(request).encode() + b"\n")
    except OSError as error:
        raise NoFleet(f"no fleet runs on {home}") from error
    return line


def ask(home: Path, op: str, **details: object) -> dict[str, Any]:
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
