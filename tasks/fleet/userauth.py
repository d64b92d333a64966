"""The server's side of a login, RFC 4252, as far as a client sees it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from paramiko import Message, Transport
from paramiko.auth_handler import AuthHandler
from paramiko.common import (
    MSG_SERVICE_ACCEPT,
    MSG_USERAUTH_BANNER,
    MSG_USERAUTH_FAILURE,
    MSG_USERAUTH_INFO_REQUEST,
    MSG_USERAUTH_SUCCESS,
    cMSG_SERVICE_REQUEST,
    cMSG_USERAUTH_INFO_RESPONSE,
    cMSG_USERAUTH_REQUEST,
)
from paramiko.ssh_exception import AuthenticationException, SSHException

from .output import clean

MOST_PROMPTS = 100  # in one message; a server may claim any number
ANSWER_SECONDS = 60.0  # for the server to say what it thinks of an answer: a second factor may be a telephone

Ask = Callable[[str], str]  # the question as the server words it → the answer, which was typed hidden
Tell = Callable[[str], None]


class LoginFailed(AuthenticationException):
    """Nobody was let in. next_line: what to type, if that is something else than to try by ssh."""

    def __init__(self, why: str, next_line: str | None = None) -> None:
        super().__init__(why)
        self.next_line = next_line


class Server(AuthHandler):
    """The server's side of RFC 4252's dialogue, as far as a client sees it.

    methods: what it takes (known after its first no); passed: what it has taken, where that was not enough.
    """

    def __init__(self, transport: Transport, user: str, seconds: float) -> None:
        super().__init__(transport)
        self._user, self._patience = user, seconds
        self._begun = self._partly = False
        self._banner = ""
        self._reply: tuple[int, Message] | None = None
        self._heard = threading.Event()
        self.methods: list[str] = []
        self.passed: list[str] = []
        transport.auth_handler = self

    @property
    def let_in(self) -> bool:
        """Is that all it wanted?"""
        return bool(self.is_authenticated())

    def takes(self, method: str) -> bool:
        """May `method` be tried, as far as is known?"""
        return not self.methods or method in self.methods

    @property
    def signature_algorithms(self) -> list[str]:
        """How the server takes signatures (RFC 8308); nothing, if it does not say."""
        extensions: Mapping[str, bytes | str] = getattr(self.transport, "server_extensions", {})
        said = extensions.get("server-sig-algs", b"")
        return (said.decode("latin-1") if isinstance(said, bytes) else str(said)).split(",") if said else []

    def wants(self, algorithm: str, blob: bytes) -> bool:
        """Would it let somebody in who has this key? Nothing is signed for that."""
        return self._request("publickey", False, algorithm, blob) == MSG_USERAUTH_INFO_REQUEST  # the number of PK_OK

    def to_be_signed(self, algorithm: str, blob: bytes) -> bytes:
        """What proves that somebody has the key."""
        head = Message()
        head.add_string(self.transport.session_id or b"")
        return bytes(head.asbytes() + self._message("publickey", True, algorithm, blob).asbytes())

    def proves(self, algorithm: str, blob: bytes, signature: bytes) -> bool:
        """Is it convinced?"""
        return self._advanced(self._request("publickey", True, algorithm, blob, signature))

    def takes_password(self, password: str) -> bool:
        """Is it the password?"""
        return self._advanced(self._request("password", False, password))

    def converses(self, answer: Ask, tell: Tell) -> bool:
        """Answer its questions until it has decided, after telling everything that it says beside them."""
        kind = self._request("keyboard-interactive", "", "")
        banner, self._banner = self._banner, ""
        _tell_lines(banner, tell)
        while kind == MSG_USERAUTH_INFO_REQUEST:
            assert self._reply
            message = self._reply[1]
            for _ in ("title", "instruction"):
                _tell_lines(message.get_text(), tell)
            message.get_text()  # a language
            reply = Message()
            reply.add_byte(cMSG_USERAUTH_INFO_RESPONSE)
            asked = message.get_int()
            if asked > MOST_PROMPTS:
                raise SSHException(f"{asked} questions at once")
            prompts = [(message.get_text(), message.get_boolean()) for _ in range(asked)]
            reply.add_int(len(prompts))
            for prompt, _ in prompts:
                *before, last = prompt.rstrip().splitlines() or [""]
                _tell_lines("\n".join(before), tell)
                reply.add_string(answer(clean(last)))
            kind = self._exchange(reply, ANSWER_SECONDS)
        return self._advanced(kind)

    def _advanced(self, kind: int) -> bool:
        """Were we let in, or have we passed one of several factors?"""
        return kind == MSG_USERAUTH_SUCCESS or self._partly

    def _message(self, method: str, *fields: bool | str | bytes) -> Message:
        message = Message()
        message.add_byte(cMSG_USERAUTH_REQUEST)
        for field in (self._user, "ssh-connection", method, *fields):
            if isinstance(field, bool):
                message.add_boolean(field)
            else:
                message.add_string(field)
        return message

    def _request(self, method: str, *fields: bool | str | bytes) -> int:
        self.auth_method, self.username = method, self._user
        if not self._begun:  # the server takes the request right behind it: a round trip less
            self._begun = True
            service = Message()
            service.add_byte(cMSG_SERVICE_REQUEST)
            service.add_string("ssh-userauth")
            self._send(service)
        seconds = self._patience if method == "publickey" else ANSWER_SECONDS
        return self._exchange(self._message(method, *fields), seconds)

    def _exchange(self, message: Message, seconds: float) -> int:
        """Send, and wait for what comes back: the number of a message."""
        self._reply, self._partly, self._heard = None, False, threading.Event()
        self.auth_event = self._heard  # set by the transport, too, when it ends
        self._send(message)
        if not self._heard.wait(seconds):
            raise LoginFailed(f"no answer to the login in {seconds:g} s")
        return self._heard_of()

    def _heard_of(self) -> int:
        if self._reply is None:  # the transport has ended
            raise self.transport.get_exception() or SSHException(getattr(self.transport, "goodbye", "") or "hung up")
        return self._reply[0]

    def _send(self, message: Message) -> None:
        self.transport._send_message(message)  # type: ignore[attr-defined]  # the stubs leave it out

    @property
    def _client_handler_table(self) -> dict[int, Callable[[Message], None]]:
        return {
            MSG_SERVICE_ACCEPT: lambda message: None,
            MSG_USERAUTH_SUCCESS: self._hear_success,
            MSG_USERAUTH_FAILURE: self._hear_failure,
            MSG_USERAUTH_BANNER: self._hear_banner,
            MSG_USERAUTH_INFO_REQUEST: self._hear_more,
        }

    def _hear_success(self, message: Message) -> None:
        self._reply = (MSG_USERAUTH_SUCCESS, message)
        self._parse_userauth_success(message)  # type: ignore[attr-defined]  # the stubs leave it out

    def _hear_failure(self, message: Message) -> None:
        self.methods = list(message.get_list())
        self._partly = message.get_boolean()
        if self._partly:
            self.passed.append(self.auth_method)
        self._reply = (MSG_USERAUTH_FAILURE, message)
        self._heard.set()

    def _hear_more(self, message: Message) -> None:
        self._reply = (MSG_USERAUTH_INFO_REQUEST, message)
        self._heard.set()

    def _hear_banner(self, message: Message) -> None:
        self._banner = message.get_text()


def _tell_lines(text: str, tell: Tell) -> None:
    for raw in text.splitlines():
        if line := clean(raw).rstrip():
            tell(line)
