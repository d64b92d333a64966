"""Logging in as ssh does: which keys in which order, from which agent, and what is asked of the operator.

paramiko signs with every key at once, ends at the first file that is missing and at the first agent's key that will not
sign, and asks nobody anything. Here a key whose use may ask somebody (a touch, a prompt of the agent, a passphrase) is
offered first, and used only where the server wants it. The order is sshconnect2.c's, pubkey_prepare.
"""

from __future__ import annotations

import base64
import binascii
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)
from cryptography.hazmat.primitives.serialization.ssh import SSHCertificate, load_ssh_public_identity
from paramiko import ECDSAKey, Ed25519Key, Message, PKey, RSAKey, Transport
from paramiko.agent import AgentKey, AgentSSH
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

from ..errors import Refused
from .output import clean
from .trust import CERTIFICATE, RSA

if TYPE_CHECKING:
    from .ssh_config import Options

PROMPTS = 3  # times that a passphrase or a password is asked for, as ssh does
ANSWER_SECONDS = 60.0  # for the server to say what it thinks of an answer: a second factor may be a telephone
_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"

Ask = Callable[[str], str]  # the question as the server words it → the answer, which was typed hidden
Tell = Callable[[str], None]


class LoginFailed(AuthenticationException):
    """Nobody was let in. next_line: what to type, if that is something else than to try by ssh."""

    def __init__(self, why: str, next_line: str | None = None) -> None:
        super().__init__(why)
        self.next_line = next_line


@dataclass(frozen=True)
class Identity:
    """Something to log in with.

    shown: what messages call it; blob: the public key or the certificate; open: gives what signs, perhaps after a
    passphrase was asked for (None: there is nothing that could); silent: signing cannot ask anybody for anything.
    """

    shown: str
    blob: bytes
    open: Callable[[], PKey | None]
    silent: bool

    @property
    def kind(self) -> str:
        """The key's type, or the certificate's."""
        return Message(self.blob).get_text()


