"""What yum changes beside the build itself, as a plan tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..run.resolved import getting_it
from . import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..inventory.model import Host
    from ..run.decide import Plan

MOST = 20  # packages that are named; --json has all of them


def of_host(plan: Plan, host: Host) -> tuple[str, ...] | None:
    """A sentence for each package that yum changes on a host beside the build; None where that is not known."""
    there = plan.facts[host].would
    if not (plan.target and there and there.brings(plan.target)):
        return None
    service = plan.request.app.service
    said = {"loaded": f"{service} has it loaded", "restarts": f"its scripts restart {service}"}
    told = []
    for change in there.beside(plan.target.name):
        effects = [said[word] for word in there.effects(change.name) if word in said]
        told.append(change.text + (f" ({', '.join(effects)})" if effects else ""))
    return tuple(told)


def sentences(plan: Plan) -> Iterator[str]:
    """The same of all hosts, those that are alike told once."""
    alike: dict[tuple[str, ...], list[Host]] = {}
    for host in getting_it(plan):
        if (changes := of_host(plan, host)) is not None:
            alike.setdefault(changes, []).append(host)
    for changes, hosts in alike.items():
        on = words.names(hosts)
        if not changes:
            yield f"{on}: yum changes nothing beside {plan.request.app.package}"
            continue
        yield f"{on}: yum also changes {len(changes)} package{'s' if changes[1:] else ''}:"
        yield from (f"  {text}" for text in changes[:MOST])
        if changes[MOST:]:
            yield f"  and {len(changes) - MOST} more; --json names all of them"
