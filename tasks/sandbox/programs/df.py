"""df: `df -Pk PATH…`; mounts and how full they are come out of the host's state."""

from __future__ import annotations

import os

from ._ends import Quit
from ._host import Host, complain, say


def run(host: Host, args: list[str]) -> None:
    """One line of POSIX output for each path, in 1024-byte blocks."""
    unknown = [a for a in args if a.startswith("-") and not set(a[1:]) <= set("Pk")]
    if unknown:
        complain(f"df: invalid option -- '{unknown[0].lstrip('-')[:1]}'\nTry 'df --help' for more information.")
        raise Quit(1)
    disk = host.state()["disk"]
    lines, status = [], 0
    for name in [a for a in args if not a.startswith("-")] or sorted(disk):
        path = host.path(name)
        if not os.path.exists(path):
            complain(f"df: '{name}': No such file or directory")
            status = 1
            continue
        inside = os.path.normpath(path).removeprefix(host.root) if f"{path}/".startswith(f"{host.root}/") else "/"
        mount = max((m for m in disk if (inside + "/").startswith(m.rstrip("/") + "/")), key=len)
        total, used = disk[mount]["total"], disk[mount]["used"]
        percent = -(-100 * used // total)
        lines.append(f"{disk[mount]['device']:<23} {total:>11} {used:>9} {total - used:>9} {percent:>7}% {mount}")
    if lines:
        say(f"{'Filesystem':<23} {'1024-blocks':>11} {'Used':>9} {'Available':>9} {'Capacity':>8} Mounted on")
        say("\n".join(lines))
    raise Quit(status)
