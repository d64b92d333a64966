"""What of a run that drains hosts is left to do, and where it may have left something taken out, by value."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.errors import HalfWay, Refused
from tasks.inventory.model import Host, HostSet
from tasks.run import remaining
from tasks.run.decide import Plan, decide
from tasks.run.ending import ending, what_is_down
from tasks.run.remaining import Remaining
from tasks.run.request import check_request
from tasks.run.way_back import way_back
from tasks.sop.balanced import Balanced, Server
from tasks.sop.model import Facts
from tests.unit.builders import NEW, OLD, ONE, TWO, found, prod, request, well

from .runs import FAILED, NOT_KNOWN, WENT_WELL, run_of

RUN = "0123abcd"
BY_FILE = prod(balancer={"drain": {"file": "/drained"}}, schema_status="x")
PROXY, OTHER = Host(name="proxy01.example"), Host(name="proxy02.example")
AT_PROXIES = prod(
    balancer={
        "proxies": (PROXY, OTHER),
        "backend": "bb",
        "maintenance": {"on": "page on", "off": "page off"},
    },
    schema_status="x",
)
OUT: Any = {"drain_file": True, "drained": ((RUN, "file"),)}


def proxy(*drained: str) -> Facts:
    """A proxy at which these servers are drained by the run, and the others are UP."""
    names = ("blockerbugs01", "blockerbugs02")
    told = [Server(name, "drain" if name in drained else "ready", 0, True, "UP") for name in names]
    return Facts(balanced=Balanced(tuple(told)), drained=tuple((RUN, f"bb,{name}") for name in drained))


def facts(host_set: HostSet, *hosts: Facts, proxies: Facts | None = None) -> dict[Host, Facts]:
    return found(host_set, *hosts) | dict.fromkeys(host_set.proxies, proxies or proxy())


def plan(host_set: HostSet = BY_FILE, procedure: str = "minor-upgrade") -> Plan:
    return decide(request(procedure, host_set), facts(host_set, well()))


def left(
    host_set: HostSet, states: dict[Host, dict[str, str]], now: dict[Host, Facts], procedure: str = "minor-upgrade"
) -> dict[str, Remaining]:
    """Number and step → what is left of it, where anything is."""
    made = plan(host_set, procedure)
    everywhere = {host: states.get(host, {}) for host in host_set.machines}
    rows = zip(made.phases, remaining.of(made, everywhere, now), strict=True)
    return {f"{number}-{phase.step.name}": row for number, (phase, row) in enumerate(rows, 1) if row.names}


BEGUN = {"01-download": "0", "03-drain": "0"}
DONE_ON_ONE = {**BEGUN, "04-yum-update": "0", "05-restart-httpd": "0", "07-undrain": "0"}


def test_n1_a_host_that_is_drained_and_waits_for_its_update_is_not_drained_again_and_put_back_in_the_end() -> None:
    rows = left(BY_FILE, {ONE: BEGUN, TWO: {"01-download": "0"}}, found(BY_FILE, well(**OUT), well()))
    assert list(rows) == [
        *("2-no-migration", "4-yum-update", "5-restart-httpd", "6-healthy", "7-undrain"),
        *("8-drain", "9-yum-update", "10-restart-httpd", "11-healthy", "12-undrain"),
    ]
    assert rows["7-undrain"] == Remaining({ONE: "07-undrain"})


def test_n1_a_drain_that_was_lost_is_done_again_while_something_is_left_to_do_under_it() -> None:
    rows = left(BY_FILE, {ONE: BEGUN, TWO: {"01-download": "0"}}, found(BY_FILE, well()))
    assert rows["3-drain"] == Remaining({ONE: "03-drain.2"}, (ONE,))
    assert rows["7-undrain"] == Remaining({ONE: "07-undrain"})


def test_n1_a_host_on_which_all_was_done_is_put_back_and_not_drained_again() -> None:
    one = {key: state for key, state in DONE_ON_ONE.items() if key != "07-undrain"}
    rows = left(BY_FILE, {ONE: one, TWO: {"01-download": "0"}}, found(BY_FILE, well(NEW, **OUT), well()))
    assert [name for name in rows if int(name.split("-")[0]) < 8] == ["2-no-migration", "6-healthy", "7-undrain"]
    assert rows["7-undrain"] == Remaining({ONE: "07-undrain"})


def test_n1_a_host_that_is_done_and_back_is_left_alone_and_the_next_one_has_all_its_steps() -> None:
    rows = left(BY_FILE, {ONE: DONE_ON_ONE, TWO: {"01-download": "0"}}, found(BY_FILE, well(NEW), well()))
    assert [name for name in rows if name != "2-no-migration"] == [
        *("8-drain", "9-yum-update", "10-restart-httpd", "11-healthy", "12-undrain"),
    ]


def test_n1_a_way_back_that_was_cut_off_is_gone_again_under_a_new_name() -> None:
    one = {**DONE_ON_ONE, "07-undrain": "died"}
    rows = left(BY_FILE, {ONE: one, TWO: {"01-download": "0"}}, found(BY_FILE, well(NEW, **OUT), well()))
    assert rows["7-undrain"] == Remaining({ONE: "07-undrain.2"}, (ONE,))


def test_n1_a_drain_that_still_runs_is_followed() -> None:
    one = {"01-download": "0", "03-drain": "runs"}
    rows = left(BY_FILE, {ONE: one, TWO: {"01-download": "0"}}, found(BY_FILE, well(**OUT), well()))
    assert rows["3-drain"] == Remaining({ONE: "03-drain"}, (), (ONE,))


@pytest.mark.parametrize("still", [("blockerbugs01",), ()])
def test_n1_at_proxies_the_look_right_before_the_restart_is_taken_again_while_the_restart_is_left(
    still: tuple[str, ...],
) -> None:
    begun = {PROXY: {"03-drain": "0"}, OTHER: {"03-drain": "0"}}
    states = {ONE: {"01-download": "0", "04-yum-update": "0"}, TWO: {"01-download": "0"}, **begun}
    rows = left(AT_PROXIES, states, facts(AT_PROXIES, well(NEW), well(), proxies=proxy(*still)))
    assert ("3-drain" in rows) == (not still)
    assert rows["5-still-drained"].names == {PROXY: "05-still-drained", OTHER: "05-still-drained"}
    assert set(rows["8-undrain"].names) == {PROXY, OTHER}


def test_n1_at_proxies_where_the_batch_was_restarted_no_look_is_taken_any_more() -> None:
    begun = {PROXY: {"03-drain": "0"}, OTHER: {"03-drain": "0"}}
    one = {"01-download": "0", "04-yum-update": "0", "06-restart-httpd": "0"}
    states = {ONE: one, TWO: {"01-download": "0"}, **begun}
    rows = left(AT_PROXIES, states, facts(AT_PROXIES, well(NEW), well(), proxies=proxy("blockerbugs01")))
    assert "3-drain" not in rows
    assert set(rows["8-undrain"].names) == {PROXY, OTHER}


# Where something may still be taken out


@pytest.mark.parametrize(
    ("failing", "how", "out"),
    [
        pytest.param("download", FAILED, [], id="nothing was drained yet"),
        pytest.param("drain", FAILED, [ONE], id="a drain that failed may have drained"),
        pytest.param("yum-update", NOT_KNOWN, [ONE], id="the update failed under it"),
        pytest.param("undrain", FAILED, [ONE], id="it could not be put back"),
        pytest.param("undrain", WENT_WELL, [], id="it was put back"),
    ],
)
def test_n1_where_a_run_may_have_left_a_host_drained(failing: str, how: Any, out: list[Host]) -> None:
    assert run_of(plan(), failing, how).may_be_out == out


def test_n1_a_run_that_is_complete_has_left_nothing_drained() -> None:
    assert run_of(plan()).may_be_out == []


def test_n1_what_could_not_be_put_back_makes_a_run_half_way_and_is_told() -> None:
    alone = decide(request("restart-httpd", BY_FILE), found(BY_FILE, well()))
    run = run_of(alone, "restart-httpd", FAILED, well())
    half_way = [run.half_way]
    run.still_out[ONE] = "cannot be reached"
    assert [*half_way, run.half_way] == [False, True]
    told = ["blockerbugs01: what this run drained there may still be drained: cannot be reached"]
    assert what_is_down(run) == told
    error = ending(run)
    assert isinstance(error, HalfWay)
    assert told[0] in error.problems


# What is refused before any host is reached


@pytest.mark.parametrize("procedure", ["drain", "undrain"])
def test_a_set_whose_hosts_yml_says_nothing_of_it_can_not_be_drained(procedure: str) -> None:
    for host_set in (prod(), prod(balancer={})):
        with pytest.raises(Refused) as refused:
            check_request(request(procedure, host_set))
        assert refused.value.problems == (
            "prod: hosts.yml does not say how a host is drained: balancer.proxies, or balancer.drain",
        )
    check_request(request(procedure, BY_FILE))
    check_request(request(procedure, AT_PROXIES))
    check_request(request("restart-httpd", prod(balancer={})))


@pytest.mark.parametrize(("procedure", "key"), [("upgrade-db", "migrate"), ("sync", "check")])
def test_a_step_for_which_the_application_has_no_command_is_refused(procedure: str, key: str) -> None:
    host_set = prod(app={key: "none"})
    with pytest.raises(Refused) as refused:
        check_request(request(procedure, host_set))
    assert refused.value.problems == (f"prod: {procedure} has nothing to run: app.{key} is none in hosts.yml",)
    assert refused.value.next_line == "fab prod status"
    check_request(request("minor-upgrade", host_set))


def test_a_rolled_back_host_is_put_back_too() -> None:
    there = {"previous": OLD, "previous_schema": "aaa"}
    made = decide(request("rollback", BY_FILE), found(BY_FILE, well(NEW, **there)))
    run = run_of(made, "downgrade", FAILED, well(NEW, **there))
    assert run.may_be_out == [ONE]
    run.outcomes[-1] = (replace(run.outcomes[-1][0]), {ONE: WENT_WELL})
    assert run.may_be_out == [ONE]


@pytest.mark.parametrize("procedure", ["major-upgrade", "minor-upgrade"])
def test_a_run_that_has_not_looked_at_the_proxies_does_not_say_that_they_keep_it_from_going_back(
    procedure: str,
) -> None:
    after = well(NEW, previous=OLD, previous_schema="aaa")
    run = run_of(plan(AT_PROXIES, procedure), "healthy", FAILED, after)
    back = way_back(run)
    assert back
    assert (back.typed, back.does) == (
        "fab prod rollback",
        "rolls back to blockerbugs-1.0.0-1.el7 host after host",
    )
