"""Fabric groups as a phase needs them: a bounded pool that waits for all, and a row that stops at the first failure.

Fabric's own ThreadingGroup starts one thread per host without a cap, its SerialGroup goes on after a failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from fabric import Connection, GroupResult, SerialGroup, ThreadingGroup
from fabric.exceptions import GroupException

OnEnd = Callable[[Connection, Any], None]


def _nobody(connection: Connection, result: Any) -> None:
    """Nobody wants to know at once."""


class Row(SerialGroup):
    """One host after the other; after a failure the rest is not touched (and not in the result)."""

    @classmethod
    def of(cls, connections: Iterable[Connection]) -> Self:
        """The row of these, in this order."""
        row: Self = cls.from_connections(connections)
        return row

    def step(
        self,
        scripts: Mapping[str, str],
        on_line: Callable[[str, str], None],
        seconds: float | None,
        reconnect: float = 0.0,
        on_end: OnEnd = _nobody,
    ) -> GroupResult:
        """`Node.step` on one after the other; on_end: called with each host's result as it comes."""
        results = GroupResult()
        for connection in self:
            results[connection] = _attempt(connection, "step", (scripts, on_line, seconds, reconnect))
            on_end(connection, results[connection])
            if isinstance(results[connection], BaseException):
                raise GroupException(results)
        return results


class Pool(ThreadingGroup):
    """At most `at_once` hosts at the same time; every host is waited for and has its place in the result."""

    at_once = 32

    @classmethod
    def of(cls, connections: Iterable[Connection], at_once: int) -> Self:
        """The pool of these."""
        pool: Self = cls.from_connections(connections)
        pool.at_once = at_once
        return pool

    def each(self, method: str) -> GroupResult:
        """Call a Node's method on all, e.g. `open`."""
        return self._do(lambda connection: _attempt(connection, method))

    def step(
        self,
        scripts: Mapping[str, str],
        on_line: Callable[[str, str], None],
        seconds: float | None,
        reconnect: float = 0.0,
        on_end: OnEnd = _nobody,
    ) -> GroupResult:
        """`Node.step` on all; on_end: called, from several threads, with each host's result as it comes."""

        def step(connection: Connection) -> Any:
            result = _attempt(connection, "step", (scripts, on_line, seconds, reconnect))
            on_end(connection, result)
            return result

        return self._do(step)

    def _do(self, act: Callable[[Connection], Any]) -> GroupResult:
        results = GroupResult()
        pool = ThreadPoolExecutor(max(1, min(self.at_once, len(self))))
        try:
            running = {connection: pool.submit(act, connection) for connection in self}
            for connection, future in running.items():
                results[connection] = future.result()
        finally:
            # After a second Ctrl-C nothing is waited for: closing the connections ends the threads.
            pool.shutdown(wait=False, cancel_futures=True)
        if results.failed:
            raise GroupException(results)
        return results


def _attempt(connection: Connection, method: str, args: tuple[Any, ...] = ()) -> Any:
    try:
        return getattr(connection, method)(*args)
    except Exception as error:  # noqa: BLE001  # a group's result holds each host's error, whatever it was
        return error
