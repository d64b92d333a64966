"""The hosts of a run, connected: ask them all, do a step on some."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from threading import Event, Lock
from time import monotonic
from types import TracebackType
from typing import Any, Self

from fabric import Config
from paramiko.ssh_exception import SSHException

from .. import lines
from ..errors import SopError, Unreachable
from ..inventory.model import Host
from . import ssh_config
from .connection import CONNECT_SECONDS, Node
from .follow import follow
from .groups import Moot, OnWait, Pool, Questions, Row, work
from .outcome import Listener, Means, Outcome, meaningless
from .output import duration
from .setup import lenient, ssh_config_file
from .shell import SUDO_SECONDS
from .side_by_side import SideBySide, Thread, left_behind

Ask = Callable[[str, str, bool, Moot], "str | None"]
Waits = Callable[[Sequence[Host], str, float], None]
Said = Callable[[str, str], None]
Group = Callable[[Iterable[Node]], Row | Pool]


def node(host: Host, config: Config) -> Node:
    """The connection, not yet open, to a host of hosts.yml.

    Raises Unreachable for an ssh_config that cannot be used.
    """
    lenient(config)  # and empty: ssh has read it; Fabric would add what paramiko makes of it
    try:
        return Node(host.name, config, ssh_config.options(ssh_config_file(config), host.name), label=host.short)
    except (ValueError, SSHException) as error:
        raise Unreachable(
            f"{host.short}: ssh_config cannot be used: {error}", next_line=lines.ssh(host.name, flags="-v")
        ) from None


class Machines:
    """Root shells on `hosts`, opened together and closed together; use it in a `with` statement.

    ask: asks the operator, in the thread that opened them (host or jump host, the words, hidden?, moot → the answer,
    or None where moot() came true first); on_said: tells what a host said on the way in (host or jump host, a line).
    on_wait: told every few seconds who is waited for, what for, and for how many seconds; with no host when it is over.
    sudo_seconds: how long sudo on a host may take to let us in, and after each answer.
    library: shell functions that scripts may call.
    tolerant: hosts that cannot be reached are left out, and their errors kept in `unreachable`; spare: those of which
    that holds in any case, and whose errors are kept in `absent`.

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
        on_said: Said | None = None,
        sudo_seconds: Mapping[Host, float] | None = None,
        library: str = "",
        spare: Collection[Host] = (),
    ) -> None:
        self._at_once = at_once
        self._thread = Thread()
        self._on_wait = on_wait
        self._tolerant = tolerant
        self._spare = frozenset(spare)
        wanted = list(dict.fromkeys(hosts))
        self._read_ssh_config(ssh_config_file(config), wanted)
        self._nodes: dict[Host, Node] = {host: node(host, config) for host in wanted}
        self._questions = Questions(
            lambda one, text, hidden, moot: ask(_label(one), text, hidden, moot),
            lambda one, text: on_said(_label(one), text) if on_said else None,
        )
        for host, one in self._nodes.items():
            one.asks(self._questions, (sudo_seconds or {}).get(host, SUDO_SECONDS))
            one.brings(library)
        self.unreachable: dict[Host, SopError] = {}
        self.absent: dict[Host, SopError] = {}

    def __enter__(self) -> Self:
        try:
            patience = [one.connect_timeout or CONNECT_SECONDS for one in self._nodes.values()]
            self._all(Node.open, f"to connect (at most {duration(max(patience, default=0))} for each answer)")
            longest = max((one.sudo_seconds for one in self._nodes.values()), default=0.0)
            self._all(Node.become_root, f"to get through sudo (at most {duration(longest)} for each answer)")
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
        raise Unreachable(*problems, *also, next_line="\n".join(filter(None, (_first_way(lost), way))) or None)

    def _all(self, act: Callable[[Node], Any], what: str) -> None:
        """`act` on every host, all at once. Raises what went wrong, or sets the host aside.

        what: the wait, for messages: `to connect`.
        """
        of = {connection: host for host, connection in self._nodes.items()}
        pool = Pool.of(of, self._at_once)
        results = pool.each(act, questions=self._questions, on_wait=self._waits(of, what))
        failed = {of[connection]: error for connection, error in results.failed.items()}
        let_go = {host for host, one in failed.items() if isinstance(one, Unreachable) and self._may_be_away(host)}
        if failed.keys() != let_go:
            raise _together(failed.values())
        for host, error in failed.items():
            (self.absent if host in self._spare else self.unreachable)[host] = error
            self._nodes.pop(host).close()

    def _may_be_away(self, host: Host) -> bool:
        return self._tolerant or host in self._spare

    def _read_ssh_config(self, file: str | None, hosts: Sequence[Host]) -> None:
        """Let ssh read its configuration for all of them at once; what it complains of is raised where it is used."""
        lines.reached_by(file)
        ssh_config.expect(file, [host.name for host in hosts])
        tell, at_most = self._on_wait, duration(ssh_config.SECONDS)
        what = f"until ssh has read its configuration (ssh -G; at most {at_most})"
        on_wait = (lambda waited_for, seconds: tell(waited_for, what, seconds)) if tell else None
        work(list(hosts), lambda host: ssh_config.wait(file, host.name), self._at_once, on_wait=on_wait)

    def _waits(
        self, of: Mapping[Node, Host], what: str, tried: Mapping[Host, tuple[float, float]] | None = None
    ) -> OnWait | None:
        """tried: the hosts that are tried again: since when, and for how many seconds."""
        tell, lost = self._on_wait, tried if tried is not None else {}

        def on_wait(waited_for: Sequence[Node], seconds: float) -> None:
            hosts, again = [of[one] for one in waited_for], dict(lost)
            away = [host for host in hosts if host in again]
            if tell and away:
                since, most = again[away[0]]
                tell(away, f"to be there again (tried for {duration(most)})", monotonic() - since)
            elif tell:
                tell(hosts, what, seconds)

        return on_wait if tell else None

    def asks_no_more(self, when: Callable[[], bool]) -> None:
        """From the moment that `when()` is true, a host that asks something has no answer."""
        self._questions.over = when

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End every connection; never raises: that would hide how the run itself ended."""
        for connection in self._nodes.values():
            connection.closing.set()
        for connection in self._nodes.values():
            with suppress(Exception):
                connection.close()

    def ssh(self, host: Host) -> str:
        """The ssh command, with a terminal, that reaches a host the way we do, for the lines to type."""
        return self._nodes[host].options.ssh("-t")

    def side_by_side(self, hosts: Sequence[Host], act: Callable[[Host], bool], at_once: int) -> None:
        """Let `act` do all that there is to be done on each host, in a thread for each of `at_once` hosts; the next one
        begins when one ends, unless its `act` has returned False.

        What is asked and carried out meanwhile is done in these threads. Raises what an `act` raised.
        """
        together = SideBySide({host: Lock() for host in self._nodes})

        def in_a_thread(host: Host) -> bool:
            self._thread.of = together
            return act(host)

        with left_behind(together.left):
            results = work(hosts, in_a_thread, at_once, self._questions, failed=lambda result: result is not True)
        for result in results.values():
            if isinstance(result, BaseException):
                raise result

    def ask(
        self, scripts: Mapping[Host, str], seconds: float, what: str = "to answer", reconnect: float = 0.0
    ) -> dict[Host, Outcome]:
        """Run scripts that only look as root, on all their hosts at once, and say what each answered.

        seconds: how long that is waited for; what: what they are waited for to do; reconnect: as in `carry_out`.
        """
        return self.carry_out(scripts, partial(Pool.of, at_once=self._at_once), seconds, what, reconnect=reconnect)

    def carry_out(
        self,
        scripts: Mapping[Host, str],
        group: Group,
        seconds: float,
        what: str,
        listener: Listener | None = None,
        reconnect: float = 0.0,
        means: Means = meaningless,
    ) -> dict[Host, Outcome]:
        """Run each host's script as root, and say what became of it.

        group: makes the Fabric group that they run in: a Pool, or a Row, which stops at the first failure. Hosts that
        are not in the result were not reached.
        seconds: how long a script is waited for; what: what they are waited for to do; listener: told what happens.
        reconnect: for how many seconds a host is tried again when the line drops, see `follow`; means: what exit
        statuses of these scripts say by themselves.
        """
        of = {self._nodes[host]: host for host in scripts if host in self._nodes}
        told, together = _Watching(listener or Listener()), self._thread.of
        left = together.left if together else Event()

        def act(one: Node) -> Outcome:
            return follow(one, of[one], scripts[of[one]], told, seconds, reconnect, means, left)

        if together:
            found = {}
            for one, host in of.items():
                with together.turns[host]:
                    found[host] = act(one)
            return found
        waits = self._waits(of, f"{what} (at most {duration(seconds)})", told.tried)
        with left_behind(left):
            results = group(of).each(act, _has_failed, self._questions, waits)
        return {of[one]: _outcome(result) for one, result in results.items()}


class _Watching(Listener):
    """Passes on what it is told, and knows which hosts are tried again: since when, and for how many seconds."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.tried: dict[Host, tuple[float, float]] = {}

    def line(self, host: Host, text: str) -> None:
        self._listener.line(host, text)

    def lost(self, host: Host, seconds: float) -> None:
        self.tried[host] = (monotonic(), seconds)
        self._listener.lost(host, seconds)

    def back(self, host: Host) -> None:
        self.tried.pop(host, None)
        self._listener.back(host)

    def ended(self, host: Host, outcome: Outcome) -> None:
        self.tried.pop(host, None)
        self._listener.ended(host, outcome)


def _label(connection: Any) -> str:
    """What messages call a host, or a jump host."""
    label: str = connection.label
    return label


def _has_failed(result: Outcome | BaseException) -> bool:
    return isinstance(result, BaseException) or result.failure is not None


def _outcome(result: Outcome | BaseException) -> Outcome:
    if isinstance(result, BaseException):
        raise result  # a mistake of ours: it shall be seen
    return result


def _together(errors: Iterable[BaseException]) -> BaseException:
    """One error that tells all of them."""
    failures = list(errors)
    known = [error for error in failures if isinstance(error, SopError)]
    strange = [error for error in failures if not isinstance(error, SopError)]
    if strange:
        return strange[0]
    kind = type(known[0]) if len({type(error) for error in known}) == 1 else Unreachable
    return kind(*(problem for error in known for problem in error.problems), next_line=_first_way(known))


def _first_way(errors: Iterable[SopError]) -> str | None:
    """What to type about the first of them, and that there are more, if it does not help them all."""
    ways = list(dict.fromkeys(error.next_line for error in errors if error.next_line))
    return f"{ways[0]}  # and so on for the other hosts" if len(ways) > 1 else next(iter(ways), None)
