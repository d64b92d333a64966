"""What is told to whatever stands around a run, of that run. Pure but for the environment of this process."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import Refused
from ..fleet.output import clean

if TYPE_CHECKING:
    from ..inventory.model import HostSet

NESTED = "UPGRADE_RUN"  # is in the environment of what a run has started


@dataclass(frozen=True)
class Occasion:
    """A run, and how far it is.

    what: `major-upgrade blockerbugs-1.1.0-1.el7`; build: nothing where none is installed; expires: seconds from now
    after which it ends by itself; outcome: empty before the run, then done, failed, half-way, interrupted, refused,
    aborted or unlocked.
    """

    host_set: HostSet
    run: str
    operator: str
    what: str = ""
    build: str = ""
    expires: float = 0.0
    outcome: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """The variables that a command gets."""
        return {
            "UPGRADE_SET": self.host_set.name,
            "UPGRADE_HOSTS": " ".join(host.name for host in self.host_set.hosts),
            "UPGRADE_BUILD": self.build,
            NESTED: self.run,
            "UPGRADE_OUTCOME": self.outcome,
            "UPGRADE_EXPIRES": f"{self.expires:.0f}" if self.expires else "",
        }

    @property
    def comment(self) -> str:
        """What a silence or downtime says, by which it is found again."""
        what = f"{self.what} on {self.host_set.name} by {self.operator}" if self.what else self.operator
        return f"{what} {self.mark(self.run)}"

    def mark(self, run: str) -> str:
        """The end of the comment, which no other run's has."""
        return f"({self.host_set.app.package}-upgrade {self.host_set.name} run {run})"


def check_that_no_run_has_started_this(task: str) -> None:
    """Raises Refused in what a run has started around itself: it would wait for its own lock, or go past it."""
    run = os.environ.get(NESTED)
    if run is not None:
        named = clean(run)[:20] or "?"
        raise Refused(
            f"{task}: run {named} has started this command (around in hosts.yml): fab changes no host from in there",
            next_line=f"env -u {NESTED} fab --list  # if no run has: the variable {NESTED} is set by mistake",
        )
