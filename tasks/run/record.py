"""What the journal gets of a run, event by event. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from .. import clock
from ..errors import Code, SopError
from ..fleet.outcome import Outcome
from ..inventory.model import Host, HostSet
from ..journal.coding import Entry
from ..journal.downtime import Downtime, downtime
from ..journal.events import (
    VERSION,
    Abort,
    Backup,
    Became,
    Begin,
    Brought,
    Changed,
    End,
    Ended,
    Measured,
    Phase,
    Restarted,
    Span,
    Transacted,
    Watched,
)
from ..sop import model, transaction
from ..sop.model import Effect, Facts
from ..sop.restarts import Restart
from ..sop.workflows import RESTART_TOGETHER
from . import changed, unanswered
from .decide import Plan
from .judge import Finding
from .probe import Seen
from .state import Run

OUTPUT_LINES = 400
TOOL = "0.2.0"  # this tool's version, as pyproject.toml has it: a run is resumed by the one that began it, or refused
STOPS = (Effect.DOWN, Effect.BOUNCE)


def begin(plan: Plan, operator: str) -> Begin:
    """The plan: enough to make it again (resume), and what the set was like before."""
    request = plan.request
    meant = plan.job.hosts if plan.job else ()  # where the steps are the proxies' alone: a drain
    return Begin(
        operator=operator,
        set=request.host_set.name,
        procedure=request.procedure.name,
        target=str(plan.target) if plan.target else None,
        unverified=request.unverified,
        hosts={host.name: str(plan.facts[host].installed) for host in plan.hosts or meant},
        schema=plan.facts[request.host_set.sync].revision,
        asked_as=request.asked_as,
        order=tuple(host.name for host in plan.job.hosts) if plan.job else (),
        serial=request.serial,
        migrated=bool(plan.job and plan.job.migrated),
        signed=plan.job.signed if plan.job else (),
        together=request.procedure is RESTART_TOGETHER,
        steps=tuple(tuple(row) for row in plan.steps),
        hosts_yml=changed.fixed(request.host_set),
        settings=changed.loose(request.host_set),
        version=TOOL,
        stops_httpd=any(phase.step.httpd in STOPS and not phase.step.looks for phase in plan.phases),
        migrations=brought(plan),
        down=tuple(host.name for host in request.host_set.serving if plan.facts[host].stopped),
        journal=VERSION,
    )


def brought(plan: Plan) -> tuple[Brought, ...] | None:
    """The schema migrations that the plan's build brings; None where that is not known."""
    if plan.migrations is None:
        return None
    return tuple(Brought(one.file, one.verdict, one.why, one.whole) for one in plan.migrations)


def phase(set_name: str, number: int, total: int, part: model.Phase) -> Phase:
    """A phase is about to begin on these hosts."""
    return Phase(
        set=set_name,
        number=number,
        total=total,
        step=part.step.name,
        says=part.step.says,
        command=part.step.shown,
        httpd=part.step.httpd.value,
        hosts=tuple(host.name for host in part.hosts),
    )


def ended(host_set: HostSet, number: int, part: model.Phase, results: Mapping[Host, Outcome]) -> Ended:
    """What became of it, host by host, with the last lines that each has said."""
    return Ended(
        set=host_set.name,
        number=number,
        step=part.step.name,
        httpd=part.step.httpd.value,
        failed=any(outcome.failure for outcome in results.values()),
        migrates=part.step.tells_schema,
        hosts={host.name: _became(outcome) for host, outcome in results.items()},
    )


def _became(outcome: Outcome) -> Became:
    return Became(
        state="done" if not outcome.failure else "failed" if outcome.known else "unknown",
        began=outcome.began,
        seconds=outcome.seconds,
        failure=outcome.failure,
        output=tuple(outcome.output.splitlines()[-OUTPUT_LINES:]),
    )


