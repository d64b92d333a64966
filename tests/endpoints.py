"""A web server to be told things, which may never answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
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


@contextmanager
def prometheus(answers: Sequence[float | str | None]) -> Iterator[str]:
    """The address of a server that answers queries as Prometheus 2.42 does: the numbers one after the other, the last
    one again and again; None: a query that finds nothing; text: one that cannot be parsed.
    """
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = left.pop(0) if len(left) > 1 else left[0]
            vector = [] if answer is None else [{"metric": {}, "value": [1764444000.0, str(answer)]}]
            said: Any = {"status": "success", "data": {"resultType": "vector", "result": vector}}
            if isinstance(answer, str):
                said = {"status": "error", "errorType": "bad_data", "error": f"1:5: parse error: {answer}"}
            body = json.dumps(said).encode()
            self.send_response(400 if isinstance(answer, str) else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
