"""What is begun around a run is undone whatever way it ends, and who undoes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tasks.around import parts
from tasks.around.occasion import Occasion
from tasks.around.parts import Result
from tasks.errors import HalfWay, Interrupted, Refused, SopError, TakenOver
from tasks.fleet.machines import Machines
from tasks.inventory.around import Part
from tasks.journal.events import Around
from tasks.journal.file import Journal
from tasks.run import standing
from tasks.run.decide import decide
from tasks.run.lock import RunLock
from tasks.run.look import Reached
from tasks.run.observer import Report
from tasks.run.standing import Standing
from tests.unit.builders import ONE, found, prod, request, well

FIRST = {"silence": "http://am.example:9093", "matchers": {"service": "blockerbugs"}}
SECOND = {"begin": "on", "end": "off", "name": "page"}
ALONE = {"begin": "tell"}
SET = prod(around=[FIRST, SECOND, ALONE])
HOUR = 3600.0


def told() -> None:
    """Whoever is told that the run begins."""


class Held:
    """The lock: what the sync host was told, and whether it is held."""

    def __init__(self, *lost: BaseException) -> None:
        self.told: list[str] = []
        self.now = True
        self._lost = [*lost]

    def check_still_ours(self, first: str = "") -> None:
        if self._lost:
            raise self._lost.pop(0)
        self.told.append(first)

    def tell_soon(self, what: str) -> None:
        self.told.append(what)

    def release(self, first: str = "true") -> None:
        self.told.append(first)
        self.now = False


class Told(Report):
    """What is told, in short."""

    def __init__(self) -> None:
        self.of: list[tuple[str, str, str | None]] = []
        self.warnings: list[str] = []

    def around(self, event: Around) -> None:
        self.of.append((event.part, event.what, event.failure))

    def warning(self, text: str) -> None:
        self.warnings.append(text)


class World:
    """What is done, in its order, and what goes wrong with it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        self.goes: dict[str, Result | BaseException] = {}
        self.lock, self.report, self.journal = Held(), Told(), Journal()
        self.environments: list[Occasion] = []
        monkeypatch.setattr(parts, "begin", lambda part, occasion, ask: self._does("begin", part, occasion))
        monkeypatch.setattr(parts, "end", lambda part, occasion, runs, ask: self._does("end", part, occasion, runs))

    def _does(self, what: str, part: Part, occasion: Occasion, runs: Any = ()) -> Result:
        self.done.append(" ".join([what, part.name or "", *sorted(runs - {self.journal.run} if runs else ())]))
        self.environments.append(occasion)
        goes = self.goes.get(f"{what} {part.name}", Result())
        if isinstance(goes, BaseException):
            raise goes
        return goes

    def standing(self, host_set: Any = SET, noted: standing.Noted = ()) -> Standing:
        reached = Reached(host_set, cast(Machines, SimpleNamespace(absent={}, unreachable={})))
        return standing.of(reached, cast(RunLock, self.lock), self.journal, self.report, noted)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(monkeypatch)
    with closing(made.journal):
        yield made


def test_all_are_begun_in_order_and_undone_in_the_other_and_what_nothing_undoes_is_not_noted(
    world: World,
) -> None:
    around = world.standing()
    around.begin(lambda: HOUR, told)
    assert [line.split()[-1] for line in world.lock.told[0].split(" && ")] == ["silence", "page"]
    around.end_with(None, ask_first=True)
    assert world.done == ["begin silence", "begin page", "begin command", "end page", "end silence"]
    assert world.environments[-1].outcome == "done"
    assert around.forget.split()[2:] == ["page", "silence"]


def test_a_silence_whose_time_is_half_over_is_prolonged_and_nothing_else_is_begun_again(world: World) -> None:
    around = world.standing()
    around.begin(lambda: HOUR, told)
    around.prolong()
    assert len(world.done) == 3
    around.since["silence"] -= HOUR * 0.6
    around.prolong()
    around.prolong()
    assert world.done[3:] == ["begin silence"]
    assert world.lock.told[-1].split()[-2:] == ["3600", "silence"]


def test_a_silence_that_the_next_step_may_outlast_is_prolonged_once_a_minute_at_most(world: World) -> None:
    around = world.standing()
    around.begin(lambda: HOUR, told)
    around.since["silence"] -= 30
    around.prolong(HOUR)
    assert world.done[3:] == []
    around.since["silence"] -= 31
    around.prolong(100)
    assert world.done[3:] == []
    around.prolong(HOUR)
    around.prolong(HOUR)
    assert world.done[3:] == ["begin silence"]


