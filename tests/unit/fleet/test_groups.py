from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from fabric.exceptions import GroupException

from tasks.fleet.groups import Pool, Row

Step = Callable[[str], str]


class Machine:
    """What a group needs of a connection: it does a step by calling a function the test can see."""

    def __init__(self, name: str, does: Step) -> None:
        self.name, self.does = name, does

    def open(self) -> str:
        return self.does(self.name)

    def step(
        self,
        scripts: Mapping[str, str],
        on_line: Callable[[str, str], None],
        seconds: float | None,
        reconnect: float,
    ) -> str:
        on_line(self.name, scripts[self.name])
        return self.does(self.name)


def machines(count: int, does: Step) -> list[Any]:
    return [Machine(f"host{number}", does) for number in range(count)]


def step(group: Row | Pool, said: list[str] | None = None) -> dict[str, Any]:
    scripts = {machine.name: f"script of {machine.name}" for machine in group}
    result = group.step(scripts, lambda name, line: (said if said is not None else []).append(f"{name}: {line}"), None)
    return {machine.name: value for machine, value in result.items()}


def fails_on(*names: str) -> Step:
    def does(name: str) -> str:
        if name in names:
            raise ValueError(name)
        return f"{name} is fine"

    return does


def test_a_row_takes_one_host_after_the_other_in_their_order() -> None:
    said: list[str] = []
    assert list(step(Row.of(machines(3, fails_on())), said)) == ["host0", "host1", "host2"]
    assert said == [f"host{n}: script of host{n}" for n in range(3)]


def test_a_row_stops_at_the_first_failure_and_touches_nobody_behind_it() -> None:
    touched: list[str] = []
    with pytest.raises(GroupException) as failed:
        step(Row.of(machines(3, fails_on("host1"))), touched)
    assert [machine.name for machine in failed.value.result] == ["host0", "host1"]
    assert not any(line.startswith("host2") for line in touched)


def test_a_row_keeps_the_failure_beside_what_went_well() -> None:
    with pytest.raises(GroupException) as failed:
        step(Row.of(machines(2, fails_on("host1"))))
    assert [machine.name for machine in failed.value.result.succeeded] == ["host0"]
    assert isinstance(next(iter(failed.value.result.failed.values())), ValueError)


def test_a_pool_reports_every_host_although_some_fail() -> None:
    with pytest.raises(GroupException) as failed:
        step(Pool.of(machines(40, fails_on("host3", "host39")), at_once=4))
    assert len(failed.value.result) == 40
    assert [machine.name for machine in failed.value.result.failed] == ["host3", "host39"]


def test_a_pool_reports_in_the_order_of_the_hosts() -> None:
    later = threading.Event()

    def does(name: str) -> str:
        if name == "host0":
            assert later.wait(20)
        later.set()
        return name

    assert list(step(Pool.of(machines(2, does), at_once=2))) == ["host0", "host1"]


def test_a_pool_works_on_as_many_hosts_at_once_as_it_may() -> None:
    together = threading.Barrier(3)
    assert len(step(Pool.of(machines(6, lambda name: str(together.wait(20))), at_once=3))) == 6


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

    step(Pool.of(machines(30, does), at_once=3))
    assert most <= 3


def test_a_pool_opens_every_host_and_says_which_could_not_be() -> None:
    with pytest.raises(GroupException) as failed:
        Pool.of(machines(3, fails_on("host1")), at_once=2).each("open")
    assert [machine.name for machine in failed.value.result.failed] == ["host1"]


@pytest.mark.parametrize("group", [Row.of([]), Pool.of([], at_once=1)], ids=["row", "pool"])
def test_without_hosts_there_is_nothing_to_do(group: Row | Pool) -> None:
    assert step(group) == {}
