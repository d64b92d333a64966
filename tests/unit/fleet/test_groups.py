from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tasks.fleet import groups
from tasks.fleet.groups import NobodyAsks, Pool, Questions, Row

Step = Callable[[str], str]


class Machine:
    """What a group needs of a connection: it does a step by calling a function the test can see."""

    def __init__(self, name: str, does: Step) -> None:
        self.name, self.does = name, does

    def open(self) -> str:
        return self.does(self.name)


def machines(count: int, does: Step) -> list[Any]:
    return [Machine(f"host{number}", does) for number in range(count)]


def opens(one: Any) -> str:
    return str(one.open())


def broke(result: object) -> bool:
    return isinstance(result, BaseException)


def row(hosts: list[Any]) -> dict[str, Any]:
    return by_name(Row.from_connections(hosts).each(opens, broke))


def pool(hosts: list[Any], at_once: int, questions: Questions | None = None) -> dict[str, Any]:
    return by_name(Pool.of(hosts, at_once).each(opens, questions=questions))


def by_name(result: Any) -> dict[str, Any]:
    return {machine.name: value for machine, value in result.items()}


def fails_on(*names: str) -> Step:
    def does(name: str) -> str:
        if name in names:
            raise ValueError(name)
        return f"{name} is fine"

    return does


def test_a_row_takes_one_host_after_the_other_in_their_order() -> None:
    at_work: list[str] = []

    def does(name: str) -> str:
        at_work.append(f"{name} begins")
        threading.Event().wait(0.002)
        at_work.append(f"{name} ends")
        return name

    assert list(row(machines(2, does))) == ["host0", "host1"]
    assert at_work == ["host0 begins", "host0 ends", "host1 begins", "host1 ends"]


def test_a_row_stops_at_the_first_failure_and_touches_nobody_behind_it() -> None:
    touched: list[str] = []

    def does(name: str) -> str:
        touched.append(name)
        return fails_on("host1")(name)

    result = row(machines(3, does))
    assert (list(result), touched) == (["host0", "host1"], ["host0", "host1"])
    assert (result["host0"], type(result["host1"])) == ("host0 is fine", ValueError)


def test_a_row_stops_where_what_came_back_is_a_failure() -> None:
    result = Row.from_connections(machines(3, fails_on())).each(opens, lambda said: said == "host1 is fine")
    assert list(by_name(result)) == ["host0", "host1"]


def test_a_pool_reports_every_host_although_some_fail() -> None:
    result = pool(machines(40, fails_on("host3", "host39")), at_once=4)
    assert (len(result), [name for name, said in result.items() if broke(said)]) == (40, ["host3", "host39"])


def test_a_pool_reports_in_the_order_of_the_hosts() -> None:
    later = threading.Event()

    def does(name: str) -> str:
        if name == "host0":
            assert later.wait(20)
        later.set()
        return name

    assert list(pool(machines(2, does), at_once=2)) == ["host0", "host1"]


def test_a_pool_works_on_as_many_hosts_at_once_as_it_may() -> None:
    together = threading.Barrier(3)
    assert len(pool(machines(6, lambda name: str(together.wait(20))), at_once=3)) == 6


def test_a_pool_never_works_on_more() -> None:
    lock, at_work, most = threading.Lock(), set[str](), 0

    def does(name: str) -> str:
        nonlocal most
        with lock:
            at_work.add(name)
            most = max(most, len(at_work))
        threading.Event().wait(0.002)
        with lock:
            at_work.discard(name)
        return name

    pool(machines(30, does), at_once=3)
    assert most <= 3


def test_without_hosts_there_is_nothing_to_do() -> None:
    assert row([]) == pool([], at_once=1) == {}


class Desk:
    """The operator: what was asked and told, by which thread."""

    def __init__(self, answers: dict[str, str] | None = None) -> None:
        self.answers = answers or {}
        self.heard: list[str] = []
        self.threads: set[str] = set()
        self.questions = Questions(self.answer, self.say)

    def answer(self, connection: Any, text: str, hidden: bool, moot: Callable[[], bool]) -> str | None:
        self.threads.add(threading.current_thread().name)
        self.heard.append(f"{connection.name}? {text}")
        if text not in self.answers:
            raise KeyError(text)
        return self.answers[text]

    def say(self, connection: Any, text: str) -> None:
        self.heard.append(f"{connection.name}: {text}")


