"""What stands around the run of a plan: what is begun before its first step, and undone when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..fleet.output import clean

if TYPE_CHECKING:
    from ..run.decide import Plan


def sentences(plan: Plan) -> Iterator[str]:
    """One for each part of hosts.yml's `around`, in order, as the file has it: no variable of it is filled in."""
    for part in plan.request.host_set.around if plan.phases else ():
        required = " (required)" if part.required else ""
        yield clean(f"around the run: {part.label}{required}: {part.says}")
