"""Hosts side by side, each with its own phases one after the other: the next host starts when one ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..inventory.model import Host
from ..journal.events import Judged
from ..sop.model import Phase
from ..sop.restarts import Restart
from .lock import RunLock
from .observer import Report
from .remaining import Remaining
from .state import Run

PhaseToDo = tuple[int, Phase, Remaining]
Do = Callable[[PhaseToDo, Report], bool]


def side_by_side(run: Run, rows: Sequence[PhaseToDo], run_lock: RunLock, report: Report, do: Do) -> bool:
    """Do the rows of each host in their order. Do all hosts still do what they are told, as far as hosts.yml wants it?

    do: does a row, and gives whether the run goes on. The sync host, which has the lock, is done by itself.
    """
    of: dict[Host, list[PhaseToDo]] = {}
    for row in rows:
        of.setdefault(row[1].hosts[0], []).append(row)
    left = [host for host, row in of.items() if any(rest.names for _, _, rest in row)]
    if left:
        _tell(rows, left, run, report)
    inside = _Inside(run, report)
    over: list[Host] = []

    def act(host: Host) -> bool:
        began = time.monotonic()
        for row in of[host]:
            if over or host in run.failures:
                break
            inside.steps[host] = row[1].step.name
            if not do(row, inside):
                over.append(host)
        if host in left and not (over or host in run.failures):
            with run.turn:
                report.done(host, time.monotonic() - began)
        return not over

    sync = run.plan.request.host_set.sync
    for hosts in ([host for host in of if host != sync], [host for host in of if host == sync]):
        if hosts and not over:
            run_lock.machines.side_by_side(hosts, act, rows[0][1].window)
    return not over


def _tell(rows: Sequence[PhaseToDo], hosts: Sequence[Host], run: Run, report: Report) -> None:
    """All of it is one phase for who looks on: the steps that each host goes through."""
    first = rows[0][1]
    seconds = {phase.step.name: phase.step.seconds for _, phase, _ in rows}
    together = replace(
        first.step,
        name=", ".join(seconds),
        says=f"{first.window} at a time, the next host begins when one ends",
        seconds=sum(seconds.values()),
    )
    part = replace(first, step=together, hosts=tuple(hosts), at_once=first.window)
    report.phase(rows[0][0], max(run.plan.numbers), part)


class _Inside(Report):
    """What is told of one host among those that are side by side; of its single steps only what is not well.

    steps: which one each host is at.
    """

    def __init__(self, run: Run, report: Report) -> None:
        self._report, self._turn = report, run.turn
        self.steps: dict[Host, str] = {}

    def line(self, host: Host, text: str) -> None:
        self._report.line(host, text)

    def lost(self, host: Host, seconds: float) -> None:
        self._report.lost(host, seconds)

    def back(self, host: Host) -> None:
        self._report.back(host)

    def failed(self, host: Host, why: str) -> None:
        self._report.failed(host, f"{self.steps.get(host, '')}: {why}")

    def unknown(self, host: Host, why: str) -> None:
        self._report.unknown(host, f"{self.steps.get(host, '')}: {why}")

    def restarted(self, restart: Restart) -> None:
        with self._turn:
            self._report.restarted(restart)

    def judged(self, judged: Judged) -> None:
        with self._turn:
            self._report.judged(judged)

    def can_ask(self) -> bool:
        return self._report.can_ask()

    def ask(self, question: str) -> str:
        return self._report.ask(question)  # not in a turn: the other hosts go on meanwhile
