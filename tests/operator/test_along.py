"""What yum changes beside the build: seen in the plan, kept of stg's run, and compared for prod."""

from __future__ import annotations

import json

from .conftest import ONE, STG, TWO, Fleet

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
