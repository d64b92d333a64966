"""A small balancer in front of one set: haproxy's checks, retries and redispatch, as Fedora's haproxy.cfg has them."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from .servers import L4CON, L7OK, L7RSP, L7STS, L7TOUT, Check, Server

RETRIES = 3
RETRY_WAIT = 0.25  # haproxy waits a second before it asks the same node again; here everything is quicker
CHECK_SECONDS = 2.0  # haproxy's `timeout check`: a busy machine answers late, and that is no illness
UNAVAILABLE = (
    b"HTTP/1.0 503 Service Unavailable\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
    b"<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>\n"
)
BAD_GATEWAY = (
    b"HTTP/1.0 502 Bad Gateway\r\nConnection: close\r\n\r\n<html><body><h1>502 Bad Gateway</h1></body></html>\n"
)


class Balancer:
    """Takes the servers in turn. `name` is its backend's, and `listen`'s in haproxy.cfg.

    nodes: the servers' names, and the ports of their httpds. page: what users ask for, which the check names without
    the slash at its end.
    """

    def __init__(
        self, port: int, name: str, nodes: dict[str, int], inter: float, fall: int, rise: int, page: str
    ) -> None:
        self.port, self.name, self.nodes = port, name, nodes
        self.check = f"GET {page.rstrip('/') or '/'} HTTP/1.0\r\n\r\n".encode()
        self.inter, self.fall, self.rise = inter, fall, rise
        self.servers = self._new_servers()
        self.turn = 0
        self.server: asyncio.Server | None = None
        self.checks: list[asyncio.Task[None]] = []

    def _new_servers(self) -> list[Server]:
        named = enumerate(self.nodes.items(), 1)
        return [Server(name, number, port, self.fall, self.rise) for number, (name, port) in named]

    async def begin(self) -> None:
        """Listen; `watch` begins the checks. OSError when the port is taken."""
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=256)

    def watch(self) -> None:
        """Check the servers from now on, the first one at once and the others spread over the interval."""
        spread = self.inter / len(self.servers)
        self.checks = [asyncio.create_task(self._check(each, i * spread)) for i, each in enumerate(self.servers)]

    def reload(self) -> None:
        """haproxy has been reloaded: a new process, which was told nothing; the old one ends its own sessions."""
        self._unwatch()
        self.servers = self._new_servers()
        self.watch()

    def _unwatch(self) -> None:
        for check in self.checks:
            check.cancel()

    async def end(self) -> None:
        """Stop listening and checking."""
        self._unwatch()
        if self.server is not None:
            self.server.close()

    async def _check(self, server: Server, first: float) -> None:
        """Ask the server for its page every `inter` seconds."""
        await asyncio.sleep(first)
        while True:
            try:
                server.saw(*await asyncio.wait_for(_asked(server.port, self.check), CHECK_SECONDS))
            except TimeoutError:
                server.saw(L7TOUT)
            except OSError:
                server.saw(L4CON)
            await asyncio.sleep(self.inter)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one request to a server and the answer back."""
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            request = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            if not await self._handed_on(request, writer):
                writer.write(UNAVAILABLE)
            await writer.drain()
        with suppress(OSError):
            writer.close()
            await writer.wait_closed()

    async def _handed_on(self, request: bytes, front: asyncio.StreamWriter) -> bool:
        """Whether a server that may have requests took this one: `retries 3`, and the next one's turn if there is one
        (`redispatch`).
        """
        self.turn += 1
        for attempt in range(1 + RETRIES):
            usable = [server for server in self.servers if server.usable]
            if not usable:
                break
            server = usable[(self.turn + attempt) % len(usable)]
            server.begin_session()
            try:
                if await _carried(request, server.port, front):
                    return True
            finally:
                server.end_session()
            if attempt + 1 >= len(usable):
                await asyncio.sleep(RETRY_WAIT)
        return False


async def _carried(request: bytes, port: int, front: asyncio.StreamWriter) -> bool:
    """Send the request on and stream the answer; a server that says nothing is a bad gateway. False: no connection."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
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
    return True


async def _asked(port: int, check: bytes) -> tuple[Check, str]:
    """How a check of this httpd ends, and the status it answered with: 2xx and 3xx are well. OSError: no connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(check)
        words = (await reader.readline()).decode("latin-1").split()
    except ConnectionResetError:
        return L7RSP, ""
    finally:
        writer.close()
    if len(words) < 2 or not words[1].isdigit():
        return L7RSP, ""
    return L7OK if words[1][0] in "23" else L7STS, words[1]
