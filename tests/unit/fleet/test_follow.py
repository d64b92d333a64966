"""A script whose line drops: how long its host is tried again, and who is asked how long on the way back."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from time import monotonic
from typing import Any

import pytest
from fabric import Config

from tasks.errors import Unreachable
from tasks.fleet import follow as followed
from tasks.fleet import groups
from tasks.fleet.follow import follow
from tasks.fleet.groups import Pool
from tasks.fleet.machines import Machines
from tasks.fleet.outcome import Listener, Outcome, meaningless
from tasks.fleet.shell import Output, ShellEnded, StepTimeout
from tasks.fleet.unreachable import Unanswered
from tasks.fleet.wire import ConnectionLost
from tests.unit.builders import ONE


class Host:
    """A node whose root shell does this, one thing at each try: raises it, or answers it."""

    label = "blockerbugs01"

    def __init__(self, *tries: Any) -> None:
        self.tries = list(tries)
        self.closing = threading.Event()
        self.gone = False
        self.until: list[float | None] = []

    def hurry(self, until: float | None) -> None:
        self.until.append(until)

    def give_up(self, gone: bool) -> None:
        self.gone = gone

    def run(self, script: str, on_line: Any, seconds: float, is_root: Any) -> Output:
        does = self.tries.pop(0)
        if not isinstance(does, Unreachable):
            is_root()
        if isinstance(does, BaseException):
            raise does
        for line in does.lines:
            on_line(line)
        return does  # type: ignore[no-any-return]


class Heard(Listener):
    """What was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def line(self, host: Any, text: str) -> None:
        self.told.append(text)

    def lost(self, host: Any, seconds: float) -> None:
        self.told.append("lost")

    def back(self, host: Any) -> None:
        self.told.append("back")

    def ended(self, host: Any, outcome: Outcome) -> None:
        self.told.append("ended")


def result(host: Host, reconnect: float = 5, heard: Heard | None = None) -> Outcome:
    node: Any = host
    return follow(node, ONE, "the step", heard or Heard(), 60, reconnect, meaningless, threading.Event())


DONE = Output(("one", "two"), 0)
AWAY = Unreachable("blockerbugs01: no answer on port 22 in time")


def test_n2_a_line_that_drops_is_told_and_each_line_only_once() -> None:
    heard = Heard()
    host = Host(ConnectionLost("gone"), DONE)
    assert result(host, heard=heard).output == "one\ntwo"
    assert heard.told == ["lost", "back", "one", "two", "ended"]


def test_n2_while_a_host_is_tried_again_connecting_and_asking_end_with_its_time() -> None:
    host, began = Host(ConnectionLost("gone"), AWAY, DONE), monotonic()
    result(host, reconnect=100)
    first, there, *tried, back, end = host.until
    assert first is not None
    assert tried
    assert all(until is not None and 0 < until - began <= 101 for until in tried)
    assert there is back is end is None


def test_n2_a_question_on_the_way_back_that_nobody_answers_ends_it() -> None:
    asked = Unanswered("blockerbugs01: nobody has answered what it asks: sudo password")
    host = Host(ConnectionLost("gone"), asked, DONE)
    outcome = result(host, reconnect=100)
    assert (outcome.known, outcome.failure) == (False, "nobody has answered what it asks: sudo password")
    assert host.tries == [DONE]


def test_n2_a_host_that_did_not_come_back_is_tried_once_and_shortly_from_then_on() -> None:
    host = Host(ConnectionLost("gone"), *[AWAY] * 9)
    assert result(host, reconnect=0.5).known is False
    left, now = len(host.tries), monotonic()
    assert result(host, reconnect=100).known is False
    assert (len(host.tries), monotonic() - now < 5) == (left - 1, True)
    assert (host.until[-2] or 0) - now <= followed.GONE_SECONDS + 1
    host.tries = [DONE, ConnectionLost("gone"), DONE]
    assert result(host).known
    assert result(host).known  # and it has all its time again


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (ConnectionLost("Socket is closed"), "the connection was lost: what became of it is not known"),
        (ShellEnded("its root shell was ended"), "its root shell was ended: what became of it is not known"),
        (StepTimeout("no end after 60 s"), "no end after 60 s: what became of it is not known"),
    ],
)
def test_w2_of_what_nobody_saw_end_it_is_said_why_that_is_not_known(error: Exception, failure: str) -> None:
    outcome = result(Host(error), reconnect=0)
    assert (outcome.known, outcome.failure) == (False, failure)


class Back(Host):
    """A node whose line is lost at first; when it is back depends on the test."""

    def __init__(self) -> None:
        super().__init__(ConnectionLost("gone"), DONE)
        self.back, self.sent = threading.Event(), threading.Event()

    def run(self, script: str, on_line: Any, seconds: float, is_root: Any) -> Output:
        if isinstance(self.tries[0], Output):
            assert self.back.wait(20)
        ran = super().run(script, on_line, seconds, is_root)
        self.sent.set()
        return ran


def leaves(waited_for: Sequence[object], what: str, seconds: float) -> None:
    raise KeyboardInterrupt


def test_n3_what_was_not_sent_when_its_client_left_is_not_sent_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "WAIT_SECONDS", 0.5)
    machines, node = Machines((), Config(), lambda *_: "", on_wait=leaves), Back()
    machines._nodes = {ONE: node}  # type: ignore[dict-item]
    with pytest.raises(KeyboardInterrupt):
        machines.carry_out({ONE: "take the lock"}, Pool.from_connections, 60, "to end", reconnect=100)
    node.back.set()
    assert not node.sent.wait(1)


def test_n3_what_is_heard_of_a_connection_that_is_closed_is_no_news() -> None:
    heard, host = Heard(), Host(DONE)
    host.closing.set()
    result(host, heard=heard)
    assert heard.told == []
