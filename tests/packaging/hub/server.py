"""The hub on the wire: HTTPS on a free port of 127.0.0.1, logins, sessions, call numbers, and faults."""

from __future__ import annotations

import base64
import itertools
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit
from xmlrpc.client import Fault, dumps, loads

from .api import Api
from .certs import Authority
from .records import HubError


@dataclass
class Trouble:
    """Something that goes wrong with calls of a method (`*`: any): before it is carried out or after.

    kind: an HTTP status like 502, html, crash (the hub's own), silence (seconds), drop.
    """

    method: str
    kind: str
    times: int = 1
    after: bool = False
    seconds: float = 0.0


# The hub commits the number of a call with what the call has changed, so of one that reads it remembers none.
WRITING = {"rawUpload", "build", "cancelTask", "moveBuild", "tagBuild"}
CRASH = """\
Traceback (most recent call last):
  File "/usr/share/koji-hub/kojixmlrpc.py", line 236, in _wrap_handler
    response = handler(environ)
  File "/usr/lib/python3.9/site-packages/koji/db.py", line 142, in execute
    return self.cursor.execute(query, params)
psycopg2.OperationalError: server closed the connection unexpectedly
"""


@dataclass
class Session:
    """A login; callnum: of the last call that has written something."""

    user: str
    callnum: int = -1
    expired: bool = False


