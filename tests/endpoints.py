"""A web server to be told things, which may never answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "s3cr3t-t0ken"


class Endpoint:
    """A web server that answers every POST with `status`, or not at all for None, and keeps what it was sent."""

    def __init__(self, status: int | None) -> None:
        self.heard: list[dict[str, Any]] = []
        self.released = threading.Event()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                endpoint.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                if status is None:
                    endpoint.released.wait(120)
                    return
                self.send_response(status)
                self.end_headers()

            def log_message(self, *words: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"json://127.0.0.1:{self.server.server_port}/{TOKEN}"

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def answering(status: int | None) -> Iterator[Endpoint]:
    with closing(Endpoint(status)) as endpoint:
        yield endpoint
