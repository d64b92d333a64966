"""Whether a host is who it says: its key or certificate, judged by the known_hosts files as ssh judges it.

The order of the checks is sshconnect.c's, check_host_key.
"""

from __future__ import annotations

import base64
import shlex
import subprocess
import tempfile
import time
from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from paramiko import MissingHostKeyPolicy, PKey, SSHClient

from .certificate import Certificate, Untrusted, certificate_of, plain_key, rsa_bits, shown_time, vouches_by_pattern
from .known_hosts import KnownHosts, Line, as_lines, fingerprint, known_hosts, lines_in, lookup_name
from .output import clean
from .ssh_config import Options

if TYPE_CHECKING:
    from .connection import Node

CERTIFICATE = "-cert-v01@openssh.com"
COMMAND_SECONDS = 60
# What a CA may sign with, as ssh has it where nothing else is configured; SHA-1 not even where ssh_config allows it.
CA_ALGORITHMS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
RSA = ("rsa-sha2-512", "rsa-sha2-256")  # the algorithms in which a key of type ssh-rsa signs


class Trust:
    """What is known of one host, by its ssh_config.

    options: how the host is reached; `known_as` is the name that known_hosts has it under.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._known = known_hosts(options.known_hosts)
        self.known_as = options.alias or lookup_name(options.host, options.port)

    def key_types(self, available: Sequence[str]) -> list[str]:
        """Of the `available` host key algorithms those that ssh_config allows, the ones that can be checked first."""
        wanted = self._options.listed("hostkeyalgorithms") or list(available)
        allowed = [kind for kind in wanted if kind in available]
        lines = [line for name in self._names for line in self._lines(name, "ORDER")]
        types = {line.key_type for line in lines if line.marker == ""}
        known = {algorithm for kind in types for algorithm in (RSA if kind == "ssh-rsa" else (kind,))}
        checked = any(line.marker for line in lines) or self._options.revoked_keys
        if not checked:  # nothing here vouches for a certificate, or revokes one
            allowed = [kind for kind in allowed if CERTIFICATE not in kind] or allowed
        return sorted(allowed, key=lambda kind: CERTIFICATE not in kind and kind not in known)  # a stable sort

    def check(self, key: PKey, address: str | None) -> None:
        """Raises Untrusted unless `key`, with the certificate that it carries, is the host's.

        address: the host's IP address, or None if it is reached through another host or a program.
        """
        self._check_length(key)
        self._check_revoked_files(key)
        found = [_Found(self._lines(name, "HOSTNAME", key), key) for name in self._names]
        if found[0].revoked:
            raise found[0].revoked
        problem: Untrusted | None = None
        for lines in found:  # ssh tries the certificate by all names before it tries the plain key by any
            if lines.certificate and lines.authorities and not lines.revoked:
                problem = self._problem_of(lines.certificate, lines.authorities)
                if not problem:
                    return
        for lines in found:
            if lines.knows and not lines.revoked:
                self._check_address(key, address)
                return
            if lines.known:  # another key: ssh does not look under the name without its port
                break
        raise found[-1].revoked or self._refusal(key, found, problem)

    @property
    def file_with_another_key(self) -> Path | None:
        """The file to mend once a changed key is known to be right, unless it is the one that ssh-keygen would take."""
        usual = Path("~/.ssh/known_hosts").expanduser()
        has = (path for path in self._options.known_hosts if KnownHosts([path]).of(self.known_as))
        return next((path for path in has if path != usual), None)

    @property
    def _names(self) -> list[str]:
        """The names to look the host up by: off port 22 also without its port, unless it has an alias."""
        without_port = [] if self._options.alias or self._options.port == 22 else [self._options.host]
        return [self.known_as, *without_port]

    def _lines(self, name: str, reason: str, key: PKey | None = None) -> list[Line]:
        lines = self._known.of(name)
        if self._options.first("knownhostscommand") and name == self.known_as:  # ssh asks for no other name
            return lines + [line for line in self._told_by_command(name, reason, key) if line.is_for(name)]
        return lines

    def _check_length(self, key: PKey) -> None:
        wanted, bits = int(self._options.first("requiredrsasize") or 0), rsa_bits(key.asbytes())
        if bits is not None and bits < wanted:
            raise Untrusted(f"its RSA host key has {bits} bits, and RequiredRSASize is {wanted}", "uncertified")

    def _refusal(self, key: PKey, found: Sequence[_Found], problem: Untrusted | None) -> Untrusted:
        """Why the host is not believed, where neither its certificate nor its plain key is."""
        shown = f"{key.get_name()} {fingerprint(key.asbytes())}"
        known = found[0].known
        if any(line.key_type == key.get_name() for line in known):
            changed = f"its host key CHANGED to {shown}: somebody may be in between, or the host was reinstalled"
            return Untrusted(changed, "changed")
        if problem:
            return problem
        if known:
            kinds = ", ".join(dict.fromkeys(line.key_type for line in known))
            why = f"its host key {shown} is not in known_hosts, which has another for it ({kinds})"
            return Untrusted(why, "another")
        if any(lines.authorities for lines in found):
            return Untrusted(
                f"its host key {shown} is not in known_hosts; known_hosts trusts it by a certificate authority "
                "(@cert-authority), and the host showed no certificate",
                "uncertified",
            )
        followed = self._options.first("stricthostkeychecking", "ask").lower()
        waives = followed in ("no", "off", "false", "accept-new")
        added = f"; none is added here, whatever StrictHostKeyChecking {followed} says" if waives else ""
        return Untrusted(f"its host key {shown} is not in known_hosts{added}", "unknown")

    def _problem_of(self, certificate: Certificate, authorities: Sequence[bytes]) -> Untrusted | None:
        """Why the certificate does not vouch for this host; None if it does. The order is sshkey.c's."""
        name, now = self._options.alias or self._options.host.lower(), time.time()
        configured = self._options.listed("casignaturealgorithms")
        allowed = [kind for kind in CA_ALGORITHMS if not configured or kind in configured]
        signed_by = fingerprint(certificate.signed_by)
        if certificate.signed_by not in authorities:
            ours = ", ".join(map(fingerprint, dict.fromkeys(authorities)))
            why = f"is signed by {signed_by}; the certificate authority that known_hosts trusts for it is {ours}"
        elif certificate.broken:
            why = f"has no good signature: {certificate.broken}"
        elif not certificate.is_for_hosts:
            why = "is one for users, not for hosts"
        elif now < certificate.valid_after:
            why = f"is not valid before {shown_time(certificate.valid_after)}; the clock here says {shown_time(now)}"
        elif now >= certificate.valid_before:
            why = f"expired at {shown_time(certificate.valid_before)}; the clock here says {shown_time(now)}"
        elif name not in certificate.names and not vouches_by_pattern(certificate.names, name):
            why = f"is for {', '.join(certificate.names) or 'no host'}, and not for {name}"
        elif certificate.critical:
            why = f"has critical options that nobody knows: {', '.join(certificate.critical)}"
        elif certificate.algorithm not in allowed:
            why = f"is signed with {certificate.algorithm}; {', '.join(allowed)} are allowed (CASignatureAlgorithms)"
        else:
            return None
        return Untrusted(clean(f"its host certificate {why}"), "certificate")

    def _check_address(self, key: PKey, address: str | None) -> None:
        """CheckHostIP: a key that is known for the host, and another one for its address."""
        if not self._options.yes("checkhostip") or not address or certificate_of(key):
            return
        if ip_address(address).is_loopback or address == self._options.host:
            return
        known = [line for line in self._known.of(lookup_name(address, self._options.port)) if line.marker == ""]
        if known and not any(line.blob == key.asbytes() for line in known):
            why = f"its host key is another one than known_hosts has for its address {address} (CheckHostIP)"
            raise Untrusted(why, "changed")

    def _check_revoked_files(self, key: PKey) -> None:
        """RevokedHostKeys: keys as text, or a key revocation list, which ssh-keygen reads."""
        for path in self._options.revoked_keys:
            try:
                content = path.read_bytes()
            except OSError as error:
                raise Untrusted(f"RevokedHostKeys {path} cannot be read: {error.strerror}", "revoked") from None
            certificate = certificate_of(key)
            shown = {key.asbytes(), *([certificate.signed_by] if certificate else [])}
            if content.startswith(b"SSHKRL\n"):
                revoked = _in_revocation_list(path, key)
            else:
                revoked = any(_revokes(line.blob, shown) for line in lines_in(b"\n".join(as_lines(content))))
            if revoked:
                shown_key = f"{key.get_name()} {fingerprint(key.asbytes())}"
                raise Untrusted(f"its host key {shown_key} is revoked by {path}", "revoked")

    def _told_by_command(self, name: str, reason: str, key: PKey | None) -> list[Line]:
        """The lines that KnownHostsCommand prints; like ssh, without a shell."""
        command = self._options.first("knownhostscommand")
        blob = key.asbytes() if key else b""
        tokens = {
            "H": name,
            "I": reason,
            "t": key.get_name() if key else "NONE",
            "K": base64.b64encode(blob).decode() if key else "NONE",
            "f": fingerprint(blob) if key else "NONE",
        }
        try:
            program, *arguments = shlex.split(command)
            words = [program, *(self._options.resolved(word, **tokens) for word in arguments)]
            done = subprocess.run(
                words, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=COMMAND_SECONDS
            )
        except OSError:  # ssh goes on without what cannot be started
            return []
        except (ValueError, subprocess.TimeoutExpired) as error:
            raise Untrusted(f"KnownHostsCommand {command}: {error}", "command") from None
        if done.returncode:
            said = clean(done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2])
            raise Untrusted(f"KnownHostsCommand {command}: exit status {done.returncode}: {said}", "command")
        return list(lines_in(done.stdout))