class Asking(Machine):
    """A host that wants to know something while it is connected to."""

    def __init__(self, name: str, desk: Desk, text: str, says: tuple[str, ...] = ()) -> None:
        super().__init__(name, fails_on())
        self.desk, self.text, self.says = desk, text, says

    def open(self) -> str:
        for line in self.says:
            self.desk.questions.tell(self, line)
        return self.desk.questions.ask(self, self.text)


def test_what_a_host_wants_to_know_is_asked_by_the_thread_that_waits_for_it() -> None:
    desk = Desk({"Password: ": "sesame"})
    hosts: list[Any] = [Asking(f"host{n}", desk, "Password: ") for n in range(3)]
    results = pool(hosts, 3, desk.questions)
    assert (set(results.values()), desk.threads) == ({"sesame"}, {threading.current_thread().name})
    assert sorted(desk.heard) == [f"host{n}? Password: " for n in range(3)]


def test_what_a_host_says_is_told_before_it_is_asked_for_an_answer() -> None:
    desk = Desk({"Option: ": "1"})
    host: Any = Asking("host0", desk, "Option: ", ("1. Push", "2. Phone"))
    pool([host], 1, desk.questions)
    assert desk.heard == ["host0: 1. Push", "host0: 2. Phone", "host0? Option: "]


def test_a_question_that_cannot_be_asked_is_that_hosts_failure_only() -> None:
    desk = Desk({"Option: ": "1"})
    hosts: list[Any] = [Asking("host0", desk, "Option: "), Asking("host1", desk, "Password: ")]
    result = pool(hosts, 2, desk.questions)
    assert (result["host0"], type(result["host1"])) == ("1", KeyError)


def test_a_question_that_nobody_waits_for_is_not_asked() -> None:
    desk = Desk({"Option: ": "1"})
    with pytest.raises(NobodyAsks):
        Asking("host0", desk, "Option: ").open()


def test_n3_whoever_leaves_a_question_leaves_no_thread_behind_it() -> None:
    left: list[BaseException] = []

    class Leaving(Desk):
        def answer(self, *asked: Any) -> str:
            raise KeyboardInterrupt

    class Remaining(Asking):
        def open(self) -> str:
            try:
                return super().open()
            except NobodyAsks as error:
                left.append(error)
                ended.release()
                raise

    desk, ended = Leaving(), threading.Semaphore(0)
    hosts: list[Any] = [Remaining(f"host{n}", desk, "Password: ") for n in range(2)]
    with pytest.raises(KeyboardInterrupt):
        pool(hosts, 2, desk.questions)
    assert ended.acquire(timeout=20)
    assert ended.acquire(timeout=20)
    assert len(left) == 2


def test_w3_who_is_waited_for_is_said_until_nobody_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "WAIT_SECONDS", 0.05)
    told: list[list[str]] = []
    slow, slowest = threading.Event(), threading.Event()
    ends = {"host1": slow, "host2": slowest}

    def on_wait(waited_for: list[Any], seconds: float) -> None:
        told.append([one.name for one in waited_for])
        slow.set()
        if told[-1] == ["host2"]:
            slowest.set()

    def does(name: str) -> str:
        assert name not in ends or ends[name].wait(20)
        return name

    Pool.of(machines(3, does), 3).each(opens, on_wait=on_wait)
    assert (told[0], told[-2], told[-1]) == (["host1", "host2"], ["host2"], [])


def test_w3_nobody_is_said_to_be_waited_for_while_a_question_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "WAIT_SECONDS", 0.02)

    class Slow(Desk):
        def answer(self, *asked: Any) -> str:
            self.heard.append("asked")
            threading.Event().wait(0.1)
            self.heard.append("answered")
            return ""

    desk = Slow()
    host: Any = Asking("host0", desk, "Password: ")
    waits = Pool.of([host], 1)
    waits.each(opens, questions=desk.questions, on_wait=lambda hosts, seconds: desk.heard.append("waits"))
    at = desk.heard.index("asked")
    assert desk.heard[at + 1] == "answered"


def test_w3_of_a_row_only_the_host_that_is_at_work_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "WAIT_SECONDS", 0.02)
    told: list[list[str]] = []
    waits = threading.Event()

    def on_wait(waited_for: list[Any], seconds: float) -> None:
        told.append([one.name for one in waited_for])
        waits.set()

    Row.from_connections(machines(2, lambda name: str(waits.wait(20)))).each(opens, broke, on_wait=on_wait)
    assert told[0] == ["host0"]
