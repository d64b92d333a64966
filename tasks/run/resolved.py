"""The rpm transaction of a plan, as yum itself resolves it on every host: what comes along with the build."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..errors import Refused
from ..inventory.model import Host, HostSet
from ..sop import transaction
from ..sop.nvr import Nvr
from ..sop.transaction import Transaction
from . import compared
from .decide import Plan
from .facts import would
from .look import LOOK_SECONDS, Reached


def resolved(reached: Reached, plan: Plan, stage: HostSet | None = None) -> Plan:
    """The plan, with the transaction of every host that gets another build, as far as yum tells it.

    The look has asked for what was typed, or for the newest build. Where that is not what was decided on, yum is asked
    once more. Raises Refused where it would change other packages than on `stage`, the set before.
    """
    target = plan.target
    if not target:
        return plan
    plan = _asked_again(reached, plan)
    warnings = [f"{host.short}: {text}" for host, text in _unknown(plan).items()]
    if stage and getting_it(plan):
        warnings += _compared(reached, plan, target, stage)
    return replace(plan, warnings=(*plan.warnings, *warnings))


def _compared(reached: Reached, plan: Plan, target: Nvr, stage: HostSet) -> list[str]:
    """What could not be compared with the set before. Raises Refused where what comes along is not the same."""
    warnings = []
    if plan.job and not plan.job.signed:
        warnings.append(f"{stage.name}: rpm gives no digest of {target}: it is not checked that this is the same build")
    found = compared.unlike(plan, stage, getting_it(plan))
    if found is None:
        warnings.append(f"{stage.name} has no record of what came along with {target}: packages are not compared")
        return warnings
    # The package itself is on all of them: where it is not named, rpm has not answered.
    asks = {host: _has(names | {target.name}) for host, names in found.names_here.items()}
    asks |= dict.fromkeys(stage.hosts, _has(found.names_there | {target.name})) if found.names_there else {}
    outcomes = reached.machines.ask(asks, LOOK_SECONDS, "to say which packages it has") if asks else {}
    packages = {host: _packages(outcome.output) for host, outcome in outcomes.items() if outcome.known}
    has = {host: rows for host, rows in packages.items() if any(name == target.name for name, _ in rows)}
    reasons = compared.reasons(found, stage, target, has)
    if reasons:
        raise Refused(*(reason.text for reason in reasons), next_line=reasons[0].cure)
    return [*warnings, *compared.unknown(found, stage, has)]


def _has(names: Iterable[str]) -> str:
    """Shell that prints which versions of these packages are installed."""
    form = r"%{NAME}\t%{EPOCH}:%{VERSION}-%{RELEASE}\n"
    return f"rpm -q --qf {shlex.quote(form)} -- {shlex.join(sorted(names))} 2>/dev/null; true"


def _packages(output: str) -> compared.Has:
    rows = [line.partition("\t") for line in output.splitlines()]
    return frozenset((name, re.sub(r"^(\(none\)|0):", "", evr)) for name, tab, evr in rows if tab)


def _asked_again(reached: Reached, plan: Plan) -> Plan:
    target, request = plan.target, plan.request
    hosts = [host for host in getting_it(plan) if not _known(plan, host)]
    if target is None or not hosts:
        return plan
    script = would(request.host_set, "downgrade" if request.procedure.back else "update", target)
    outcomes = reached.machines.ask(dict.fromkeys(hosts, script), LOOK_SECONDS, "to say what yum would change")
    found = {
        host: replace(plan.facts[host], would=_read(outcome.output))
        for host, outcome in outcomes.items()
        if outcome.known
    }
    return replace(plan, facts={**plan.facts, **found})


def _read(output: str) -> Transaction:
    rows = [line.partition("\t")[::2] for line in output.splitlines()]
    said = {name: [text for one, text in rows if one == name] for name in ("would", "touches")}
    return transaction.read(said["would"], said["touches"])


def getting_it(plan: Plan) -> list[Host]:
    """The hosts of the plan that have another build."""
    return [host for host in plan.hosts if plan.facts[host].installed != plan.target]


def _known(plan: Plan, host: Host) -> bool:
    there = plan.facts[host].would
    return bool(there and plan.target and there.brings(plan.target))


def _unknown(plan: Plan) -> Mapping[Host, str]:
    """Where yum does not say what it would change: the download will fail there, while the service runs."""
    found = {host: plan.facts[host].would for host in getting_it(plan) if not _known(plan, host)}
    text = f"yum does not say what it would change for {plan.target}"
    return {host: f"{text}: {there.says}" if there and there.says else text for host, there in found.items()}
