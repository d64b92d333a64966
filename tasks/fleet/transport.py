"""The SSH transport: it sends at once, notices a dead peer, and takes the algorithms that ssh_config allows."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

from paramiko import Message, Transport
from paramiko.ssh_exception import SSHException

from .output import clean
from .ssh_config import Options
from .trust import Trust

DEAD_AFTER_SECONDS = 30
IDLE_SECONDS = 1.0  # between two looks of a connection that is there: is it closed, does the keepalive want to be sent?


class SshTransport(Transport):
    """goodbye: what the server said when it hung up."""

    goodbye = ""
    host_key_types: tuple[str, ...] = ()

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """paramiko would ask for certificates last, and so never get one."""
        return self.host_key_types or tuple(super().preferred_keys)

    def rest(self) -> None:
        """Look less often whether anything is to be done: ten times a second is felt with hundreds of hosts."""
        if isinstance(self.sock, socket.socket):  # a jump host's channel is not woken by `close`
            self.sock.settimeout(IDLE_SECONDS)

    def close(self) -> None:
        """End it, also while its thread waits for the other side."""
        if self.is_active() and isinstance(self.sock, socket.socket):
            with suppress(OSError):  # first: to close it would wake nobody
                self.sock.shutdown(socket.SHUT_RDWR)
        super().close()

    def _parse_disconnect(self, message: Message) -> None:
        message.get_int()
        self.goodbye = clean(message.get_text())
        message.rewind()
        super()._parse_disconnect(message)  # type: ignore[misc]  # the stubs leave it out


def transport_of(options: Options, trust: Trust, sock: Any, **kwargs: Any) -> Transport:
    """A transport that sends at once, notices a dead peer, and takes the algorithms that ssh_config allows."""
    if isinstance(sock, socket.socket) and sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_AFTER_SECONDS * 1000)
    transport = SshTransport(sock, **kwargs)
    transport.host_key_types = tuple(trust.key_types(transport.preferred_keys))
    security = transport.get_security_options()
    for option, ours in (("ciphers", "ciphers"), ("macs", "digests"), ("kexalgorithms", "kex")):
        allowed = options.listed(option)
        both = [name for name in getattr(security, ours) if name in allowed]
        if allowed and not both:
            raise SSHException(f"ssh_config allows only {option} that are not known here: {', '.join(allowed)}")
        if allowed:
            setattr(security, ours, both)
    return transport
