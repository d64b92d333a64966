"""Which set, and which hosts of it, a name means: `prod`, `blockerbugs01`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from .. import lines
from ..errors import Refused

if TYPE_CHECKING:
    from .model import Host, HostSet, Inventory


@dataclass(frozen=True)
class Target:
    """A set, the hosts of it that are meant, and the words that say so again: `prod`, `-H blockerbugs01`."""

    host_set: HostSet
    hosts: tuple[Host, ...]
    asked_as: str


def find(
    name: str | None, inventory: Inventory, task: str, sandbox: Sequence[str] = (), file: Path | None = None
) -> Target:
    """The target that `name` means. Raises Refused for no name, for one that no set and no host has, and for a
    host of several sets.

    sandbox: the names that mean the sandbox, its set first, which hosts.yml does not have; file: which hosts.yml it is.
    """
    if name is None:
        first = next(iter(inventory.host_sets), "SET")
        raise Refused(f"{task}: on which hosts?", next_line=f"fab {first} {task}")
    found = inventory.find(name)
    if not found:
        for one in inventory.host_sets.values():
            if any(proxy.answers_to(name) for proxy in one.proxies):
                raise Refused(
                    f"{name} is a proxy of {one.name}: name the set, or a host", next_line=f"fab {one.name} status"
                )
        # Whoever named one machine is not to be led to a whole set by a word that is hardly alike.
        near = get_close_matches(name, [*inventory.names(), *sandbox], n=1, cutoff=0.8)
        shown = name if len(name) <= 60 else name[:57] + "..."
        of, sets = f" of {file}" if file else "", ", ".join([*inventory.host_sets, *sandbox[:1]])
        raise Refused(
            f"{shown!a} is no host set and no host; the sets{of} are {sets}"
            + (f"; did you mean {near[0]}?" if near else ""),
            next_line=lines.mended(name, near[0]) or f"fab -H {near[0]} {task}" if near else "fab --list",
        )
    if len(found) > 1:
        several = [host_set.name for host_set, _ in found]
        raise Refused(
            f"{name} is a host of {' and '.join(several)}: name the set", next_line=f"fab {several[0]} {task}"
        )
    host_set, hosts = found[0]
    whole = len(hosts) == len(host_set.hosts)
    return Target(host_set, hosts, host_set.name if whole else f"-H {hosts[0].short}")
