"""A plan by value: what it warns of, for whom it is, and in which order its hosts are taken."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.errors import Refused
from tasks.inventory.model import Host, HostSet
from tasks.run.decide import decide
from tasks.sop.model import UNREACHED, Facts
from tests.unit.builders import NEW, ONE, TWO, found, prod, request, stg, well

from .test_decide import planned, reasons

STG = stg()
PROD = prod(after="stg", schema_status="alembic current")
ALONE = prod(schema_status="alembic current")  # comes after no other set


def warnings(procedure: str, *facts: Facts, host_set: HostSet = PROD, **typed: Any) -> tuple[str, ...]:
    return decide(request(procedure, host_set, **typed), found(host_set, *facts)).warnings


def test_a_reason_for_going_unverified_is_a_warning_with_the_set_that_was_left_out() -> None:
    why: Any = {"unverified": "stg burnt down"}
    assert warnings("minor-upgrade", well(), **why) == ("not verified on stg: stg burnt down",)
    assert warnings("minor-upgrade", well(), host_set=ALONE, **why) == ("not verified on another set: stg burnt down",)


def test_a_set_without_schema_status_is_warned_where_a_build_is_installed() -> None:
    blind = "hosts.yml names no schema_status: whether the database is at the schema is not looked at"
    assert warnings("minor-upgrade", well(), host_set=prod()) == (blind,)
    assert warnings("restart-httpd", well(), host_set=prod()) == ()


def test_an_update_by_itself_under_an_httpd_that_runs_is_a_warning() -> None:
    assert warnings("yum-update", well(), host_set=ALONE) == (
        "blockerbugs01, blockerbugs02: httpd is running and loads the new build at its next request; this command does "
        "not check for a schema migration: minor-upgrade does, major-upgrade stops httpd first",
    )
    assert warnings("yum-update", well(service="inactive"), host_set=ALONE) == ()
    assert warnings("minor-upgrade", well(), host_set=ALONE) == ()
    assert warnings("restart-httpd", well(), host_set=ALONE) == ()


def test_what_rpm_and_yum_say_of_a_host_is_a_warning_where_a_build_is_installed_on_it() -> None:
    says = well(rpm_says=("one", "two"), version_lock="/etc/lock")
    told = (
        "blockerbugs02: rpm says: one",
        "blockerbugs02: rpm says: two",
        "blockerbugs02: /etc/lock has a version lock on blockerbugs: yum may refuse the build",
    )
    assert warnings("minor-upgrade", well(), says, host_set=ALONE) == told
    assert warnings("minor-upgrade", well(), says, host_set=ALONE, hosts=[ONE]) == ()
    assert warnings("restart-httpd", well(), says, host_set=ALONE) == ()


@pytest.mark.parametrize(
    ("there", "warning"),
    [
        (UNREACHED, "blockerbugs02: cannot be reached, what it does is not known"),
        (well(paused="0123abcd"), "blockerbugs02: cron's sync is paused by run 0123abcd"),
        (well(skew=60.6), "blockerbugs02: its clock is +61 s off"),
        (well(skew=-61), "blockerbugs02: its clock is -61 s off"),
        (well(skew=60), None),
    ],
)
def test_the_operator_is_warned_of_each_host_on_which_something_is_odd(there: Facts, warning: str | None) -> None:
    facts = {ONE: well(cron=True), TWO: there}
    assert decide(request("stop-httpd", ALONE, hosts=[ONE]), facts).warnings == ((warning,) if warning else ())


def test_w1_a_host_that_is_lost_does_not_hide_what_is_odd_on_the_next() -> None:
    three = prod(hosts=(ONE, TWO, Host(name="three.example")), schema_status="x")
    facts = {ONE: well(cron=True), TWO: UNREACHED, three.hosts[2]: well(skew=90)}
    assert decide(request("stop-httpd", three, hosts=[ONE]), facts).warnings == (
        "blockerbugs02: cannot be reached, what it does is not known",
        "three.example: its clock is +90 s off",
    )


def test_cron_on_the_wrong_host_is_named_with_its_file() -> None:
    facts = {ONE: well(cron=False), TWO: well(cron=True)}
    assert decide(request("minor-upgrade", ALONE), facts).warnings == (
        "blockerbugs01 lacks the sync's cron file /etc/cron.d/blockerbugs",
        "blockerbugs02 has the sync's cron file /etc/cron.d/blockerbugs",
    )


def test_nobody_serves_while_a_stop_of_all_that_serve_lasts() -> None:
    quiet = Host(name="idle.example", serves=False)
    three = prod(hosts=(ONE, TWO, quiet), schema_status="x")
    nobody = ("no node of prod serves while this lasts",)
    assert warnings("stop-httpd", well(), host_set=three, hosts=[ONE, TWO]) == nobody
    assert warnings("stop-httpd", well(), host_set=three) == nobody
    assert warnings("stop-httpd", well(), host_set=three, hosts=[ONE]) == ()
    assert warnings("restart-httpd", well(), host_set=three) == ()


# A transaction that was cut off, and settings that are not pushed


def test_y2_a_cut_off_transaction_refuses_only_what_is_still_to_be_installed() -> None:
    there = well(NEW, unfinished=True)
    assert warnings("minor-upgrade", there, host_set=ALONE) == (
        "blockerbugs01: an rpm transaction was not finished: fab prod mend-rpm",
        "blockerbugs02: an rpm transaction was not finished: fab prod mend-rpm",
    )
    assert decide(request("restart-httpd", ALONE), found(ALONE, there)).phases
    with pytest.raises(Refused) as refused:
        decide(request("minor-upgrade", ALONE), found(ALONE, well(unfinished=True, free=1)))
    assert [problem.split(": ")[1] for problem in refused.value.problems] == [
        "1 MB free on / or /var, 200 are wanted",
        "1 MB free on / or /var, 200 are wanted",
        "an rpm transaction was not finished",
        "an rpm transaction was not finished",
    ]


def test_settings_that_are_not_pushed_refuse_a_set_that_comes_after_another_and_warn_elsewhere() -> None:
    asked: Any = {"unsettled": ("the template was edited",)}
    message = reasons(request("minor-upgrade", PROD, **asked), found(PROD, well()) | found(STG, well(NEW)), STG)
    assert 'the template was edited: --unverified "reason" overrides that, and is recorded' in message
    assert warnings("minor-upgrade", well(), host_set=ALONE, **asked) == ("the template was edited",)
    assert warnings("minor-upgrade", well(), unverified="known", **asked)[1:] == ("the template was edited",)


# The plan itself


def test_the_job_says_what_the_phases_are_made_for() -> None:
    silent = well(NEW, service="inactive", answers=None)
    job = decide(request("major-upgrade", ALONE, serial=True), found(ALONE, silent)).job
    assert job
    assert (job.target, job.serial, job.migrated, job.schema) == (NEW, True, True, "aaa")
    job = decide(request("major-upgrade", ALONE), found(ALONE, well(), well(NEW))).job
    assert job
    assert (job.serial, job.migrated) == (False, False)


def test_a_restart_takes_an_ill_host_first_and_a_stop_takes_them_in_their_order() -> None:
    ill_second = found(ALONE, well(), well(answers=503))
    assert decide(request("restart-httpd", ALONE), ill_second).phases[0].hosts == (TWO,)
    assert decide(request("stop-httpd", ALONE), ill_second).phases[0].hosts == (ONE, TWO)
    assert decide(request("major-upgrade", ALONE), ill_second).phases[0].hosts == (ONE, TWO)


def test_V5_a_host_that_serves_nobody_or_a_step_by_itself_wants_the_build_alone() -> None:
    quiet = TWO.model_copy(update={"serves": False})
    two = prod(hosts=(ONE, quiet), schema_status="x")
    silent = well(NEW, answers=None, service="inactive")
    assert decide(request("minor-upgrade", two), found(two, well(NEW), silent)).phases == ()
    assert decide(request("yum-update", ALONE), found(ALONE, silent)).phases == ()


def test_a_plan_knows_its_hosts_and_what_it_does_to_each() -> None:
    plan = decide(request("minor-upgrade", ALONE), found(ALONE, well(), well(NEW)))
    assert (plan.hosts, plan.resumable) == ((ONE,), True)
    assert plan.does_to(ONE) == ["download", "no-migration", "yum-update", "restart-httpd", "healthy"]
    assert plan.does_to(TWO) == []
    assert plan.steps[0] == ["download", ONE.name]
    assert not decide(request("stop-httpd", ALONE), found(ALONE, well())).resumable


def test_of_several_reasons_the_first_line_that_helps_is_typed_next() -> None:
    facts = found(ALONE, well(installed=None, free=1), well(free=2))
    with pytest.raises(Refused) as refused:
        decide(request("minor-upgrade", ALONE, version="1.1.0"), facts)
    assert refused.value.next_line == f"ssh -t {ONE.name} sudo yum clean packages"


def test_a_task_that_is_no_procedure_is_typed_as_it_is() -> None:
    assert planned().typed("status") == "fab prod status"
    assert planned(hosts=[TWO]).typed("status") == "fab -H blockerbugs02 status"