class Login:
    """How one host is logged in to; an `auth_strategy` for `SSHClient.connect`.

    options: the host's ssh_config; given: Fabric's connect_kwargs (key_filename, passphrase, password);
    ask, tell: reach the operator; ask raises Refused where there is nobody.
    seconds: for an answer of the server that waits for no person.
    """

    def __init__(self, options: Options, given: Mapping[str, Any], ask: Ask, tell: Tell, seconds: float) -> None:
        self._options, self._given, self._ask, self._tell, self._seconds = options, given, ask, tell, seconds
        self._tried: list[str] = []  # in words
        self._needed: list[Path] = []  # keys whose passphrase nobody was there to type

    def authenticate(self, transport: Transport) -> None:
        """Log in over `transport`. Raises LoginFailed, with everything that was tried."""
        self._tried, self._needed = [], []
        server = _Server(transport, self._options.user, self._seconds)
        tries = {"publickey": self._by_key, "keyboard-interactive": self._by_dialogue, "password": self._by_password}
        left = self._options.methods
        while method := next((one for one in left if server.takes(one)), None):
            left.remove(method)
            before = len(server.passed)
            try:
                tries[method](server)
            except (SSHException, EOFError) as error:  # it has hung up: MaxAuthTries, for one
                self._tried.append(f"then it hung up: {error}")
                break
            if server.let_in:
                return
            if len(server.passed) > before:  # partly in: one more is wanted, of whatever kind
                left = self._options.methods
        raise LoginFailed(self._why(server), self._next_line())

    def _why(self, server: _Server) -> str:
        takes = [f"it takes {', '.join(server.methods)}"] if server.methods else []
        passed = [f"after {', '.join(server.passed)} it wants more"] if server.passed else []
        kerberos = "gssapi-with-mic" in server.methods and self._options.yes("gssapiauthentication")
        gssapi = ["a login by Kerberos (GSSAPI) is not supported here"] if kerberos else []
        tried = self._tried or ["there is no key to try: no agent has one, and no IdentityFile exists"]
        return clean("; ".join([*passed, *takes, *tried, *gssapi]))

    def _next_line(self) -> str | None:
        if not self._needed:
            return None
        return f"ssh-add {self._needed[0]}, or the same line with --prompt-for-passphrase"

    def _by_key(self, server: _Server) -> None:
        accepted = self._options.listed("pubkeyacceptedalgorithms")
        with _Agent(self._options.agent) as agent:
            held = agent.keys
            if agent.problem:
                self._tried.append(agent.problem)
            for identity in self._identities(held):
                algorithm = _algorithm(identity.kind, accepted, server.signature_algorithms)
                if not algorithm:
                    self._tried.append(f"{identity.shown}: its type {identity.kind} is not allowed")
                elif self._try(server, identity, algorithm) or not server.takes("publickey"):
                    return

    def _try(self, server: _Server, identity: Identity, algorithm: str) -> bool:
        """Offer one key and use it; True if it was good, perhaps for the first of two factors."""
        if identity.silent or server.wants(algorithm, identity.blob):
            key = identity.open()
            if key is None:
                return False
            if key.asbytes() not in (identity.blob, _plain(identity.blob)):
                self._tried.append(f"{identity.shown} does not fit the public key beside it")
                return False
            try:
                signed = key.sign_ssh_data(server.to_be_signed(algorithm, identity.blob), algorithm)
                signature = signed if isinstance(signed, bytes) else signed.asbytes()
            except Exception as error:  # noqa: BLE001  # an agent's socket, its protocol, a token: whatever it was
                self._tried.append(f"{identity.shown} was wanted, but does not sign: {error}")
                return False
            if server.proves(algorithm, identity.blob, signature):
                return True
        self._tried.append(f"{identity.shown} is not accepted")
        return False

    def _identities(self, held: Mapping[bytes, AgentKey]) -> Iterator[Identity]:
        given = self._given.get("key_filename") or []
        typed = [Path(name).expanduser() for name in ([given] if isinstance(given, str) else given)]
        files = [_KeyFile(path) for path in (*typed, *self._options.identity_files)]
        known = {file.blob: file for file in files if file.blob}
        named = [blob for path in self._options.certificate_files if (blob := _public(path))]
        beside = {} if named else {blob: file for file in files if (blob := file.certificate)}
        for path in self._options.certificate_files:
            if not _public(path):
                self._tried.append(f"{path}: {_missing(path)}")
        for blob in named:
            yield self._certified(blob, _plain(blob), known, held)
        wanted = known.keys() | beside.keys()
        for first in (True, False):  # the agent's keys that ssh_config names come before its others
            for blob, key in held.items():
                if (blob in wanted) is first and (first or not self._options.yes("identitiesonly")):
                    yield Identity(_of_agent(key), blob, lambda key=key: key, silent=False)  # type: ignore[misc]
        for file in files:
            if file.blob not in held:
                yield from self._of_file(file)
            if file.certificate and file.certificate in beside and file.certificate not in held:
                yield self._certified(file.certificate, file.blob or b"", known, held)

    def _certified(
        self, certificate: bytes, plain: bytes, known: Mapping[bytes, _KeyFile], held: Mapping[bytes, AgentKey]
    ) -> Identity:
        """A certificate, with its private key in the agent or in a file."""
        shown = "a certificate"
        if key := held.get(plain):
            return Identity(f"{shown} for {_of_agent(key)}", certificate, lambda: key, silent=False)
        if file := known.get(plain):
            return Identity(f"{shown} for {file.path}", certificate, lambda: self._opened(file), not file.encrypted)
        return Identity(f"{shown} whose key is not here", certificate, lambda: None, silent=False)

    def _of_file(self, file: _KeyFile) -> Iterator[Identity]:
        if not file.blob and file.encrypted:  # an old format: what it is cannot be seen before it is opened
            if key := self._opened(file):
                yield Identity(str(file.path), key.asbytes(), lambda: key, silent=True)
        elif file.blob and file.private:
            yield Identity(str(file.path), file.blob, lambda: self._opened(file), silent=not file.encrypted)
        elif file.blob and not file.problem:
            self._tried.append(f"{file.path} is a public key, and no agent has its other half")
        elif file.path.exists() or file.path in self._named:
            self._tried.append(f"{file.path}: {file.problem or _missing(file.path)}")

    @property
    def _named(self) -> list[Path]:
        """The keys that somebody has named, unlike ssh's default ones, most of which nobody has."""
        return [path for path in self._options.identity_files if not path.name.startswith("id_")]

    def _opened(self, file: _KeyFile) -> PKey | None:
        """The private key, with its passphrase if need be, which is asked for once for all hosts."""
        if file.key:
            return file.key
        with _opening:
            if file.path in _opened:
                return _opened[file.path]
            given = self._given.get("passphrase")
            for attempt in range(PROMPTS + bool(given)):
                try:
                    if given and not attempt:
                        passphrase = str(given)
                    elif self._options.yes("batchmode"):
                        raise Refused("BatchMode")
                    else:
                        passphrase = self._ask(f"passphrase for {file.path}")
                except Refused:
                    self._needed.append(file.path)
                    self._tried.append(f"{file.path} needs its passphrase")
                    return None
                if not passphrase:
                    break
                with suppress(Exception):  # each kind of key and each library has its own for a wrong passphrase
                    _opened[file.path] = _private(file.path.read_bytes(), passphrase.encode())
                    return _opened[file.path]
        self._tried.append(f"{file.path}: that is not its passphrase")
        return None

    def _by_dialogue(self, server: _Server) -> None:
        """The server asks what it likes: a one-time code, a choice, a password."""
        given, asked = self._given.get("password"), False

        def answer(prompt: str) -> str:
            nonlocal given, asked
            asked = True
            if given and "password" in prompt.lower():
                word, given = str(given), None
                return word
            return self._ask(prompt)

        for _ in range(PROMPTS):
            try:
                if server.converses(answer, self._tell):
                    return
            except Refused:
                self._tried.append("it asks a question, and there is no terminal to ask it on")
                return
            if not asked:  # it has no question for us
                return
            if not server.takes("keyboard-interactive"):
                break
        self._tried.append("the answer is not accepted")

    def _by_password(self, server: _Server) -> None:
        given = self._given.get("password")
        for attempt in range(PROMPTS + bool(given)):
            try:
                password = str(given) if given and not attempt else self._ask(f"{self._options.user}'s password")
            except Refused:
                self._tried.append("it asks for a password, and there is no terminal to ask on")
                return
            if server.takes_password(password):
                return
            if not server.takes("password"):
                break
        self._tried.append("the password is not accepted")