def test_a_downtime_on_a_host_where_a_step_is_at_work_is_prolonged_later(world: World) -> None:
    around = world.standing(prod(around=[{"downtime": ONE.name, "name": "nagios"}]))
    around.begin(lambda: HOUR, told)
    around.since["nagios"] -= HOUR * 0.6
    around.prolong(busy=[ONE])
    assert world.done == ["begin nagios"]
    around.prolong()
    assert world.done == ["begin nagios", "begin nagios"]


def test_hosts_side_by_side_prolong_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    around = world.standing()
    around.begin(lambda: HOUR, told)
    around.since["silence"] -= HOUR * 0.6
    monkeypatch.setattr(world.lock, "check_still_ours", lambda first="": around.prolong())  # another host's, meanwhile
    around.prolong()
    assert world.done[3:] == ["begin silence"]


def test_without_any_nothing_is_asked(world: World) -> None:
    around = world.standing(prod())
    around.begin(lambda: HOUR, told)
    around.end_with(None, ask_first=True)
    around.leave()
    assert (world.lock.told, world.done, around.forget) == ([], [], "")


def test_r2_a_required_one_that_cannot_be_begun_undoes_the_others_and_gives_the_lock_back(world: World) -> None:
    around = world.standing(prod(around=[SECOND, {**FIRST, "required": True}, ALONE]))
    world.goes["begin silence"] = Result("it is away")
    with pytest.raises(Refused, match=r"host_sets\.prod\.around\[1\] \(silence\): it is away"):
        around.begin(lambda: HOUR, told)
    assert [part for part, _, failure in world.report.of if failure] == []
    assert world.done == ["begin page", "begin silence", "end page"]
    assert world.lock.now
    around.give_back()
    assert (world.lock.now, world.lock.told[-1].split()[2:]) == (False, ["silence", "page"])
    assert world.environments[-1].outcome == "refused"


def test_r2_a_resume_goes_on_without_a_required_one(world: World) -> None:
    around = world.standing(prod(around=[{**FIRST, "required": True}]))
    world.goes["begin silence"] = Result("it is away")
    around.begin(lambda: HOUR, told, strict=False)
    assert (world.report.of, world.lock.now) == ([("silence", "begin", "it is away")], True)


