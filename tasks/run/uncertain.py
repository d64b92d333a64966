"""What became of a step whose end nobody saw: looked at where it was kept, and followed on, never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from ..fleet import detached
from ..fleet.groups import Pool
from ..fleet.outcome import Outcome
from ..inventory.model import Host
from .lock import RunLock, says
from .remaining import Remaining

LOOK_SECONDS = 60


def found_out(
    unknown: Mapping[Host, Outcome], rest: Remaining, scripts: Mapping[Host, str], run_lock: RunLock
) -> dict[Host, Outcome]:
    """The outcomes once more, better known where a host could be asked.

    scripts: what was sent: a step that has ended meanwhile is followed to the end that it had. Of one that still runs,
    and where the host does not answer, the outcome stays unknown; then nothing may be begun after it.
    """
    if not unknown:
        return {}
    asked = dict.fromkeys(unknown, detached.states(run_lock.run_folder))
    looks = run_lock.machines.ask(asked, LOOK_SECONDS, "to say what became of the step")
    kept = {host: detached.read_states(o.output).get(rest.names[host]) for host, o in looks.items() if not o.failure}
    ended = [host for host, state in kept.items() if state not in (None, "runs")]
    again = {host: scripts[host] for host in ended}
    followed = run_lock.machines.carry_out(again, partial(Pool.of, at_once=32), LOOK_SECONDS, "to answer", means=says)
    found = {}
    for host, outcome in unknown.items():
        if host in followed and followed[host].known:
            found[host] = replace(followed[host], seconds=outcome.seconds, began=outcome.began)
        else:
            still = "it still runs" if kept.get(host) == "runs" else "the host cannot tell"
            found[host] = replace(outcome, failure=f"{outcome.failure}; {still}")
    return found
