"""A build that cannot come into a tag is not waited for: who did what, and the line that mends it (K11)."""

from __future__ import annotations

import time

import pytest

from .conftest import Typed
from .hub.records import Tag
from .hub.server import Hub
from .laid import Project

NVR = "blockerbugs-0.4.4.16-1.el7"
STG = "epel7-infra-stg"


def no_tag(hub: Hub) -> str:
    """There is no stg tag."""
    del hub.api.machine.tags[STG]
    return f"the hub has no tag {STG}"


def locked(hub: Hub) -> str:
    """It is locked."""
    hub.api.machine.tags[STG].locked = True
    return f"the tag {STG} is locked (by admin, 2017-07-14 "


def blocked(hub: Hub) -> str:
    """It blocks the package."""
    tag = hub.api.machine.tags[STG]
    tag.packages, tag.blocked = (), ("blockerbugs",)
    return f"the package blockerbugs is blocked in {STG} (by admin, 2017-07-14 "


def unlisted(hub: Hub) -> str:
    """It does not list the package."""
    hub.api.machine.tags[STG].packages = ()
    return f"the package blockerbugs is not in the list of {STG}"


CURES = {
    no_tag: "next: koji list-tags  # koji.stg_tag in invoke.yml names one",
    locked: f"next: koji edit-tag --unlock {STG}  # ask somebody of infra to type it",
    blocked: f"next: koji unblock-pkg {STG} blockerbugs  # ask somebody of infra to type it",
    unlisted: f"next: koji add-pkg --owner OWNER {STG} blockerbugs  # ask somebody of infra to type it",
}


@pytest.mark.parametrize("why", CURES, ids=lambda why: why.__name__)
def test_k11_a_tag_that_takes_no_build_is_said_before_anything_is_uploaded(
    hub: Hub, project: Project, typed: Typed, why: object
) -> None:
    problem = why(hub)  # type: ignore[operator]
    said = typed("build")
    assert said.code == 2
    assert problem in said.err
    assert CURES[why] in said.err  # type: ignore[index]
    assert hub.made("rawUpload") == 0


@pytest.mark.parametrize("why", CURES, ids=lambda why: why.__name__)
def test_k11_a_tag_that_takes_no_build_is_not_waited_for(hub: Hub, typed: Typed, why: object) -> None:
    hub.api.machine.put(NVR, "epel7-infra-candidate")
    problem = why(hub)  # type: ignore[operator]
    began = time.monotonic()
    said = typed("wait-tag", NVR)
    assert time.monotonic() - began < 30
    assert said.code == 1
    assert problem in said.err
    assert f"{CURES[why]}\nthen: invoke wait-tag {NVR}" in said.err  # type: ignore[index]


def test_k11_a_build_that_was_taken_out_again_is_not_waited_for(hub: Hub, typed: Typed) -> None:
    machine = hub.api.machine
    machine.untag(machine.put(NVR, STG), machine.tags[STG], "releng")
    said = typed("wait-tag", NVR)
    assert said.code == 1
    assert f"{NVR} is in no tag: taken out of {STG} by releng, 20" in said.err
    assert f"next: koji tag-build {STG} {NVR}\nthen: invoke wait-tag {NVR}" in said.err


def test_k11_a_build_that_was_moved_away_from_stg_is_not_waited_for(hub: Hub, typed: Typed) -> None:
    machine = hub.api.machine
    machine.tags["trashcan"] = Tag(9, "trashcan")
    machine.retag(machine.put(NVR, STG), machine.tags["trashcan"], machine.tags[STG], "releng")
    said = typed("wait-tag", NVR)
    assert said.code == 1
    assert f"{NVR} is in trashcan: taken out of {STG} by releng" in said.err


def test_k11_a_build_that_was_never_tagged_is_not_waited_for(hub: Hub, typed: Typed) -> None:
    hub.api.machine.put(NVR, None)
    said = typed("wait-tag", NVR)
    assert said.code == 1
    assert f"{NVR} is in no tag and never was in one" in said.err
    assert f"next: koji tag-build epel7-infra-candidate {NVR}\nthen: invoke wait-tag {NVR}" in said.err


def test_k11_a_build_that_is_being_tagged_is_waited_for(hub: Hub, typed: Typed) -> None:
    machine = hub.api.machine
    build = machine.put(NVR, None)
    machine.holding = {"tagBuild"}
    machine.move(build, machine.tags[STG], None, owner=3)
    looks = iter(range(1000))
    hub.api.before["listTags"] = lambda: machine.holding.clear() if next(looks) == 6 else None
    said = typed("wait-tag", NVR)
    assert (said.code, said.err) == (0, "")
    assert f"{NVR} is in {STG}: by infra, " in said.out


def test_k11_a_robot_between_two_tags_is_waited_for(hub: Hub, typed: Typed) -> None:
    machine = hub.api.machine
    build = machine.put(NVR, "epel7-infra-candidate")
    looks = iter(range(1000))

    def robot() -> None:
        now = next(looks)
        if now == 2:
            machine.untag(build, machine.tags["epel7-infra-candidate"], "robot")
        if now == 3:
            machine.retag(build, machine.tags[STG], None, "robot")

    hub.api.before["listTags"] = robot
    said = typed("wait-tag", NVR)
    assert (said.code, said.err) == (0, "")
