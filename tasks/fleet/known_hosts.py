"""known_hosts files, read so that no line can hide another; the format is sshd(8)'s, SSH_KNOWN_HOSTS FILE FORMAT.

paramiko stops at the first `@cert-authority` or `@revoked` line and loses every key after it; Fedora's file starts with
such lines.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from paramiko import Message


@dataclass(frozen=True)
class Line:
    """One line that could be read: who it is for, what it says (`""`, `@revoked` or `@cert-authority`), the key."""

    patterns: str
    marker: str
    key_type: str
    blob: bytes

    def is_for(self, name: str) -> bool:
        """Does the line's host field match `name` (`host`, or `[host]:port` off port 22)?"""
        if self.patterns.startswith("|1|"):
            return _hashed(self.patterns, name)
        matched = False
        for pattern in self.patterns.split(","):
            if matches(name, pattern.removeprefix("!")):
                if pattern.startswith("!"):
                    return False
                matched = True
        return matched


class KnownHosts:
    """The lines of several known_hosts files together.

    paths: the files; one that does not exist or cannot be read counts as empty, as OpenSSH has it.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._by_name: dict[str, list[Line]] = {}
        self._patterns: list[Line] = []
        for line in (line for path in paths for line in lines_in(_content(path))):
            if any(character in line.patterns for character in "*?!|"):
                self._patterns.append(line)
            else:
                for name in line.patterns.lower().split(","):
                    self._by_name.setdefault(name, []).append(line)

    def of(self, name: str) -> list[Line]:
        """The lines for `name`, a host or `[host]:port`."""
        return self._by_name.get(name.lower(), []) + [line for line in self._patterns if line.is_for(name)]


def known_hosts(paths: tuple[Path, ...]) -> KnownHosts:
    """The files' lines, read once for all hosts, and again when a file has changed."""
    return _read(tuple((path, _version(path)) for path in paths))


@cache
def _read(files: tuple[tuple[Path, object], ...]) -> KnownHosts:
    return KnownHosts(path for path, _ in files)


def _version(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def lookup_name(host: str, port: int) -> str:
    """What known_hosts calls a host: its name, or `[name]:port` off port 22."""
    return host if port == 22 else f"[{host}]:{port}"


def blob_type(blob: bytes) -> str:
    """The type that a public key, or a certificate, says it is of."""
    return Message(blob).get_binary().decode("latin-1")


def fingerprint(blob: bytes) -> str:
    """The SHA256 fingerprint of a public key as `ssh-keygen -l` prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def lines_in(content: bytes) -> Iterator[Line]:
    """The lines of a known_hosts file that can be read; what ssh skips is skipped."""
    for raw in content.split(b"\n"):  # str.splitlines knows more line ends than OpenSSH does
        fields = raw.decode("utf-8", "replace").split()
        marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
        if len(fields) < 3 or fields[0].startswith("#") or marker not in ("", "@revoked", "@cert-authority"):
            continue
        try:
            blob = base64.b64decode(fields[2], validate=True)
        except (binascii.Error, ValueError):
            continue  # garbage: OpenSSH skips it too
        if blob_type(blob) == fields[1]:
            yield Line(fields[0], marker, fields[1], blob)


def as_lines(content: bytes) -> Iterator[bytes]:
    """A file of public keys, one a line, as lines of known_hosts."""
    return (b"* " + raw for raw in content.split(b"\n") if raw.strip() and not raw.lstrip().startswith(b"#"))


def matches(name: str, pattern: str) -> bool:
    """ssh's patterns know * and ? only."""
    return fnmatchcase(name.lower(), pattern.lower().replace("[", "[[]"))


def _hashed(field: str, name: str) -> bool:
    try:
        _, _, salt, digest = field.split("|")
        expected = hmac.new(base64.b64decode(salt), name.lower().encode(), hashlib.sha1).digest()
        return hmac.compare_digest(expected, base64.b64decode(digest))
    except (ValueError, binascii.Error):
        return False