@dataclass(frozen=True)
class _Found:
    """The lines of known_hosts for one name, beside the key that a host shows."""

    lines: Sequence[Line]
    key: PKey

    @cached_property
    def certificate(self) -> Certificate | None:
        """What the host shows beside its key."""
        return certificate_of(self.key)

    @property
    def authorities(self) -> list[bytes]:
        """Who may vouch for the host."""
        return [line.blob for line in self.lines if line.marker == "@cert-authority"]

    @property
    def known(self) -> list[Line]:
        """The host's plain keys."""
        return [line for line in self.lines if line.marker == ""]

    @property
    def knows(self) -> bool:
        """Is the plain key one of them?"""
        return any(line.blob == self.key.asbytes() for line in self.known)

    @cached_property
    def revoked(self) -> Untrusted | None:
        """Why not to believe a key, or the authority behind a certificate, that is marked @revoked."""
        plain = self.key.asbytes()
        revoked = [line.blob for line in self.lines if line.marker == "@revoked"]
        if any(_revokes(blob, {plain}) for blob in revoked):
            shown = f"{self.key.get_name()} {fingerprint(plain)}"
            return Untrusted(f"its host key {shown} is marked @revoked in known_hosts", "revoked")
        if self.certificate and any(_revokes(blob, {self.certificate.signed_by}) for blob in revoked):
            ca = fingerprint(self.certificate.signed_by)
            return Untrusted(f"the CA of its host certificate, {ca}, is marked @revoked in known_hosts", "revoked")
        return None


