"""A real haproxy on loopback ports, with an admin socket and two nodes behind it that do as they are told."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PROGRAM = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/sbin")
SOCKET = "/run/haproxy/admin.sock"


class Page(ThreadingHTTPServer):
    """A node. status: what it answers; asked: how often, beside its health; slow: how many seconds that takes."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Answer)
        self.status, self.asked, self.slow = 200, 0, 0.0
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """haproxy's checks hang up as they like."""


class _Answer(BaseHTTPRequestHandler):
    server: Page

    def do_GET(self) -> None:
        if self.path != "/health":
            self.server.asked += 1
            time.sleep(self.server.slow)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_OPTIONS(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


class Haproxy:
    """The process, its root folder, and its nodes, which are servers web1 and web2 of the backend bb."""

    def __init__(self, root: Path, checked: bool = True, level: str = "admin") -> None:
        self.root = root
        self.nodes = [Page(), Page()]
        self.port = _free_port()
        check = "check inter 100ms fall 2 rise 1" if checked else ""
        rows = [f" server web{n} 127.0.0.1:{node.server_port} {check}\n" for n, node in enumerate(self.nodes, 1)]
        self._config = root / "haproxy.cfg"
        (root / "run/haproxy").mkdir(parents=True)
        self._config.write_text(
            f"global\n stats socket {root}{SOCKET} mode 600 level {level}\n stats timeout 5s\n"
            "defaults\n mode http\n timeout connect 5s\n timeout client 5s\n timeout server 5s\n"
            " timeout check 5s\n"  # else a check takes 100 ms at most, which a node on a busy machine does not keep
            f"frontend all\n bind 127.0.0.1:{self.port}\n default_backend bb\n"
            f"backend bb\n option httpchk GET /health\n{''.join(rows)}"
            "backend other\n server x 127.0.0.1:1\n"
        )
        self._process = self._start()

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        assert PROGRAM
        process = subprocess.Popen([PROGRAM, "-db", "-q", "-f", self._config, *arguments], stderr=subprocess.DEVNULL)
        for _ in range(600):
            try:
                self.ask("show info")
            except OSError:
                time.sleep(0.05)
            else:
                return process
        raise AssertionError("haproxy does not come up")

    def reload(self) -> None:
        """Another process with the same configuration takes over, which knows nothing of what the first was told."""
        old, self._process = self._process, self._start("-sf", str(self._process.pid))
        old.wait(10)

    def ask(self, command: str) -> str:
        """What it answers on its socket."""
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(5)
            channel.connect(f"{self.root}{SOCKET}")
            channel.sendall(f"{command}\n".encode())
            return channel.makefile("rb").read().decode()

    def words(self) -> dict[str, str]:
        """What it says of each server: its status, in `show stat`."""
        rows = [line.split(",") for line in self.ask("show stat").splitlines() if line.startswith("bb,web")]
        return {row[1]: row[17] for row in rows}

    def becomes(self, **status: str) -> bool:
        """Does it say that, within twenty seconds?"""
        for _ in range(400):
            if status.items() <= self.words().items():
                return True
            time.sleep(0.05)
        return False

    def get(self) -> bytes:
        """The first line of the answer to a request that comes through it."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as channel:
            channel.sendall(b"GET /page HTTP/1.0\r\n\r\n")
            return channel.makefile("rb").readline()

    def close(self) -> None:
        """End the process and the nodes."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)
        for node in self.nodes:
            node.shutdown()
            node.server_close()


@contextmanager
def running(root: Path, checked: bool = True, level: str = "admin") -> Iterator[Haproxy]:
    """One whose servers are UP, and which is gone afterwards."""
    one = Haproxy(root, checked, level)
    try:
        assert not checked or one.becomes(web1="UP", web2="UP")
        yield one
    finally:
        one.close()


def until(true: Callable[[], bool]) -> None:
    """Wait, half a minute at most."""
    for _ in range(600):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError("it does not come")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
