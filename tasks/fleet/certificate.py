"""A host's certificate: read, and its signature verified, by the library that paramiko uses."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.hazmat.primitives.serialization.ssh import SSHCertificate, load_ssh_public_identity
from paramiko import Message, PKey
from paramiko.ssh_exception import SSHException

from .known_hosts import matches
from .output import clean


class Untrusted(SSHException):
    """The host is not believed. why: one sentence without its name; kind: what would help, see `unreachable`."""

    def __init__(self, why: str, kind: str) -> None:
        super().__init__(why)
        self.kind = kind


@dataclass(frozen=True)
class Certificate:
    """A host's certificate; times in seconds since 1970; broken: why its signature is none."""

    signed_by: bytes
    is_for_hosts: bool
    valid_after: int
    valid_before: int
    names: tuple[str, ...]
    critical: tuple[str, ...]
    algorithm: str
    broken: str | None


def certificate_of(key: PKey) -> Certificate | None:
    """The certificate that `key` came with, if it came with one."""
    public = key.public_blob
    if public is None:
        return None
    try:
        loaded = load_ssh_public_identity(f"{public.key_type} {base64.b64encode(public.key_blob).decode()}".encode())
        assert isinstance(loaded, SSHCertificate)
        _, _, authority = loaded.signature_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).partition(b" ")
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Untrusted(clean(f"its host certificate cannot be read: {error}"), "certificate") from None
    signed_by = base64.b64decode(authority)
    signature = Message(public.key_blob.rpartition(signed_by)[2]).get_binary()  # the field behind the CA's key
    broken = None
    try:
        loaded.verify_cert_signature()
    except InvalidSignature:
        broken = "it was not made by that certificate authority"
    except (ValueError, UnsupportedAlgorithm) as error:
        broken = str(error)
    return Certificate(
        signed_by=signed_by,
        is_for_hosts=loaded.type.name == "HOST",
        valid_after=loaded.valid_after,
        valid_before=loaded.valid_before,
        names=tuple(name.decode("utf-8", "replace") for name in loaded.valid_principals),
        critical=tuple(name.decode("utf-8", "replace") for name in loaded.critical_options),
        algorithm=Message(signature).get_text(),
        broken=broken,
    )


def vouches_by_pattern(names: Sequence[str], name: str) -> bool:
    """Does a certificate that does not list the host's own name vouch for it?

    Before OpenSSH 10.3 a certificate without any name vouches for every host, and patterns mean nothing. Since 10.3
    patterns count, and a certificate without any name vouches for none.
    """
    return any(matches(name, pattern) for pattern in names) if _openssh() >= (10, 3) else not names


@cache
def _openssh() -> tuple[int, int]:
    """The version of the ssh that is installed here; the newest, where there is none."""
    try:
        said = subprocess.run(["ssh", "-V"], stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True)
        found = re.search(r"OpenSSH_(\d+)[.](\d+)", said.stderr)
    except (OSError, UnicodeDecodeError):
        found = None
    return (int(found[1]), int(found[2])) if found else (sys.maxsize, 0)


def shown_time(seconds: float) -> str:
    """Seconds since 1970 as the time that a clock here would show."""
    try:
        return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M:%S %Z}"
    except (OverflowError, ValueError, OSError):
        return "the end of time"


def plain_key(certificate: bytes) -> bytes:
    """The public key in a certificate; nothing, if it cannot be read."""
    try:
        kind = Message(certificate).get_text()
        loaded = load_ssh_public_identity(f"{kind} {base64.b64encode(certificate).decode()}".encode())
        key = loaded.public_key() if isinstance(loaded, SSHCertificate) else loaded
        return base64.b64decode(key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1])
    except (ValueError, UnsupportedAlgorithm, SSHException):
        return b""


def rsa_bits(blob: bytes) -> int | None:
    """The length of an RSA key, or of the one in a certificate; None for other kinds."""
    fields = Message(plain_key(blob) or blob)
    if fields.get_binary() != b"ssh-rsa":
        return None
    fields.get_mpint()  # the exponent
    return int(fields.get_mpint().bit_length())
