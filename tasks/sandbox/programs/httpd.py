"""httpd: one process for one host; it serves the version of the code that it loaded when it started."""

from __future__ import annotations

import os
import select
import sys
import time
from _thread import start_new_thread

from . import _db, _faults, _light, _sockets
from ._host import Host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BAD_OF_256 = 13  # 5 %
SLOWER_SECONDS = 0.09  # that a slow build takes longer for each answer
REASON = {200: "OK", 301: "Moved Permanently", 302: "Found", 404: "Not Found", 500: "Internal Server Error",
          503: "Service Unavailable"}  # fmt: skip


def serve(root: str) -> None:
    """Listen on the host's port until SIGTERM, or until stdin ends: that is the fleet's lifeline."""
    host = Host(root)
    server = Server(host, host.state()["httpd"]["loaded"])
    try:
        listener = _sockets.listening(host.fleet["hosts"][host.name]["http"])
    except OSError as error:
        sys.exit(f"(98)Address already in use: AH00072: make_sock: {error.strerror}")
    wake, waker = os.pipe()
    _light.signal(_light.SIGTERM, lambda *_: os.write(waker, b"x"))
    os.write(1, b"listening\n")
    while select.select((listener.fileno(), wake, 0), [], [])[0] == [listener.fileno()]:
        try:
            server.take(listener)
        except OSError:  # the client has left already, or there are more of them than a process may have files
            time.sleep(0.05)
    # Graceful, as EL7's unit stops it: who is already in the queue is still served.
    listener.setblocking(False)
    try:
        while True:
            server.take(listener)
    except OSError:
        listener.close()
    server.finish(1.0)


class Server:
    """Answers requests, each in its own thread, so that a slow one holds up nobody else."""

    def __init__(self, host: Host, loaded: dict[str, Any]) -> None:
        self.host = host
        self.loaded = loaded
        self.started = time.time()
        self.busy: set[_sockets.socket] = set()

    def take(self, listener: _sockets.socket) -> None:
        """Accept one connection and answer it in the background."""
        line = _sockets.accepted(listener, seconds=10)
        self.busy.add(line)
        start_new_thread(self.answer, (line,))

    def finish(self, seconds: float) -> None:
        """Give the running requests this long together."""
        end = time.monotonic() + seconds
        while self.busy and time.monotonic() < end:
            time.sleep(0.01)

    def answer(self, line: _sockets.socket) -> None:
        """Read one request, write one answer; a client that leaves early is no concern."""
        try:
            self.reply(line, *_asked(line))
        except (OSError, ValueError):
            return
        finally:
            line.close()
            self.busy.discard(line)

    def reply(self, line: _sockets.socket, path: str, name: str, head_only: bool) -> None:
        """Write the answer to one request, as the faults of the moment will have it."""
        faults = {f["kind"]: f for f in _faults.peek(self.host.home, self.host.name, "health", _faults.HTTPD_KINDS)}
        if "slow" in faults:
            time.sleep(faults["slow"]["seconds"])
        status, location, body = self.bad_build(*self.page(path, faults))
        fields = [
            f"HTTP/1.1 {status} {REASON.get(status, 'OK')}",
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

    def bad_build(self, status: int, location: str | None, body: str) -> tuple[int, str | None, str]:
        """The same answer, as a bad build gives it: seldom at all, or late."""
        for fault in _faults.peek(self.host.home, self.host.name, "new-build", _faults.BUILD_KINDS):
            if fault["unless"] == self.loaded["version"] or time.time() < self.started + fault["seconds"]:
                continue
            if fault["kind"] == "slower":
                time.sleep(SLOWER_SECONDS)
            elif os.urandom(1)[0] < BAD_OF_256:
                return 500, None, "500 Internal Server Error"
        return status, location, body

    def page(self, path: str, faults: dict[str, dict[str, Any]]) -> tuple[int, str | None, str]:
        """Status, path to go to, and what the page says."""
        app, page = self.host.app, self.host.app["path"].partition("?")[0]
        bare = page.rstrip("/")  # redirects to where the page is
        if path not in (page, bare):
            return 404, None, "404 Not Found"
        if "unavailable" in faults:
            since = max(self.started, faults["unavailable"]["at"])
            if time.time() < since + faults["unavailable"]["seconds"]:
                return 503, None, "503 Service Unavailable"
        if "loop" in faults:
            return 302, path, "302 Found"
        if path != page:
            return 301, page, "301 Moved Permanently"
        try:
            fits = _db.revision(self.host.database) == _db.head(self.loaded["migrations"])
        except _db.Error:
            fits = False
        if not fits:
            return 500, None, "500 Internal Server Error"
        text = app["version"] or f"{app['package']} {{version}}"
        return app["status"], None, text.replace("{version}", self.loaded["version"])


def _asked(line: _sockets.socket) -> tuple[str, str, bool]:
    """The path of a request, the name it is sent to, and whether only the head is wanted. ValueError if it is none."""
    request = b""
    while b"\r\n\r\n" not in request:
        more = line.recv(4096)
        if not more or len(request) > 65536:
            raise ValueError("no request")
        request += more
    first, *fields = request.decode("latin-1").split("\r\n")
    method, target, _ = first.split()
    headers = {n.lower(): v.strip() for n, _, v in (f.partition(":") for f in fields)}
    return target.partition("?")[0], headers.get("host", "localhost"), method == "HEAD"
