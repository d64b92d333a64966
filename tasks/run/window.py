"""Hosts side by side, each with its own phases one after the other: the next host starts when one ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from threading import Condition

from ..inventory.model import Host
from ..journal.events import Judged
from ..sop.model import Phase
from ..sop.restarts import Restart
from .lock import RunLock
from .observer import Report
from .phase import Then, asks_the_sync_host, nothing
from .remaining import Remaining
from .state import Run

PhaseToDo = tuple[int, Phase, Remaining]
Do = Callable[[PhaseToDo, Report, Then], bool]


def side_by_side(run: Run, rows: Sequence[PhaseToDo], run_lock: RunLock, report: Report, do: Do) -> bool:
    """Do the rows of each host in their order. Do all hosts still do what they are told, as far as hosts.yml wants it?

    do: does a row, says when it has not to ask the sync host any more, and gives whether the run goes on. The sync
    host, which has the lock, comes last: while it is worked on it cannot be asked.
    """
    of: dict[Host, list[PhaseToDo]] = {}
    for row in rows:
        of.setdefault(row[1].hosts[0], []).append(row)
    left = [host for host, row in of.items() if any(rest.names for _, _, rest in row)]
    if left:
        _tell(rows, left, run, report)
    host_set, inside = run.plan.request.host_set, _Inside(run, report)
    asking = _Asking(host for host in of if host != host_set.sync)
    over: list[Host] = []

    def act(host: Host) -> bool:
        try:
            if host == host_set.sync:
                asking.wait()
            each(host)
        except BaseException:
            over.append(host)
            raise
        finally:
            asking.no_more(host)
        return not over

    def each(host: Host) -> None:
        began = time.monotonic()
        last = max((at for at, row in enumerate(of[host]) if asks_the_sync_host(row[1], host_set)), default=-1)
        for at, row in enumerate(of[host]):
            if over or host in run.failures:
                return
            inside.steps[host] = row[1].step.name
            if at > last:
                asking.no_more(host)
            if not do(row, inside, partial(asking.no_more, host) if at == last else nothing):
                over.append(host)
        if host in left and not (over or host in run.failures):
            with run.turn:
                report.done(host, time.monotonic() - began)

    hosts = sorted(of, key=lambda host: host == host_set.sync)
    try:
        run_lock.machines.side_by_side(hosts, act, rows[0][1].window)
    except BaseException:  # also Ctrl-C twice: the threads are left, and begin nothing more
        over.extend(hosts)
        raise
    return not over


class _Asking:
    """The hosts that still have to ask the sync host before a step."""

    def __init__(self, hosts: Iterable[Host]) -> None:
        self._hosts, self._fewer = set(hosts), Condition()

    def no_more(self, host: Host) -> None:
        """This one has asked for the last time."""
        with self._fewer:
            self._hosts.discard(host)
            self._fewer.notify_all()

    def wait(self) -> None:
        """Until none is left."""
        with self._fewer:
            self._fewer.wait_for(lambda: not self._hosts)


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

    def ask(self, question: str, moot: Callable[[], bool] | None = None) -> str:
        return self._report.ask(question, moot)  # not in a turn: the other hosts go on meanwhile
