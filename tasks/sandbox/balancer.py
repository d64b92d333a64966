"""A small balancer in front of one set: haproxy's checks, retries and redispatch, as Fedora's haproxy.cfg has them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

RETRIES = 3
RETRY_WAIT = 0.25  # haproxy waits a second before it asks the same node again; here everything is quicker
CHECK_SECONDS = 2.0  # haproxy's `timeout check`: a busy machine answers late, and that is no illness
CHECK = b"GET /blockerbugs HTTP/1.0\r\n\r\n"
UNAVAILABLE = (
    b"HTTP/1.0 503 Service Unavailable\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
    b"<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>\n"
)
BAD_GATEWAY = (
    b"HTTP/1.0 502 Bad Gateway\r\nConnection: close\r\n\r\n<html><body><h1>502 Bad Gateway</h1></body></html>\n"
)


@dataclass
class Node:
    """One httpd behind the balancer, and how it has fared in the checks."""

    port: int
    up: bool = True
    streak: int = 0

    def saw(self, well: bool, fall: int, rise: int) -> None:
        """Count a check; the node changes sides after `fall` bad or `rise` good ones in a row."""
        self.streak = 0 if well == self.up else self.streak + 1
        if self.streak >= (fall if self.up else rise):
            self.up, self.streak = well, 0


class Balancer:
    """Takes the nodes in turn."""

    def __init__(self, port: int, nodes: list[int], inter: float, fall: int, rise: int) -> None:
        self.port = port
        self.nodes = [Node(node) for node in nodes]
        self.inter, self.fall, self.rise = inter, fall, rise
        self.turn = 0
        self.server: asyncio.Server | None = None
        self.checks: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        """Listen and check. OSError when the port is taken."""
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=256)
        self.checks = [asyncio.create_task(self._check(node)) for node in self.nodes]

    async def end(self) -> None:
        """Stop listening and checking."""
        for check in self.checks:
            check.cancel()
        if self.server is not None:
            self.server.close()

    async def _check(self, node: Node) -> None:
        """Ask the node for /blockerbugs every `inter` seconds; 2xx and 3xx are well."""
        while True:
            await asyncio.sleep(self.inter)
            try:
                node.saw(await asyncio.wait_for(_is_well(node.port), CHECK_SECONDS), self.fall, self.rise)
            except (OSError, TimeoutError):
                node.saw(False, self.fall, self.rise)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one request to a node and the answer back."""
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            request = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            back = await self._connect()
            if back is None:
                writer.write(UNAVAILABLE)
            else:
                await _carry(request, back, writer)
            await writer.drain()
        with suppress(OSError):
            writer.close()
            await writer.wait_closed()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """A connection to a node that is up: `retries 3`, and the next node's turn if there is one (`redispatch`)."""
        self.turn += 1
        for attempt in range(1 + RETRIES):
            up = [node for node in self.nodes if node.up]
            if not up:
                break
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", up[(self.turn + attempt) % len(up)].port)
            if attempt + 1 >= len(up):
                await asyncio.sleep(RETRY_WAIT)
        return None


async def _carry(
    request: bytes, back: tuple[asyncio.StreamReader, asyncio.StreamWriter], front: asyncio.StreamWriter
) -> None:
    """Send the request on and stream the answer; a node that says nothing is a bad gateway."""
    reader, writer = back
    said = False
    try:
        writer.write(request)
        while data := await reader.read(65536):
            said = True
            front.write(data)
            await front.drain()
    except ConnectionResetError:
        pass
    finally:
        writer.close()
    if not said:
        front.write(BAD_GATEWAY)


async def _is_well(port: int) -> bool:
    """Whether this node answers with 2xx or 3xx."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(CHECK)
        first = await reader.readline()
    finally:
        writer.close()
    words = first.split()
    return len(words) > 1 and words[1][:1] in (b"2", b"3")
