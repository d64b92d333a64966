"""What there is to log in with: files of keys and certificates, and what an agent holds."""

from __future__ import annotations

import base64
import binascii
import os
import socket
from contextlib import suppress
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)
from paramiko import ECDSAKey, Ed25519Key, Message, PKey, RSAKey
from paramiko.agent import AgentKey, AgentSSH
from paramiko.ssh_exception import SSHException

from .known_hosts import blob_type

_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"


class KeyFile:
    """A file of IdentityFile: a private key, or only the public half of one that an agent holds.

    blob: the public half, where ssh looks for it: the file itself, FILE.pub, the private key; certificate: beside it;
    key: the private key, if it needs no passphrase; problem: why there is nothing.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.private, self.encrypted = path, False, False
        self.key: PKey | None = None
        self.problem: str | None = None
        self.blob = public_key(path) or public_key(path.with_name(f"{path.name}.pub"))
        self.certificate = public_key(path.with_name(f"{path.name}-cert.pub"))
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
            self.key = private_key(content)
            self.blob = self.blob or self.key.asbytes()
        except Exception as error:  # noqa: BLE001  # each kind of key and each library has its own errors
            self.blob = self.blob or public_half(content)
            self.encrypted = isinstance(error, TypeError)  # cryptography's word for a passphrase that is missing
            self.private = self.encrypted
            self.problem = None if self.encrypted else f"cannot be read: {error}"


@lru_cache(maxsize=64)
def private_key(content: bytes, passphrase: bytes | None = None) -> PKey:
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


class Agent(AgentSSH):
    """The agent behind a socket, for a `with`; paramiko's own looks at SSH_AUTH_SOCK only.

    keys: by their public half; none, where there is no agent. problem: why there is none, if one was named.
    seconds: for it to list its keys.
    """

    def __init__(self, path: str | None, seconds: float) -> None:
        super().__init__()
        self._path, self._seconds = path, seconds
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.problem: str | None = None
        self.keys: dict[bytes, AgentKey] = {}

    def __enter__(self) -> Self:
        self._socket.settimeout(self._seconds)
        try:
            if self._path:
                self._socket.connect(self._path)
                self._connect(self._socket)  # type: ignore[attr-defined]  # the stubs leave it out
        except (OSError, SSHException) as error:
            self.problem = f"the agent at {self._path} does not answer: {getattr(error, 'strerror', None) or error}"
        self._socket.settimeout(None)  # to sign, it may ask somebody, who may take their time
        self.keys = {key.blob: key for key in self.get_keys()}
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.close()

    def leave(self) -> None:
        """Wait for it no longer, in whatever thread that is."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


def shown_key(key: AgentKey) -> str:
    """What messages call a key that an agent holds."""
    return f"the agent's key '{key.comment or key.get_name()}'"


def public_key(path: Path) -> bytes | None:
    """The public key or certificate in a file of one line, or None."""
    try:
        kind, body, *_ = path.read_bytes().split()
        blob = base64.b64decode(body, validate=True)
        return blob if blob_type(blob).encode() == kind else None
    except (OSError, binascii.Error, ValueError):
        return None


def public_half(content: bytes) -> bytes | None:
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
