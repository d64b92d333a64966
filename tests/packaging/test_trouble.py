"""No ticket, no hub, no answer, no client: K1, K2, and what happens to processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT, Terminal, Typed, wait_until
from .hub.machine import Pace
from .hub.server import Hub, Trouble
from .laid import Project

NVR = "blockerbugs-0.4.4.16-1.el7"


# K1: who are you?


def test_k1_no_ticket_says_kinit(hub: Hub, fence: Path, project: Project, typed: Typed) -> None:
    hub.profile(fence, authtype="kerberos")
    said = typed("build")
    assert said.code == 2
    assert "there is no valid Kerberos ticket\nnext: kinit" in said.err
    assert hub.made("rawUpload") == 0


def test_k1_an_expired_certificate_is_named(hub: Hub, fence: Path, project: Project, typed: Typed) -> None:
    hub.profile(fence, authtype="ssl", cert=str(hub.authority.issue("qadevel", days=-1)))
    said = typed("build")
    assert said.code == 2
    assert "the client certificate has expired" in said.err


def test_k1_a_missing_certificate_is_named(hub: Hub, fence: Path, project: Project, typed: Typed) -> None:
    hub.profile(fence, authtype="ssl", cert="/nowhere.pem")
    said = typed("build")
    assert said.code == 2
    assert "Certificate /nowhere.pem doesn't exist or is not accessible" in said.err


def test_k1_a_hub_with_a_strangers_certificate_is_refused(
    hub: Hub, fence: Path, project: Project, typed: Typed, tmp_path: Path
) -> None:
    from .hub.certs import Authority

    cert = str(hub.authority.issue("qadevel"))
    hub.profile(fence, authtype="ssl", cert=cert, serverca=str(Authority(tmp_path, "Another CA").ca))
    said = typed("build")
    assert said.code == 2
    assert "is not signed by the CA of the profile" in said.err


def test_k1_an_unknown_profile_is_refused(hub: Hub, project: Project, typed: Typed) -> None:
    said = typed("build", "--profile", "nope")
    assert said.code == 2
    assert "no configuration for profile name: nope" in said.err


def test_k1_a_profile_with_a_mistake_is_refused(hub: Hub, fence: Path, project: Project, typed: Typed) -> None:
    hub.profile(fence, timeout="soon")
    said = typed("build")
    assert said.code == 2
    assert "koji's configuration: value for timeout config option must be a valid integer" in said.err
    hub.profile(fence, authtype="password")
    assert "authtype = password in profile koji: only kerberos and ssl can build" in typed("build").err


# K2: where are you?


def test_k2_an_offline_hub_is_asked_again_and_then_left(hub: Hub, project: Project, typed: Typed) -> None:
    hub.offline = "moving to another datacenter until 18:00 UTC"
    said = typed("build")
    assert said.code == 75
    assert "the hub is offline: moving to another datacenter until 18:00 UTC; again in 0.01 s (1 of 3)" in said.out
    assert "asked 4 times" in said.err
    assert "next: invoke build" in said.err


@pytest.mark.parametrize("kind", ["502", "html", "drop"])
def test_k2_a_hub_that_stumbles_is_asked_again(hub: Hub, project: Project, typed: Typed, kind: str) -> None:
    hub.troubles = [Trouble("getBuildTarget", kind, times=3), Trouble("multiCall", kind, times=3)]
    said = typed("build")
    assert said.code == 0
    assert "again in 0.01 s" in said.out


def test_k2_an_answer_that_is_lost_after_the_call_was_carried_out_is_asked_for_again(
    hub: Hub, project: Project, typed: Typed
) -> None:
    hub.troubles = [Trouble(method, "502", after=True) for method in ("getBuildTarget", "rawUpload", "multiCall")]
    said = typed("build")
    assert said.code == 0
    assert said.out.count("the hub answers 502 Bad Gateway; again in 0.01 s (1 of 3)") == 3


def test_k2_a_hub_that_is_gone_while_watching_leaves_the_build_alone(hub: Hub, project: Project, typed: Typed) -> None:
    hub.troubles = [Trouble("multiCall", "502", times=99)]
    said = typed("build")
    assert said.code == 75
    assert "not yet:\n  the hub answers 502 Bad Gateway" in said.err
    assert "next: invoke build --task 15" in said.err


def test_k2_a_silent_hub_is_not_waited_for_twelve_hours(
    hub: Hub, project: Project, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVOKE_KOJI_TIMEOUT", "0.2")
    monkeypatch.setenv("INVOKE_KOJI_RETRIES", "1")
    hub.troubles = [Trouble("getBuildTarget", "silence", times=99, seconds=0.5)]
    said = typed("build")
    assert said.code == 75
    assert "the hub gives no answer" in said.err


def test_k2_no_hub_at_all_is_said_in_words(
    hub: Hub, fence: Path, project: Project, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVOKE_KOJI_RETRIES", "1")
    hub.profile(fence, server="https://127.0.0.1:1/kojihub", authtype="ssl", cert=str(hub.authority.issue("qadevel")))
    said = typed("build")
    assert said.code == 75
    assert "the hub refuses connections (https://127.0.0.1:1/kojihub, asked 2 times)" in said.err


# never twice


@pytest.mark.parametrize("after", [True, False], ids=["carried out", "not carried out"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_lost_answer_to_build_makes_one_task(
    hub: Hub, project: Project, typed: Typed, after: bool, times: int
) -> None:
    hub.troubles = [Trouble("build", "502", after=after, times=times)]
    assert typed("build").code == 0
    assert sum(task.method == "build" for task in hub.api.machine.tasks.values()) == 1


def test_a_task_that_ended_before_its_lost_answer_was_looked_for_is_not_made_again(
    hub: Hub, project: Project, typed: Typed
) -> None:
    hub.api.machine.pace = lambda _method, _number: Pace()
    hub.troubles = [Trouble("build", "502", after=True)]
    assert typed("build").code == 0
    assert hub.made("build") == 1


@pytest.mark.parametrize("after", [True, False], ids=["carried out", "not carried out"])
def test_a_lost_answer_to_the_second_attempt_is_not_taken_for_the_first(
    hub: Hub, project: Project, typed: Typed, after: bool
) -> None:
    hub.api.machine.route = ["buildppc64le", "buildx86"]
    hub.api.after["build"] = lambda: hub.troubles.append(Trouble("build", "502", after=after))
    assert typed("build").code == 0
    assert sum(task.method == "build" for task in hub.api.machine.tasks.values()) == 2


def test_a_client_killed_between_build_and_its_answer_is_followed_by_the_next(
    hub: Hub, held: set[str], project: Project, typed: Typed, terminal: Terminal
) -> None:
    hub.api.before["getTaskChildren"] = held.clear
    hub.troubles = [Trouble("build", "silence", after=True, seconds=0.5)]
    client = terminal("build")
    wait_until(lambda: hub.made("build") == 1)
    client.kill()
    client.communicate()
    said = typed("build")
    assert said.code == 0
    assert "following task 15, nothing is submitted" in said.out
    assert hub.made("build") == 1


def test_two_terminals_at_once_make_one_build(hub: Hub, held: set[str], project: Project, terminal: Terminal) -> None:
    def both_have_looked() -> None:
        if hub.made("getLoggedInUser") == 2:
            held.clear()

    hub.api.before["getTaskChildren"] = both_have_looked
    clients = [terminal("build"), terminal("build")]
    ends = [client.communicate(timeout=90) for client in clients]
    assert [client.returncode for client in clients] == [0, 0], ends
    assert len(hub.api.machine.builds) == 1
    assert all("next: fab stg minor-upgrade --version 0.4.4.16-1.el7" in out for out, _ in ends)


def test_two_submissions_that_crossed_end_as_one_build(
    hub: Hub, held: set[str], project: Project, typed: Typed
) -> None:
    hub.api.before["getTaskResult"] = held.clear
    path = f"cli-build/other/{NVR}.src.rpm"
    hub.api.before["checkUpload"] = lambda: hub.api.machine.submit(path, "epel7-infra", {}, owner=3)
    said = typed("build")
    assert said.code == 0
    assert "task 15 builds the same: following it" in said.out


def test_ctrl_c_says_how_to_go_on_and_task_goes_on(
    hub: Hub, held: set[str], project: Project, typed: Typed, terminal: Terminal
) -> None:
    client = terminal("build")
    wait_until(lambda: any(task.method == "buildArch" for task in hub.api.machine.tasks.values()))
    client.send_signal(signal.SIGINT)
    _, err = client.communicate(timeout=90)
    assert client.returncode == 130
    assert err.strip() == "interrupted: task 15 goes on in koji\nnext: invoke build --task 15"
    held.clear()
    assert typed("build", "--task", "15").code == 0
    assert hub.made("build") == 1


def test_ctrl_c_after_a_wrong_builder_does_not_say_that_the_cancelled_task_goes_on(
    hub: Hub, held: set[str], project: Project, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ctrl_c(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tasks.koji.progress.Progress.lost", ctrl_c)
    hub.api.machine.route = ["buildppc64le"]
    said = typed("build", "--scratch")
    assert said.code == 130
    assert said.err.strip() == "interrupted: nothing of it runs in koji\nnext: invoke build --scratch"


def test_without_the_koji_client_it_says_what_to_install(
    project: Project, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "koji", None)
    said = typed("build")
    assert said.code == 2
    assert "the koji client is not installed" in said.err
    assert "apt-get install gcc python3-dev libkrb5-dev" in said.err


def test_the_list_of_tasks_imports_no_koji() -> None:
    code = "import sys, tasks.collection; print(sorted(sys.modules.keys() & {'koji', 'requests', 'jinja2', 'rich'}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
