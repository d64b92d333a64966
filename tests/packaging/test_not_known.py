"""An answer that never comes: what may have been submitted is said to be so, and never submitted twice (K8)."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from .conftest import Said, Typed
from .hub.server import Hub, Trouble
from .laid import Project
from .test_tags import RUNS

NVR = "blockerbugs-0.4.4.16-1.el7"
MAY_BE = f"submission of {NVR} is unconfirmed: it may have been submitted"


def builds(hub: Hub) -> int:
    """How many build tasks the hub has."""
    return sum(task.method == "build" for task in hub.api.machine.tasks.values())


def lose(hub: Hub, method: str, carried_out: bool) -> None:
    """502 for every call of `method`, and once it was carried out, for all that follow."""

    def gone() -> None:
        hub.troubles = [Trouble(method, "502", after=True), Trouble("*", "502", times=99)]

    if carried_out:
        hub.api.after[method] = gone
    else:
        hub.troubles = [Trouble(method, "502", times=99)]


def next_line(said: Said) -> list[str]:
    """What is to be typed next, without `invoke`."""
    return said.err.rpartition("next: invoke ")[2].split()


@pytest.mark.parametrize("carried_out", [True, False], ids=["carried out", "not carried out"])
@pytest.mark.parametrize("scratch", [[], ["--scratch"]], ids=["", "scratch"])
def test_k8_a_build_whose_answer_is_lost_with_the_hub_may_have_been_submitted(
    hub: Hub, project: Project, typed: Typed, carried_out: bool, scratch: list[str]
) -> None:
    lose(hub, "build", carried_out)
    said = typed("build", *scratch)
    assert said.code == 75
    assert MAY_BE in said.err
    assert "nothing was changed" not in said.err
    assert builds(hub) == carried_out
    hub.troubles.clear()
    hub.api.after.clear()
    said = typed(*next_line(said))
    assert said.code == 0, said.err
    assert builds(hub) == 1
    assert hub.made("rawUpload") == 1


def test_k8_a_scratch_build_whose_answer_is_lost_is_found_by_its_upload(
    hub: Hub, project: Project, typed: Typed
) -> None:
    hub.troubles = [Trouble("build", "502", after=True)]
    said = typed("build", "--scratch")
    assert said.code == 0
    assert "build: the hub's answer was lost; looking for its task by the upload's path" in said.out
    assert builds(hub) == 1


def test_k8_an_upload_that_the_hub_does_not_have_is_refused(hub: Hub, project: Project, typed: Typed) -> None:
    said = typed("build", "--upload", f"cli-build/1.x/{NVR}.src.rpm")
    assert said.code == 2
    assert f"the hub has no upload cli-build/1.x/{NVR}.src.rpm, and no task of it" in said.err


@pytest.mark.parametrize("carried_out", [True, False], ids=["carried out", "not carried out"])
def test_k8_ctrl_c_while_the_answer_to_build_is_awaited_says_what_is_known_at_once(
    hub: Hub, held: set[str], project: Project, typed: Typed, carried_out: bool
) -> None:
    hub.troubles = [Trouble("build", "silence", after=carried_out, seconds=8)]
    hub.on_silence = lambda: os.kill(os.getpid(), signal.SIGINT)
    began = time.monotonic()
    said = typed("build")
    assert said.code == 130
    assert time.monotonic() - began < 8
    if carried_out:
        assert said.err.strip() == "interrupted: task 15 goes on in koji\nnext: invoke build --task 15"
    else:
        assert f"interrupted: {MAY_BE}\nnext: invoke build --upload cli-build/" in said.err


def test_k8_ctrl_c_with_a_hub_that_says_nothing_more_is_no_minute_of_silence(
    hub: Hub, project: Project, typed: Typed
) -> None:
    hub.api.after["checkUpload"] = lambda: hub.troubles.append(Trouble("*", "silence", times=99, seconds=20))
    hub.on_silence = lambda: os.kill(os.getpid(), signal.SIGINT) if hub.troubles[0].times == 98 else None
    began = time.monotonic()
    said = typed("build", "--scratch")
    assert time.monotonic() - began < 12
    assert said.code == 130
    assert f"{MAY_BE}\nnext: invoke build --scratch --upload cli-build/" in said.err


def test_k8_a_hub_that_was_never_reached_has_submitted_nothing(hub: Hub, project: Project, typed: Typed) -> None:
    def offline() -> None:
        hub.offline = "maintenance"

    hub.api.after["checkUpload"] = offline
    said = typed("build")
    assert said.code == 75
    assert "not now, nothing was changed: the hub is offline: maintenance" in said.err
    assert "next: invoke build\n" in said.err + "\n"


@pytest.mark.parametrize("carried_out", [True, False], ids=["carried out", "not carried out"])
def test_k8_a_move_whose_answer_is_lost_with_the_hub_may_have_been_submitted(
    hub: Hub, stg: Path, fence: Path, typed: Typed, carried_out: bool
) -> None:
    hub.profile(fence, user="infra")
    hub.api.machine.put(RUNS, "epel7-infra-stg")
    hub.api.machine.holding = {"tagBuild"}
    lose(hub, "moveBuild", carried_out)
    said = typed("promote")
    assert said.code == 75
    assert (
        f"the move of {RUNS} is unconfirmed: it may have been submitted\nnext: invoke promote --nvr {RUNS}" in said.err
    )
    hub.troubles.clear()
    hub.api.after.clear()
    hub.api.machine.holding.clear()
    said = typed(*next_line(said))
    assert said.code == 0, said.err
    assert sum(task.method == "tagBuild" for task in hub.api.machine.tasks.values()) == 1


def test_k8_ctrl_c_while_the_answer_to_the_move_is_awaited_finds_its_task(
    hub: Hub, stg: Path, fence: Path, typed: Typed
) -> None:
    hub.profile(fence, user="infra")
    hub.api.machine.put(RUNS, "epel7-infra-stg")
    hub.api.machine.holding = {"tagBuild"}
    hub.troubles = [Trouble("moveBuild", "silence", after=True, seconds=8)]
    hub.on_silence = lambda: os.kill(os.getpid(), signal.SIGINT)
    said = typed("promote")
    assert said.code == 130
    assert f"interrupted: task 15 goes on in koji\nnext: invoke promote --nvr {RUNS}" in said.err
