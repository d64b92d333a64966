"""How a run ended whose batch was judged bad: put back, or half-way, by value."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tasks.errors import HalfWay, Interrupted, SopError
from tasks.inventory.model import Host
from tasks.journal.coding import as_json, read
from tasks.journal.events import Judged
from tasks.journal.history import runs
from tasks.report.tables import history
from tasks.run import record
from tasks.run.batch_rollback import builds_before, can_go_back, goes_back, rollback_of, with_the_rollback
from tasks.run.decide import Plan
from tasks.run.ending import ending
from tasks.run.state import Run
from tasks.sop.model import Facts
from tests.unit.builders import NEW, NEWER, OLD, ONE, TWO, event, prod, well

from .runs import FAILED, WENT_WELL, a_plan, run_of

SET = prod(url="http://prod.example/", soak=60, judge={"rollback": True}, schema_status="x")
WHY = "the new build was judged bad: 9 of 90 requests failed; twice as slow"
BAD: dict[str, Any] = {"verdict": "bad", "why": ["9 of 90 requests failed", "twice as slow"], "stops": True}


def judged(**keys: Any) -> Judged:
    found = event("judged", number=5, hosts=[ONE.name], **{**BAD, **keys})
    assert isinstance(found, Judged)
    return found


def entries(*verdicts: Judged, hosts: dict[str, str] | None = None) -> list[Any]:
    """A journal: both hosts had the old build, and batches were judged so."""
    lines: list[dict[str, Any]] = [{"event": "begin", "hosts": hosts or {ONE.name: str(OLD), TWO.name: str(OLD)}}]
    lines += [{"event": "judged", **BAD, "number": one.number, "back": list(one.back)} for one in verdicts]
    return read(map(json.dumps, lines))


def plan() -> Plan:
    return a_plan("minor-upgrade", host_set=SET)


def put_back(one: Facts, two: Facts | None = None, hosts: tuple[Host, ...] = (ONE,)) -> Run:
    """A run that has put these hosts back, all of them, whatever they are like now."""
    verdict = judged(back=[host.name for host in hosts])
    made = with_the_rollback(plan(), entries(verdict), begun=range(1, 6))
    run = run_of(made, "", FAILED, one, two or well())
    run.halted = verdict
    run.journal.entries += entries(verdict)
    return run


def told(run: Run) -> tuple[type[SopError], tuple[str, ...], str | None]:
    error = ending(run)
    assert error
    return type(error), error.problems, error.next_line


# The way back


def test_what_was_begun_is_settled_and_the_way_back_follows_under_numbers_of_its_own() -> None:
    made = with_the_rollback(plan(), entries(judged(back=[ONE.name])), begun=range(1, 6))
    assert made.settled == 5
    assert [phase.step.name for phase in made.phases[5:]] == ["downgrade", "restart-httpd", "healthy"]
    assert made.numbers[5:] == [9, 10, 11]
    assert {phase.hosts for phase in made.phases[5:]} == {(ONE,)}
    assert f"yum downgrade to {OLD}" in made.phases[5].step.says


def test_what_was_begun_keeps_its_numbers_where_hosts_went_side_by_side() -> None:
    made = with_the_rollback(plan(), entries(judged(back=[ONE.name])), begun=(1, 2, 3, 6))
    assert made.numbers == [1, 2, 3, 6, 9, 10, 11]


def test_hosts_that_had_different_builds_go_back_one_build_after_the_other() -> None:
    builds = {ONE.name: str(OLD), TWO.name: "blockerbugs-0.9.0-1.el7"}
    verdict = judged(back=[ONE.name, TWO.name, "gone.example"])
    made = with_the_rollback(plan(), entries(verdict, hosts=builds), begun=range(1, 6))
    assert [(phase.number, phase.hosts) for phase in made.phases[5:]] == [
        *((number, (ONE,)) for number in (9, 10, 11)),
        *((number, (TWO,)) for number in (12, 13, 14)),
    ]


def test_what_goes_back_and_what_stays_is_one_sentence() -> None:
    assert goes_back(SET, entries(judged(back=[ONE.name]))) == (
        "blockerbugs01 is put back on 1.0.0-1.el7; blockerbugs02 is left as it is"
    )
    both = judged(back=[ONE.name, TWO.name])
    assert goes_back(SET, entries(both)) == "blockerbugs01, blockerbugs02 are put back on 1.0.0-1.el7"
    builds = {ONE.name: str(OLD), TWO.name: "blockerbugs-0.9.0-1.el7"}
    assert goes_back(SET, entries(both, hosts=builds)) == (
        "blockerbugs01 is put back on 1.0.0-1.el7; blockerbugs02 is put back on 0.9.0-1.el7"
    )


def test_the_history_of_a_run_whose_batch_was_put_back_has_the_bad_build() -> None:
    run = put_back(well(OLD))
    end = record.end(run, ending(run))
    assert end.put_back == (ONE.name,)
    begin = {"event": "begin", "set": "prod", "target": str(NEW), "hosts": {ONE.name: str(OLD)}}
    ends = {"event": "end", **as_json(end)}
    (past,) = runs([read(json.dumps({"run": "c0ffee12", **line}) for line in (begin, ends))], "prod")
    assert (past.target, past.put_back) == (NEW, (ONE.name,))
    whole, short, *_ = history([past], "->")
    assert [next(iter(column.cells)) for column in whole.columns][3:5] == [
        "1.0.0-1.el7",
        "1.1.0-1.el7, back to 1.0.0-1.el7",
    ]
    assert [next(iter(column.cells)) for column in short.columns][4] == "1.0.0 -> 1.1.0 -> 1.0.0"


@pytest.mark.parametrize("verdicts", [[], [judged(back=[])]])
def test_without_a_verdict_that_puts_hosts_back_the_plan_stays_as_it_is(verdicts: list[Judged]) -> None:
    made = plan()
    assert with_the_rollback(made, entries(*verdicts), begun=range(1, 6)) is made


def test_a_plan_that_has_its_way_back_already_stays_as_it_is() -> None:
    made = with_the_rollback(plan(), entries(judged(back=[ONE.name])), begun=range(1, 6))
    assert with_the_rollback(made, entries(judged(back=[TWO.name])), begun=range(1, 9)) is made


def test_of_several_verdicts_the_last_that_puts_hosts_back_counts() -> None:
    last = rollback_of(entries(judged(back=[ONE.name]), judged(back=[TWO.name]), judged(back=[])))
    assert last
    assert last.back == (TWO.name,)


def test_the_builds_of_before_are_those_of_the_runs_beginning() -> None:
    begun = {ONE.name: str(OLD), TWO.name: "no build"}
    assert builds_before(entries(hosts=begun)) == {ONE.name: OLD}
    assert builds_before(entries(hosts=begun)[1:]) == {}


@pytest.mark.parametrize(
    ("before", "offered", "can"),
    [
        pytest.param({ONE.name: OLD}, {OLD: "r", NEW: "r"}, [ONE], id="it is still on offer"),
        pytest.param({ONE.name: OLD}, None, [ONE], id="what is on offer was not asked for"),
        pytest.param({ONE.name: OLD}, {NEW: "r"}, [], id="it is not on offer any more"),
        pytest.param({ONE.name: NEW}, {NEW: "r"}, [], id="it had the new one already"),
        pytest.param({}, {OLD: "r"}, [], id="nobody knows what it had"),
    ],
)
def test_a_host_can_go_back_where(before: Any, offered: Any, can: list[Host]) -> None:
    made = plan()
    facts = {host: replace(found, offered=offered) for host, found in made.facts.items()}
    assert can_go_back(replace(made, facts=facts), [ONE], before) == can


# How it ended


def test_a_batch_that_is_back_on_its_build_is_a_failure_that_leaves_nothing_half_done() -> None:
    assert told(put_back(well())) == (
        SopError,
        (WHY, f"blockerbugs01 is back on {OLD}"),
        "fab prod report  # what was seen",
    )


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (well(NEW), f"blockerbugs01: has {NEW}, not {OLD}"),
        (well(answers=503), "blockerbugs01: is not healthy any more"),
        (None, "blockerbugs01: does not answer any more"),
    ],
)
def test_a_batch_that_is_not_as_it_was_is_half_way(now: Facts | None, why: str) -> None:
    run = put_back(now or well())
    if not now:
        del run.afterwards[ONE]
    assert told(run) == (HalfWay, (WHY, why), "fab prod status")


def test_hosts_of_earlier_batches_that_have_the_new_build_still_leave_the_set_half_way() -> None:
    there = well(NEW, previous=OLD, previous_schema="aaa")
    run = put_back(there, well(), hosts=(TWO,))
    kind, problems, next_line = told(run)
    assert (kind, problems) == (HalfWay, (WHY, f"blockerbugs02 is back on {OLD}", f"blockerbugs01 has {NEW} still"))
    assert next_line == f"fab prod rollback  # rolls back to {OLD} host after host"


def test_hosts_that_cannot_be_rolled_back_are_looked_at() -> None:
    run = put_back(well(NEW, previous=None), well(), hosts=(TWO,))
    assert told(run)[2] == "fab prod status"


def test_a_host_that_serves_nobody_is_back_without_an_answer() -> None:
    quiet = ONE.model_copy(update={"serves": False})
    run = put_back(well(answers=None))
    run.plan = replace(
        run.plan, request=replace(run.plan.request, host_set=SET.model_copy(update={"hosts": (quiet, TWO)}))
    )
    run.afterwards = {quiet: well(answers=None), TWO: well()}
    assert told(run)[0] is SopError


def test_a_batch_that_nobody_puts_back_is_half_way_with_the_verdict_in_front() -> None:
    run = run_of(plan(), "healthy", WENT_WELL, well(NEW, previous=OLD, previous_schema="aaa"), well())
    run.halted = judged(back=[])
    kind, problems, next_line = told(run)
    assert (kind, problems[0]) == (HalfWay, WHY)
    assert [line.split("  ")[0] for line in (next_line or "").replace("\n  or", "\nor").split("\n")] == [
        "fab prod abort",
        "then: fab prod rollback",
        "or: fab prod resume",
    ]
    assert "in spite of the verdict: goes on at step" in (next_line or "")


def test_a_failure_after_the_verdict_is_told_after_it() -> None:
    run = put_back(well())
    run.outcomes[-1] = (run.outcomes[-1][0], {ONE: FAILED})
    kind, problems, _ = told(run)
    assert (kind, problems[:2]) == (HalfWay, (WHY, "blockerbugs01: healthy: exit status 1"))


def test_who_leaves_while_a_batch_is_judged_is_told_that_it_is_not() -> None:
    run = run_of(plan(), "healthy", WENT_WELL, well(NEW), well())
    kind, problems, _ = told(run)
    assert (kind, problems[-1]) == (Interrupted, "blockerbugs01: not judged")


def test_what_a_verdict_says_is_shown_without_escapes() -> None:
    run = put_back(well())
    run.halted = replace(run.halted or judged(), why=("9 of\u001b[2J 90",))
    assert "\u001b" not in told(run)[1][0]


def test_the_last_verdict_of_a_phase_counts_and_the_newest_build_is_not_mixed_up_with_the_target() -> None:
    run = put_back(well(NEWER))
    assert told(run)[1][1] == f"blockerbugs01: has {NEWER}, not {OLD}"
    assert run.verdicts[5].back == (ONE.name,)
