"""What a resume decides before it takes a run over, and what it does then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from fabric import Config

from tasks.errors import Code, Refused, TakenOver
from tasks.fleet.machines import Machines
from tasks.inventory.model import Host
from tasks.run import resume
from tasks.run.consent import Consent
from tasks.run.lock_file import Lock
from tasks.run.observer import Report
from tasks.run.remaining import Remaining
from tasks.run.takeover import Found
from tasks.sop.model import Facts
from tests.unit.builders import NEW, ONE, TWO, prod, well

from .runs import a_plan

LOCK = Lock("0123abcd", "alice@desk", "2026-11-26T05:00:00+00:00", "major-upgrade")
FACTS = dict.fromkeys((ONE, TWO), well(NEW, service="inactive", lock=LOCK.text))  # cron is paused
DONE = {"01-download": "0", "02-pause-cron": "0", "03-stop-httpd": "0", "04-yum-update": "0"}
STATES = {ONE: DONE, TWO: {**DONE, "04-yum-update": "runs"}}


class Shows(Report):
    """What is shown."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.rows: list[Remaining] = []

    def resume(self, plan: object, lock: object, remaining_phases: Any) -> None:
        self.rows = list(remaining_phases)

    def warning(self, text: str) -> None:
        self.texts.append(text)

    def free(self, host_set: object, facts: object, text: str, well: bool = True) -> None:
        self.texts.append(text)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is done, in its order; the hosts are as FACTS has them, and one of them ends its step meanwhile."""
    done: list[Any] = []

    def takes(*_: object) -> Mapping[Host, Mapping[str, str]]:
        done.append("take over")
        return {ONE: DONE, TWO: DONE}

    def performs(run: Any, rows: list[Remaining], *_: object) -> Code:
        done.append([sorted(row.names.values()) for row in rows[:5]])
        return Code.DONE

    def looks(*_: object, **asked: object) -> Mapping[Host, Facts]:
        done.append("look")
        return FACTS

    monkeypatch.setattr(Machines, "_all", lambda *_: {})
    monkeypatch.setattr(resume, "find", lambda *_: Found(LOCK, [], STATES, FACTS))
    monkeypatch.setattr(resume, "plan_again", lambda *_: (a_plan(), ["hosts.yml has changed"]))
    monkeypatch.setattr(resume, "take_over", takes)
    monkeypatch.setattr(resume, "look", looks)
    monkeypatch.setattr(resume, "perform", performs)
    return done


def test_where_no_run_has_locked_the_set_there_is_nothing_to_resume(
    steps: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resume, "find", lambda *_: FACTS)
    report = Shows()
    assert resume.resume(prod(), Config(), Consent(yes=True), report) == Code.DONE
    assert (report.texts, steps) == (["nothing to resume: no run holds prod"], [])


def test_a_plan_alone_shows_what_is_left_and_takes_nobody_the_run(steps: list[Any]) -> None:
    report = Shows()
    assert resume.resume(prod(), Config(), Consent(plan_only=True), report) == Code.REFUSED
    assert [len(row.names) for row in report.rows[:5]] == [0, 0, 0, 1, 2]
    assert (report.texts, steps) == (["hosts.yml has changed"], [])


def test_what_is_left_is_decided_again_after_the_run_was_taken_over(steps: list[Any]) -> None:
    report = Shows()
    assert resume.resume(prod(), Config(), Consent(yes=True), report) == Code.DONE
    assert report.rows[3].runs == (TWO,)  # shown: it was at work there
    assert steps == ["look", "take over", "look", [[], [], [], [], ["05-still-stopped", "05-still-stopped"]]]


def test_who_does_not_agree_takes_nobody_the_run(steps: list[Any]) -> None:
    class SaysNo(Shows):
        def can_ask(self) -> bool:
            return True

        def ask(self, question: str, moot: Callable[[], bool] | None = None) -> str:
            return "n"

    with pytest.raises(Refused):
        resume.resume(prod(), Config(), Consent(), SaysNo())
    assert steps == []


def test_a_run_that_somebody_else_has_taken_over_while_the_question_stood_is_theirs(
    steps: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise TakenOver("bob@desk took it over")

    monkeypatch.setattr(resume, "check_that_it_is_still_held", gone)
    with pytest.raises(TakenOver):
        resume.resume(prod(), Config(), Consent(yes=True), Shows())
    assert "take over" not in steps