class _Server(AuthHandler):
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
            prompts = [(message.get_text(), message.get_boolean()) for _ in range(message.get_int())]
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


class _KeyFile:
    """A file of IdentityFile: a private key, or only the public half of one that an agent holds.

    blob: the public half, where ssh looks for it: the file itself, FILE.pub, the private key; certificate: beside it;
    key: the private key, if it needs no passphrase; problem: why there is nothing.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.private, self.encrypted = path, False, False
        self.key: PKey | None = None
        self.problem: str | None = None
        self.blob = _public(path) or _public(path.with_name(f"{path.name}.pub"))
        self.certificate = _public(path.with_name(f"{path.name}-cert.pub"))
        try:
            self._read()
        except OSError as error:
            self.problem = error.strerror or str(error)

    def _read(self) -> None:
        content, found = self.path.read_bytes(), self.path.stat()
        if not content.lstrip().startswith(b"-----BEGIN "):
            self.problem = None if self.blob else "is no key"
            return
        if found.st_uid == os.getuid() and found.st_mode & 0o077:  # ssh ignores it, too
            self.problem = f"others may read it (mode {found.st_mode & 0o777:04o}; chmod 600)"
            return
        self.private = True
        try:
            self.key = _private(content)
            self.blob = self.blob or self.key.asbytes()
        except Exception as error:  # noqa: BLE001  # each kind of key and each library has its own errors
            self.blob = self.blob or _public_half(content)
            self.encrypted = isinstance(error, TypeError)  # cryptography's word for a passphrase that is missing
            self.private = self.encrypted
            self.problem = None if self.encrypted else f"cannot be read: {error}"


@lru_cache(maxsize=64)
def _private(content: bytes, passphrase: bytes | None = None) -> PKey:
    """A private key of any format that ssh reads; all hosts share what was read once."""
    try:
        loaded = load_ssh_private_key(content, passphrase)
    except ValueError:
        pem = load_pem_private_key(content, passphrase)
        assert isinstance(pem, RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey)
        loaded = pem
    kinds: dict[type, type[PKey]] = {RSAPrivateKey: RSAKey, EllipticCurvePrivateKey: ECDSAKey}
    kind = next((kinds[one] for one in kinds if isinstance(loaded, one)), Ed25519Key)
    text = loaded.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    return kind.from_private_key(StringIO(text))


_opened: dict[Path, PKey] = {}
_opening = threading.Lock()


class _Agent(AgentSSH):
    """The agent behind a socket, for a `with`; paramiko's own looks at SSH_AUTH_SOCK only.

    keys: by their public half; none, where there is no agent. problem: why there is none, if one was named.
    """

    def __init__(self, path: str | None) -> None:
        super().__init__()
        self.problem: str | None = None
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            if path:
                self._socket.connect(path)
                self._connect(self._socket)  # type: ignore[attr-defined]  # the stubs leave it out
        except (OSError, SSHException) as error:
            self.problem = f"the agent at {path} does not answer: {getattr(error, 'strerror', None) or error}"
        self.keys: dict[bytes, AgentKey] = {key.blob: key for key in self.get_keys()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.close()


def _of_agent(key: AgentKey) -> str:
    return f"the agent's key {key.comment or key.get_name()}"


def _algorithm(kind: str, accepted: list[str], by_server: list[str]) -> str | None:
    """The algorithm to sign with; RSA keys have several (RFC 8332), none of them SHA-1."""
    plain = kind.removesuffix(CERTIFICATE)
    suffix = kind[len(plain) :]
    for name in RSA if plain == "ssh-rsa" else (plain,):
        if (not accepted or f"{name}{suffix}" in accepted) and (
            not by_server or plain != "ssh-rsa" or name in by_server
        ):
            return f"{name}{suffix}"
    return None


def _public(path: Path) -> bytes | None:
    """The public key or certificate in a file of one line, or None."""
    try:
        kind, body, *_ = path.read_bytes().split()
        blob = base64.b64decode(body, validate=True)
        return blob if Message(blob).get_binary() == kind else None
    except (OSError, binascii.Error, ValueError):
        return None


def _plain(certificate: bytes) -> bytes:
    """The public key in a certificate; nothing, if it cannot be read."""
    try:
        kind = Message(certificate).get_text()
        loaded = load_ssh_public_identity(f"{kind} {base64.b64encode(certificate).decode()}".encode())
        key = loaded.public_key() if isinstance(loaded, SSHCertificate) else loaded
        return base64.b64decode(key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1])
    except (ValueError, UnsupportedAlgorithm, SSHException):
        return b""


def _public_half(content: bytes) -> bytes | None:
    """The public key that stands unencrypted in a private one of OpenSSH's own format (PROTOCOL.key)."""
    body = content.strip()
    if not body.startswith(_OPENSSH):
        return None
    try:
        raw = base64.b64decode(b"".join(body.splitlines()[1:-1]))
    except (binascii.Error, ValueError):
        return None
    fields = Message(raw.removeprefix(b"openssh-key-v1\0"))
    for _ in range(3):  # the cipher, how its key is derived, from what
        fields.get_string()
    fields.get_int()
    return fields.get_string() or None


def _missing(path: Path) -> str:
    return "does not exist" if not path.exists() else "is no certificate"


def _tell_lines(text: str, tell: Tell) -> None:
    for raw in text.splitlines():
        if line := clean(raw).rstrip():
            tell(line)
