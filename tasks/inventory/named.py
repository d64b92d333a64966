"""Which hosts are meant: `fab prod X`, `fab -H prod X`, `fab -H blockerbugs01 X` come to the same here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from invoke import Context

from ..errors import Refused

if TYPE_CHECKING:
    from .model import Host, HostSet, Inventory


@dataclass(frozen=True)
class Target:
    """A set, the hosts of it that are meant, and the words that say so again: `prod`, `-H blockerbugs01`."""

    host_set: HostSet
    hosts: tuple[Host, ...]
    asked_as: str


def choose(context: Context, set_name: str) -> None:
    """Remember the set of `fab SET`, for the tasks that follow on the line.

    Raises Refused for a second set before any task has used the first, and for `-H` naming another one.
    """
    chosen = context.config.target
    if chosen.set and chosen.set != set_name and not chosen.used:
        raise Refused(
            f"two host sets on one line, {chosen.set} and {set_name}: each is upgraded by a command of its own",
            next_line=f"fab {chosen.set} TASK, and then fab {set_name} TASK",
        )
    typed = _after_dash_h(context)
    if typed and typed != set_name:
        raise Refused(
            f"-H {typed} and the set {set_name} on one line",
            next_line=f"fab {set_name} TASK, or fab -H {typed} TASK",
        )
    context.config.target.set = set_name
    context.config.target.used = False


def named(context: Context) -> str | None:
    """What the operator called the hosts, or None if nothing was said."""
    return _after_dash_h(context) or context.config.target.set or None


def find(name: str | None, inventory: Inventory, task: str, sandbox: Sequence[str] = ()) -> Target:
    """The target that `name` means. Raises Refused for no name, and for one that no set and no host has.

    sandbox: the names that mean the sandbox, its set first, which hosts.yml does not have.
    """
    if name is None:
        first = next(iter(inventory.host_sets), "SET")
        raise Refused(f"{task}: on which hosts?", next_line=f"fab {first} {task}")
    found = inventory.find(name)
    if found is None:
        near = get_close_matches(name, [*inventory.names(), *sandbox], n=1)
        shown = name if len(name) <= 60 else name[:57] + "..."
        raise Refused(
            f"{shown!a} is no host set and no host; the sets are {', '.join([*inventory.host_sets, *sandbox[:1]])}"
            + (f"; did you mean {near[0]}?" if near else ""),
            next_line=f"the same with -H {near[0]}" if near else "fab --list",
        )
    host_set, hosts = found
    whole = len(hosts) == len(host_set.hosts)
    return Target(host_set, hosts, host_set.name if whole else f"-H {hosts[0].short}")


def _after_dash_h(context: Context) -> str | None:
    """The host that `-H` named: Fabric then hands the task a Connection, not yet open, instead of a Context.

    Raises Refused for `user@host` and `host:port`: ssh_config says how a host is reached.
    """
    host: str | None = getattr(context, "original_host", None)
    if host is not None:
        named: Any = context  # Fabric's Connection, which this module does without: `invoke --list` has none
        plain = type(named)(host, config=named.config)
        if (named.user, named.port) != (plain.user, plain.port):
            raise Refused(
                f"-H with a user or a port: ssh_config says how {host} is reached", next_line=f"fab -H {host} …"
            )
    return host.strip() if host else host
