"""known_hosts, read so that no line can hide another.

paramiko stops at the first `@cert-authority` or `@revoked` line and loses every key after it, and knows no
wildcards; Fedora's file starts with such lines. The format is sshd(8)'s, SSH_KNOWN_HOSTS FILE FORMAT.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from paramiko import PKey


def key_files(ssh_config: Mapping[str, str]) -> tuple[Path, ...]:
    """The files that ssh_config(5)'s options name for a host, or its defaults. Raises ValueError, naming the option."""
    user = _named(ssh_config, "UserKnownHostsFile", "~/.ssh/known_hosts ~/.ssh/known_hosts2")
    system = _named(ssh_config, "GlobalKnownHostsFile", "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2")
    return tuple(_path(name) for name in (*user, *system) if name != "none")


def first_key_file(ssh_config: Mapping[str, str]) -> str:
    """The operator's own file, to which a key that was compared is appended, as a shell takes it."""
    name = next(iter(_named(ssh_config, "UserKnownHostsFile", "~/.ssh/known_hosts")), "~/.ssh/known_hosts")
    return name if re.fullmatch("~/[\\w./-]+", name) else shlex.quote(name)


def _named(ssh_config: Mapping[str, str], option: str, default: str) -> list[str]:
    """paramiko has taken the quotes off the value's ends: where it is a file, its blanks are the name's."""
    value = ssh_config.get(option.lower(), default)
    if _path(value).is_file():
        return [value]
    words = shlex.shlex(f'"{value}"' if re.search('"\\s+"', value) else value, posix=True)
    words.whitespace_split, words.quotes, words.escape, words.commenters = True, '"', "", ""
    try:
        return list(words)
    except ValueError as error:
        raise ValueError(f"{option} {value}: {error}") from None


def _path(name: str) -> Path:
    return Path(os.path.expanduser(name))  # noqa: PTH111  # leaves ~nobody


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
            if fnmatchcase(name.lower(), pattern.removeprefix("!").lower().replace("[", "[[]")):
                if pattern.startswith("!"):
                    return False
                matched = True
        return matched


class KnownHosts:
    """The keys of several known_hosts files together.

    paths: the files; one that does not exist or cannot be read counts as empty, as OpenSSH has it.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self.paths = tuple(paths)
        self._by_name: dict[str, list[Line]] = {}
        self._patterns: list[Line] = []
        for line in (line for path in self.paths for line in _lines(path)):
            if any(character in line.patterns for character in "*?!|"):
                self._patterns.append(line)
            else:
                for name in line.patterns.lower().split(","):
                    self._by_name.setdefault(name, []).append(line)

    def _of(self, name: str) -> list[Line]:
        return self._by_name.get(name.lower(), []) + [line for line in self._patterns if line.is_for(name)]

    def accepts(self, name: str, key: PKey) -> str | None:
        """None if `key` is a known key of `name`; otherwise why not, as one sentence without the host."""
        mine = self._of(name)
        same = [line for line in mine if line.blob == key.asbytes()]
        shown = f"{key.get_name()} {fingerprint(key)}"
        if any(line.marker == "@revoked" for line in same):
            return f"its host key {shown} is marked @revoked in known_hosts"
        if any(line.marker == "" for line in same):
            return None
        if any(line.marker == "" and line.key_type == key.get_name() for line in mine):
            return f"its host key CHANGED to {shown}: somebody may be in between, or the host was reinstalled"
        if any(line.marker == "@cert-authority" for line in mine):
            return (
                f"its host key {shown} is not in known_hosts, only a @cert-authority line is, "
                "and host certificates are not supported here: add the plain key"
            )
        return f"its host key {shown} is not in known_hosts"

    def key_types(self, name: str) -> list[str]:
        """The types of the keys known for `name`, to ask the server for one that can be checked."""
        return list(dict.fromkeys(line.key_type for line in self._of(name) if line.marker == ""))


def lookup_name(host: str, port: int) -> str:
    """What known_hosts calls a host: its name, or `[name]:port` off port 22."""
    return host if port == 22 else f"[{host}]:{port}"


def fingerprint(key: PKey) -> str:
    """The SHA256 fingerprint as `ssh-keygen -l` prints it."""
    digest = hashlib.sha256(key.asbytes()).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def _lines(path: Path) -> Iterator[Line]:
    try:
        content = path.read_bytes()
    except OSError:
        return
    for raw in content.split(b"\n"):  # str.splitlines knows more line ends than OpenSSH does
        fields = raw.decode("utf-8", "replace").split()
        marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
        if len(fields) < 3 or fields[0].startswith("#") or marker not in ("", "@revoked", "@cert-authority"):
            continue
        try:
            blob = base64.b64decode(fields[2], validate=True)
        except (binascii.Error, ValueError):
            continue  # garbage: OpenSSH skips it too
        yield Line(fields[0], marker, fields[1], blob)


def _hashed(field: str, name: str) -> bool:
    try:
        _, _, salt, digest = field.split("|")
        expected = hmac.new(base64.b64decode(salt), name.lower().encode(), hashlib.sha1).digest()
        return hmac.compare_digest(expected, base64.b64decode(digest))
    except (ValueError, binascii.Error):
        return False
