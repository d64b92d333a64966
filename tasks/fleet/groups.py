"""Fabric groups as a phase needs them: a bounded pool that waits for all, and a row that stops at the first failure.

Fabric's own ThreadingGroup starts one thread per host without a cap, its SerialGroup goes on after a failure. The hosts
are worked on in threads; the thread that called waits for them, says for whom, and is the one that asks the operator.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Self, TypeVar

from fabric import Connection, GroupResult, SerialGroup, ThreadingGroup

WAIT_SECONDS = 4.0  # after which it is said who is waited for, and between two times that it is: a row of W3 wants 5

Act = Callable[[Connection], Any]
T = TypeVar("T")
OnWait = Callable[[list[Connection], float], None]
Moot = Callable[[], bool]
Failed = Callable[[Any], bool]
Answer = Callable[[Connection, str, bool, Moot], "str | None"]
Say = Callable[[Connection, str], None]


def _never(*_: object) -> bool:
    return False


class NobodyAsks(Exception):
    """A question that is not asked any more: whoever would have asked it has left."""


class Withdrawn(Exception):
    """A question that needs no answer any more."""


@dataclass
class _Question:
    connection: Connection
    text: str
    hidden: bool
    moot: Moot
    answered: Future[str] = field(default_factory=Future)


@dataclass
class _Said:
    connection: Connection
    text: str


@dataclass
class _Ended:
    connection: Any


class Questions:
    """What threads that work on hosts want of the operator, who is asked and told by the thread that waits for them.

    answer: asks (connection, text, hidden, moot), and returns what was typed, or None where `moot()` came true first.
    say: tells what a host said. Both are called one after the other, in the order in which threads came with them.
    over: says that no question is answered any more.
    """

    def __init__(self, answer: Answer, say: Say) -> None:
        self._answer = answer
        self._say = say
        self.over: Moot = _never
        self._lock = threading.Lock()
        self._inbox: SimpleQueue[_Question | _Said | _Ended] | None = None

    def ask(self, connection: Connection, text: str, hidden: bool = True, moot: Moot = _never) -> str:
        """The operator's answer; to be called by a thread that works on a host, which waits for it.

        hidden: what is typed is not shown; moot: says that no answer is needed any more.
        Raises what the asking raised, Withdrawn when the question was moot before it was answered, and NobodyAsks.
        """
        question = _Question(connection, text, hidden, moot)
        self._post(question)
        return question.answered.result()

    def tell(self, connection: Connection, text: str) -> None:
        """Let the operator see what a host said, before any question that comes later. Raises NobodyAsks."""
        self._post(_Said(connection, text))

    def _post(self, what: _Question | _Said) -> None:
        with self._lock:
            if self._inbox is None:
                raise NobodyAsks
            self._inbox.put(what)

    def _begin(self, inbox: SimpleQueue[Any]) -> None:
        with self._lock:
            self._inbox = inbox

    def _end(self) -> None:
        """Whoever still waits for an answer gets none."""
        with self._lock:
            inbox, self._inbox = self._inbox, None
        while inbox is not None:
            try:
                left = inbox.get_nowait()
            except Empty:
                return
            if isinstance(left, _Question):
                left.answered.set_exception(NobodyAsks())

    def _serve(self, what: _Question | _Said) -> None:
        if isinstance(what, _Said):
            self._say(what.connection, what.text)
            return
        try:
            text = None if what.moot() else self._answer(what.connection, what.text, what.hidden, what.moot)
        except Exception as error:  # noqa: BLE001  # the thread that asked knows what it means
            what.answered.set_exception(error)
        except BaseException:  # who leaves answers nothing
            what.answered.set_exception(NobodyAsks())
            raise
        else:
            what.answered.set_exception(Withdrawn()) if text is None else what.answered.set_result(text)


class Row(SerialGroup):
    """One host after the other; after a failure the rest is not touched (and not in the result)."""

    def each(
        self, act: Act, failed: Failed, questions: Questions | None = None, on_wait: OnWait | None = None
    ) -> GroupResult:
        """`act` on one after the other, until one has `failed`; see `Pool.each`."""
        return _results(work(list(self), act, 1, questions, on_wait, failed))


class Pool(ThreadingGroup):
    """At most `at_once` hosts at the same time; every host is waited for and has its place in the result."""

    at_once = 32

    @classmethod
    def of(cls, connections: Iterable[Connection], at_once: int) -> Self:
        """The pool of these."""
        pool: Self = cls.from_connections(connections)
        pool.at_once = at_once
        return pool

    def each(
        self, act: Act, failed: Failed = _never, questions: Questions | None = None, on_wait: OnWait | None = None
    ) -> GroupResult:
        """What `act` returned or raised for each; a failure of one stops no other.

        questions: those of the threads are answered in this one while it waits.
        on_wait: called in this thread, every WAIT_SECONDS and when one of them ends after that, with the hosts that are
        waited for and for how many seconds; with none when that is over, or the operator is asked.
        """
        del failed
        return _results(work(list(self), act, self.at_once, questions, on_wait))


def work(
    connections: Sequence[T],
    act: Callable[[T], Any],
    at_once: int,
    questions: Questions | None = None,
    on_wait: Callable[[list[T], float], None] | None = None,
    failed: Failed = _never,
) -> dict[T, Any]:
    """Let threads act on all, until one has failed; meanwhile answer their questions, and say who is waited for.

    The result holds what was returned or raised for each, in their order. on_wait: see `Pool.each`.
    """
    inbox: SimpleQueue[_Question | _Said | _Ended] = SimpleQueue()
    remaining_phases, results = deque(connections), dict[T, Any]()
    futures, since = dict[T, Future[Any]](), dict[T, float]()
    waits = _Waits(on_wait)
    pool = ThreadPoolExecutor(max(1, min(at_once, len(connections))))
    if questions:
        questions._begin(inbox)
    try:
        while remaining_phases or since:
            while remaining_phases and len(since) < max(1, at_once):
                one = remaining_phases.popleft()
                since[one], futures[one] = monotonic(), pool.submit(act, one)
                futures[one].add_done_callback(partial(_has_ended, inbox, one))
            try:
                came = inbox.get(timeout=waits.left)
            except Empty:
                waits.tell(since)
                continue
            if isinstance(came, _Ended):
                del since[came.connection]
                ended = futures[came.connection]
                results[came.connection] = ended.exception() or ended.result()
                if failed(results[came.connection]):
                    remaining_phases.clear()
                waits.fewer(since)
            elif questions:
                if isinstance(came, _Question):
                    waits.end()
                questions._serve(came)
    finally:
        # After a second Ctrl-C nothing is waited for: closing the connections ends the threads.
        pool.shutdown(wait=False, cancel_futures=True)
        if questions:
            questions._end()
        waits.end()
    return {one: results[one] for one in connections if one in results}


def _results(results: Mapping[Connection, Any]) -> GroupResult:
    group = GroupResult()
    group.update(results)
    return group


def _has_ended(inbox: SimpleQueue[Any], connection: object, _: Future[Any]) -> None:
    inbox.put(_Ended(connection))


class _Waits:
    """When to say who is waited for."""

    def __init__(self, on_wait: Callable[[list[Any], float], None] | None) -> None:
        self._tell = on_wait
        self._again = monotonic() + WAIT_SECONDS
        self._told = False

    @property
    def left(self) -> float | None:
        """Seconds until it is to be said."""
        return max(0.0, self._again - monotonic()) if self._tell else None

    def tell(self, since: Mapping[Any, float]) -> None:
        """Say it."""
        self._again = monotonic() + WAIT_SECONDS
        if self._tell and since:
            self._told = True
            self._tell(list(since), monotonic() - min(since.values()))

    def fewer(self, since: Mapping[Any, float]) -> None:
        """One has ended: say it once more, if it has been said."""
        if self._told:
            self.tell(since)

    def end(self) -> None:
        """Nobody is waited for, or the operator is asked."""
        self._again = monotonic() + WAIT_SECONDS
        if self._told and self._tell:
            self._told = False
            self._tell([], 0.0)
