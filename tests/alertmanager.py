"""A real Alertmanager on loopback, and the webhook that it tells of alerts."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager") or "prometheus-alertmanager"
CONFIGURATION = """
route: {{receiver: pager, group_wait: 0s, group_interval: 1s, repeat_interval: 24h, group_by: [alertname]}}
receivers:
  - name: pager
    webhook_configs: [{{url: "http://127.0.0.1:{port}/", send_resolved: false}}]
"""


class Alertmanager:
    """The process; `pages` is what its webhook has been told, an alert's name for each."""

    def __init__(self, folder: Path) -> None:
        self.pages: list[str] = []
        pages = self.pages

        class Pager(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                pages.extend(alert["labels"]["alertname"] for alert in told["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *words: object) -> None:
                pass

        self._pager = ThreadingHTTPServer(("127.0.0.1", 0), Pager)
        threading.Thread(target=self._pager.serve_forever, args=(0.05,), daemon=True).start()
        folder.mkdir(exist_ok=True)
        self._file = folder / "alertmanager.yml"
        self._file.write_text(CONFIGURATION.format(port=self._pager.server_port))
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"
        self._storage = folder / "data"
        self.start()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def start(self) -> None:
        """As after a reboot: what it has stored is there again."""
        self._process = subprocess.Popen(
            [
                PROGRAM,
                f"--config.file={self._file}",
                f"--storage.path={self._storage}",
                f"--web.listen-address={self.url.removeprefix('http://')}",
                "--cluster.listen-address=",
                "--log.level=error",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        ends = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/-/ready", timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < ends, "alertmanager does not start"
                time.sleep(0.05)

    def stop(self) -> None:
        """It is gone, without a word."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self.stop()
        self._pager.shutdown()
        self._pager.server_close()

    def alert(self, name: str, service: str = "blockerbugs") -> None:
        """What a Prometheus sends for as long as an alert fires."""
        ends = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
        self._ask("alerts", [{"labels": {"alertname": name, "service": service}, "endsAt": ends}])

    def silences(self, state: str = "active") -> list[dict[str, Any]]:
        """Those that are in that state."""
        with urllib.request.urlopen(f"{self.url}/api/v2/silences", timeout=5) as answer:
            return [one for one in json.load(answer) if one["status"]["state"] == state]

    def _ask(self, path: str, body: Any) -> None:
        request = urllib.request.Request(f"{self.url}/api/v2/{path}", json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        urllib.request.urlopen(request, timeout=5).close()


@contextmanager
def alertmanager(folder: Path) -> Iterator[Alertmanager]:
    with closing(Alertmanager(folder)) as real:
        yield real
