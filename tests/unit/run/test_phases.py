"""What becomes of the lock when a run ends before its first step."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from threading import Event
from types import SimpleNamespace
from typing import cast

import pytest

from tasks.errors import HalfWay, Interrupted, Refused, SopError, TakenOver
from tasks.fleet import detached
from tasks.fleet.machines import Machines
from tasks.fleet.outcome import Outcome
from tasks.inventory.model import Host
from tasks.journal.events import AutomaticUpdates, End
from tasks.journal.file import Journal
from tasks.run import automatic, phases, standing
from tasks.run.decide import Plan, decide
from tasks.run.ending import what_is_down
from tasks.run.lock import RunLock
from tasks.run.look import Reached
from tasks.run.observer import Report
from tasks.run.phase import asks_the_sync_host, let_the_balancer_see
from tasks.run.phases import leaving, perform
from tasks.run.remaining import everything
from tasks.run.standing import Standing
from tasks.run.state import Run
from tasks.sop.model import Effect

from ..builders import ONE, event, found, prod, request, well
from .runs import a_plan, run_of


class Held:
    """The lock of a set; is it held?"""

    reconnect = 0.0
    now = True
    holds: bool | None = True

    def __init__(self, machines: object) -> None:
        self.machines = cast(Machines, machines)
        self.reached = Reached(prod(), self.machines)

    def release(self) -> None:
        self.now = False

    def check_still_ours(self, first: str = "") -> None:
        """It is."""

    def script(self, *_: object) -> str:
        return "service httpd stop"


class Ousted(Held):
    """The lock of a run that another operator drives since a moment ago."""

    def release(self) -> None:
        raise TakenOver("prod: run 0123abcd was taken over by bob@desk", next_line="fab prod status")

    def check_still_ours(self, first: str = "") -> None:
        self.release()


class Unasked:
    """Machines that ask nothing."""

    def asks_no_more(self, when: object) -> None:
        pass


class Failing(Unasked):
    """Machines on which everything fails."""

    def carry_out(self, scripts: Mapping[Host, str], *_: object) -> dict[Host, Outcome]:
        return {host: Outcome("", 0.0, "exit status 1") for host in scripts}

    ask = carry_out


class TakenFrom(Unasked):
    """Machines of which the first knows another driver already, and the others do not; none can be looked at."""

    def ask(self, *_: object) -> dict[Host, Outcome]:
        return {}

    def carry_out(self, scripts: Mapping[Host, str], *_: object) -> dict[Host, Outcome]:
        first, *others = scripts
        knows = Outcome("bob@desk (0a1b2c3d)", 0.1, "taken over", exited=detached.TAKEN_OVER)
        return {first: knows} | {host: Outcome("", 0.1) for host in others}


class Lost(Unasked):
    """Machines of which none answers."""

    def ask(self, *_: object) -> dict[Host, Outcome]:
        return {}

    carry_out = ask


def performed(plan: Plan, journal: Journal, run_lock: RunLock) -> None:
    """Nothing stands around it."""
    reached = Reached(plan.request.host_set, cast(Machines, None))
    around = standing.of(reached, run_lock, journal, Report(), ())
    perform(Run(plan, journal), everything(plan), run_lock, Report(), around)


def ends(begun_as: str, monkeypatch: pytest.MonkeyPatch) -> tuple[type[BaseException], bool]:
    """How a run ends whose disk is full before the first step, and whether its set is still locked."""
    plan = decide(request("restart-httpd"), found(prod(), well()))
    journal, held = Journal(), Held(Lost())
    journal.write(event(begun_as))

    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    try:
        with pytest.raises((Refused, HalfWay), match="No space left on device") as error:
            performed(plan, journal, cast(RunLock, held))
    finally:
        journal.close()
    return error.type, held.now


def test_a_run_that_could_not_write_down_its_first_step_gives_its_lock_back(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ends("begin", monkeypatch) == (Refused, False)


def test_a_half_way_run_that_is_resumed_onto_a_full_disk_keeps_its_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ends("resume", monkeypatch) == (HalfWay, True)


def test_o2_who_fails_and_is_taken_over_in_that_moment_is_not_told_to_resume_or_to_abort() -> None:
    plan = decide(request("restart-httpd"), found(prod(), well()))
    journal = Journal()
    with pytest.raises(TakenOver) as error:
        performed(plan, journal, cast(RunLock, Ousted(Failing())))
    journal.close()
    assert error.value.problems[:2] == (
        "prod: run 0123abcd was taken over by bob@desk",
        "blockerbugs01: restart-httpd: exit status 1",
    )
    assert error.value.next_line == "fab prod status"


def test_o2_who_is_taken_over_in_the_middle_of_a_step_says_where_it_was_done_and_what_is_down() -> None:
    plan = decide(request("stop-httpd"), found(prod(), well()))
    journal = Journal()
    with pytest.raises(TakenOver) as error:
        performed(plan, journal, cast(RunLock, Held(TakenFrom())))
    journal.close()
    assert error.value.problems == (
        f"prod: bob@desk took over run {journal.run} and will resume or abort it",
        "stop-httpd was done on blockerbugs02",
        "httpd was stopped on blockerbugs02; whether it runs again is not known",
    )


def test_a_step_between_the_restart_and_the_look_does_not_hide_how_long_a_host_was_away() -> None:
    plan = a_plan("minor-upgrade", host_set=prod(balancer={"interval": 10}, schema_status="x"))
    run = run_of(plan)
    rows = [(phase, results) for phase, results in run.outcomes if phase.hosts == (ONE,)]
    restart, healthy = rows[-2][0], rows[-1][0]
    warm = replace(healthy, step=replace(healthy.step, name="warm-cache", httpd=Effect.NONE), let_return=None)
    seconds = {restart.step.name: 12.0, warm.step.name: 0.5, healthy.step.name: 0.5}
    run.outcomes = [(phase, {ONE: Outcome("", seconds[phase.step.name])}) for phase in (restart, warm, healthy)]
    asked, waits = Event(), Waits()
    asked.set()
    run.journal = Journal(run="0123abcd")
    let_the_balancer_see(healthy, run, waits, asked)
    assert waits.told == ["for the balancer to see the host back (it was down for 13.0 s)"]
    run.journal.close()


class Waits(Report):
    """A report that keeps what is waited for."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def waiting(self, seconds: float, why: str) -> None:
        self.told.append(why)


