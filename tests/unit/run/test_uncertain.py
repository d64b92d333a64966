from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from tasks.fleet.machines import Machines
from tasks.fleet.outcome import Outcome
from tasks.inventory.model import Host
from tasks.journal.file import Journal
from tasks.run.lock import RunLock
from tasks.run.look import Reached
from tasks.run.remaining import Remaining
from tasks.run.uncertain import found_out

from ..builders import ONE, TWO, prod

LOST = Outcome("", 30.0, "the connection was lost: what became of it is not known", known=False, began=7.0)
LEFT = Remaining({ONE: "04-yum-update", TWO: "04-yum-update"})


class Hosts:
    """What the hosts answer when they are asked for their steps, and when the step is followed again."""

    def __init__(self, states: Mapping[Host, str], followed: Mapping[Host, Outcome]) -> None:
        self.states, self.followed = states, followed

    def ask(self, scripts: Mapping[Host, str], *_: object, **__: object) -> dict[Host, Outcome]:
        if set(scripts.values()) == {"the step"}:
            return {host: self.followed[host] for host in scripts}
        return {
            host: Outcome(f"step\t04-yum-update\t{self.states[host]}", 0.1)
            if host in self.states
            else Outcome("", 0.1, "the host is lost", known=False)
            for host in scripts
        }

    carry_out = ask


def found(states: Mapping[Host, str], followed: Mapping[Host, Outcome] | None = None) -> dict[Host, Outcome]:
    machines = cast(Machines, Hosts(states, followed or {}))
    run_lock = RunLock(Reached(prod(), machines), Journal())
    return found_out({ONE: LOST}, LEFT, {ONE: "the step", TWO: "the step"}, run_lock)


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
