"""Why a host is not reached, and what to type about it: one sentence for everything that can end a connection."""

from __future__ import annotations

import shlex
import socket
from typing import TYPE_CHECKING

from fabric import Connection
from paramiko.ssh_exception import AuthenticationException, ChannelException, IncompatiblePeer

from ..errors import Unreachable
from .certificate import Untrusted
from .output import clean
from .userauth import LoginFailed

if TYPE_CHECKING:
    from .connection import Node


class Unanswered(Unreachable):
    """A host asked something, and there was no answer in time."""


def unreachable(node: Node, error: Exception) -> Unreachable:
    """The error that tells an operator why `node` could not be connected to."""
    by_ssh = f"{node.options.ssh()} true"
    if isinstance(error, Untrusted):
        return Unreachable(f"{node.label}: {error}", next_line=_what_helps(node, error.kind))
    if isinstance(error, LoginFailed):
        why = f"{node.label}: does not let {node.user} in: {error}"
        return Unreachable(why, next_line=error.next_line or by_ssh)
    return Unreachable(f"{node.label}: {_reason(node, error)}", next_line=by_ssh)


def _reason(node: Node, error: Exception) -> str:
    if node.proxy and (failure := node.proxy.failure):
        return failure
    if isinstance(error, AuthenticationException):
        return f"does not let {node.user} in: {error}"
    if isinstance(error, IncompatiblePeer):
        return f"it has no algorithm in common with this program's SSH library (paramiko); ssh may have one: {error}"
    if "SSH protocol banner" in str(error) or str(error) == "No existing session":
        where = f"its ProxyCommand ({clean(node.proxy.command)}) runs" if node.proxy else f"port {node.port} is open"
        return f"{where}, but there was no SSH banner in {node.login.seconds:.0f} s"
    if isinstance(error, TimeoutError):
        return f"no answer on port {node.port} in time"
    if isinstance(error, socket.gaierror):
        return f"the name {node.host} cannot be resolved"
    if isinstance(error, ChannelException) and isinstance(node.gateway, Connection):
        return f"the {node.gateway.label} cannot reach it: {error.text}"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _what_helps(node: Node, kind: str) -> str | None:
    """What to type about a host that is not believed, by the kind of `Untrusted`."""
    if kind == "changed":
        file = node.trust.file_with_another_key
        of = f" -f {shlex.quote(str(file))}" if file else ""
        return f"ssh-keygen -R {shlex.quote(node.trust.known_as)}{of}  # only after you have found out why it changed"
    if kind in ("unknown", "another"):
        if node.proxy:
            return f"{node.options.ssh()} true"
        return f"{_scan(node)}  # only after you have compared the fingerprint"
    if kind in ("certificate", "uncertified", "command"):  # only who has the CA's key can mend it; this shows them what
        return f"{node.options.ssh('-v')} true"
    return None


def _scanned(node: Node) -> str:
    """ssh-keyscan from where the host can be seen: here, or its jump host."""
    port = f"-p {node.port} " if node.port != 22 else ""
    command = f"ssh-keyscan {port}{node.host}"
    return f"{node.gateway.options.ssh()} {command}" if isinstance(node.gateway, Connection) else command


def _scan(node: Node) -> str:
    """The command that makes the host's key known, under the name that it is looked for."""
    files = node.options.user_known_hosts
    home = f"{node.options.expanded('%d')}/"
    name = str(files[0]) if files else f"{home}.ssh/known_hosts"
    under_home = name.removeprefix(home)
    file = f"~/{under_home}" if under_home != name and shlex.quote(under_home) == under_home else shlex.quote(name)
    alias = node.options.alias
    named = f" | sed {shlex.quote(f's/^[^ ]* /{alias} /')}" if alias else ""
    return f"{_scanned(node)}{named} >> {file}"
