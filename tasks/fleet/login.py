"""Logging in as ssh does: which keys in which order, from which agent, and what is asked of the operator.

paramiko signs with every key at once, ends at the first file that is missing and at the first agent's key that will not
sign, and asks nobody anything. Here a key whose use may ask somebody (a touch, a prompt of the agent, a passphrase) is
offered first, and used only where the server wants it. The order is sshconnect2.c's, pubkey_prepare.
"""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paramiko import Message, PKey, Transport
from paramiko.agent import AgentKey
from paramiko.ssh_exception import SSHException

from ..errors import Refused
from .certificate import plain_key, rsa_bits
from .keys import Agent, KeyFile, private_key, public_key, shown_key
from .output import clean
from .ssh_config import DEFAULT_KEYS, DEFAULT_KEYS_IN, METHODS, Options
from .trust import CERTIFICATE, RSA
from .userauth import Ask, LoginFailed, Server, Tell

PROMPTS = 3  # times that a passphrase or a password is asked for, as ssh does


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
        self._options, self._given, self._ask, self._tell, self.seconds = options, given, ask, tell, seconds
        self._tried: list[str] = []  # in words
        self._needed: list[Path] = []  # keys whose passphrase nobody was there to type
        self._agent: Agent | None = None

    def authenticate(self, transport: Transport) -> None:
        """Log in over `transport`. Raises LoginFailed, with everything that was tried."""
        self._tried, self._needed = [], []
        server = Server(transport, self._options.user, self.seconds)
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

    def leave(self) -> None:
        """End a login that waits for an agent, in whatever thread that is."""
        if self._agent:
            self._agent.leave()

    def _why(self, server: Server) -> str:
        if not self._options.methods:
            preferred = ", ".join(self._options.listed("preferredauthentications")) or "nothing"
            return f"ssh_config allows {preferred}, and here there are {', '.join(METHODS)}"
        takes = [f"it takes {', '.join(server.methods)}"] if server.methods else []
        passed = [f"after {', '.join(server.passed)} it wants more"] if server.passed else []
        kerberos = "gssapi-with-mic" in server.methods and self._options.yes("gssapiauthentication")
        gssapi = ["a login by Kerberos (GSSAPI) is not supported here"] if kerberos else []
        tried = self._tried or ["there is no key to try: no agent has one, and no IdentityFile exists"]
        return clean("; ".join([*passed, *takes, *tried, *gssapi]))

    def _next_line(self) -> str | None:
        if not self._needed:
            return None
        add = f"ssh-add {shlex.quote(str(self._needed[0]))}"
        return add if self._options.agent else f'eval "$(ssh-agent)"; {add}'

    def _by_key(self, server: Server) -> None:
        accepted = self._options.listed("pubkeyacceptedalgorithms")
        shortest = int(self._options.first("requiredrsasize") or 0)
        self._agent = Agent(self._options.agent, self.seconds)
        with self._agent as agent:
            held = agent.keys
            if agent.problem:
                self._tried.append(agent.problem)
            for identity in self._identities(held):
                algorithm = _algorithm(identity.kind, accepted, server.signature_algorithms)
                if not algorithm:
                    self._tried.append(f"{identity.shown}: its type {identity.kind} is not allowed")
                elif (rsa_bits(identity.blob) or shortest) < shortest:
                    self._tried.append(f"{identity.shown}: it is shorter than RequiredRSASize {shortest}")
                elif self._try(server, identity, algorithm) or not server.takes("publickey"):
                    return

    def _try(self, server: Server, identity: Identity, algorithm: str) -> bool:
        """Offer one key and use it; True if it was good, perhaps for the first of two factors."""
        if identity.silent or server.wants(algorithm, identity.blob):
            key = identity.open()
            if key is None:
                return False
            if key.asbytes() not in (identity.blob, plain_key(identity.blob)):
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
        if server.takes("publickey"):
            self._tried.append(f"{identity.shown} is not accepted")
        return False

    def _identities(self, held: Mapping[bytes, AgentKey]) -> Iterator[Identity]:
        given = self._given.get("key_filename") or []
        typed = [Path(name).expanduser() for name in ([given] if isinstance(given, str) else given)]
        files = [KeyFile(path) for path in (*typed, *self._options.identity_files)]
        known = {file.blob: file for file in files if file.blob}
        named = [blob for path in self._options.certificate_files if (blob := public_key(path))]
        beside = {} if named else {blob: file for file in files if (blob := file.certificate)}
        for path in self._options.certificate_files:
            if not public_key(path):
                self._tried.append(f"{path} is no certificate" if path.exists() else f"{path} does not exist")
        for blob in named:
            yield self._certified(blob, plain_key(blob), known, held)
        wanted = known.keys() | beside.keys()
        for first in (True, False):  # the agent's keys that ssh_config names come before its others
            for blob, key in held.items():
                if (blob in wanted) is first and (first or not self._options.yes("identitiesonly")):
                    yield Identity(shown_key(key), blob, lambda key=key: key, silent=False)  # type: ignore[misc]
        for file in files:
            if file.blob not in held:
                yield from self._of_file(file)
            if file.certificate and file.certificate in beside and file.certificate not in held:
                yield self._certified(file.certificate, file.blob or b"", known, held)

    def _certified(
        self, certificate: bytes, plain: bytes, known: Mapping[bytes, KeyFile], held: Mapping[bytes, AgentKey]
    ) -> Identity:
        """A certificate, with its private key in the agent or in a file."""
        shown = "a certificate"
        if key := held.get(plain):
            return Identity(f"{shown} for {shown_key(key)}", certificate, lambda: key, silent=False)
        if file := known.get(plain):
            return Identity(f"{shown} for {file.path}", certificate, lambda: self._opened(file), not file.encrypted)
        return Identity(f"{shown} whose key is not here", certificate, lambda: None, silent=False)

    def _of_file(self, file: KeyFile) -> Iterator[Identity]:
        if not file.blob and file.encrypted:  # an old format: what it is cannot be seen before it is opened
            if key := self._opened(file):
                yield Identity(str(file.path), key.asbytes(), lambda: key, silent=True)
        elif file.blob and file.private:
            yield Identity(str(file.path), file.blob, lambda: self._opened(file), silent=not file.encrypted)
        elif file.blob and not file.problem:
            self._tried.append(f"{file.path} is a public key, and no agent has its other half")
        elif file.path.exists() or file.path in self._named:
            self._tried.append(f"{file.path}: {file.problem}")

    @property
    def _named(self) -> list[Path]:
        """The keys that somebody has named, unlike ssh's default ones, most of which nobody has."""
        given = self._given.get("key_filename") or []
        typed = [Path(name).expanduser() for name in ([given] if isinstance(given, str) else given)]
        default = [Path(DEFAULT_KEYS_IN).expanduser() / name for name in DEFAULT_KEYS]
        return [path for path in (*typed, *self._options.identity_files) if path not in default]

    def _opened(self, file: KeyFile) -> PKey | None:
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
                    _opened[file.path] = private_key(file.path.read_bytes(), passphrase.encode())
                    return _opened[file.path]
        self._tried.append(f"{file.path}: that is not its passphrase")
        return None

    def _by_dialogue(self, server: Server) -> None:
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
            except Refused as error:
                self._tried.append(error.problems[0])
                return
            if not asked:  # it has no question for us
                return
            if not server.takes("keyboard-interactive"):
                break
        self._tried.append("the answer is not accepted")

    def _by_password(self, server: Server) -> None:
        given = self._given.get("password")
        for attempt in range(PROMPTS + bool(given)):
            try:
                password = str(given) if given and not attempt else self._ask(f"{self._options.user}'s password")
            except Refused as error:
                self._tried.append(error.problems[0])
                return
            if server.takes_password(password):
                return
            if not server.takes("password"):
                break
        self._tried.append("the password is not accepted")


_opened: dict[Path, PKey] = {}
_opening = threading.Lock()


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
