"""Who agrees to a plan, and what counts as a yes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tasks.errors import Refused
from tasks.run.consent import Consent, agree, check_that_somebody_can_agree
from tasks.run.observer import Report
from tests.unit.builders import prod


class Person(Report):
    """Somebody at a terminal, who answers so; None: whose terminal is gone."""

    def __init__(self, answer: str | None = "", there: bool = True) -> None:
        self._answer, self._there = answer, there
        self.questions: list[str] = []

    def can_ask(self) -> bool:
        return self._there

    def ask(self, question: str, moot: Callable[[], bool] | None = None) -> str:
        self.questions.append(question.strip())
        if self._answer is None:
            raise EOFError
        return self._answer


@pytest.mark.parametrize("answer", ["y", "Y", "yes", "YES"])
def test_a_yes_of_any_kind_is_one(answer: str) -> None:
    person = Person(answer)
    agree(prod(), Consent(), person)
    assert person.questions == ["Is this ok [y/N]:"]


@pytest.mark.parametrize("answer", ["", "n", "no", "yo", "prod", None])
def test_everything_else_is_none(answer: str | None) -> None:
    with pytest.raises(Refused) as refused:
        agree(prod(), Consent(), Person(answer))
    assert refused.value.problems == ("not confirmed",)


def test_a_set_that_wants_its_name_is_agreed_to_by_its_name() -> None:
    person = Person("prod")
    agree(prod(confirm="name"), Consent(), person)
    assert person.questions == ["Type prod to go on:"]


@pytest.mark.parametrize("answer", ["", "y", "yes", "PROD", "stg", None])
def test_a_set_that_wants_its_name_is_agreed_to_by_nothing_else(answer: str | None) -> None:
    with pytest.raises(Refused):
        agree(prod(confirm="name"), Consent(), Person(answer))


@pytest.mark.parametrize(
    ("confirm", "consent"), [("question", Consent(yes=True)), ("name", Consent(yes=True)), ("none", Consent())]
)
def test_who_has_agreed_already_is_not_asked(confirm: str, consent: Consent) -> None:
    person = Person(None, there=False)
    host_set = prod(confirm=confirm)
    check_that_somebody_can_agree(host_set, consent, person)
    agree(host_set, consent, person)
    assert person.questions == []


@pytest.mark.parametrize("confirm", ["question", "name"])
def test_where_nobody_can_be_asked_it_is_refused_before_any_host_is_reached(confirm: str) -> None:
    with pytest.raises(Refused, match="prod wants to be confirmed, and there is no terminal to ask on"):
        check_that_somebody_can_agree(prod(confirm=confirm), Consent(), Person(there=False))
    check_that_somebody_can_agree(prod(confirm=confirm), Consent(), Person())


def test_a_plan_alone_wants_nobody() -> None:
    check_that_somebody_can_agree(prod(), Consent(plan_only=True), Person(there=False))
