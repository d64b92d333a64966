"""The way back to the build before, after a run that did not end well: the line for it, or why there is none. Pure."""

from __future__ import annotations

from dataclasses import replace

from ..errors import SopError
from ..inventory.model import Host
from ..lines import Line
from ..ranges import listed
from ..sop.model import Facts
from ..sop.nvr import Nvr
from ..sop.workflows import ROLLBACK
from .decide import decide
from .state import Run


def way_back(run: Run) -> Line | None:
    """What goes back to the build before, and what that would do now; None where no host has the new one.

    Where it would be refused nothing can be typed, and the line only says why.
    """
    plan, request = run.plan, run.plan.request
    hosts = {host: run.afterwards[host] for host in request.host_set.hosts if host in run.afterwards}
    earlier = [found.previous for found in hosts.values() if found.installed == plan.target]
    if not plan.target or request.procedure.back or not earlier:
        return None
    typed = plan.typed(ROLLBACK.name)
    lost = [host.short for host in request.host_set.hosts if host not in hosts]
    if lost:
        return _refused(f"{listed(lost)}: cannot be reached")
    asked = all(plan.facts[host].offered is not None for host in hosts)
    facts = _with_offers(run, None if asked else dict.fromkeys(filter(None, earlier), ""))
    # What the proxies would say is asked when it is typed: a run that drains nothing has not looked at them.
    host_set = request.host_set.model_copy(update={"balancer": None})
    back, why = replace(request, procedure=ROLLBACK, host_set=host_set), ""
    for version in (None, *(nvr.vr for nvr in earlier[:1] if nvr)):
        try:
            target = decide(replace(back, version=version), facts).target
        except SopError as error:
            why = error.problems[0]
        else:
            how = "host after host" if asked else "if the build is still in the repo"
            if version:
                sync = run.afterwards.get(request.host_set.sync)
                unseen = sync and sync.revision is None and sync.migrated_with == plan.target
                last = "; restore the database first" if unseen else ""
                return Line("then", f"{typed} --version {version}", f"rolls back {how}{last}")
            return Line("then", typed, f"rolls back to {target} {how}")
    return _refused(why)


def _refused(why: str) -> Line:
    return Line("", "", f"{ROLLBACK.name} would be refused: {why}")


def _with_offers(run: Run, guessed: dict[Nvr, str] | None) -> dict[Host, Facts]:
    """What the hosts are like now. What is on offer was asked for the plan, unless it was made for a resume."""
    return {
        host: replace(found, offered=run.plan.facts[host].offered if guessed is None else guessed)
        for host, found in run.afterwards.items()
    }