@dataclass
class Hub:
    """A hub that listens, for a `with` statement.

    kerberos: who a login without certificate is; None: 401. keytab: of a real KDC, to whose tickets 401 leads then.
    """

    api: Api
    folder: Path
    kerberos: str | None = None
    keytab: Path | None = None
    offline: str | None = None
    troubles: list[Trouble] = field(default_factory=list)
    calls: list[tuple[str, list[Any]]] = field(default_factory=list)
    logins: int = 0
    on_silence: Callable[[], object] = lambda: None

    def __enter__(self) -> Self:
        self.authority = Authority(self.folder)
        self.sessions: dict[int, Session] = {}
        self._ids = itertools.count(200)
        self._lock = threading.Lock()
        self.over = threading.Event()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.authority.issue("hub"))
        context.load_verify_locations(self.authority.ca)
        context.verify_mode = ssl.CERT_OPTIONAL
        # A refused certificate is told in the handshake, as the recorded hub did; 1.3 tells it too late to be read.
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://127.0.0.1:{self._server.server_port}/kojihub"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def profile(self, home: Path, user: str = "qadevel", **keys: str) -> None:
        """Write koji's configuration for `user`, who logs in by certificate unless `keys` say otherwise."""
        given = {"server": self.url, "weburl": "https://koji.test/koji", "serverca": str(self.authority.ca)}
        given |= keys or {"authtype": "ssl", "cert": str(self.authority.issue(user))}
        folder = home / ".koji" / "config.d"
        folder.mkdir(parents=True, exist_ok=True)
        lines = [f"{key} = {value}" for key, value in given.items()]
        (folder / "test.conf").write_text("\n".join(["[koji]", *lines, ""]))

    def made(self, method: str) -> int:
        """How often a method was called, in a multiCall or alone."""
        return sum(name == method for name, _ in self.calls)

    def expire_sessions(self) -> None:
        """As after 24 hours."""
        for session in self.sessions.values():
            session.expired = True

    def forget_sessions(self) -> None:
        """As when they were swept, or when the client's address has changed."""
        self.sessions.clear()

    def trouble(self, method: str, after: bool) -> Trouble | None:
        """The trouble that this call has, used up by one."""
        for one in self.troubles:
            if one.times > 0 and one.after is after and one.method in (method, "*"):
                one.times -= 1
                return one
        return None

    def log_in(self, name: str | None, renewed: int | None) -> dict[str, Any] | None:
        """A session for the name in a certificate or ticket; None for a 401. renewed: the session to go on with."""
        self.logins += 1
        user = name or self.kerberos
        if self.offline:
            raise HubError("ServerOffline", self.offline)
        if user is None:
            return None
        if renewed in self.sessions:
            number = renewed
            self.sessions[number].expired = False  # and its callnum stays, while the client begins at 0
        else:
            number = next(self._ids)
            self.sessions[number] = Session(user)
        return {"session-id": number, "session-key": "key", "header-auth": True}

    def answer(self, headers: Any, method: str, params: list[Any]) -> Any:
        """One call in its session. Raises HubError."""
        with self._lock:
            if self.offline:
                raise HubError("ServerOffline", self.offline)
            user = self._user(headers, method)
            if method == "logout":
                self.sessions.pop(int(headers["Koji-Session-Id"]), None)
                return None
            inner = (
                [(one["methodName"], one["params"]) for one in params[0]]
                if method == "multiCall"
                else [(method, params)]
            )
            self.calls += [(name, given[:3] if name == "rawUpload" else given) for name, given in inner]
            answer = self.api.call(user, method, params)
            if user and method in WRITING:
                self.sessions[int(headers["Koji-Session-Id"])].callnum = int(headers["Koji-Session-Callnum"])
            return answer

    def _user(self, headers: Any, method: str) -> str | None:
        if "Koji-Session-Id" not in headers:
            return None
        number = int(headers["Koji-Session-Id"])
        session = self.sessions.get(number)
        if not session:
            raise HubError("AuthError", "Invalid session or bad credentials")
        if session.expired:
            raise HubError("AuthExpired", f'session "{number}" has expired')
        callnum = int(headers["Koji-Session-Callnum"])
        if callnum == session.callnum:
            raise HubError("RetryError", f"unable to retry call {callnum} (method {method}) for session {number}")
        if callnum < session.callnum:
            raise HubError("GenericError", f"{session.callnum} > {callnum} (session {number})")
        return session.user


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or whose certificate was refused, is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one packet, or every call waits 40 ms for a delayed ACK
    disable_nagle_algorithm = True
    hub: Hub

    def do_POST(self) -> None:
        """One XML-RPC call, or a chunk of an upload."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        params: list[Any]
        if "filepath" in query:
            method = "rawUpload"
            params = [query["filepath"], query["filename"], int(query["offset"]), body]
        else:
            given, name = loads(body)
            method, params = str(name), list(given)
        if self._troubled(method, after=False):
            return
        text = self._login(params) if url.path.endswith("/ssllogin") else self._call(method, params)
        if text is not None and not self._troubled(method, after=True):
            self._send(200, text, "text/xml")

    def _login(self, params: list[Any]) -> str | None:
        certificate: Any = self.connection.getpeercert()
        names = [value for part in (certificate or {}).get("subject", ()) for key, value in part if key == "commonName"]
        name = names[0] if names else self._ticket()
        renew = params[-1].get("renew") if params and isinstance(params[-1], dict) else False
        try:
            session = self.hub.log_in(name, int(self.headers["Koji-Session-Id"]) if renew else None)
        except HubError as fault:
            return dumps(Fault(fault.code, fault.text))
        if session is None:
            self._send(401, "", "text/plain", {"WWW-Authenticate": "Negotiate"})
            return None
        return dumps((session,), methodresponse=True, allow_none=True)

    def _ticket(self) -> str | None:
        """Who the Kerberos ticket in the request is for, as mod_auth_gssapi tells the hub."""
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if self.hub.keytab is None or scheme != "Negotiate":
            return None
        import gssapi

        accepted = gssapi.SecurityContext(
            creds=gssapi.Credentials(usage="accept", store={"keytab": str(self.hub.keytab)}), usage="accept"
        )
        accepted.step(base64.b64decode(token))
        return str(accepted.initiator_name).partition("@")[0]

    def _call(self, method: str, params: list[Any]) -> str:
        try:
            answer = self.hub.answer(self.headers, method, params)
        except HubError as fault:
            return dumps(Fault(fault.code, fault.text))
        return dumps((answer,), methodresponse=True, allow_none=True)

    def _troubled(self, method: str, after: bool) -> bool:
        trouble = self.hub.trouble(method, after)
        if trouble is None:
            return False
        if trouble.kind.isdecimal():
            self._send(int(trouble.kind), "<html>Sorry</html>", "text/html")
        elif trouble.kind == "crash":
            self._send(200, dumps(Fault(1, CRASH)), "text/xml")
        elif trouble.kind == "html":
            self._send(200, "<html><p>Please log in<br></html>", "text/html")
        elif trouble.kind == "silence":
            self.hub.on_silence()
            self.hub.over.wait(trouble.seconds)
        self.close_connection = trouble.kind in ("drop", "silence")
        return True

    def _send(self, status: int, text: str, kind: str, headers: dict[str, str] | None = None) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing on the tests' stderr."""
