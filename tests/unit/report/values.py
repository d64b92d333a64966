"""A plan and a run to be told."""

from __future__ import annotations

import io
from pathlib import Path

import pyte

from tasks.fleet.outcome import Outcome
from tasks.inventory.model import HostSet
from tasks.journal.file import Journal
from tasks.run.decide import Plan, decide
from tasks.run.probe import Seen
from tasks.run.state import Run
from tests.unit.builders import NEW, found, prod, request, well


def planned(procedure: str = "minor-upgrade", *, second: object = None, host_set: HostSet | None = None) -> Plan:
    host_set = host_set or prod()
    facts = found(host_set, well(), well(NEW) if second == "there" else well())
    return decide(request(procedure, host_set), facts)


def ended(plan: Plan, *failures: str, path: Path | None = None, users: Seen | None = None) -> Run:
    """A run whose first phases were done, and whose next one failed so, or went well everywhere."""
    run = Run(plan, Journal(path, run="abcd"), users=users)
    for phase in plan.phases[: 2 if failures else None]:
        run.outcomes.append((phase, {host: Outcome("", 1.0) for host in phase.hosts}))
    if failures:
        phase = plan.phases[2]
        results = {host: Outcome("", 1.0, why) for host, why in zip(phase.hosts, failures, strict=False)}
        run.outcomes.append((phase, results))
    run.afterwards = {host: well(plan.target or NEW) for host in plan.hosts}
    return run


class Terminal(io.TextIOBase):
    """A terminal of so many columns, and what an eye would see on it."""

    def __init__(self, columns: int, rows: int = 70) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self.screen)

    encoding = "utf-8"

    def write(self, text: str) -> int:
        self._stream.feed(text.replace("\n", "\r\n"))
        return len(text)

    def isatty(self) -> bool:
        return True

    @property
    def shown(self) -> str:
        """Its lines, without what is blank at their ends and below."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip() + "\n"

    @property
    def cursor_is_shown(self) -> bool:
        return not self.screen.cursor.hidden
