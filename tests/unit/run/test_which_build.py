"""The one build to install, and the one to go back to, by value; or every reason why there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.inventory.model import Host
from tasks.run.refusals import Reason
from tasks.run.which_build import newest, target_build, verified_build
from tasks.sop.model import Facts
from tests.unit.builders import NEW, NEWER, OLD, ONE, TWO, found, nvr, prod, request, stg, well

PROD = prod(schema_status="alembic current")
OVERRIDE = '--unverified "reason" overrides that, and is recorded'


def target(*facts: Facts, procedure: str = "minor-upgrade", there: Facts | None = None, **typed: Any) -> Any:
    """The build, and the reasons against it; there: what stg is like, where it comes first."""
    host_set = typed.pop("host_set", PROD)
    stage = stg() if there else None
    asked = found(host_set, *facts) | (found(stage, there) if stage and there else {})
    build, reasons = target_build(request(procedure, host_set, **typed), asked, stage)
    return build, [(reason.text, reason.cure) for reason in reasons]


def texts(found_out: Any) -> list[str]:
    return [text for text, _ in found_out[1]]


# What is on offer


def test_the_newest_of_what_is_on_offer_and_installed_is_taken() -> None:
    assert target(well(offered={NEW: "r", OLD: "r"})) == (NEW, [])
    assert target(well(NEWER, offered={NEW: "r"})) == (NEWER, [])


def test_where_nothing_is_on_offer_what_was_asked_for_is_named() -> None:
    assert texts(target(well(offered={}), version="9.9")) == [
        "blockerbugs01: 9.9 is not on offer, the repo offers nothing",
        "blockerbugs02: 9.9 is not on offer, the repo offers nothing",
    ]
    pinned = prod(minor_version="9.9")
    assert texts(target(well(), host_set=pinned))[0] == (
        "blockerbugs01: host_sets.prod.minor_version in hosts.yml is 9.9, which is not on offer; the repo offers "
        "blockerbugs-1.0.0-1.el7, blockerbugs-1.1.0-1.el7"
    )
    assert texts(target(well(installed=None, offered=None), host_set=pinned, procedure="major-upgrade"))[0] == (
        "blockerbugs01: nothing is installed, and the repo offers nothing"
    )
    assert texts(target(well(installed=None, offered=None)))[0] == (
        "blockerbugs01: nothing is installed, and the repo offers nothing"
    )


def test_of_many_builds_on_offer_the_five_newest_are_named() -> None:
    many = {nvr(f"1.{n}.0"): "r" for n in range(7)}
    (first, _) = texts(target(well(offered=many), version="9.9"))
    assert first == "blockerbugs01: 9.9 is not on offer, the repo offers " + ", ".join(
        f"blockerbugs-1.{n}.0-1.el7" for n in range(2, 7)
    )


def test_a_version_means_that_version_and_a_release_that_release() -> None:
    builds = [OLD, NEW, nvr("1.1.0-2.el7"), NEWER]
    assert newest(builds, "1.1.0", "blockerbugs") == nvr("1.1.0-2.el7")
    assert newest(builds, "1.1.0-1.el7", "blockerbugs") == NEW
    assert newest(builds, "blockerbugs-1.1.0", "blockerbugs") == nvr("1.1.0-2.el7")
    assert newest(builds, "1.1", "blockerbugs") is None
    assert newest(builds, "1.1.0-3.el7", "blockerbugs") is None


def test_V3_hosts_that_are_offered_different_builds_are_named_with_them() -> None:
    build, reasons = target(well(), well(offered={NEWER: "r"}))
    assert build is None
    assert reasons == [
        ("blockerbugs01: is offered blockerbugs-1.1.0-1.el7", None),
        ("blockerbugs02: is offered blockerbugs-1.2.0-1.el7", None),
        ("the hosts are offered different builds: a mirror is stale, or a tag has just moved", None),
    ]


def test_V3_what_one_host_is_not_offered_is_told_beside_what_the_others_are() -> None:
    three = prod(hosts=(ONE, TWO, "three.example"))
    facts = found(three, well(offered={NEW: "r"}), well(offered={NEWER: "r"}), well(installed=None, offered={}))
    texts = [reason.text for reason in target_build(request("minor-upgrade", three), facts, None)[1]]
    assert [text.split(":")[0] for text in texts[:3]] == ["three.example", "blockerbugs01", "blockerbugs02"]


# What yum did not see

SKIPPED = "Skipping unreachable repository infra"


def test_y3_that_nothing_is_newer_is_not_believed_of_a_yum_that_did_not_look_everywhere() -> None:
    build, reasons = target(well(NEW, yum_says=(SKIPPED, "and more")))
    assert build is None
    assert reasons[0] == (
        "blockerbugs01: cannot tell whether blockerbugs-1.1.0-1.el7 is the newest build; yum says: "
        f"{SKIPPED}; and more",
        "fab prod minor-upgrade --version 1.1.0-1.el7",
    )
    assert len(reasons) == 2


@pytest.mark.parametrize(
    ("facts", "typed"),
    [
        pytest.param({"offered": {NEWER: "r"}}, {}, id="something newer is on offer all the same"),
        pytest.param({}, {"version": "1.1.0"}, id="the build was typed"),
        pytest.param({}, {"host_set": prod(minor_version="1.1.0")}, id="the build is pinned in hosts.yml"),
        pytest.param({}, {"there": well(NEW)}, id="the build is stg's"),
        pytest.param(
            {"yum_says": ("1 packages excluded due to repository priority",)}, {}, id="a priority left it out"
        ),
        pytest.param({"yum_says": ()}, {}, id="yum says nothing"),
    ],
)
def test_y3_what_yum_did_not_see_is_nobodys_business_where(facts: dict[str, Any], typed: dict[str, Any]) -> None:
    build, reasons = target(replace(well(NEW, yum_says=(SKIPPED,)), **facts), **typed)
    assert (build is not None, reasons) == (True, [])


# What stg runs


def test_V1_a_build_that_stg_does_not_run_is_refused_with_both() -> None:
    both = well(offered={NEW: "r", NEWER: "r"})
    assert target(both, there=well(NEW), version="1.2.0") == (
        NEWER,
        [(f"you asked for blockerbugs-1.2.0-1.el7, but stg verified blockerbugs-1.1.0-1.el7: {OVERRIDE}", None)],
    )


def test_V1_a_stg_that_verified_nothing_comes_first() -> None:
    build, reasons = target(well(), there=well(NEW, answers=None, version=None))
    assert build is None
    assert reasons == [
        (
            "blockerbugs01.stg: stg is not healthy with blockerbugs-1.1.0-1.el7 (answers nothing, version unknown)",
            None,
        ),
        (f"stg comes first: {OVERRIDE}", "fab stg status"),
    ]


def test_V1_a_build_of_stgs_that_is_not_on_offer_is_named_with_what_is() -> None:
    assert texts(target(well(offered={}), there=well(NEW)))[0] == (
        "blockerbugs01: stg runs blockerbugs-1.1.0-1.el7, the repo offers nothing"
    )
    assert texts(target(well(offered={}), there=well(NEW), version="1.2.0"))[0] == (
        "blockerbugs01: 1.2.0 is not on offer, the repo offers nothing"
    )


def test_V1_of_a_version_that_stg_runs_stgs_release_is_meant() -> None:
    rebuilt = nvr("1.1.0-2.el7")
    both = well(offered={NEW: "r", rebuilt: "r"})
    assert target(both, there=well(NEW), version="1.1.0") == (NEW, [])
    assert target(well(offered={rebuilt: "r"}), there=well(NEW), version="1.1.0")[0] == rebuilt


def test_every_reason_why_stg_verifies_nothing_is_named() -> None:
    two = stg(hosts=(Host(name="s1.example"), Host(name="s2.example")), sync_host="s1.example")
    assert verified_build(two, found(two, well(NEW, answers=503), well(installed=None)), "blockerbugs") == (
        None,
        [
            Reason("s1.example: stg is not healthy with blockerbugs-1.1.0-1.el7 (answers 503, version 1.1.0)"),
            Reason("s2.example: blockerbugs is not installed there"),
            Reason("stg runs different builds: None, blockerbugs-1.1.0-1.el7"),
        ],
    )


def test_a_host_of_stgs_that_serves_nobody_need_not_answer() -> None:
    two = stg(hosts=(Host(name="s1.example"), Host(name="s2.example", serves=False)), sync_host="s1.example")
    assert verified_build(two, found(two, well(NEW), well(NEW, answers=None)), "blockerbugs") == (NEW, [])


def test_a_set_is_healthy_with_the_answer_that_its_hosts_yml_wants() -> None:
    moved = stg(health={"status": 301})
    assert verified_build(moved, found(moved, well(NEW, answers=301)), "blockerbugs") == (NEW, [])
    assert verified_build(moved, found(moved, well(NEW)), "blockerbugs")[0] is None