@pytest.mark.parametrize("lost", [KeyboardInterrupt(), Refused("No space left on device")], ids=repr)
def test_r5_who_leaves_while_automatic_updates_are_given_back_leaves_nothing_up_around_the_run(
    lost: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise lost

    left: list[str] = []
    plan = decide(request("restart-httpd"), found(prod(), well()))
    journal = Journal()
    monkeypatch.setattr(automatic, "after_a_run", breaks)
    monkeypatch.setattr(Standing, "leave", lambda self, busy=(): left.append("leave"))
    with closing(journal), pytest.raises(type(lost) if isinstance(lost, KeyboardInterrupt) else SopError):
        performed(plan, journal, cast(RunLock, Held(Failing())))
    assert left == ["leave"]


def test_a_disk_that_is_full_when_automatic_updates_are_given_back_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(told: AutomaticUpdates) -> None:
        raise Refused("No space left on device")

    machines = SimpleNamespace(
        unreachable={},
        ask=lambda scripts, *_: {host: Outcome("given_back\tdnf-automatic.timer", 0.1) for host in scripts},
    )
    with closing(Journal()) as journal:
        monkeypatch.setattr(journal, "write", full)
        automatic.give_back(Reached(prod(), cast(Machines, machines)), journal, [ONE], Report())


def test_what_stands_around_is_prolonged_where_hosts_are_side_by_side_too(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    monkeypatch.setattr(Standing, "prolong", lambda self, step, busy, turn: asked.append(step))
    monkeypatch.setattr(phases, "side_by_side", lambda run, rows, lock, report, do: all(do(r, report) for r in rows))
    plan = decide(request("restart-httpd"), found(prod(), well()))
    plan = replace(plan, phases=tuple(replace(phase, window=2) for phase in plan.phases))
    with closing(Journal()) as journal, pytest.raises(SopError):
        performed(plan, journal, cast(RunLock, Held(Failing())))
    assert asked
    assert asked[0] == plan.phases[0].step.seconds


class Pressing(Report):
    """Somebody who presses Ctrl-C so often while the recap is shown."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.told: list[bool] = []

    def recap(self, run: Run) -> None:
        for _ in range(self.times):
            signal.raise_signal(signal.SIGINT)

    def finishing(self, ending: bool = False) -> None:
        self.told.append(ending)


@pytest.mark.parametrize("times", [1, 2])
def test_r5_ctrl_c_once_while_the_recap_is_shown_unlocks_the_set_and_twice_names_what_is_up(
    times: int,
) -> None:
    plan, report = decide(request("restart-httpd"), found(prod(), well())), Pressing(times)
    held, journal = Held(Failing()), Journal()
    run = Run(plan, journal)
    around = standing.of(held.reached, cast(RunLock, held), journal, report, [("0123abcd", 60, "gone")])
    with closing(journal), pytest.raises(SopError if times == 1 else KeyboardInterrupt):
        perform(run, everything(plan), cast(RunLock, held), report, around)
    assert (held.now, run.still_up, report.told) == (times == 2, ["gone"] if times == 2 else [], [True])
    assert ("gone may still be up" in what_is_down(run)) == (times == 2)


def test_r5_ctrl_c_once_before_the_first_step_begins_none_and_unlocks_the_set(monkeypatch: pytest.MonkeyPatch) -> None:
    plan, held, journal = decide(request("restart-httpd"), found(prod(), well())), Held(Failing()), Journal()
    monkeypatch.setattr(automatic, "hold_off", lambda *_: signal.raise_signal(signal.SIGINT))
    with closing(journal), pytest.raises(Interrupted, match="before the first step\nnext: fab prod restart-httpd"):
        performed(plan, journal, cast(RunLock, held))
    assert not held.now


class SyncLost(Held):
    """The lock of a run whose sync host is lost when it is asked for the so-manieth time."""

    def __init__(self, machines: object, times: int) -> None:
        super().__init__(machines)
        self.left = times

    def check_still_ours(self, first: str = "") -> None:
        self.left -= 1
        if self.left < 0:
            raise HalfWay("blockerbugs01: the connection was lost", next_line="fab prod status")


class Working(Failing):
    """Machines on which everything goes well; afterwards nothing can be looked at."""

    def carry_out(self, scripts: Mapping[Host, str], *_: object) -> dict[Host, Outcome]:
        return {host: Outcome("", 0.0) for host in scripts}

    def ask(self, *_: object) -> dict[Host, Outcome]:
        return {}


def ended(journal: Journal) -> list[End]:
    return [entry.event for entry in journal.entries if isinstance(entry.event, End)]


def test_w2_the_sync_host_lost_between_two_steps_is_an_end_that_says_what_is_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recaps: list[Run] = []
    monkeypatch.setattr(Report, "recap", lambda self, run: recaps.append(run))
    plan, journal = decide(request("major-upgrade"), found(prod(), well())), Journal()
    stops = [phase.step.name for phase in plan.phases].index("stop-httpd")
    asks = [p for p in plan.phases[: stops + 1] if asks_the_sync_host(p, prod())]
    with closing(journal), pytest.raises(HalfWay) as error:
        performed(plan, journal, cast(RunLock, SyncLost(Working(), len(asks))))
    assert error.value.problems[:2] == (
        "blockerbugs01: the connection was lost",
        "httpd was stopped on blockerbugs01, blockerbugs02; whether it runs again is not known",
    )
    assert (error.value.next_line or "").startswith("fab prod resume")
    assert (len(recaps), [end.code for end in ended(journal)]) == (1, [5])


class Unseen(Held):
    """The lock of a run whose sync host is lost while the lock is given back."""

    def release(self) -> None:
        raise HalfWay("blockerbugs01: the connection was lost", "whether prod is locked is not known", next_line="x")


def test_n3_a_lock_that_nobody_saw_given_back_is_told_beside_how_the_run_ended() -> None:
    plan, journal = decide(request("major-upgrade"), found(prod(), well())), Journal()
    with closing(journal), pytest.raises(HalfWay) as error:
        performed(plan, journal, cast(RunLock, Unseen(Failing())))
    assert [text.partition(":")[2] for text in error.value.problems if "exit status 1" in text]
    assert error.value.problems[-1] == "whether prod is locked is not known"


@pytest.mark.parametrize(
    ("holds", "has_ended", "said"),
    [
        (False, False, "interrupted: before the first step"),
        (False, True, "had ended, and its lock is released\nnext: fab prod history"),
        (None, True, "had ended, and whether prod is still locked by it is not known\nnext: fab prod status"),
        (True, True, "had ended, and prod stays locked by it\nnext: fab prod resume"),
        (True, False, "the client ended during nothing yet; the set stays locked\nnext: fab prod resume"),
    ],
)
def test_n3_who_leaves_is_told_of_the_lock_only_what_is_known(holds: bool | None, has_ended: bool, said: str) -> None:
    held = Held(Failing())
    held.holds = holds
    journal = Journal()
    run = Run(decide(request("major-upgrade"), found(prod(), well())), journal, ended=has_ended)
    with closing(journal), pytest.raises(Interrupted) as error, leaving(run, cast(RunLock, held)):
        raise KeyboardInterrupt
    assert said in str(error.value)
    assert len(ended(journal)) == (not has_ended)


def test_b4_who_leaves_a_step_at_work_on_a_host_that_is_put_back_is_told_both() -> None:
    journal = Journal()
    run = Run(decide(request("minor-upgrade"), found(prod(), well())), journal, doing="restart-httpd", waits=True)
    run.at_work, run.put_back = [ONE], {ONE}
    with closing(journal), pytest.raises(Interrupted) as error, leaving(run, cast(RunLock, Held(Failing()))):
        raise KeyboardInterrupt
    text = "restart-httpd on blockerbugs01; the step may keep running there, not drained any more; the set stays locked"
    assert text in str(error.value)
