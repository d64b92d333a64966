"""What can be told: the events of a run, and the tables of a look."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from invoke.exceptions import Exit

from ..errors import Refused, SopError
from ..ranges import FEW

if TYPE_CHECKING:
    from ..inventory.model import Host, HostSet
    from ..journal.events import Around, Blocked, Judged
    from ..journal.history import Past
    from ..sop.model import Facts, Phase
    from ..sop.nvr import Nvr
    from ..sop.restarts import Restart
    from .decide import Plan
    from .lock_file import Lock
    from .probe import Seen
    from .remaining import Remaining, States
    from .state import Run


SAY_AGAIN_SECONDS = 60.0
SOON_SECONDS = 4.0  # where the hosts that are waited for are others by now
OF_MANY_SECONDS = 20.0  # where they are many, and waited for to do the same


class Report:
    """Told what happens, in the order in which it happens; each kind of report overrides what it has a use for.

    `line`, `done`, `failed`, `lost` and `back` come from several threads, everything else from the main one. Use it in
    a `with` statement: whatever ends a run early is told to `close`.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close(error)

    def close(self, error: BaseException | None) -> None:
        """Nothing more will be told; error: what ended the task, if it did not end by itself.

        Raises SopError where something that was told could not be written (a full disk).
        """

    def can_ask(self) -> bool:
        """Is there somebody to ask?"""
        return False

    def ask(self, question: str, moot: Callable[[], bool] | None = None) -> str:
        """What the operator types at the question, without the blanks around it. Raises EOFError if they leave."""
        raise EOFError

    def answer(self, who: str, text: str, hidden: bool, moot: Callable[[], bool]) -> str | None:
        """What the operator types when `who` asks `text`; None where `moot()` came true first; hidden: it is not shown.

        Raises Refused where nobody can be asked.
        """
        raise Refused(f"{who} asks, and nobody is there to answer: {text.strip()}")

    def said(self, who: str, text: str) -> None:
        """What sudo said on a host before it let us in, or a host or jump host at login."""

    def waits_for(self, hosts: Sequence[Host], what: str, seconds: float) -> None:
        """These have not answered yet, for so long; what: what they are waited for to do, and how long at most.

        Told every few seconds while it lasts, and with no host when it is over, or something is asked.
        """

    def lost(self, host: Host, seconds: float) -> None:
        """The connection to a host was lost in the middle of a step; it is tried again for so many seconds."""

    def back(self, host: Host) -> None:
        """A host that was lost can be followed again."""

    def restarted(self, restart: Restart) -> None:
        """A host restarted while the run was on."""

    def looking(self, hosts: Sequence[Host]) -> None:
        """The preflight begins."""

    def plan(self, plan: Plan) -> None:
        """What would be done, and why one should think twice."""

    def commands(self, plan: Plan) -> None:
        """The commands behind the steps, as the SOP has them."""

    def nothing_to_do(self, plan: Plan) -> None:
        """The world is as wanted already."""

    def resume(self, plan: Plan, lock: Lock, remaining_phases: Sequence[Remaining]) -> None:
        """A run that stopped: what it did, what still runs, what is left."""

    def held(self, host_set: HostSet, lock: Lock, states: States) -> None:
        """Who holds a set, and whether a step of that run still runs."""

    def aborted(
        self, host_set: HostSet, lock: Lock, facts: Mapping[Host, Facts], well: bool = True, bad: Nvr | None = None
    ) -> None:
        """A run was aborted: what that leaves; well: no error comes after it, which says what to type next."""

    def free(self, host_set: HostSet, facts: Mapping[Host, Facts], text: str, well: bool = True) -> None:
        """No run holds the set (any more), as `text` says; with what an earlier one has left down or paused.

        well: no error comes after it, which says what to type next.
        """

    def leftovers(self, host_set: HostSet, facts: Mapping[Host, Facts], bad: Nvr | None = None) -> None:
        """What is down although no run holds the set, and what may be typed then; nothing, if all is well."""

    def watching(self, seen: Callable[[], Seen | None]) -> None:
        """The set's public address is watched from now on, if it has one; seen: what was seen so far."""

    def puts_back(self, place: int, total: int, says: str) -> None:
        """The phase that begins is this one of those that put a batch back which was judged bad; says: which hosts."""

    def phase(self, number: int, total: int, phase: Phase) -> None:
        """A phase begins, on all its hosts."""

    def line(self, host: Host, text: str) -> None:
        """A host said something; cleaned by the fleet already."""

    def done(self, host: Host, seconds: float) -> None:
        """A host ended a phase as it should."""

    def failed(self, host: Host, why: str) -> None:
        """A host did not."""

    def unknown(self, host: Host, why: str) -> None:
        """Nobody saw how a phase ended on a host, which is asked now; then comes `done` or `failed`."""

    def waiting(self, seconds: float, why: str) -> None:
        """Nothing happens for so many seconds at most, and that is right; may be told again while it lasts."""

    def judged(self, judged: Judged) -> None:
        """A batch has served the new build for a while: the verdict, and what follows from it."""

    def around(self, event: Around) -> None:
        """What stands around the run was begun or undone, or could not be."""

    def blocked(self, blocked: Blocked) -> None:
        """A migration gave up on a lock: who held it, and what the schema was found at."""

    def finishing(self, ending: bool = False) -> None:
        """Ctrl-C was pressed once; ending: after the last step.

        Comes from a signal handler, which must not wait for anybody's lock.
        """

    def recap(self, run: Run) -> None:
        """Per host and phase what was done, failed and not reached, and what was seen from here meanwhile."""

    def finished(self, run: Run, next_line: str | None) -> None:
        """All of it was done, and the world looks as promised."""

    def status(self, host_set: HostSet, facts: Mapping[Host, Facts]) -> None:
        """Every fact of every host."""

    def history(self, host_set: HostSet, runs: Sequence[Past]) -> None:
        """What was done to a set, the latest run last."""

    def note(self, text: str) -> None:
        """A sentence of a task that carries out no procedure."""

    def warning(self, text: str) -> None:
        """Something that changes nothing, and that somebody should know."""

    def verbatim(self, text: str) -> None:
        """A line that is not ours: a command, a diff, a log, a text to be copied."""