def _revokes(listed: bytes, keys: Container[bytes]) -> bool:
    """Does a revoked key, or a certificate with it, stand for one of `keys`? What counts is the key in it."""
    return listed in keys or plain_key(listed) in keys


def _in_revocation_list(path: Path, key: PKey) -> bool:
    """Does the key revocation list have the key, or the certificate that it came with?"""
    public = key.public_blob
    shown = (public.key_type, public.key_blob) if public else (key.get_name(), key.asbytes())
    with tempfile.NamedTemporaryFile("w", suffix=".pub") as file:
        file.write(f"{shown[0]} {base64.b64encode(shown[1]).decode()}\n")
        file.flush()
        try:
            command = ["ssh-keygen", "-Q", "-f", str(path), file.name]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        except OSError as error:
            raise Untrusted(f"RevokedHostKeys {path} cannot be read without ssh-keygen: {error}", "revoked") from None
    return done.returncode != 0


class Strict(MissingHostKeyPolicy):
    """paramiko knows no host by itself, and asks here about every key."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def missing_host_key(self, client: SSHClient, hostname: str, key: PKey) -> None:
        """Raises what the host's trust says against it."""
        node, transport = self._node, client.get_transport()
        straight = transport and not (node.gateway or node.proxy)
        node.trust.check(key, transport.getpeername()[0] if transport and straight else None)