def test_r5_a_resume_onto_a_full_disk_undoes_what_it_has_begun(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(told: Around) -> None:
        if (told.part, told.what) == ("page", "begin"):
            raise Refused("No space left on device")

    monkeypatch.setattr(world.journal, "write", full)
    with pytest.raises(Refused, match="No space left"):
        world.standing().begin(lambda: HOUR, told, strict=False)
    assert world.done == ["begin silence", "begin page", "end page", "end silence"]
    assert world.lock.told[-1].split()[2:] == ["page", "silence"]


def test_r2_what_may_have_been_begun_is_undone_and_what_was_not_is_left(world: World) -> None:
    around = world.standing()
    world.goes = {"begin silence": Result("no answer", known=False), "begin page": Result("exit status 1")}
    around.begin(lambda: HOUR, told)
    around.end_with(None, ask_first=True)
    assert world.done[3:] == ["end silence"]
    assert around.forget.split()[2:] == ["page", "silence"]


def test_r3_what_cannot_be_undone_stays_noted(world: World) -> None:
    around = world.standing()
    world.goes["end silence"] = Result("it is away")
    around.begin(lambda: HOUR, told)
    around.end_with(None, ask_first=True)
    assert world.report.of[-1] == ("silence", "end", "it is away")
    assert around.forget.split()[2:] == ["page"]


def test_r5_who_leaves_while_it_is_begun_leaves_nothing_up(world: World) -> None:
    around = world.standing()
    world.goes["begin page"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        around.begin(lambda: HOUR, told)
    assert world.done == ["begin silence", "begin page", "end page", "end silence"]
    assert (world.lock.now, world.lock.told[-1].split()[2:]) == (True, ["page", "silence"])
    assert world.environments[-1].outcome == "interrupted"


def test_r5_who_leaves_while_a_step_is_at_work_on_the_sync_host_does_not_wait_and_drops_the_notes(world: World) -> None:
    around = world.standing()
    around.begin(lambda: HOUR, told)
    world.lock.told.clear()
    around.leave(busy=[ONE])
    assert world.done[3:] == ["end page", "end silence"]
    assert [line.split()[2:] for line in world.lock.told] == [["page", "silence"]]


def test_r5_where_the_run_cannot_begin_after_all_nothing_is_left_up(world: World) -> None:
    def breaks() -> None:
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011  # any of ours
        world.standing().begin(lambda: HOUR, breaks)
    assert world.done[3:] == ["end page", "end silence"]


def test_r5_who_leaves_while_one_is_undone_leaves_the_others_undone_too(world: World) -> None:
    around = world.standing()
    world.goes["end page"] = KeyboardInterrupt()
    around.begin(lambda: HOUR, told)
    around.end_with(None, ask_first=True)
    assert world.done[3:] == ["end page", "end silence"]
    assert ("page", "end", "it was not waited for") in world.report.of
    assert around.forget.split()[2:] == ["silence"]


@pytest.mark.parametrize("lost", [Refused("stg01: No space left on device"), TakenOver("prod: taken over")], ids=str)
def test_r2_what_cannot_be_noted_is_not_begun(world: World, lost: SopError) -> None:
    world.lock = Held(lost)
    with pytest.raises(type(lost)):
        world.standing().begin(lambda: HOUR, told)
    assert world.done == []


def test_r1_an_end_undoes_what_any_run_has_left_and_forgets_what_hosts_yml_has_no_more(world: World) -> None:
    noted = [("0123abcd", 60, "silence"), ("89abcdef", -5, "page"), ("89abcdef", 60, "gone"), ("89abcdef", 0, "over")]
    around = world.standing(noted=noted)
    around.end("aborted")
    assert world.done == ["end page 89abcdef", "end silence 0123abcd"]
    assert around.forget.split()[2:] == ["page", "silence", "over"]


def test_o2_who_was_taken_over_undoes_nothing(world: World) -> None:
    for lock, end in ((Held(), TakenOver("prod: taken over")), (Held(TakenOver("prod: taken over")), None)):
        around = world.standing()
        around.begin(lambda: HOUR, told)
        world.done.clear()
        around.run_lock = cast(RunLock, lock)
        around.end_with(end, ask_first=True)
        assert (world.done, around.forget) == ([], "")


def test_o2_who_was_taken_over_and_leaves_undoes_nothing_of_the_same_run(world: World) -> None:
    world.lock = Held(TakenOver("prod: taken over"))
    with pytest.raises(TakenOver):
        world.standing(noted=[(world.journal.run, 60, "silence")]).begin(lambda: HOUR, told)
    assert world.done == []
    world.lock = Held()
    around = world.standing()
    around.begin(lambda: HOUR, told)
    world.done.clear()
    around.run_lock = cast(RunLock, Held(TakenOver("prod: taken over")))
    around.leave()
    assert (world.done, around.forget) == ([], "")


@pytest.mark.parametrize("lost", [HalfWay("the sync host is lost"), KeyboardInterrupt()], ids=repr)
def test_r5_who_leaves_and_cannot_ask_whose_the_run_is_undoes_it(world: World, lost: BaseException) -> None:
    around = world.standing()
    around.begin(lambda: HOUR, told)
    around.run_lock = cast(RunLock, Held(lost))
    around.leave()
    assert world.done[3:] == ["end page", "end silence"]


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        (HalfWay("x"), "half-way"),
        (Interrupted("x"), "interrupted"),
        (SopError("x"), "failed"),
        (Refused("x"), "failed"),
        (None, "done"),
    ],
    ids=str,
)
def test_how_the_run_ended_is_told_in_a_word(world: World, end: SopError | None, outcome: str) -> None:
    around = world.standing()
    around.begin(lambda: HOUR, told)
    around.run_lock = cast(RunLock, Held(HalfWay("the sync host is lost")))
    around.end_with(end, ask_first=True)
    assert [occasion.outcome for occasion in world.environments[-2:]] == [outcome] * 2


@pytest.mark.parametrize(("usual", "seconds"), [(None, 3600), (10.0, 900), (600.0, 1800)])
def test_it_ends_by_itself_after_three_times_as_long_as_such_a_run_takes(
    usual: float | None, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "usual", lambda plan, reached: usual)
    plan = decide(request("restart-httpd"), found(prod(), well()))
    assert standing.lasts(plan, Reached(prod(), cast(Machines, None))) == seconds
