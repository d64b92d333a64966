"""The rpm transaction of a plan, as yum itself resolves it on every host: what comes along with the build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..inventory.model import Host
from ..sop import transaction
from ..sop.transaction import Transaction
from .decide import Plan
from .facts import would
from .look import LOOK_SECONDS, Reached


def resolved(reached: Reached, plan: Plan) -> Plan:
    """The plan, with the transaction of every host that gets another build, as far as yum tells it.

    The look has asked for what was typed, or for the newest build. Where that is not what was decided on, yum is asked
    once more.
    """
    if not plan.target:
        return plan
    plan = _asked_again(reached, plan)
    unknown = tuple(f"{host.short}: {text}" for host, text in _unknown(plan).items())
    return replace(plan, warnings=plan.warnings + unknown)


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
