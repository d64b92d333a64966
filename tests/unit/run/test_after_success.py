"""What follows a step or an upgrade that went well, and what status names beside the lines to type."""

from __future__ import annotations

import pytest

from tasks.inventory.around import Silence
from tasks.inventory.model import Host, HostSet
from tasks.run.advice import after_success, what_is_left
from tasks.run.left_behind import cut_off, down, left_over
from tasks.sop.model import UNREACHED, Facts
from tests.unit.builders import NEW, OLD, ONE, TWO, fleet, found, prod, stg, well

from .runs import FAILED, a_plan, run_of
from .test_left_behind import DOWN, MIGRATED, PENDING, SET, THREE

# After a step, and after an upgrade


@pytest.mark.parametrize(
    ("step", "facts", "told"),
    [
        pytest.param("sync", MIGRATED, "fab prod start-httpd", id="httpd is still to be started"),
        pytest.param("sync", well(NEW), None, id="all is well"),
        pytest.param("stop-httpd", DOWN, None, id="it was stopped on purpose"),
    ],
)
def test_what_has_to_follow_a_step_that_was_done_by_itself(step: str, facts: Facts, told: str | None) -> None:
    assert what_is_left(run_of(a_plan(step), "", FAILED, facts)) == told


def test_after_upgrade_db_whose_looks_stop_nothing_the_rest_is_told() -> None:
    run = run_of(a_plan("upgrade-db", PENDING), "", FAILED, MIGRATED)
    assert what_is_left(run) == "fab prod sync start-httpd"


def test_after_an_upgrade_its_own_ending_says_what_follows() -> None:
    assert what_is_left(run_of(a_plan(), "", FAILED, DOWN)) is None


def test_c3_after_an_upgrade_that_an_earlier_run_has_left_cron_paused_behind_its_way_on_is_said() -> None:
    run = run_of(a_plan(), "", FAILED, well(NEW, cron=False, paused="0123abcd"))
    assert what_is_left(run) == "fab prod abort  # lets cron sync again, which run 0123abcd has paused"


def test_r3_after_an_upgrade_abort_is_shown_for_what_it_can_undo_and_a_line_for_what_hosts_yml_has_no_more() -> None:
    around = (Silence(silence="http://am.example", matchers={"a": "b"}, name="quiet"),)
    up = (("0123abcd", 60, "quiet"), ("0123abcd", 60, "page"))
    run = run_of(a_plan(host_set=prod(around=around)), "", FAILED, well(NEW, around=up))
    forgets = f"ssh -t {ONE.name} sudo rm /var/lib/blockerbugs-upgrade/around/0123abcd,page"
    told = what_is_left(run) or ""
    assert [line.split("  # ") for line in told.split("\n")] == [
        ["fab prod abort", "undoes quiet"],
        [f"then: {forgets}", "when page is undone by hand"],
    ]
    run = run_of(a_plan(), "", FAILED, well(NEW, around=up[1:]))
    assert what_is_left(run) == f"{forgets}  # when page is undone by hand"


def test_after_a_step_a_host_that_is_lost_is_waited_for() -> None:
    run = run_of(a_plan("upgrade-db", PENDING), "", FAILED, MIGRATED)
    del run.afterwards[TWO]
    assert what_is_left(run) == "fab prod sync start-httpd  # when blockerbugs02 can be reached again"


PROD = prod(after="stg", schema_status="x")
NEXT = "fab prod minor-upgrade --version 1.1.0-1.el7"


def test_after_stg_comes_prod_with_the_same_build() -> None:
    plan = a_plan("minor-upgrade", host_set=stg(schema_status="x"))
    assert after_success(plan, fleet(stg(), PROD)) == NEXT


def test_where_prod_has_another_repo_the_build_has_to_be_promoted_before() -> None:
    plan = a_plan("minor-upgrade", host_set=stg(enable_repo="testing", schema_status="x"))
    assert after_success(plan, fleet(stg(), PROD)) == f"invoke promote\nthen: {NEXT}"


@pytest.mark.parametrize(
    ("procedure", "host_set", "hosts"),
    [
        pytest.param("minor-upgrade", PROD, [], id="no set waits for this one"),
        pytest.param("minor-upgrade", prod(name="stg"), [ONE], id="not all of its hosts have the build"),
        pytest.param("restart-httpd", stg(), [], id="no build was installed"),
    ],
)
def test_after_success_nothing_follows_where(procedure: str, host_set: HostSet, hosts: list[Host]) -> None:
    plan = a_plan(procedure, host_set=host_set, hosts=hosts)
    assert after_success(plan, fleet(stg(), PROD)) is None


# What status names beside the lines to type


def test_down_is_where_httpd_is_known_not_to_run() -> None:
    quiet = THREE.model_copy(update={"serves": False})
    host_set = prod(hosts=(ONE, TWO, quiet))
    assert down(host_set, found(host_set, DOWN, well(service="failed"), DOWN)) == [ONE, TWO]
    assert down(host_set, found(host_set, UNREACHED, well(), DOWN)) == []


def test_hosts_with_different_builds_are_named_with_them() -> None:
    assert left_over(SET, found(SET, well(NEW), well(OLD))) == [
        "half upgraded: blockerbugs01 has 1.1.0-1.el7, blockerbugs02 has 1.0.0-1.el7"
    ]
    assert left_over(SET, found(SET, well(NEW))) == []
    assert left_over(SET, found(SET, well(NEW), well(installed=None))) == []


def test_of_hosts_that_were_not_asked_nothing_is_told() -> None:
    assert left_over(SET, {ONE: well(NEW)}) == []
    assert cut_off(SET, {ONE: well(NEW)}) == []


def test_a_transaction_that_was_cut_off_is_told_with_its_hosts_and_what_mends_it() -> None:
    sentence = "an rpm transaction was cut off; fab prod mend-rpm mends that"
    assert left_over(SET, found(SET, well(unfinished=True))) == [f"blockerbugs01, blockerbugs02: {sentence}"]
    assert cut_off(SET, found(SET, well(), well(duplicates=(OLD, NEW)))) == [f"blockerbugs02: {sentence}"]
