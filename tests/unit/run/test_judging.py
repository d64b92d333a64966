"""The court of a run: who is asked, and what goes on meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tasks.inventory.model import Host
from tasks.run.judge import GOOD, INCONCLUSIVE, Finding, Verdict
from tasks.run.judging import Court, _not_asked
from tasks.run.observer import Report
from tasks.run.window import _Inside
from tests.unit.builders import ONE, TWO, prod


class Asks(Report):
    """Somebody who is asked, and answers when `answers` says so."""

    def __init__(self, answers: Callable[[], str]) -> None:
        self._answers = answers
        self.questions: list[str] = []
        self.asked = threading.Event()

    def can_ask(self) -> bool:
        return True

    def ask(self, question: str, moot: Callable[[], bool] | None = None) -> str:
        self.questions.append(question)
        self.asked.set()
        return self._answers()


def court(report: Report, monkeypatch: pytest.MonkeyPatch) -> tuple[Court, list[Any]]:
    """One whose verdicts are all inconclusive, and what it writes down."""
    written: list[Any] = []
    plan = SimpleNamespace(request=SimpleNamespace(host_set=prod(soak=1, url="http://x.example/")))
    journal = SimpleNamespace(write=written.append, entries=[])
    run: Any = SimpleNamespace(
        turn=threading.RLock(), failures={}, verdicts={}, may_ask=True, halted=None, plan=plan, journal=journal
    )
    nothing: Any = None
    monkeypatch.setattr(Court, "_soak", lambda *_: Verdict((Finding("web01", INCONCLUSIVE, "too little was seen"),)))
    return Court(run, nothing, report, threading.Event()), written


def ends(host: Host) -> Any:
    return SimpleNamespace(judged=(host,))


def test_j2_while_a_question_stands_the_other_hosts_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = threading.Event()
    asks = Asks(lambda: "y" if answer.wait(20) else "")
    one, written = court(asks, monkeypatch)
    inside = _Inside(one.run, asks)
    thread = threading.Thread(target=one.judges, args=(7, ends(ONE), inside))
    thread.start()
    try:
        assert asks.asked.wait(20)
        free = one.run.turn.acquire(timeout=2)
        if free:
            one.run.turn.release()
    finally:
        answer.set()
        thread.join(20)
    assert free
    assert [said.stops for said in written] == [False]


def test_j2_who_says_no_for_one_host_is_not_asked_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asks = Asks(lambda: "n")
    one, written = court(asks, monkeypatch)
    assert not one.judges(7, ends(ONE), asks)
    assert one.judges(8, ends(TWO), asks)
    assert len(asks.questions) == 1
    assert [(said.number, said.stops) for said in written] == [(7, True)]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (["blockerbugs01", "users"], ["not asked: blockerbugs02"]),
        (["users"], []),
        (["blockerbugs01", "blockerbugs02"], []),
    ],
)
def test_j1_of_a_batch_of_which_some_hosts_were_asked_the_others_are_named(found: list[str], said: list[str]) -> None:
    verdict = Verdict(tuple(Finding(who, GOOD, "0 of 90 requests failed") for who in found))
    assert _not_asked([ONE, TWO], verdict) == said
