"""HTTP requests that end in time as a whole: urllib's timeout is one for each piece, and a page may drip."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import urlsplit

_THREAD = threading.local()  # ends: when the request that a thread makes has to be over


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What this thread reads by an `opener` meanwhile raises TimeoutError after so many seconds."""
    _THREAD.ends = time.monotonic() + seconds
    try:
        yield
    finally:
        del _THREAD.ends


def opener(redirects: bool) -> urllib.request.OpenerDirector:
    """What opens a URL as urllib does, by a proxy if the environment names one; redirects: follow them."""
    handlers: list[Any] = [_Http, _Https]
    return urllib.request.build_opener(*handlers, *([] if redirects else [_NoRedirect]))


@cache
def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    context.sslsocket_class = _TlsSocket
    return context


def proxy_of(url: str) -> str | None:
    """The proxy that the environment names for `url` (http_proxy, no_proxy, …), if it names one."""
    try:
        parts = urlsplit(url)
        return None if urllib.request.proxy_bypass(parts.netloc) else urllib.request.getproxies().get(parts.scheme)
    except ValueError:
        return None


class _InTime:
    """A socket that gives each read no more time than is left of the whole."""

    def recv_into(self, *given: Any) -> int:
        left = _THREAD.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.settimeout(left)  # type: ignore[attr-defined]
        return int(super().recv_into(*given))  # type: ignore[misc]


class _Socket(_InTime, socket.socket):
    pass


class _TlsSocket(_InTime, ssl.SSLSocket):
    pass


def _connect(*given: Any, **more: Any) -> socket.socket:
    plain = socket.create_connection(*given, **more)
    timeout = plain.gettimeout()
    timed = _Socket(plain.family, plain.type, plain.proto, fileno=plain.detach())
    timed.settimeout(timeout)
    return timed


class _HttpConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        self._create_connection = _connect
        super().connect()


class _HttpsConnection(http.client.HTTPSConnection):
    def connect(self) -> None:
        self._create_connection = _connect
        super().connect()


class _Http(urllib.request.HTTPHandler):
    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_HttpConnection, request)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self) -> None:
        # HTTPSHandler's own makes a context, which reads this machine's authorities: 25 ms, also for who asks by http.
        urllib.request.AbstractHTTPHandler.__init__(self)

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_HttpsConnection, request, context=_context())


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *asked: Any) -> None:
        """None: what was answered is the answer."""
