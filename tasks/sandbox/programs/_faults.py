"""The faults that are switched on: one list in `home/faults.json`, used up one run at a time."""

from __future__ import annotations

import os

from ._files import change_json, read_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from ._files import Name

# These are what httpd does to a request, so they are seen by everybody who asks, not by one program run.
HTTPD_KINDS = frozenset({"slow", "loop", "drip", "unavailable"})
PROGRAM_KINDS = frozenset({"fail", "hang", "slow", "drop", "down", "restart", "nothing"})
# Of a migration: another session has locked what it changes, for `seconds`, or as long as PGOPTIONS lets it wait.
MIGRATION_KINDS = PROGRAM_KINDS | {"locked"}
# What a build answers that is bad: every httpd that runs another one than when the fault was switched on.
BUILD_KINDS = frozenset({"errors", "slower"})
# At a proxy's admin socket: haproxy is reloaded and forgets, or the socket may not change anything.
PROXY_KINDS = PROGRAM_KINDS | {"reload", "denied"}


def faults_file(home: Name) -> str:
    """Where the list is."""
    return os.path.join(home, "faults.json")


def peek(home: Name, host: str, step: str, kinds: Collection[str]) -> list[dict[str, Any]]:
    """The faults of these kinds that wait for this step on this host, in the order of injection."""
    try:
        every: list[dict[str, Any]] = read_json(faults_file(home))
    except FileNotFoundError:
        return []
    return [f for f in every if (f["host"], f["step"]) == (host, step) and f["kind"] in kinds and f["times"] > 0]


def take(home: Name, host: str, step: str, kinds: Collection[str]) -> list[dict[str, Any]]:
    """Like peek, and each of them has one time less afterwards."""
    if not peek(home, host, step, kinds):
        return []
    taken: list[dict[str, Any]] = []

    def use_up(every: list[dict[str, Any]]) -> None:
        for fault in every:
            if (fault["host"], fault["step"]) == (host, step) and fault["kind"] in kinds and fault["times"] > 0:
                fault["times"] -= 1
                taken.append(fault)

    change_json(faults_file(home), use_up)
    return taken
