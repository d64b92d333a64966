"""Ask every host of a set for its facts, all at once."""

from __future__ import annotations

import time
from dataclasses import replace

from ..errors import Unreachable
from ..fleet.hosts import App, Host, HostSet
from ..fleet.machines import Machines
from . import preflight
from .preflight import Facts

LOOK_SECONDS = 120


def look(machines: Machines, app: App, host_set: HostSet, repos: bool) -> dict[Host, Facts]:
    """The facts of every host of a set, in one round trip each. Raises Unreachable for a host that is lost now."""
    facts = dict.fromkeys(machines.unreachable, preflight.UNREACHED) | ask_hosts(machines, app, host_set, repos)
    lost = [host for host in host_set.hosts if host not in facts]
    if lost:
        problems = [
            f"{host.short}: was lost, or did not answer in {LOOK_SECONDS} s, while it was looked at" for host in lost
        ]
        raise Unreachable(*problems, next_line=f"fab {host_set.name} status")
    return facts


def ask_hosts(machines: Machines, app: App, host_set: HostSet, repos: bool) -> dict[Host, Facts]:
    """The facts of those hosts of the set that answer.

    repos: also what the repositories offer, see `preflight.script`.
    """
    script = preflight.script(app, host_set, repos)
    asked_at = time.time()
    outcomes = machines.do(dict.fromkeys(host_set.hosts, script), max(2, host_set.at_once), seconds=LOOK_SECONDS)
    return {
        host: replace(
            preflight.read(app, host_set, outcome.output, repos, asked_at),
            problems=(f"cannot be looked at: {outcome.failure}",) if outcome.failure else (),
        )
        for host, outcome in outcomes.items()
        if outcome.known
    }
