"""How far a run over many hosts has come, told in few lines that stay: not one for each host and step."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from . import words
from .batches import Part, parts

if TYPE_CHECKING:
    from ..run.decide import Plan
    from ..sop.model import Phase

SAY_EVERY = 10.0  # seconds, at least, between two lines of a phase
MOST = 10  # of what happens to single hosts in a phase: after that the recap tells of the others
MOST_QUOTED = 3  # hosts that failed in a phase, whose last lines are shown


class Progress:
    """What was told of a run so far. Hosts end from several threads."""

    def __init__(self, plan: Plan) -> None:
        self._phases = plan.phases
        found = parts(plan.phases, plan.request.host_set.hosts)
        self._parts = {at + 1: part for part in found for at in part.at}
        self._last = {batch.at[-1] + 1 for part in found for batch in part.batches}
        self._lock = threading.Lock()
        self._number, self._step, self._total = 0, "", 0
        self._ended: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._began = self._said = 0.0
        self._part: Part | None = None

    def phase(self, number: int, phase: Phase, total: int = 0) -> str | None:
        """A phase begins, on these hosts; gives its headline, of batch after batch only the first time.

        total: of the phases that put a batch back, of which it is one.
        """
        part = None if total else self._parts.get(number)
        again, self._part = part is self._part, part
        self._number, self._step, self._total = number, phase.step.name, len(phase.hosts)
        self._ended, self._told = {}, {}
        self._began = time.monotonic()
        total = total or len(self._phases)
        if part is None or phase.window:  # what takes a batch back; hosts side by side
            self._part, self._said = None, self._began
            return f"[{number}/{total}] {phase.step.name} on {words.names(phase.hosts)}: {phase.step.says}"
        if len(part.at) == 1:
            self._said = self._began
            return f"[{number}/{total}] {phase.step.name} on {words.names(phase.hosts)}: {phase.step.says}"
        if again:
            return None
        self._said = self._began
        steps = ", ".join(part.steps(self._phases))
        return f"[{part.at[0] + 1}-{part.at[-1] + 1}/{total}] per host, {part.how}: {steps}"

    def end(self, how: str) -> str | None:
        """A host has ended the phase so (`done`, `failed`); gives a line, where it is time for one."""
        with self._lock:
            self._ended[how] = self._ended.get(how, 0) + 1
            now, part = time.monotonic(), self._part
            if part is None and (now - self._said >= SAY_EVERY or self._over):
                self._said = now
                return self._counted(now)
            if part is None or not (now - self._said >= SAY_EVERY or (self._over and self._number == part.at[-1] + 1)):
                return None
            if len(part.at) > 1 and not (self._over and self._number in self._last):
                return None
            self._said = now
            return self.through or self._counted(now)

    def _counted(self, now: float) -> str:
        if self._over:
            counts = ", ".join(f"{how} on {number}" for how, number in self._ended.items())
            return f"{self._step}: {counts} in {words.took(now - self._began)}"
        return f"{self._step}: {', '.join(f'{number} {how}' for how, number in self._ended.items())} of {self._total}"

    @property
    def _over(self) -> bool:
        return sum(self._ended.values()) >= self._total

    @property
    def through(self) -> str:
        """Of a part that comes for batch after batch: how many hosts are through with it; else nothing."""
        part = self._part
        if part is None or len(part.at) == 1:
            return ""
        done = sum(len(batch.hosts) for batch in part.batches if batch.at[-1] + 1 < self._number + self._over)
        return f"{done} of {len(part.hosts)} hosts are through"

    def nth(self, what: str) -> int:
        """How often this has been told of hosts in this phase, with this time."""
        with self._lock:
            self._told[what] = self._told.get(what, 0) + 1
            return self._told[what]
