"""What a proxy's haproxy says of the servers of its backend, and which of them can be drained. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..fleet.output import clean

_LINE = re.compile(r"(\S{1,128}) (ready|drain|maint) ([0-9]{1,15}) ([0-9]{1,15}) (active|backup) (checked|-) (.{1,40})")
_NAME = re.compile(r"[A-Za-z0-9_.:,-]{1,300}")
_RUN = re.compile("([0-9a-f]{8})?")


@dataclass(frozen=True)
class Server:
    """A server of the backend. word: what it was told to be (ready, drain, maint); status: what haproxy says of it."""

    name: str
    word: str
    sessions: int
    active: bool
    status: str

    @property
    def is_up(self) -> bool:
        """Does it get requests, as far as haproxy knows?"""
        return self.word == "ready" and self.status.startswith("UP")


@dataclass(frozen=True)
class Balanced:
    """What a proxy answered: its servers, or why there are none, and the backends that it has then.

    may_not: it says what there is, and may be told nothing. talks: the program with which the proxy asks it.
    """

    servers: tuple[Server, ...] = ()
    says: str | None = None
    backends: tuple[str, ...] = ()
    may_not: bool = False
    talks: str = ""

    def server(self, name: str) -> Server | None:
        """The server of that name."""
        return next((one for one in self.servers if one.name == name), None)


def servers(lines: Iterable[str]) -> tuple[Server, ...]:
    """What haproxy_servers (shell/haproxy.sh) printed; a line that is none is left out."""
    found = [match for line in lines if (match := _LINE.fullmatch(line.strip()))]
    return tuple(Server(one[1], one[2], int(one[3]), one[5] == "active", clean(one[7])) for one in found)


def drained(lines: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """What drained_show (shell/drained.sh) printed: the run, and what it has taken out of the balancer.

    The run is empty where it is not known: see drain_run there.
    """
    rows = [line.split(" ") for line in lines]
    good = [row for row in rows if len(row) == 2 and _RUN.fullmatch(row[0]) and _NAME.fullmatch(row[1])]
    return tuple((run, name) for run, name in good)


def in_the_way(balanced: Balanced, batches: Sequence[Sequence[str]]) -> list[str]:
    """Why these servers cannot be drained, one batch after the other; each batch is UP when it is back.

    What gets no requests as it is takes nothing away. Otherwise every other server has to be UP, and one be left.
    """
    known = {one.name: one for one in balanced.servers}
    up = {one.name for one in balanced.servers if one.is_up}
    for batch in batches:
        others = known.keys() - set(batch)
        if up & set(batch):
            down = [f"server {name} is {word(known[name])}, not UP" for name in sorted(others - up)]
            if not any(known[name].active for name in others & up):
                left = f"draining {', '.join(sorted(batch))} leaves no server to take the requests"
                return [*down, left]
            if down:
                return down
        up |= known.keys() & set(batch)
    return []


def word(server: Server) -> str:
    """How a server is out of it, for a person."""
    return {"maint": "in maintenance", "drain": "drained"}.get(server.word, server.status)