class Again:
    """Is it time to say who is waited for? At once, every minute, and when it is somebody else or something else."""

    def __init__(self) -> None:
        self._said: tuple[Sequence[Host], str] | None = None
        self._at = 0.0

    def due(self, hosts: Sequence[Host], what: str) -> bool:
        """To be asked whenever a report is told; no hosts: it is over."""
        now = time.monotonic()
        if not hosts:
            self._said = None
        elif self._said is None or now - self._at >= self._pause(hosts, what):
            self._said, self._at = (hosts, what), now
            return True
        return False

    def _pause(self, hosts: Sequence[Host], what: str) -> float:
        """Seconds until it is told again. Of many hosts it is others all the time: these come one after the other."""
        if self._said == (hosts, what):
            return SAY_AGAIN_SECONDS
        return OF_MANY_SECONDS if len(hosts) > FEW and self._said and self._said[1] == what else SOON_SECONDS


# What is told to every report; the rest is asked of one, or has a result.
EVENTS = frozenset(name for name in vars(Report) if not name.startswith("_")) - {"can_ask", "ask", "answer", "close"}


class Several(Report):
    """Reports that are told the same, each in its turn; the first of them asks."""

    def __init__(self, reports: Iterable[Report]) -> None:
        self._members = list(reports)

    def __getattribute__(self, name: str) -> Any:
        # Not __getattr__: that is never asked for an event, because Report has a method for each, which does nothing.
        return partial(_tell, self._members, name) if name in EVENTS else super().__getattribute__(name)

    def can_ask(self) -> bool:
        """As the first of them."""
        return self._members[0].can_ask()

    def ask(self, question: str, moot: Callable[[], bool] | None = None) -> str:
        """As the first of them."""
        return self._members[0].ask(question, moot)

    def answer(self, who: str, text: str, hidden: bool, moot: Callable[[], bool]) -> str | None:
        """As the first of them."""
        return self._members[0].answer(who, text, hidden, moot)

    def close(self, error: BaseException | None) -> None:
        """Close all of them. What is lost is an error of its own only where no error has ended the task.

        A plan that shows changes ends with a code of its own; who has not got it must not take it for one.
        """
        lost: list[str] = []
        for member in self._members:
            try:
                member.close(error)
            except SopError as problem:
                lost += problem.problems
        if lost and (error is None or (isinstance(error, Exit) and not isinstance(error, SopError))):
            raise SopError(*lost)
        for text in lost:
            self._members[0].warning(text)


def _tell(members: Sequence[Report], event: str, *told: Any) -> None:
    for member in members:
        getattr(member, event)(*told)
