"""The way back of a batch that was judged bad, and how many hosts may fail before a run ends."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.fleet import detached
from tasks.fleet.outcome import Outcome
from tasks.inventory.model import Host
from tasks.journal.coding import Entry
from tasks.journal.file import Journal
from tasks.report import words
from tasks.run import record
from tasks.run.batch_rollback import builds_before, can_go_back, with_the_rollback
from tasks.run.budget import used_up
from tasks.run.decide import Plan, decide
from tasks.run.remaining import everything
from tasks.run.remaining import of as remaining_of
from tasks.run.state import Run
from tests.unit.builders import NEW, OLD, event, found, prod, request, well

HOSTS = tuple(Host(name=f"web{number}.example", url=f"http://web{number}.example/") for number in range(5))


def plan(**keys: Any) -> Plan:
    host_set = prod(hosts=HOSTS, sync_host=HOSTS[0].name, **keys)
    return decide(request("minor-upgrade", host_set), found(host_set, well()))


def entries(one: Plan, *back: Host) -> list[Entry]:
    names = [host.name for host in back]
    judged = event("judged", set="prod", number=5, hosts=names, verdict="bad", back=names, stops=True)
    return [Entry(0.0, "0123abcd", told, {}) for told in (record.begin(one, "me@here"), judged)]


def test_j1_a_batch_goes_back_as_phases_that_its_hosts_keep_under_numbers_of_their_own() -> None:
    whole = plan(soak=5)
    back = with_the_rollback(whole, entries(whole, HOSTS[0]), begun=[1, 2, 3, 4, 5])
    assert [phase.step.name for phase in back.phases[5:]] == ["downgrade", "restart-httpd", "healthy"]
    assert {phase.hosts for phase in back.phases[5:]} == {HOSTS[:1]}
    assert back.numbers == [1, 2, 3, 4, 5, *(len(whole.phases) + n for n in (1, 2, 3))]
    assert [bool(row.names) for row in everything(back)[5:]] == [True] * 3
    assert "1.0.0" in back.phases[5].step.says


def test_j3_what_is_settled_is_not_done_again_and_the_rest_of_the_way_back_is() -> None:
    whole = plan(soak=5)
    back = with_the_rollback(whole, entries(whole, HOSTS[0]), begun=[1, 2, 3, 4, 5])
    kept: dict[Host, dict[str, str]] = {host: {} for host in HOSTS} | {
        HOSTS[0]: {f"{len(whole.phases) + 1:02}-downgrade": "0"}
    }
    rows = remaining_of(back, kept, found(whole.request.host_set, well(OLD)))
    assert [list(row.names) for row in rows] == [[]] * 6 + [[HOSTS[0]]] * 2


def test_without_a_verdict_that_takes_hosts_back_the_plan_stays_as_it_is() -> None:
    whole = plan(soak=5)
    assert with_the_rollback(whole, entries(whole), begun=[1, 2]) is whole


def test_a_host_goes_back_only_to_another_build_that_is_still_to_be_had() -> None:
    whole = plan()
    before = builds_before(entries(whole))
    assert before == {host.name: OLD for host in HOSTS}
    assert can_go_back(whole, HOSTS, before) == list(HOSTS)
    assert can_go_back(whole, HOSTS, {host.name: NEW for host in HOSTS}) == []
    assert can_go_back(whole, HOSTS, {}) == []


def after(one: Plan, failed: dict[Host, Outcome]) -> Run:
    run = Run(one, Journal(run="0123abcd"))
    run.outcomes.append((one.phases[2], failed))
    return run


FAILED = Outcome("", 0.0, "exit status 1")


@pytest.mark.parametrize(
    ("budget", "failed", "ends"),
    [
        (0, HOSTS[1:2], True),
        ("20%", HOSTS[1:2], False),
        ("39%", HOSTS[1:3], True),
        ("40%", HOSTS[1:3], False),
        ("100%", HOSTS[:1], True),
        ("20%", (), False),
    ],
    ids=str,
)
def test_j5_a_run_ends_with_one_failure_more_than_its_budget_and_with_the_sync_hosts(
    budget: int | str, failed: tuple[Host, ...], ends: bool
) -> None:
    assert used_up(after(plan(fail_budget=budget), dict.fromkeys(failed, FAILED))) == ends


@pytest.mark.parametrize("exited", [detached.TAKEN_OVER, detached.HELD])
def test_j5_no_budget_is_for_a_set_that_is_somebody_elses_by_now(exited: int) -> None:
    outcome = Outcome("", 0.0, "no", exited=exited)
    assert used_up(after(plan(fail_budget="100%"), {HOSTS[1]: outcome}))


def test_j5_no_budget_is_for_a_build_that_brings_a_migration() -> None:
    run = Run(plan(fail_budget="100%"), Journal(run="0123abcd"))
    run.outcomes.append((run.plan.phases[1], {HOSTS[1]: FAILED}))
    assert used_up(run)


def test_a_run_whose_last_batch_nobody_has_judged_is_not_complete() -> None:
    whole = plan(soak=5)
    run = Run(whole, Journal(run="0123abcd"))
    run.outcomes = [(phase, dict.fromkeys(phase.hosts, Outcome("", 0.0))) for phase in whole.phases]
    assert not run.complete
    assert run.unjudged_now == list(HOSTS)


def test_a_plan_says_for_how_long_its_batches_are_judged_and_what_becomes_of_a_bad_one() -> None:
    assert words.soak(plan()) == ""
    assert words.soak(plan(soak=20)) == "each batch is judged for 20 s on the new build; one that is bad ends the run"
    assert words.soak(plan(soak=60, judge={"rollback": True})).endswith("is put back on the build that it had")


def test_of_many_reasons_a_line_has_the_first() -> None:
    why = [f"web{number}: bad" for number in range(9)]
    text, style = words.judged(event("judged", verdict="bad", why=why, seconds=3.0))  # type: ignore[arg-type]
    assert (text, style) == ("judged bad after 3.0 s: web0: bad; web1: bad; web2: bad; and 6 more", "bad")
