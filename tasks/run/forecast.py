"""What to expect of an upgrade that stops the service: what the set before it went through with the same build."""

from __future__ import annotations

from ..inventory.model import HostSet
from ..journal.coding import read
from ..journal.forecast import Took, migration, with_build
from ..journal.history import runs
from ..sop import kept
from ..sop.model import Effect
from .decide import Plan
from .look import Reached

ANSWER_SECONDS = 10
RUNS = 20  # the latest that are looked through


def on_stage(plan: Plan, stage: HostSet | None, reached: Reached) -> Took | None:
    """How long the plan's build took on `stage`, out of the journals on its sync host; None where nobody knows."""
    if not (stage and plan.target and any(phase.step.httpd == Effect.DOWN for phase in plan.phases)):
        return None
    past = runs([read(_said(reached, stage, kept.history(stage.app, RUNS)))], stage.name)
    found = with_build(past, plan.target)
    if not found or found.httpd_down is None:
        return None
    journal = read(_said(reached, stage, kept.journal_of(stage.app, found.run)))
    return Took(stage.name, stage.app.service, found.run, found.httpd_down, migration(journal, found.run))


def usual(plan: Plan, reached: Reached) -> float | None:
    """How many seconds the longest of the last runs of this task took that went well; None where there was none."""
    host_set, task = plan.request.host_set, plan.request.procedure.name
    past = runs([read(_said(reached, host_set, kept.history(host_set.app, RUNS)))], host_set.name)
    return max((one.seconds for one in past if one.well and one.what == task and one.seconds), default=None)


def _said(reached: Reached, stage: HostSet, script: str) -> list[str]:
    outcome = reached.machines.ask({stage.sync: script}, ANSWER_SECONDS).get(stage.sync)
    return kept.said(outcome.output) if outcome and not outcome.failure else []
