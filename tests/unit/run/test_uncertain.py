from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import cast

from tasks.fleet import detached
from tasks.fleet.machines import Group, Machines
from tasks.fleet.outcome import Means, Outcome
from tasks.inventory.model import Host
from tasks.journal.file import Journal
from tasks.run.lock import RunLock, says
from tasks.run.look import Reached
from tasks.run.remaining import Remaining
from tasks.run.uncertain import found_out

from ..builders import ONE, TWO, prod

LOST = Outcome("", 30.0, "the connection was lost: what became of it is not known", known=False, began=7.0)
LEFT = Remaining({ONE: "04-yum-update", TWO: "04-yum-update"})


class Hosts:
    """What the hosts answer when they are asked for their steps, and when the step is followed again.

    asked: hosts, seconds, and what they were waited for to do, each time.
    """

    def __init__(self, states: Mapping[Host, str], followed: Mapping[Host, Outcome]) -> None:
        self.states, self.followed = states, followed
        self.asked: list[tuple[list[Host], float, str]] = []

    def ask(self, scripts: Mapping[Host, str], seconds: float, what: str) -> dict[Host, Outcome]:
        self.asked.append((list(scripts), seconds, what))
        assert all("steps_states" in script and "0123abcd" in script for script in scripts.values())
        return {
            host: Outcome(f"step\t04-yum-update\t{self.states[host]}", 0.1)
            if host in self.states
            else Outcome("", 0.1, "the host is lost", known=False)
            for host in scripts
        }

    def carry_out(
        self, scripts: Mapping[Host, str], group: Group, seconds: float, what: str, means: Means
    ) -> dict[Host, Outcome]:
        self.asked.append((list(scripts), seconds, what))
        assert group([]).at_once == 32
        assert means(detached.DIED, "") == says(detached.DIED, "")
        assert set(scripts.values()) <= {"the step"}
        return {host: self.followed[host] for host in scripts}


def hosts(states: Mapping[Host, str], followed: Mapping[Host, Outcome] | None = None) -> Hosts:
    return Hosts(states, followed or {})


def asked(machines: Hosts, unknown: Mapping[Host, Outcome]) -> dict[Host, Outcome]:
    """What is found out from these machines about steps whose end nobody saw."""
    with closing(Journal(run="0123abcd")) as journal:
        run_lock = RunLock(Reached(prod(), cast(Machines, machines)), journal)
        return found_out(unknown, LEFT, {ONE: "the step", TWO: "the step"}, run_lock)


def found(states: Mapping[Host, str], followed: Mapping[Host, Outcome] | None = None) -> dict[Host, Outcome]:
    return asked(hosts(states, followed), {ONE: LOST})


def test_n2_a_step_that_has_ended_meanwhile_has_the_end_that_it_had() -> None:
    assert found({ONE: "0"}, {ONE: Outcome("Complete!", 0.1)}) == {ONE: Outcome("Complete!", 30.0, began=7.0)}


def test_n2_one_that_has_failed_meanwhile_is_known_to_have_failed() -> None:
    failed = Outcome("no", 0.1, "exit status 1: no")
    assert (found({ONE: "1"}, {ONE: failed})[ONE].known, found({ONE: "1"}, {ONE: failed})[ONE].failure) == (
        True,
        "exit status 1: no",
    )


def test_n2_one_that_still_runs_is_not_known_and_said_to_run() -> None:
    outcome = found({ONE: "runs"})[ONE]
    assert (outcome.known, outcome.failure) == (False, f"{LOST.failure}; it still runs")


def test_n2_where_the_host_does_not_answer_nothing_is_guessed() -> None:
    outcome = found({})[ONE]
    assert (outcome.known, outcome.failure) == (False, f"{LOST.failure}; the host cannot tell")


def test_n2_a_host_that_is_lost_again_while_it_is_followed_stays_unknown() -> None:
    assert found({ONE: "0"}, {ONE: LOST})[ONE].known is False


def test_n2_the_hosts_have_a_minute_to_say_and_to_answer_and_only_those_that_ended_are_followed() -> None:
    machines = hosts({ONE: "0", TWO: "runs"}, {ONE: Outcome("Complete!", 0.1)})
    assert [outcome.known for outcome in asked(machines, {ONE: LOST, TWO: LOST}).values()] == [True, False]
    assert machines.asked == [([ONE, TWO], 60, "to say what became of the step"), ([ONE], 60, "to answer")]


def test_n2_where_every_end_was_seen_no_host_is_asked() -> None:
    machines = hosts({})
    assert (asked(machines, {}), machines.asked) == ({}, [])


def test_n2_a_host_that_says_something_and_fails_at_it_is_not_believed() -> None:
    class Odd(Hosts):
        def ask(self, scripts: Mapping[Host, str], seconds: float, what: str) -> dict[Host, Outcome]:
            return {host: Outcome("step\t04-yum-update\t0", 0.1, "exit status 1") for host in scripts}

    assert asked(Odd({}, {}), {ONE: LOST})[ONE].failure == f"{LOST.failure}; the host cannot tell"


def test_n2_a_host_that_has_lost_the_step_cannot_tell() -> None:
    class Empty(Hosts):
        def ask(self, scripts: Mapping[Host, str], seconds: float, what: str) -> dict[Host, Outcome]:
            return {host: Outcome("step\t03-stop-httpd\t0", 0.1) for host in scripts}

    assert asked(Empty({}, {}), {ONE: LOST})[ONE].failure == f"{LOST.failure}; the host cannot tell"
