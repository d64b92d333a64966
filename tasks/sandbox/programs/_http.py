"""How curl asks: HTTP/1.0 over a plain socket, with curl's exit statuses for what goes wrong."""

from __future__ import annotations

import time

from . import _sockets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._host import Host


class CurlError(Exception):
    """curl's exit status and its sentence."""

    def __init__(self, status: int, sentence: str, code: int = 0) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.sentence = sentence


def fetch(host: Host, url: str, values: dict[str, str], follow: bool, started: float) -> tuple[int, bytes]:
    """The last answer's code and body; values: --max-time as `limit`, --max-redirs as `redirects`. Raises CurlError."""
    limit = float(values.get("limit", 0)) or None
    allowed = redirects = int(values.get("redirects", 50))
    while True:
        code, location, body = _get(host, url, started, limit)
        if not follow or location is None or not 300 <= code < 400:
            return code, body
        if redirects == 0:
            raise CurlError(47, f"Maximum ({allowed}) redirects followed", code)
        redirects -= 1
        url = location if "://" in location else "/".join(url.split("/")[:3]) + location


def _get(host: Host, url: str, started: float, limit: float | None) -> tuple[int, str | None, bytes]:
    """One request: code, Location, body. Raises CurlError."""
    scheme, _, rest = url.rpartition("://")
    if scheme not in ("", "http"):
        raise CurlError(1, f"Protocol {scheme} not supported or disabled in libcurl")
    name, _, path = rest.partition("/")
    machine, _, port_text = name.partition(":")
    if machine not in ("localhost", "127.0.0.1", host.name, host.name.partition(".")[0]):
        raise CurlError(6, f"Could not resolve host: {machine}; Unknown error")
    asked = int(port_text or 80)
    port = host.fleet["hosts"][host.name]["http"] if asked == host.app["port"] else asked
    got = b""
    try:
        line = _sockets.connected(port, limit)
        line.sendall(f"GET /{path} HTTP/1.0\r\nUser-Agent: curl/7.29.0\r\nHost: {name}\r\nAccept: */*\r\n\r\n".encode())
        while True:
            if limit is not None:
                line.settimeout(max(0.001, limit - (time.monotonic() - started)))
            more = line.recv(65536)
            if not more:
                break
            got += more
        line.close()
    except TimeoutError:
        raise _too_late(started, got) from None
    except ConnectionRefusedError:
        raise CurlError(7, f"Failed connect to {machine}:{port_text or 80}; Connection refused") from None
    except OSError:
        raise CurlError(56, "Recv failure: Connection reset by peer") from None
    head, _, body = got.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/"):
        raise CurlError(52, "Empty reply from server")
    first, *fields = head.decode("latin-1").split("\r\n")
    headers = {n.lower(): v.strip() for n, _, v in (f.partition(":") for f in fields)}
    return int(first.split()[1]), headers.get("location"), body


def _too_late(started: float, got: bytes) -> CurlError:
    head, end, body = got.partition(b"\r\n\r\n")
    code = int(head.split(maxsplit=2)[1]) if end and head.startswith(b"HTTP/") else 0
    size = f"{len(body)} out of -1 bytes" if body else "0 out of -1 bytes"
    spent = (time.monotonic() - started) * 1000
    return CurlError(28, f"Operation timed out after {spent:.0f} milliseconds with {size} received", code)
