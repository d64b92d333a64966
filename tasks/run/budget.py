"""How many hosts may fail before a run ends: `fail_budget` of hosts.yml. Pure."""

from __future__ import annotations

from ..fleet import detached
from ..inventory.batches import share
from .state import Run

ENDS = (detached.TAKEN_OVER, detached.HELD)  # nothing of the host's: the set is somebody else's


def used_up(run: Run) -> bool:
    """Do the failures so far end the run? Without a budget the first one does.

    What the run cannot do without, its lock's host or a proxy, has none; nor has a build that wants another procedure.
    """
    failures, request = run.failures, run.plan.request
    if not failures:
        return False
    meant = run.plan.job.hosts if run.plan.job else ()
    allowed = int(share(request.host_set.fail_budget) * len(meant) + 1e-9) if request.procedure.rolling else 0
    refused = any(phase.step.gate and o.failure for phase, results in run.outcomes for o in results.values())
    without = any(host == request.host_set.sync or host not in meant for host in failures)
    ended = any(outcome.exited in ENDS for outcome in failures.values())
    return refused or without or ended or len(failures) > allowed