def transactions(plan: Plan, results: Mapping[Host, Outcome]) -> Iterator[Transacted]:
    """What yum has changed on hosts where it went well, those that are alike told once."""
    alike: dict[tuple[Changed, ...], list[str]] = {}
    for host, outcome in results.items():
        found = () if outcome.failure else transaction.read(outcome.output.splitlines()).changes
        changes = tuple(Changed(one.does, one.name, one.evr, one.arch) for one in found)
        if changes:
            alike.setdefault(changes, []).append(host.name)
    for changes, hosts in alike.items():
        yield Transacted(plan.request.host_set.name, str(plan.target), tuple(hosts), changes)


def backup(host_set: HostSet, outcome: Outcome) -> Backup:
    """What was saved before anything was stopped."""
    size = re.search("([0-9]+) bytes$", outcome.output)
    return Backup(
        set=host_set.name,
        file=host_set.backup.file if host_set.backup else None,
        size=int(size[1]) if size else None,
        seconds=outcome.seconds,
    )


def restarted(set_name: str, restart: Restart) -> Restarted:
    """A host restarted while the run was on."""
    return Restarted(set=set_name, host=restart.host.name, meanwhile=restart.meanwhile, service=restart.service)


def measured(finding: Finding) -> Measured:
    """What was seen of one address while a batch was judged."""
    found = finding.measured
    return Measured(
        who=finding.who,
        verdict=finding.verdict,
        why=finding.reason,
        requests=found.requests if found else None,
        failed=found.failed if found else None,
        allowed=found.allowed if found else None,
        median=found.median if found else None,
        beside=found.beside if found else None,
    )


def watched(run: Run) -> Iterator[Watched]:
    """What was seen from here while the run went on: an event for the set's users, and one for each watched node."""
    url = run.plan.request.host_set.url
    if url and run.users:
        yield seen(None, url, run.users, unanswered.though_all_answer(run))
    for host, one in run.nodes.items():
        yield seen(host, host.url or "", one)


def seen(host: Host | None, url: str, what: Seen, why_down: str = "") -> Watched:
    """What was seen of a host's own page, or of the set's; why_down: it is, if it is."""
    return Watched(
        host=host.name if host else None,
        url=url,
        requests=what.requests,
        failed=what.failed,
        longest=what.longest,
        down=what.down,
        outages=tuple(Span(*one) for one in what.outages),
        slow=tuple(Span(*one) for one in what.slow),
        because=(why_down or None) if what.down else None,
    )


def abort(host_set: HostSet, operator: str, entries: Iterable[Entry], facts: Mapping[Host, Facts]) -> Abort:
    """Somebody aborts a run; entries: what it wrote down; facts: what the hosts are like now."""
    down = downtime(entries, [host.name for host in host_set.serving], clock.now())
    return Abort(operator, host_set.name, down.seconds, _still_down(host_set, facts, down))


def _still_down(host_set: HostSet, facts: Mapping[Host, Facts], down: Downtime) -> bool:
    """Does httpd run on no host of the set? Of hosts that could not be looked at, what was done to them tells."""
    known = [found.runs for host in host_set.serving if (found := facts.get(host)) and found.runs is not None]
    if len(known) < len(host_set.serving):
        return not any(known) and down.goes_on
    return bool(known) and not any(known)


def end(run: Run, error: SopError | None, how: str | None = None) -> End:
    """How it ended, and what the set is like now; hosts that could not be looked at are left out."""
    host_set = run.plan.request.host_set
    sync = run.afterwards.get(host_set.sync)
    down = downtime(run.journal.entries, [host.name for host in host_set.serving], clock.now())
    return End(
        set=host_set.name,
        how=how or (error.heading if error else "done"),
        code=int(error.exit_code if error else Code.DONE),
        seconds=run.seconds,
        httpd_down=down.seconds,
        httpd_still_down=_still_down(host_set, run.afterwards, down),
        hosts={host.name: str(run.afterwards[host].installed) for host in host_set.hosts if host in run.afterwards},
        schema=sync.revision if sync else None,
        put_back=run.halted.back if run.halted and run.rolled_back else (),
    )
