"""What stands around a run: begun under its lock before the first change, and undone whatever way the run ends.

It is noted on the sync host before it is begun, with when it ends by itself: whoever ends the run takes down what is
noted. Beginning and undoing may be done twice; both are asked of things that do not mind.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from threading import Lock

from ..around import parts
from ..around.occasion import Occasion
from ..errors import HalfWay, Interrupted, Refused, SopError, TakenOver
from ..inventory.around import Part
from ..inventory.model import Host, HostSet
from ..journal import events
from ..journal.file import Journal, operator
from ..sop import kept
from .ask_around import all_of, means, place
from .decide import Plan
from .forecast import usual
from .lock import RunLock
from .lock_file import doing
from .look import Reached
from .observer import Report

LEAST_SECONDS, UNKNOWN_SECONDS, TIMES = 900.0, 3600.0, 3
AGAIN_SECONDS = 60.0  # between two that are prolonged for a step that may take longer than all of it
LEAVE_SECONDS = 2.0  # that each of the others may still take to be undone, where somebody has left meanwhile
LEFT = "it was not waited for"
Noted = Sequence[tuple[str, int, str]]  # as Facts.around has it


@dataclass
class Standing:
    """What stands around a run, in the hands of whoever carries it out or ends it.

    noted: what runs have put up before, as the sync host says; up: what this one has, and the seconds that it lasts.
    down: what is not up, and need not be noted any more. since: when it was begun, or prolonged.
    busy: hosts that can be asked nothing more. refused: no run begins, because something that is required could not.
    """

    reached: Reached
    run_lock: RunLock
    journal: Journal
    report: Report
    occasion: Occasion
    noted: Noted = ()
    up: dict[str, float] = field(default_factory=dict)
    down: list[str] = field(default_factory=list)
    since: dict[str, float] = field(default_factory=dict)
    busy: Collection[Host] = ()
    refused: bool = False
    _prolongs: Lock = field(default_factory=Lock)

    @property
    def still_up(self) -> list[str]:
        """What was put up, here or by an earlier run, and is not taken down, by its name in hosts.yml."""
        names = dict.fromkeys([*self.up, *(name for _, _, name in self.noted)])
        return [name for name in names if name not in self.down]

    @property
    def forget(self) -> str:
        """Shell for the sync host, which notes no more what is taken down; nothing where that is nothing."""
        return kept.forget_around(self._set.app, self.down) if self.down else ""

    def begin(self, lasts: Callable[[], float], then: Callable[[], None], strict: bool = True) -> None:
        """Note them all, begin one after the other, and do `then`, which has to succeed as well.

        lasts: for how many seconds, where hosts.yml does not say; strict: where a required one cannot be begun, undo
        the others and raise Refused; `give_back` has the rest then. What else goes wrong undoes them, too.
        """
        try:
            missing = self._begin_all(all_of(self._set), lasts, strict)
            if not missing:
                then()
        except Refused as error:  # the sync host cannot note it, or this machine's disk is full
            if not strict:
                self.leave()
                raise
            missing = [*error.problems]
        except TakenOver:
            raise  # what stands around it is somebody else's to undo
        except BaseException:
            self.leave()
            raise
        if missing:
            self.end("refused")
            self.refused = True
            raise Refused(*missing, next_line=f"fab {self._set.name} status")

    def give_back(self) -> None:
        """Give the lock back, if `begin` has refused the run. To be done when its end is written down."""
        if self.refused:
            self.run_lock.release(self.forget or "true")

    def _begin_all(self, wanted: Sequence[Part], lasts: Callable[[], float], strict: bool) -> list[str]:
        """Those that are required and could not be begun, a sentence each; nothing is begun after the first."""
        if not wanted:
            return []
        usually = lasts() if any(part.expires is None for part in wanted) else 0.0
        seconds = {part.label: part.expires or usually for part in wanted}
        notes = {part.label: seconds[part.label] for part in wanted if part.is_undone}
        before = {noted for _, _, noted in self.noted}
        self.down += [name for name in notes if name not in before]  # as long as they are not begun
        self.run_lock.check_still_ours(kept.note_around(self._set.app, self.journal.run, notes))
        for part in wanted:
            if why := self._begin(part, seconds[part.label], strict):
                return [f"{place(self._set, part)}: {why}"]
        return []

    def _begin(self, part: Part, seconds: float, strict: bool) -> str:
        """Why a required part stands in the way of the run, if it does."""
        name = part.label
        began, occasion = time.monotonic(), replace(self.occasion, expires=seconds)
        if part.is_undone:
            self.up[name], self.since[name] = seconds, began
            self.down = [other for other in self.down if other != name]
        result = parts.begin(part, occasion, self._means(part, "begin"))
        lasts = seconds if part.ends_by_itself and not result.failure else None
        stops = bool(result.failure) and part.required and strict
        self._tell(part, "begin", began, result.failure, lasts, told=stops)
        if result.failure and result.known and not any(noted == name for _, _, noted in self.noted):
            self.down.append(name)
            self.up.pop(name, None)
        return result.failure if stops else ""

    def prolong(
        self, step: float = 0.0, busy: Collection[Host] = (), turn: AbstractContextManager[object] | None = None
    ) -> None:
        """Have what ends by itself end later, where half of its time is over, or the next step may outlast the rest.

        step: the seconds that it may take. busy: hosts where one is at work; turn: of who tells something.
        What cannot be prolonged is told. Raises TakenOver where the run is somebody else's by now.
        """
        if self._prolongs.acquire(blocking=False):  # else another host's step is at it
            try:
                self._prolong(step, busy, turn or nullcontext())
            finally:
                self._prolongs.release()

    def _prolong(self, step: float, busy: Collection[Host], turn: AbstractContextManager[object]) -> None:
        now, ends = time.monotonic(), [part for part in all_of(self._set) if part.ends_by_itself]
        asked = [part for part in ends if not (part.at and self._set.beside[part.at] in busy)]
        up = {part: self.up[part.label] for part in asked if self.up.get(part.label)}
        due = {part: lasts for part, lasts in up.items() if now - self.since[part.label] > _is_due(lasts, step)}
        if not due:
            return
        notes = {part.label: seconds for part, seconds in due.items()}
        try:
            self.run_lock.check_still_ours(kept.note_around(self._set.app, self.journal.run, notes))
        except TakenOver:
            raise
        except SopError:  # the sync host does not answer: whatever comes next tells that
            return
        for part, seconds in due.items():
            self.since[part.label], began = now, time.monotonic()
            failure = parts.begin(part, replace(self.occasion, expires=seconds), self._means(part, "begin")).failure
            with turn:
                self._tell(part, "begin", began, failure, None if failure else seconds)

    def end(self, outcome: str) -> None:
        """Undo what this run or an earlier one has put up, the last one first; who leaves meanwhile waits no longer.

        What could not be undone stays noted, and is told; so does what hosts.yml has no more, until its time is over.
        Raises nothing that a part can cause.
        """
        occasion, most = replace(self.occasion, outcome=outcome), float("inf")
        for part in reversed(all_of(self._set)):
            name = part.label
            runs = {run for run, _, noted in self.noted if noted == name}
            runs |= {self.journal.run} if name in self.up else set()
            shortly = part.model_copy(update={"seconds": min(part.seconds, most)})
            failure = self._end(shortly, occasion, runs) if runs else ""
            most = LEAVE_SECONDS if failure == LEFT else most
            if runs and not failure:
                self.down.append(name)
                self.up.pop(name, None)
        known = {part.label for part in all_of(self._set)}
        self.down += [name for _, seconds, name in self.noted if name not in known and seconds <= 0]

    def _end(self, part: Part, occasion: Occasion, runs: set[str]) -> str:
        began = time.monotonic()
        try:
            failure = parts.end(part, occasion, runs, self._means(part, "end")).failure
        except KeyboardInterrupt:
            failure = LEFT
        left = max([self.up.get(part.label, 0.0), *(s for _, s, name in self.noted if name == part.label)])
        self._tell(part, "end", began, failure, left if failure and part.ends_by_itself else None)
        return failure

    def leave(self, busy: Collection[Host] = ()) -> None:
        """Undo it all where the run is left with its lock; raises nothing. Nothing where somebody else has it by now.

        busy: hosts where a script is still at work. What they would have to do stays noted: it is done again then by
        whoever comes next. The sync host is told of the rest even so, where it answers soon.
        """
        self.busy = busy
        may_ask = self._set.sync not in busy
        if not (self.up or self.noted) or (may_ask and self._is_taken_over()):
            return
        self.end("interrupted")
        if self.forget:
            self.run_lock.tell_soon(self.forget)

    def end_with(self, end: SopError | None, ask_first: bool) -> None:
        """Undo it all after the last phase; nothing where somebody else carries the run out by now: it is theirs then.

        ask_first: the sync host can say whose the run is.
        """
        if isinstance(end, TakenOver) or not (self.up or self.noted):
            return
        if not (ask_first and self._is_taken_over()):
            self.end(_outcome(end))

    def _is_taken_over(self) -> bool:
        """A resume by another client has put up the same, under the same run. Not where the sync host cannot say so."""
        with suppress(SopError, KeyboardInterrupt):  # it is lost: what is down shall be seen all the same
            try:
                self.run_lock.check_still_ours()
            except TakenOver:
                return True
        return False

    def _means(self, part: Part, what: str) -> parts.Means:
        if part.at and self._set.beside[part.at] in self.busy:
            return parts.Means(lambda *_: "a step is still at work there", lambda: None)
        return means(self.reached, self.report, part, what)

    def _tell(
        self, part: Part, what: str, began: float, failure: str, expires: float | None, told: bool = False
    ) -> None:
        """told: why the run is refused is told at its end; it is only written down."""
        took = time.monotonic() - began
        event = events.Around(self._set.name, part.label, what, took, expires, failure or None)
        if not told:
            self.report.around(event)
        try:
            self.journal.write(event)
        except Refused:
            if what == "begin":  # a full disk must not keep anything up
                raise

    @property
    def _set(self) -> HostSet:
        return self.reached.host_set


def of(
    reached: Reached, run_lock: RunLock, journal: Journal, report: Report, noted: Noted, what: str = "", build: str = ""
) -> Standing:
    """What stands around the run of `journal`, as its driver sees it."""
    occasion = Occasion(reached.host_set, journal.run, operator(), what, build)
    return Standing(reached, run_lock, journal, report, occasion, noted)


def of_a_plan(
    plan: Plan, reached: Reached, run_lock: RunLock, journal: Journal, report: Report, noted: Noted
) -> Standing:
    """The same, of a run that is about to begin or to go on."""
    what, build = doing(plan.request.procedure.name, plan.target), str(plan.target or "")
    return of(reached, run_lock, journal, report, noted, what, build)


def lasts(plan: Plan, reached: Reached) -> float:
    """For how many seconds it may stand, where hosts.yml does not say."""
    known = usual(plan, reached)
    if known is None:
        return UNKNOWN_SECONDS + plan.request.host_set.soak * sum(bool(phase.judged) for phase in plan.phases)
    return max(LEAST_SECONDS, TIMES * known)


def _outcome(end: SopError | None) -> str:
    if end is None:
        return "done"
    return {HalfWay: "half-way", Interrupted: "interrupted"}.get(type(end), "failed")


def _is_due(lasts: float, step: float) -> float:
    """After how many seconds it is prolonged: the rest shall hold for twice the step that comes."""
    return min(lasts / 2, max(AGAIN_SECONDS, lasts - 2 * step))
