"""Waiting for the stg tag and its repo, and `invoke promote`: real SSH to a stg host, the real koji client."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tasks.sandbox import faults, layout

from .conftest import HOST, HOSTS_YML, Typed
from .hub.records import DELETED
from .hub.server import Hub, Trouble
from .laid import Project

NVR = "blockerbugs-0.4.4.16-1.el7"
RUNS = "blockerbugs-1.0.0-1.el7"  # what a sandbox host has at first


# the tag


def test_a_robot_that_never_comes_is_late_and_no_error(
    hub: Hub, project: Project, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVOKE_KOJI_TAG_WAIT", "2")  # longer than a look takes, or it is over before it is waited
    hub.api.machine.robot = None
    said = typed("build")
    assert said.code == 75
    assert re.search(rf"waiting for {NVR} in epel7-infra-stg: \d s, usually about 15 min", said.out), said.out
    assert re.search(rf"{NVR} is not in epel7-infra-stg after \d s; it is in epel7-infra-candidate", said.err)
    assert f"next: invoke wait-tag {NVR}" in said.err
    hub.api.machine.put(NVR, "epel7-infra-stg")
    said = typed("wait-tag", NVR)
    assert said.code == 0
    assert f"{NVR} is in epel7-infra-stg: by qadevel, " in said.out


def test_a_build_that_is_deleted_under_us_ends_the_waiting(hub: Hub, typed: Typed) -> None:
    build = hub.api.machine.put(NVR, "epel7-infra-candidate")
    hub.api.before["listTags"] = lambda: setattr(build, "state", DELETED)
    said = typed("wait-tag", NVR)
    assert said.code == 1
    assert f"{NVR} has been deleted" in said.err


def test_a_build_that_never_was_is_not_waited_for(hub: Hub, typed: Typed) -> None:
    said = typed("wait-tag", NVR)
    assert said.code == 2
    assert f"koji has no build {NVR}\nnext: koji list-builds --package=blockerbugs" in said.err


def test_the_repo_of_stg_is_waited_for_when_there_is_a_stg(
    hub: Hub, stg: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVOKE_KOJI_REPO_WAIT", "0.1")
    nvr = "blockerbugs-1.0.1-1.el7"
    hub.api.machine.put(nvr, "epel7-infra-stg")
    layout.withdraw(stg, "1.0.1")
    said = typed("wait-tag", nvr)
    assert said.code == 75
    assert f"stg01: {nvr} is not on offer after" in said.err
    layout.publish(stg, "1.0.1")
    said = typed("wait-tag", nvr)
    assert said.code == 0
    assert f"the repo of stg offers {nvr}" in said.out
    assert said.out.rstrip().endswith("next: fab stg minor-upgrade --version 1.0.1-1.el7")


def test_a_stg_that_cannot_be_reached_does_not_fail_a_build(
    hub: Hub, project: Project, typed: Typed, fence: Path
) -> None:
    (fence / "hosts.yml").write_text(HOSTS_YML)
    said = typed("build")
    assert said.code == 0
    assert "whether the stg repo offers it already could not be asked: stg01: " in said.out


# promote


def test_what_stg_runs_is_moved_to_prod_by_who_may(hub: Hub, stg: Path, fence: Path, typed: Typed) -> None:
    hub.profile(fence, user="infra")
    hub.api.machine.put(RUNS, "epel7-infra-stg")
    said = typed("promote")
    assert (said.code, said.err) == (0, "")
    assert f"{RUNS} is in epel7-infra" in said.out
    assert "next: fab prod minor-upgrade --version 1.0.0-1.el7" in said.out
    assert [tag.name for tag in hub.api.machine.tags_of(hub.api.machine.builds[RUNS])] == ["epel7-infra"]


def test_k7_who_may_not_gets_the_line_and_the_ticket(hub: Hub, stg: Path, typed: Typed) -> None:
    hub.api.machine.put(RUNS, "epel7-infra-stg")
    said = typed("promote")
    assert said.code == 2
    line = f"koji move-build epel7-infra-stg epel7-infra {RUNS}"
    assert f"\n\nPlease move {RUNS} from epel7-infra-stg to epel7-infra:" in said.out
    assert f"\n    {line}\n" in said.out
    assert "All hosts of stg run it and are healthy." in said.out
    assert "no right to tag into epel7-infra: only members of infra may tag into epel7-infra" in said.err
    assert f"next: {line}  # ask somebody of infra to type it" in said.err
    assert hub.made("moveBuild") == 0


def test_k7_a_hub_without_the_policy_call_still_leads_to_the_ticket(hub: Hub, stg: Path, typed: Typed) -> None:
    hub.api.machine.put(RUNS, "epel7-infra-stg")

    hub.api.missing = {"evalPolicy"}  # koji < 1.26
    said = typed("promote")
    assert said.code == 2
    assert "policy violation (tag): only members of infra may tag into epel7-infra" in said.err
    assert hub.made("moveBuild") == 1


def test_a_build_that_is_in_prod_already_is_done(hub: Hub, stg: Path, typed: Typed) -> None:
    hub.api.machine.put(RUNS, "epel7-infra")
    hub.api.machine.put(NVR, "epel7-infra")
    for words in ((), ("--nvr", NVR)):  # the second is in prod, so what stg runs does not matter
        said = typed("promote", *words)
        assert said.code == 0
        assert " is in epel7-infra\n" in said.out
    assert hub.made("moveBuild") == 0


def test_another_build_than_stgs_is_refused_without_a_reason(hub: Hub, stg: Path, fence: Path, typed: Typed) -> None:
    hub.profile(fence, user="infra")
    hub.api.machine.put(NVR, "epel7-infra-stg")
    said = typed("promote", "--nvr", NVR)
    assert said.code == 2
    assert f"stg runs {RUNS}, not {NVR}" in said.err
    said = typed("promote", "--nvr", NVR, "--unverified", "stg is being reinstalled")
    assert said.code == 0
    journal = (fence / "state" / "blockerbugs-upgrade" / "journal.jsonl").read_text().splitlines()
    entry = json.loads(journal[-1])
    assert (entry["event"], entry["nvr"], entry["unverified"]) == ("promote", NVR, "stg is being reinstalled")


def test_a_stg_that_is_not_healthy_promotes_nothing(hub: Hub, stg: Path, typed: Typed) -> None:
    hub.api.machine.put(RUNS, "epel7-infra-stg")
    faults.inject(stg, HOST, "health", "unavailable", times=5, seconds=30)
    said = typed("promote")
    assert said.code == 2
    assert f"stg01: stg is not healthy with {RUNS}" in said.err
    assert hub.made("moveBuild") == 0


def test_a_build_that_is_not_in_the_stg_tag_is_refused(hub: Hub, stg: Path, fence: Path, typed: Typed) -> None:
    hub.profile(fence, user="infra")
    hub.api.machine.put(RUNS, "epel7-infra-candidate")
    said = typed("promote")
    assert said.code == 2
    assert f"{RUNS} is not in epel7-infra-stg, it is in epel7-infra-candidate" in said.err


@pytest.mark.parametrize("after", [True, False], ids=["carried out", "not carried out"])
def test_a_lost_answer_to_the_move_ends_in_prod(hub: Hub, stg: Path, fence: Path, typed: Typed, after: bool) -> None:
    hub.profile(fence, user="infra")
    hub.api.machine.put(RUNS, "epel7-infra-stg")
    hub.troubles = [Trouble("moveBuild", "502", after=after)]
    assert typed("promote").code == 0


def test_a_dry_promotion_moves_nothing(hub: Hub, stg: Path, fence: Path, typed: Typed) -> None:
    hub.profile(fence, user="infra")
    hub.api.machine.put(RUNS, "epel7-infra-stg")
    said = typed("--dry", "promote")
    assert said.code == 0
    assert f"would move {RUNS} from epel7-infra-stg to epel7-infra" in said.out
    assert hub.made("moveBuild") == 0


# K12: what stands in the way of a move


def moves(hub: Hub) -> int:
    """How many tasks of the hub move a build."""
    return sum(task.method == "tagBuild" for task in hub.api.machine.tasks.values())


@pytest.fixture
def infra(hub: Hub, stg: Path, fence: Path) -> None:
    """Somebody who may move what stg runs."""
    hub.profile(fence, user="infra")
    hub.api.machine.put(RUNS, "epel7-infra-stg")


@pytest.mark.usefixtures("infra")
@pytest.mark.parametrize("owner", [2, 3], ids=["a colleague's", "one's own"])
def test_k12_a_move_that_is_on_its_way_is_followed(hub: Hub, typed: Typed, owner: int) -> None:
    machine = hub.api.machine
    machine.holding = {"tagBuild"}
    task = machine.move(machine.builds[RUNS], machine.tags["epel7-infra"], machine.tags["epel7-infra-stg"], owner)
    hub.api.after["getTaskInfo"] = machine.holding.clear
    said = typed("promote")
    assert (said.code, said.err) == (0, "")
    assert f"{RUNS} is being moved: following task {task}, nothing is submitted" in said.out
    assert moves(hub) == 1


@pytest.mark.usefixtures("infra")
def test_k12_a_move_that_somebody_cancels_is_refused_with_the_next_line(hub: Hub, typed: Typed) -> None:
    machine = hub.api.machine
    machine.holding = {"tagBuild"}
    hub.api.before["getTaskInfo"] = lambda: machine.cancel(machine.tasks[15])
    said = typed("promote")
    assert said.code == 2
    assert f"task 15, which was to move {RUNS}, was cancelled: https://koji.test/koji/taskinfo?taskID=15" in said.err
    assert f"next: invoke promote --nvr {RUNS}" in said.err


@pytest.mark.usefixtures("infra")
@pytest.mark.parametrize("nvr", ["blockerbugs", "blockerbugs-9.9-1.el7"])
def test_k12_a_build_that_is_none_is_refused_with_the_next_line(hub: Hub, typed: Typed, nvr: str) -> None:
    said = typed("promote", "--nvr", nvr)
    assert said.code == 2
    assert f"koji has no build {nvr}" in said.err
    assert "next: koji list-builds --package=" in said.err


@pytest.mark.usefixtures("infra")
def test_k12_a_prod_tag_that_is_none_is_refused_with_the_next_line(
    hub: Hub, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVOKE_KOJI_PROD_TAG", "epel7-infar")
    said = typed("promote")
    assert said.code == 2
    assert "the hub has no tag epel7-infar\nnext: koji list-tags  # koji.prod_tag in invoke.yml" in said.err


@pytest.mark.usefixtures("infra")
def test_k12_a_locked_prod_tag_is_refused_with_the_next_line(hub: Hub, typed: Typed) -> None:
    hub.api.machine.tags["epel7-infra"].locked = True
    said = typed("promote")
    assert said.code == 2
    assert "the tag epel7-infra is locked (by admin, " in said.err
    assert "next: koji edit-tag --unlock epel7-infra" in said.err
    assert moves(hub) == 0


def test_k12_the_ticket_is_written_for_its_reader_and_the_next_line_for_its_writer(
    hub: Hub, stg: Path, fence: Path, typed: Typed
) -> None:
    config = fence / ".koji" / "config.d" / "test.conf"
    config.write_text(config.read_text().replace("[koji]", "[fedora]"))
    hub.api.machine.put(RUNS, "epel7-infra-stg")
    said = typed("promote", "--profile", "fedora")
    assert said.code == 2
    assert f"\n    koji move-build epel7-infra-stg epel7-infra {RUNS}\n" in said.out
    said = typed("promote", "--profile", "fedora", "--nvr", "blockerbugs-9.9-1.el7")
    assert "next: koji -p fedora list-builds --package=blockerbugs" in said.err
    hub.api.machine.put(NVR, "epel7-infra-candidate")
    said = typed("promote", "--profile", "fedora", "--nvr", NVR, "--unverified", "why not")
    assert f"next: invoke wait-tag {NVR} --profile fedora" in said.err


def test_k12_the_journal_has_what_became_of_a_promotion(hub: Hub, stg: Path, fence: Path, typed: Typed) -> None:
    hub.api.machine.put(RUNS, "epel7-infra-stg")
    assert typed("promote").code == 2
    hub.profile(fence, user="infra")
    assert typed("promote").code == 0
    lines = (fence / "state" / "blockerbugs-upgrade" / "journal.jsonl").read_text().splitlines()
    entries = [entry for entry in map(json.loads, lines) if entry["event"] == "promote"]
    assert [(entry["nvr"], entry["unverified"], entry["outcome"]) for entry in entries] == [
        (RUNS, None, "refused"),
        (RUNS, None, "moved"),
    ]
    assert entries[0]["why"] == "no right to tag into epel7-infra: only members of infra may tag into epel7-infra"
