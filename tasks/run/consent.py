"""How much of a plan may be done, and the question that decides it."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Refused
from ..inventory.model import HostSet
from ..lines import same
from .observer import Report


@dataclass(frozen=True)
class Consent:
    """How much may be done: only the plan; all of it without asking; or what the operator agrees to.

    lock_wait: for how many seconds a set that another run holds is waited for.
    """

    plan_only: bool = False
    yes: bool = False
    lock_wait: float = 0.0


def check_that_somebody_can_agree(host_set: HostSet, consent: Consent, report: Report) -> None:
    """Raises Refused if the set wants to be confirmed and nobody is there to do it."""
    if host_set.confirm != "none" and not (consent.yes or consent.plan_only or report.can_ask()):
        raise Refused(
            f"{host_set.name} wants to be confirmed, and there is no terminal to ask on",
            next_line=same(does="from a terminal, or with --yes"),
        )


def agree(host_set: HostSet, consent: Consent, report: Report) -> None:
    """Ask, as the set wants it. Raises Refused unless the operator agrees."""
    if consent.yes or host_set.confirm == "none":
        return
    by_name = host_set.confirm == "name"
    question = f"\nType {host_set.name} to go on: " if by_name else "\nIs this ok [y/N]: "
    try:
        answer = report.ask(question)
    except EOFError:
        answer = ""
    if answer != host_set.name if by_name else answer.lower() not in ("y", "yes"):
        raise Refused("not confirmed")
