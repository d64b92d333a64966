"""What yum changes beside the build: seen in the plan, kept of stg's run, and compared for prod."""

from __future__ import annotations

import json

import pytest

from .conftest import ONE, STG, TWO, Fleet

pytestmark = pytest.mark.sandbox_only("its RPMs need what the test says; tests/lab/test_packages.py has real ones")

REPO, STG_REPO = "infrastructure-tags", "infrastructure-tags-stg"
LIBRARY = {"bugs-library": "2.0-1.el7"}


def test_the_plan_shows_what_comes_along_and_nothing_is_changed(fleet: Fleet) -> None:
    fleet.machines.publish("1.0.1", STG_REPO, needs=LIBRARY)
    ended = fleet.types("stg minor-upgrade --version 1.0.1 --plan")
    assert (ended.code, fleet.runs(STG)) == (2, ("blockerbugs-1.0.0-1.el7", "1.0.0"))
    assert "stg01: yum also changes 1 package:\n  install bugs-library 2.0-1.el7\n" in ended.out


def test_the_plan_of_an_older_build_asks_yum_for_that_one(fleet: Fleet) -> None:
    fleet.machines.publish("1.1.0", STG_REPO, needs=LIBRARY)
    ended = fleet.types("stg minor-upgrade --version 1.0.1 --plan")
    assert "stg01: yum changes nothing beside blockerbugs\n" in ended.out


def test_json_has_what_comes_along_on_each_host(fleet: Fleet) -> None:
    fleet.machines.publish("1.0.1", STG_REPO, needs=LIBRARY)
    ended = fleet.types("stg minor-upgrade --version 1.0.1 --plan --json")
    plan = next(event for line in ended.out.splitlines() if (event := json.loads(line))["event"] == "plan")
    assert [host["also"] for host in plan["hosts"]] == [["install bugs-library 2.0-1.el7"]]


def test_a_rollback_shows_what_comes_along_too(stg_runs_101: Fleet) -> None:
    assert stg_runs_101.types("prod minor-upgrade --yes").code == 0
    ended = stg_runs_101.types("prod rollback --plan")
    assert "prod01, prod02: yum changes nothing beside blockerbugs\n" in ended.out
    assert {stg_runs_101.runs(host) for host in (ONE, TWO)} == {("blockerbugs-1.0.1-1.el7", "1.0.1")}


def test_v7_prod_that_would_get_another_package_than_stg_is_refused(fleet: Fleet) -> None:
    fleet.machines.publish("1.0.1", STG_REPO, needs=LIBRARY)
    assert fleet.types("stg minor-upgrade --version 1.0.1 --yes").code == 0
    fleet.machines.publish("1.0.1", REPO, needs={"bugs-library": "2.1-1.el7"})
    ended = fleet.types("prod minor-upgrade --yes")
    assert (ended.code, fleet.runs(ONE)) == (2, ("blockerbugs-1.0.0-1.el7", "1.0.0")), ended.said
    assert (
        "prod01, prod02: yum would install bugs-library 2.1-1.el7, which stg does not have: --unverified" in ended.err
    )
    assert "prod01, prod02: yum would not install bugs-library 2.0-1.el7, as it did on stg for blockerbugs-1.0.1" in (
        ended.err
    )
    assert ended.err.endswith("next: fab stg history\n")
    reason = fleet.types("prod minor-upgrade --version 1.0.1 --yes --unverified library")
    assert (reason.code, fleet.runs(ONE)) == (0, ("blockerbugs-1.0.1-1.el7", "1.0.1")), reason.said


def test_prod_gets_what_came_along_on_stg(fleet: Fleet) -> None:
    for repo in (STG_REPO, REPO):
        fleet.machines.publish("1.0.1", repo, needs=LIBRARY)
    assert fleet.types("stg minor-upgrade --version 1.0.1 --yes").code == 0
    ended = fleet.types("prod minor-upgrade --yes")
    assert (ended.code, fleet.runs(TWO)) == (0, ("blockerbugs-1.0.1-1.el7", "1.0.1")), ended.said
    assert "warning" not in ended.out


def test_a_package_that_prod_has_already_need_not_come_along_again(fleet: Fleet) -> None:
    for repo in (STG_REPO, REPO):
        fleet.machines.publish("1.0.1", repo, needs=LIBRARY)
    for host in (ONE, TWO):
        fleet.machines.has(host, LIBRARY)
    assert fleet.types("stg minor-upgrade --version 1.0.1 --yes").code == 0
    ended = fleet.types("prod minor-upgrade --yes")
    assert ended.code == 0, ended.said
    assert "yum changes nothing beside blockerbugs" in ended.out


def test_where_stg_has_no_record_of_the_build_it_is_said_and_not_refused(stg_runs_101: Fleet) -> None:
    ended = stg_runs_101.types("prod minor-upgrade --plan")
    assert ended.code == 2
    assert "stg has no record of what came along with blockerbugs-1.0.1-1.el7: packages are not compared" in ended.out


def test_v6_the_same_name_built_again_is_refused_before_anything_is_changed(stg_runs_101: Fleet) -> None:
    stg_runs_101.machines.publish("1.0.1", REPO, built="again")
    before = len(stg_runs_101.changed())
    for procedure in ("minor-upgrade", "major-upgrade", "yum-update"):
        ended = stg_runs_101.types(f"prod {procedure} --yes")
        assert ended.code == 2, ended.said
        words = "blockerbugs-1.0.1-1.el7 is another build than the one of that name that stg runs: it was built again"
        for host in ("prod01", "prod02"):
            assert f"{host}: same-build: exit status 1: {words}" in ended.err
        assert '--unverified "reason" overrides that' in ended.err
    assert len(stg_runs_101.changed()) == before


def test_v6_a_build_that_is_signed_with_another_key_is_refused(stg_runs_101: Fleet) -> None:
    stg_runs_101.machines.publish("1.0.1", REPO, key="0123456789abcdef")
    ended = stg_runs_101.types("prod minor-upgrade --yes")
    assert ended.code == 2, ended.said
    assert "is signed with key 0123456789abcdef here, with key d1d3f1ba352c64e5 on stg" in ended.err
    assert stg_runs_101.runs(ONE) == ("blockerbugs-1.0.0-1.el7", "1.0.0")
    forced = stg_runs_101.types("prod minor-upgrade --version 1.0.1 --yes --unverified resigned")
    assert (forced.code, stg_runs_101.runs(ONE)) == (0, ("blockerbugs-1.0.1-1.el7", "1.0.1"))
