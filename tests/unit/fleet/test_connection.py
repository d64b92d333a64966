"""When a lost host is tried again, and how connections end."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any, cast

import pytest
from fabric import Config

from tasks.fleet import attempts, connection, groups, ssh_config
from tasks.fleet.attempts import Attempts
from tasks.fleet.connection import Node
from tasks.fleet.machines import Machines
from tasks.fleet.shell import Output, StepTimeout
from tasks.fleet.ssh_config import Options
from tasks.fleet.wire import Wire
from tasks.inventory.model import Host

from ..builders import ONE, TWO


class Clock:
    """Time that goes by when somebody waits, as the event that ends the waiting."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return False


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(attempts, "monotonic", clock.monotonic)
    return clock


def trying(clock: Clock, seconds: float = 120, told: list[float | None] | None = None) -> Attempts:
    """Attempts at a host; told: with how many seconds it was said to be lost, and None where it was back."""
    heard = [] if told is None else told
    left = threading.Event()
    return Attempts(seconds, clock, left, heard.append, lambda: heard.append(None))  # type: ignore[arg-type]


def gone_for(clock: Clock, attempts: Attempts, was_there: bool = True) -> float:
    """For how many seconds a host is tried that stays away."""
    began = clock.now
    while attempts.another(was_there):
        was_there = False
    return clock.now - began


def test_n2_each_loss_has_the_whole_time_to_come_back(clock: Clock) -> None:
    attempts = trying(clock)
    assert attempts.another(True)
    clock.now += 600  # followed again for ten minutes
    assert gone_for(clock, attempts) == pytest.approx(120)


@pytest.mark.parametrize(
    ("was_there", "lasts", "at_most"),
    [
        pytest.param(True, 2, 125, id="comes back for a moment only"),
        pytest.param(False, 60, 185, id="takes long to refuse"),
    ],
)
def test_n2_no_new_time_has_a_host_that(clock: Clock, was_there: bool, lasts: int, at_most: int) -> None:
    attempts = trying(clock)
    began = clock.now
    while attempts.another(was_there):
        clock.now += lasts
    assert clock.now - began < at_most


def test_n2_a_lost_line_is_told_once_with_what_is_left_and_that_it_is_back(clock: Clock) -> None:
    told: list[float | None] = []
    attempts = trying(clock, told=told)
    assert attempts.another(True)
    clock.now += 10
    assert attempts.another(False)
    attempts.back()
    attempts.back()
    clock.now += 600
    assert attempts.another(True)
    assert told == [120, None, 120]


def test_n2_a_host_that_is_not_tried_again_is_not_said_to_be(clock: Clock) -> None:
    told: list[float | None] = []
    assert not trying(clock, 0, told).another(True)
    assert told == []


class Breaking:
    """Something that breaks when it is closed."""

    closed = False

    def __init__(self) -> None:
        self.closing = threading.Event()

    def close(self) -> None:
        self.closed = True
        raise OSError("Socket is closed")


def test_a_connection_that_cannot_be_closed_keeps_no_other_open_and_is_no_error() -> None:
    machines = Machines((), Config(), lambda who, text, hidden, moot: "")
    one, two = Breaking(), Breaking()
    machines._nodes = {ONE: one, TWO: two}  # type: ignore[dict-item]
    machines.close()
    assert (one.closed, two.closed) == (True, True)


def test_a_shell_whose_channel_cannot_be_closed_is_closed_all_the_same() -> None:
    channel: Any = Breaking()
    wire = Wire(channel, channel)
    wire.close()


class Root:
    """A root shell that says which one it is, and whether it was used by two at once."""

    def __init__(self, number: int, transport: object) -> None:
        self.transport, self.prompt = transport, None
        self._number, self._turn = number, threading.Lock()

    def run(self, script: str, on_line: object, seconds: float) -> Output:
        assert self._turn.acquire(blocking=False), f"two at once in root shell {self._number}"
        if script == "fails":
            raise StepTimeout
        self._turn.release()
        return Output((f"{script} in {self._number}",), 0)

    def close(self) -> None:
        pass


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Node:
    """A connection that is open, with root shells as they are wanted."""
    transport, opened = object(), itertools.count(1)
    monkeypatch.setattr(Node, "open", lambda _: None)
    monkeypatch.setattr(connection, "RootShell", lambda *_: Root(next(opened), transport))
    node = Node(ONE.name, Config(), Options(ONE.name, {"user": ("root",)}))
    node._set(transport=transport)
    return node


def test_b4_a_root_shell_that_was_taken_is_nobody_elses_also_before_anything_was_sent_to_it(node: Node) -> None:
    node.become_root()
    both = threading.Barrier(2, timeout=20)

    def is_root() -> None:
        both.wait()

    with ThreadPoolExecutor(2) as pool:
        ran = list(pool.map(lambda script: node.run(script, print, 60, is_root).lines, ["look", "undo"]))
    assert sorted(line[-1] for lines in ran for line in lines) == ["1", "2"]


def test_w2_the_root_shell_is_used_again_but_not_one_whose_script_was_not_seen_to_end(node: Node) -> None:
    def ran(script: str) -> tuple[str, ...]:
        return node.run(script, print, 60, lambda: None).lines

    assert (ran("a"), ran("b")) == (("a in 1",), ("b in 1",))
    with pytest.raises(StepTimeout):
        ran("fails")
    assert (ran("c"), ran("d")) == (("c in 2",), ("d in 2",))


def test_w3_of_a_host_that_is_tried_again_that_is_said_and_not_the_step() -> None:
    told: list[tuple[list[str], str]] = []

    def on_wait(hosts: Sequence[Host], what: str, seconds: float) -> None:
        told.append(([host.short for host in hosts], what))

    machines = Machines((), Config(), lambda who, text, hidden, moot: "", on_wait=on_wait)
    tried: dict[Host, tuple[float, float]] = {}
    one, two = cast(Node, "one"), cast(Node, "two")
    say = machines._waits({one: ONE, two: TWO}, "to end upgrade-db (at most 60 min)", tried)
    assert say
    say([one, two], 5)
    tried[ONE] = (monotonic(), 120)
    say([one, two], 10)
    assert told == [
        (["blockerbugs01", "blockerbugs02"], "to end upgrade-db (at most 60 min)"),
        (["blockerbugs01"], "to be there again (tried for 2 min)"),
    ]


def test_w3_who_is_waited_for_while_ssh_reads_its_configuration_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "WAIT_SECONDS", 0.05)
    told, said = list[str](), threading.Event()

    def on_wait(hosts: Sequence[Host], what: str, seconds: float) -> None:
        told.append(f"{[host.short for host in hosts]} {what}")
        said.set()

    def slow(file: str | None, name: str) -> None:
        assert said.wait(20)

    monkeypatch.setattr(ssh_config, "wait", slow)
    Machines([ONE], Config(), lambda who, text, hidden, moot: "", on_wait=on_wait)
    assert told[0] == "['blockerbugs01'] until ssh has read its configuration (ssh -G; at most 1 min)"
