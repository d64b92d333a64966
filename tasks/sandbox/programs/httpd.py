"""httpd: one process for one host; it serves the version of the code that it loaded when it started."""

from __future__ import annotations

import os
import select
import signal
import socket
import sqlite3
import sys
import threading
import time
from contextlib import suppress

from . import _db, _faults
from ._host import Host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

REASON = {200: "OK", 301: "Moved Permanently", 302: "Found", 404: "Not Found", 500: "Internal Server Error",
          503: "Service Unavailable"}  # fmt: skip


def serve(root: str) -> None:
    """Listen on the host's port until SIGTERM, or until stdin ends: that is the fleet's lifeline."""
    host = Host(root)
    server = Server(host, host.state()["httpd"]["loaded"])
    try:
        listener = socket.create_server(("127.0.0.1", host.fleet["hosts"][host.name]["http"]), backlog=128)
    except OSError as error:
        sys.exit(f"(98)Address already in use: AH00072: make_sock: {error.strerror}")
    wake, waker = socket.socketpair()

    def stop(_number: int, _frame: FrameType | None) -> None:
        waker.send(b"x")

    signal.signal(signal.SIGTERM, stop)
    os.write(1, b"listening\n")
    ends = (listener.fileno(), wake.fileno(), 0)
    while select.select(ends, [], [])[0] == [listener.fileno()]:
        server.take(listener)
    # Graceful, as EL7's unit stops it: who is already in the queue is still served.
    listener.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            server.take(listener)
    listener.close()
    server.finish(1.0)


class Server:
    """Answers requests, each in its own thread, so that a slow one holds up nobody else."""

    def __init__(self, host: Host, loaded: dict[str, Any]) -> None:
        self.host = host
        self.loaded = loaded
        self.started = time.time()
        self.busy: list[threading.Thread] = []

    def take(self, listener: socket.socket) -> None:
        """Accept one connection and answer it in the background."""
        line = listener.accept()[0]
        line.settimeout(10)
        self.busy = [t for t in self.busy if t.is_alive()]
        thread = threading.Thread(target=self.answer, args=(line,), daemon=True)
        self.busy.append(thread)
        thread.start()

    def finish(self, seconds: float) -> None:
        """Give the running requests this long together."""
        end = time.monotonic() + seconds
        for thread in self.busy:
            thread.join(max(0.0, end - time.monotonic()))

    def answer(self, line: socket.socket) -> None:
        """Read one request, write one answer; a client that leaves early is no concern."""
        with line, suppress(OSError, ValueError):
            request = b""
            while b"\r\n\r\n" not in request:
                more = line.recv(4096)
                if not more or len(request) > 65536:
                    return
                request += more
            first, *fields = request.decode("latin-1").split("\r\n")
            method, target, _ = first.split()
            headers = {n.lower(): v.strip() for n, _, v in (f.partition(":") for f in fields)}
            self.reply(line, target.partition("?")[0], headers.get("host", "localhost"), method == "HEAD")

    def reply(self, line: socket.socket, path: str, name: str, head_only: bool) -> None:
        """Write the answer to one request, as the faults of the moment will have it."""
        faults = {f["kind"]: f for f in _faults.peek(self.host.home, self.host.name, "health", _faults.HTTPD_KINDS)}
        if "slow" in faults:
            time.sleep(faults["slow"]["seconds"])
        status, location, body = self.page(path, faults)
        fields = [
            f"HTTP/1.1 {status} {REASON[status]}",
            "Server: Apache/2.4.6",
            "Content-Type: text/html; charset=utf-8",
        ]
        if location:
            fields.append(f"Location: http://{name}{location}")
        content = (
            f"<!DOCTYPE html>\n<html><head><title>{body}</title></head><body><h1>{body}</h1></body></html>\n".encode()
        )
        fields += [f"Content-Length: {len(content)}", "Connection: close"]
        head = ("\r\n".join(fields) + "\r\n\r\n").encode()
        if head_only:
            content = b""
        if "drip" not in faults:
            line.sendall(head + content)
            return
        line.sendall(head)  # as mod_wsgi sends it, with a status that says nothing of what follows
        for at in range(len(content)):
            line.sendall(content[at : at + 1])
            time.sleep(faults["drip"]["seconds"] or 0.2)

    def page(self, path: str, faults: dict[str, dict[str, Any]]) -> tuple[int, str | None, str]:
        """Status, path to go to, and what the page says."""
        if path not in ("/blockerbugs", "/blockerbugs/"):
            return 404, None, "404 Not Found"
        if "unavailable" in faults:
            since = max(self.started, faults["unavailable"]["at"])
            if time.time() < since + faults["unavailable"]["seconds"]:
                return 503, None, "503 Service Unavailable"
        if "loop" in faults:
            return 302, path, "302 Found"
        if path == "/blockerbugs":
            return 301, "/blockerbugs/", "301 Moved Permanently"
        try:
            fits = _db.revision(self.host.database) == _db.head(self.loaded["migrations"])
        except sqlite3.Error:
            fits = False
        return (
            (200, None, f"Blockerbugs {self.loaded['version']}") if fits else (500, None, "500 Internal Server Error")
        )
