"""Whose fault a failure is, which log has it, and the lines to type next (K3, K4, K5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Typed
from .hub.machine import Pace
from .hub.records import DELETED, HubError
from .hub.server import Hub
from .laid import Project

NVR = "blockerbugs-0.4.4.16-1.el7"


def test_k4_of_two_logs_the_one_that_says_something_is_read(hub: Hub, project: Project, typed: Typed) -> None:
    machine = hub.api.machine
    fault = HubError("BuildError", "mock exited with status 1; see build.log or root.log for more information")
    machine.failure = fault, {"build.log": b"", "root.log": b"no space left on device\n"}
    said = typed("build")
    assert said.code == 1
    assert "root.log of task 17:\n  | no space left on device" in said.out


def test_k4_a_package_that_is_missing_is_seen_past_an_empty_build_log(
    hub: Hub, project: Project, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "error building package (arch noarch), mock exited with status 1; see build.log or root.log"
    monkeypatch.setattr("tests.packaging.hub.machine.MOCK_30", text)
    monkeypatch.setattr("tests.packaging.hub.machine.LOGS", ("state.log", "build.log", "root.log"))
    hub.api.machine.pace = lambda _method, _number: Pace()
    hub.api.machine.route = ["buildppc64le", "buildx86"]
    assert typed("build").code == 0
    assert hub.made("build") == 2


def test_k4_the_number_of_shown_lines_is_a_setting(
    hub: Hub, project: Project, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVOKE_BUILD_LOG_LINES", "3")
    log = b"\n".join(b"line %d" % number for number in range(50))
    hub.api.machine.failure = HubError("BuildError", "mock exited with status 1; see build.log"), {"build.log": log}
    said = typed("build")
    shown = [line for line in said.out.splitlines() if line.startswith("  | ")]
    assert shown == ["  | line 47", "  | line 48", "  | line 49"]


def test_k3_a_package_of_one_architecture_is_on_no_wrong_builder(hub: Hub, project: Project, typed: Typed) -> None:
    machine = hub.api.machine
    machine.label = "ppc64le"
    machine.pace = lambda _method, _number: Pace()
    machine.route = ["buildppc64le"]
    said = typed("build")
    assert said.code == 1
    assert "No Package found for python-flask" in said.out
    assert hub.made("build") == 1


def test_k5_a_colleagues_cancelled_task_leads_to_the_one_that_builds_it_now(
    hub: Hub, held: set[str], project: Project, typed: Typed
) -> None:
    machine = hub.api.machine
    path = f"cli-build/other/{NVR}.src.rpm"
    first = machine.submit(path, "epel7-infra", {}, owner=3)
    again: list[int] = []

    def colleague() -> None:
        built = machine.builds.get(NVR)
        if built and built.task == first and not again:
            machine.cancel(machine.tasks[first])
            again.append(machine.submit(path, "epel7-infra", {}, owner=3))
        elif built and built.task in again:
            held.clear()

    hub.api.before["getTaskChildren"] = colleague
    machine.pace = lambda _method, _number: Pace()
    said = typed("build", "--task", str(first))
    assert said.code == 0, said.err
    assert f"task {first} was cancelled" in said.out
    assert "builds the same: following it" in said.out
    assert hub.made("build") == 0


def test_k5_a_build_that_was_deleted_is_said_before_the_upload(hub: Hub, project: Project, typed: Typed) -> None:
    hub.api.machine.put(NVR, None, DELETED)
    spec = project.checkout / "blockerbugs.spec"
    said = typed("build", "--spec", str(spec))
    assert said.code == 2
    assert f"{NVR} has been deleted, and koji builds no name twice" in said.err
    assert f"next: invoke build --spec {spec}  # with a new release in the spec" in said.err
    assert hub.made("rawUpload") == 0


def test_the_spec_and_the_profile_stay_in_every_next_line(
    hub: Hub, project: Project, typed: Typed, fence: Path
) -> None:
    config = fence / ".koji" / "config.d" / "test.conf"
    config.write_text(config.read_text().replace("[koji]", "[fedora]"))
    words = ("--spec", str(project.checkout / "blockerbugs.spec"), "--profile", "fedora")
    machine = hub.api.machine
    hub.api.before["getTaskChildren"] = lambda: machine.cancel(machine.tasks[15])
    said = typed("build", *words)
    assert said.err.rstrip().endswith(f"next: invoke build {' '.join(words)}")
    hub.api.before.clear()
    machine.failure = HubError("BuildError", "mock exited with status 1; see build.log"), {"build.log": b"no\n"}
    assert typed("build", *words).err.rstrip().endswith(f"next: invoke build {' '.join(words)}  # when it is mended")
    machine.failure = None
    machine.route, machine.holding = ["buildppc64le"], {"buildArch"}
    assert f"next: invoke build {' '.join(words)}  # with a line in the spec: " in typed("build", *words).err
