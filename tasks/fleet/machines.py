"""The hosts of a run, connected: ask them all, do a step on some."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from fabric import Config
from fabric.exceptions import GroupException

from ..errors import SopError, Unreachable
from ..inventory.model import Host
from . import ssh_config
from .connection import CONNECT_SECONDS, Node, node
from .groups import Moot, OnWait, Pool, Questions, Row
from .outcome import Outcome, StepFailed
from .output import duration
from .setup import ssh_config_file
from .shell import SUDO_SECONDS

OnLine = Callable[[Host, str], None]
OnEnd = Callable[[Host, Outcome], None]
OnLoss = Callable[[Host, "float | None"], None]
Ask = Callable[[str, str, bool, Moot], "str | None"]
Waits = Callable[[Sequence[Host], str, float], None]
Said = Callable[[str, str], None]


def _unheard(who: str, text: str) -> None:
    """Nobody is told."""


class Machines:
    """Root shells on `hosts`, opened together and closed together; use it in a `with` statement.

    ask: asks the operator, in the thread that opened them (host or jump host, the words, hidden?, moot → the answer,
    or None where moot() came true first); on_said: tells what a host said on the way in (host or jump host, a line).
    on_wait: told every few seconds who is waited for, what for, and for how many seconds; with no host when it is over.
    sudo_seconds: how long sudo on a host may take to let us in, and after each answer.
    library: shell functions that scripts may call.
    tolerant: hosts that cannot be reached are left out, and their errors kept in `unreachable`.

    Opening raises Unreachable with every host that cannot be reached: then nothing was sent to any of them.
    """

    def __init__(
        self,
        hosts: Iterable[Host],
        config: Config,
        ask: Ask,
        at_once: int = 32,
        tolerant: bool = False,
        *,
        on_wait: Waits | None = None,
        on_said: Said = _unheard,
        sudo_seconds: Mapping[Host, float] | None = None,
        library: str = "",
    ) -> None:
        self._at_once = at_once
        self._on_wait = on_wait
        self._tolerant = tolerant
        wanted = list(dict.fromkeys(hosts))
        ssh_config.expect(ssh_config_file(config), [host.name for host in wanted])  # all at once, not one by one
        self._nodes: dict[Host, Node] = {host: node(host, config) for host in wanted}
        self._questions = Questions(
            lambda one, text, hidden, moot: ask(_label(one), text, hidden, moot),
            lambda one, text: on_said(_label(one), text),
        )
        for host, one in self._nodes.items():
            one.asks(self._questions, (sudo_seconds or {}).get(host, SUDO_SECONDS))
            one.brings(library)
        self.unreachable: dict[Host, SopError] = {}
        self._closing = False

    def __enter__(self) -> Self:
        try:
            patience = [one.connect_timeout or CONNECT_SECONDS for one in self._nodes.values()]
            self._all("open", f"to connect (at most {duration(max(patience, default=0))} for each answer)")
            longest = max((one.sudo_seconds for one in self._nodes.values()), default=0.0)
            self._all("become_root", f"to get through sudo (at most {duration(longest)} for each answer)")
        except BaseException:
            self.close()
            raise
        return self

    def check_that_none_is_lost(self, *also: str, way: str = "") -> None:
        """Raise Unreachable with every host that cannot be reached, and what else is to be said.

        way: what leads out beside the first one's own line.
        """
        if not self.unreachable:
            return
        lost = self.unreachable.values()
        problems = [problem for error in lost for problem in error.problems]
        raise Unreachable(*problems, *also, next_line="\n  or, ".join(filter(None, (_first_way(lost), way))) or None)

    def _all(self, method: str, what: str) -> None:
        """Call `method` on every host, all at once. Raises what went wrong, or sets the host aside.

        what: for the hosts to do what.
        """
        of = {connection: host for host, connection in self._nodes.items()}
        try:
            results = Pool.of(of, self._at_once, self._questions).each(method, on_wait=self._waits(of, what))
        except GroupException as error:
            results = error.result
        failed = {of[connection]: error for connection, error in results.failed.items()}
        if failed and not (self._tolerant and all(isinstance(error, Unreachable) for error in failed.values())):
            raise _together(failed.values()) from None
        self.unreachable |= failed
        for host in failed:
            self._nodes.pop(host).close()

    def _waits(self, of: Mapping[Node, Host], what: str) -> OnWait | None:
        tell = self._on_wait
        return (lambda waited_for, seconds: tell([of[one] for one in waited_for], what, seconds)) if tell else None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End every connection; never raises: that would hide how the run itself ended."""
        self._closing = True  # what a step says of that is no news
        for connection in self._nodes.values():
            with suppress(Exception):
                connection.close()

    def ssh(self, host: Host) -> str:
        """The ssh command, with a terminal, that reaches a host the way we do, for the lines to type."""
        return self._nodes[host].options.ssh("-t")

    def do(
        self,
        scripts: Mapping[Host, str],
        at_once: int,
        on_line: OnLine | None = None,
        seconds: float | None = None,
        reconnect: float = 0.0,
        on_end: OnEnd | None = None,
        what: str = "to answer",
        on_loss: OnLoss | None = None,
    ) -> dict[Host, Outcome]:
        """Run each host's script as root, `at_once` hosts at a time, and say what became of it.

        on_line: called, from several threads, with each line as it comes; seconds: how long a script is waited for;
        reconnect: for how many seconds a host is tried again when the line drops, see `Node.step`; on_end: called, from
        several threads, with what became of a host as soon as that is known; what: what they are waited for to do.
        on_loss: called, from several threads, when a host is lost in the middle, with the seconds for which it is tried
        again, and with None when it is back.
        With at_once=1 a failure keeps the hosts behind it from being touched: they are not in the result.
        """
        of = {self._nodes[host]: host for host in scripts if host in self._nodes}
        by_name = {host.name: script for host, script in scripts.items()}
        group: Row | Pool = Row.of(of, self._questions) if at_once == 1 else Pool.of(of, at_once, self._questions)

        at_most = f" (at most {duration(seconds)})" if seconds else ""

        def tell(name: str, line: str) -> None:
            if on_line and not self._closing:
                on_line(next(host for host in scripts if host.name == name), line)

        def lose(name: str, again: float | None) -> None:
            if on_loss and not self._closing:
                on_loss(next(host for host in scripts if host.name == name), again)

        def end(connection: Node, result: Outcome | BaseException) -> None:
            if on_end and not self._closing and isinstance(result, StepFailed | Outcome):
                on_end(of[connection], _outcome(result))

        try:
            waits = self._waits(of, what + at_most)
            results = group.step(by_name, tell, seconds, reconnect, end, on_loss=lose, on_wait=waits)
        except GroupException as error:
            results = error.result
        return {of[connection]: _outcome(result) for connection, result in results.items()}


def _label(connection: Any) -> str:
    """What messages call a host, or a jump host."""
    label: str = connection.label
    return label


def _outcome(result: Outcome | BaseException) -> Outcome:
    if isinstance(result, StepFailed):
        return result.outcome
    if isinstance(result, BaseException):
        raise result  # a mistake of ours: it shall be seen
    return result


def _together(errors: Iterable[BaseException]) -> BaseException:
    """One error that tells all of them."""
    failures = list(errors)
    told = [error for error in failures if isinstance(error, SopError)]
    strange = [error for error in failures if not isinstance(error, SopError)]
    if strange:
        return strange[0]
    kind = type(told[0]) if len({type(error) for error in told}) == 1 else Unreachable
    return kind(*(problem for error in told for problem in error.problems), next_line=_first_way(told))


def _first_way(errors: Iterable[SopError]) -> str | None:
    """What to type about the first of them, and that there are more, if it does not help them all."""
    ways = list(dict.fromkeys(error.next_line for error in errors if error.next_line))
    return f"{ways[0]}, and so on for the other hosts" if len(ways) > 1 else next(iter(ways), None)
