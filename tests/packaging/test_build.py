"""`invoke build`, from the tarball to the tag, with real rpmbuild and the real koji client."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import Typed
from .hub.machine import Pace
from .hub.records import BUILD_CANCELED, BUILD_FAILED, HubError
from .hub.server import Hub
from .laid import Project

NVR = "blockerbugs-0.4.4.16-1.el7"
NEXT = "next: fab stg minor-upgrade --version 0.4.4.16-1.el7"


def let_go_at(hub: Hub, call: str, method: str = "buildArch") -> None:
    """Tasks of `method` stay open until the client has made that call."""
    machine = hub.api.machine
    machine.holding = {method}
    hub.api.after[call] = machine.holding.clear


@pytest.mark.smoke
def test_a_build_goes_from_the_tarball_to_the_stg_tag(hub: Hub, project: Project, typed: Typed) -> None:
    said = typed("build")
    assert (said.code, said.err) == (0, "")
    assert f"{NVR} is in epel7-infra-stg: by robot, " in said.out
    assert said.out.rstrip().endswith(NEXT)
    assert hub.made("build") == 1


def test_a_noarch_srpm_is_told_the_line_that_ends_the_lottery(hub: Hub, project: Project, typed: Typed) -> None:
    assert "to pin the arch, add to the spec: ExclusiveArch: x86_64 noarch" in typed("build").out


def test_a_spec_that_pins_the_arch_is_told_nothing_and_lands_right(hub: Hub, project: Project, typed: Typed) -> None:
    project.spec(more="ExclusiveArch: x86_64 noarch")
    hub.api.machine.route = ["buildppc64le"]
    said = typed("build")
    assert said.code == 0
    assert "in the spec" not in said.out
    assert hub.made("cancelTask") == 0


def test_a_build_tag_that_pins_the_arch_needs_no_hint(hub: Hub, project: Project, typed: Typed) -> None:
    hub.api.machine.tags["epel7-infra-build"].extra = {"noarch_arches": "x86_64"}
    assert "in the spec" not in typed("build").out


# K3: the wrong builder


def test_k3_a_build_on_a_wrong_builder_is_cancelled_and_submitted_again(
    hub: Hub, project: Project, typed: Typed
) -> None:
    let_go_at(hub, "cancelTask")
    hub.api.machine.route = ["buildppc64le", "buildx86"]
    said = typed("build")
    assert said.code == 0
    assert "attempt 1: task 15 on buildppc64le (ppc64le): wrong builder, cancelled;" in said.out
    assert NEXT in said.out
    assert (hub.made("build"), hub.made("cancelTask"), hub.made("rawUpload")) == (2, 1, 1)


def test_k3_attempts_are_capped_and_each_is_listed(hub: Hub, project: Project, typed: Typed) -> None:
    hub.api.machine.route = ["buildppc64le", "buildaarch64"]
    hub.api.machine.holding = {"buildArch"}
    said = typed("build", "--attempts", "2")
    assert said.code == 1
    assert "2 attempts, and no builder with x86_64" in said.err
    assert "attempt 1: task 15 on buildppc64le (ppc64le)" in said.err
    assert "attempt 2: task 18 on buildaarch64 (aarch64)" in said.err
    assert "next: invoke build  # with a line in the spec: ExclusiveArch: x86_64 noarch" in said.err


def test_k3_a_hub_that_keeps_choosing_one_builder_is_not_asked_again(hub: Hub, project: Project, typed: Typed) -> None:
    hub.api.machine.route = ["buildppc64le"]
    hub.api.machine.holding = {"buildArch"}
    said = typed("build", "--attempts", "9")
    assert said.code == 1
    assert "the hub chose buildppc64le (ppc64le) 3 times in a row: submitting again will not help" in said.err
    assert hub.made("build") == 3


def test_k3_a_failure_for_want_of_a_package_on_a_wrong_builder_is_submitted_again(
    hub: Hub, project: Project, typed: Typed
) -> None:
    # So quick that it has failed before anybody can see where it runs.
    hub.api.machine.pace = lambda _method, _number: Pace()
    hub.api.machine.route = ["buildppc64le", "buildx86"]
    said = typed("build")
    assert said.code == 0
    assert "failed, root.log: DEBUG util.py:417:  Error: No Package found for python-flask" in said.out
    assert hub.made("cancelTask") == 0


# K4: any other reason


def test_k4_a_failure_on_the_right_builder_is_not_repeated(hub: Hub, project: Project, typed: Typed) -> None:
    log = (
        b"\n".join(b"line %d" % number for number in range(50))
        + b"\nbad \xff\xfe byte \x1b[31mred\nerror: Bad exit status\n"
    )
    fault = HubError(
        "BuildError",
        "error building package (arch noarch), mock exited with status 1; see build.log for more information",
    )
    hub.api.machine.failure = fault, {"build.log": log, "root.log": b"all is well\n"}
    said = typed("build")
    assert said.code == 1
    assert "mock exited with status 1; see build.log" in said.err
    assert "https://koji.test/koji/taskinfo?taskID=15" in said.err
    shown = [line for line in said.out.splitlines() if line.startswith("  | ")]
    assert shown[-2:] == ["  | bad \ufffd\ufffd byte red", "  | error: Bad exit status"]
    assert len(shown) == 20
    assert hub.made("build") == 1


def test_k4_a_wrong_builder_alone_is_no_reason_to_repeat_a_failure(hub: Hub, project: Project, typed: Typed) -> None:
    hub.api.machine.pace = lambda _method, _number: Pace()
    hub.api.machine.route = ["buildaarch64"]
    hub.api.machine.missing = False
    hub.api.machine.failure = (
        HubError("BuildError", "mock exited with status 1; see build.log"),
        {"build.log": b"syntax error\n"},
    )
    said = typed("build")
    assert said.code == 1
    assert "on buildaarch64 (aarch64): mock exited with status 1" in said.err
    assert hub.made("build") == 1


def test_k4_a_build_that_only_could_not_be_tagged_is_not_built_again(hub: Hub, project: Project, typed: Typed) -> None:
    hub.api.machine.tag_fault = HubError("ActionNotAllowed", "tag requires infra permission")
    said = typed("build")
    assert said.code == 1
    assert f"{NVR} is built, but could not be tagged: tag requires infra permission" in said.err
    assert f"next: koji tag-build epel7-infra-candidate {NVR}" in said.err


def test_k4_a_task_that_somebody_cancels_is_the_end(hub: Hub, project: Project, typed: Typed) -> None:
    machine = hub.api.machine
    hub.api.before["getTaskChildren"] = lambda: machine.cancel(machine.tasks[15])
    said = typed("build")
    assert said.code == 1
    assert "task 15 was cancelled" in said.err


# K5: the NVR's state


def test_k5_a_build_that_is_complete_is_not_uploaded_again(hub: Hub, project: Project, typed: Typed) -> None:
    hub.api.machine.put(NVR, "epel7-infra-stg")
    said = typed("build")
    assert said.code == 0
    assert re.search(rf"{NVR} is built already: by qadevel, \d{{4}}-\d\d-\d\d \d\d:\d\d", said.out)
    assert NEXT in said.out
    assert (hub.made("build"), hub.made("rawUpload")) == (0, 0)


def test_k5_a_build_that_somebody_has_begun_is_followed(hub: Hub, project: Project, typed: Typed) -> None:
    machine = hub.api.machine
    machine.pace = lambda _method, _number: Pace()
    let_go_at(hub, "getTaskChildren")
    task = machine.submit(f"cli-build/other/{NVR}.src.rpm", "epel7-infra", {}, owner=3)
    machine.catch_up()
    said = typed("build")
    assert said.code == 0
    assert f"{NVR} is being built: following task {task}, nothing is submitted" in said.out
    assert (hub.made("build"), hub.made("rawUpload"), hub.made("cancelTask")) == (0, 0, 0)


def test_k5_an_own_task_is_found_before_its_build_has_a_row(hub: Hub, project: Project, typed: Typed) -> None:
    machine = hub.api.machine
    let_go_at(hub, "getTaskChildren", "rebuildSRPM")
    task = machine.submit(f"cli-build/before/{NVR}.src.rpm", "epel7-infra", {}, owner=2)
    said = typed("build")
    assert said.code == 0
    assert f"following task {task}, nothing is submitted" in said.out
    assert hub.made("build") == 0


def test_k5_a_build_that_somebody_finished_meanwhile_goes_on_to_its_tags(
    hub: Hub, project: Project, typed: Typed
) -> None:
    hub.api.before["checkUpload"] = lambda: hub.api.machine.put(NVR, "epel7-infra-stg")
    said = typed("build")
    assert said.code == 0
    assert NEXT in said.out


def test_k5_a_failed_or_cancelled_build_is_submitted(hub: Hub, project: Project, typed: Typed) -> None:
    for state in (BUILD_FAILED, BUILD_CANCELED):
        hub.api.machine.put(NVR, None, state)
        hub.api.machine.listing.clear()
        assert typed("build").code == 0
    assert hub.made("build") == 2


# the smaller words of the command


def test_no_wait_says_how_to_go_on_and_task_goes_on(hub: Hub, project: Project, typed: Typed) -> None:
    said = typed("build", "--no-wait")
    assert said.code == 0
    assert said.out.rstrip().endswith("next: invoke build --task 15")
    said = typed("build", "--task", "15")
    assert said.code == 0
    assert NEXT in said.out
    assert hub.made("build") == 1


def test_a_followed_task_on_a_wrong_builder_is_submitted_again_from_its_upload(
    hub: Hub, project: Project, typed: Typed
) -> None:
    hub.api.machine.route = ["buildppc64le", "buildx86"]
    let_go_at(hub, "cancelTask")
    typed("build", "--no-wait")
    said = typed("build", "--task", "15")
    assert said.code == 0
    assert (hub.made("build"), hub.made("rawUpload")) == (2, 1)


@pytest.mark.parametrize(
    "flags", ["--scratch", "--srpm-only", "--no-wait", "--spec x.spec", "--version 1.0", "--from-tag 1.0"]
)
def test_a_task_that_is_followed_takes_no_flags_of_a_new_build(hub: Hub, typed: Typed, flags: str) -> None:
    said = typed("build", "--task", "15", *flags.split())
    assert said.code == 2
    assert f"--task only follows what was submitted: {flags.split()[0]} has no meaning there" in said.err
    assert hub.logins == 0


@pytest.mark.parametrize("flag", ["--task", "--attempts"])
@pytest.mark.parametrize("value", ["x", "-1", "0"])
def test_a_number_that_is_none_is_refused(hub: Hub, typed: Typed, flag: str, value: str) -> None:
    said = typed("build", flag, value)
    assert (said.code, said.out) == (2, "")
    assert f"{flag} {value}: should be a whole number, at least 1" in said.err


def test_a_task_that_is_none_is_refused(hub: Hub, typed: Typed) -> None:
    said = typed("build", "--task", "999")
    assert "task 999 does not exist" in said.err
    assert said.code == 2


def test_a_scratch_build_has_no_tag_to_wait_for(hub: Hub, project: Project, typed: Typed) -> None:
    said = typed("build", "--scratch")
    assert said.code == 0
    assert "task 15 is done: https://koji.test/koji/taskinfo?taskID=15" in said.out
    assert NVR not in hub.api.machine.builds


def test_srpm_only_asks_no_hub(hub: Hub, project: Project, typed: Typed) -> None:
    said = typed("build", "--srpm-only")
    assert said.code == 0
    assert f"{NVR}.src.rpm" in said.out
    assert hub.logins == 0


def test_a_dry_run_makes_and_sends_nothing(hub: Hub, project: Project, typed: Typed) -> None:
    said = typed("--dry", "build")
    assert said.code == 0
    assert "would run: rpmbuild -bs --define 'dist .el7'" in said.out
    assert f"would upload {NVR}.src.rpm and build it in epel7-infra, at most 5 attempts" in said.out
    assert not list(project.sources.parent.glob("SRPMS/*"))
    assert (hub.made("build"), hub.made("rawUpload")) == (0, 0)


def test_an_srpm_that_is_there_is_built_by_koji_build(hub: Hub, project: Project, typed: Typed) -> None:
    typed("srpm")
    said = typed("koji-build", str(project.sources.parent / "SRPMS" / f"{NVR}.src.rpm"))
    assert said.code == 0
    assert NEXT in said.out


def test_a_big_srpm_shows_its_way(hub: Hub, project: Project, typed: Typed, fence: Path) -> None:
    (fence / ".rpmmacros").write_text("%_source_payload w0.ufdio\n")  # not squeezed: that is most of the time
    project.tarball(padding=40 << 20)
    said = typed("build", "--no-wait")
    shown = [line for line in said.out.splitlines() if line.startswith("uploaded")]
    assert shown[-1].startswith("uploaded 40.0 of 40.0 MB")
    assert 10 <= len(shown) <= 11
    assert hub.made("rawUpload") == 41
    (content,) = hub.api.machine.uploads.values()
    assert content == (project.sources.parent / "SRPMS" / f"{NVR}.src.rpm").read_bytes()


# what speaks against it


def test_everything_that_speaks_against_a_build_is_told_at_once(hub: Hub, project: Project, typed: Typed) -> None:
    candidate = hub.api.machine.tags["epel7-infra-candidate"]
    candidate.locked, candidate.packages = True, ()
    hub.api.builders = []
    said = typed("build")
    assert said.code == 2
    assert "the tag epel7-infra-candidate is locked" in said.err
    assert "the package blockerbugs is not in the list of epel7-infra-candidate" in said.err
    assert "no right to build from an SRPM: only infra tags take SRPM builds" in said.err
    assert hub.made("rawUpload") == 0


def test_an_unknown_target_is_refused(
    hub: Hub, project: Project, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVOKE_KOJI_TARGET", "nope")
    said = typed("build")
    assert said.code == 2
    assert "the hub has no build target nope" in said.err
