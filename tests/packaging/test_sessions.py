"""A session that the hub has ended ends no watch; whatever ends one names the task and the way on (K10)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Typed, meanwhile
from .hub.records import HubError
from .hub.server import Hub, Trouble
from .laid import Project

NEXT = "next: fab stg minor-upgrade --version 0.4.4.16-1.el7"
LOST: dict[str, Callable[[Hub], None]] = {
    "expired": lambda hub: hub.expire_sessions(),
    "swept, or from another address": lambda hub: hub.forget_sessions(),
}


@pytest.mark.parametrize("how", LOST)
def test_k10_a_session_that_is_lost_in_a_long_build_is_replaced(
    hub: Hub, held: set[str], project: Project, typed: Typed, how: str
) -> None:
    def lose() -> None:
        LOST[how](hub)
        held.clear()

    with meanwhile(hub, "buildArch", lose):
        said = typed("build")
    assert (said.code, said.err) == (0, "")
    assert NEXT in said.out
    assert hub.made("build") == 1


def test_k10_a_session_that_is_lost_on_a_wrong_builder_still_cancels(hub: Hub, project: Project, typed: Typed) -> None:
    hub.api.machine.route = ["buildppc64le", "buildx86"]
    hub.api.machine.holding = {"buildArch"}
    hub.api.after["cancelTask"] = hub.api.machine.holding.clear
    with meanwhile(hub, "rebuildSRPM", hub.expire_sessions):
        said = typed("build")
    assert said.code == 0
    assert hub.made("cancelTask") == 1


@pytest.mark.parametrize("method", ["rawUpload", "build"])
def test_k10_a_session_that_is_lost_before_a_build_is_submitted_submits_it_once(
    hub: Hub, project: Project, typed: Typed, method: str
) -> None:
    before = {"rawUpload": "getBuildConfig", "build": "checkUpload"}[method]
    hub.api.after[before] = hub.expire_sessions
    assert typed("build").code == 0
    assert sum(task.method == "build" for task in hub.api.machine.tasks.values()) == 1


def test_k10_watching_goes_on_without_a_login_when_the_ticket_has_expired(
    hub: Hub, held: set[str], fence: Path, project: Project, typed: Typed
) -> None:
    hub.profile(fence, authtype="kerberos")
    hub.kerberos = "qadevel"

    def expire() -> None:
        hub.kerberos = None
        hub.expire_sessions()
        held.clear()

    with meanwhile(hub, "buildArch", expire):
        said = typed("build")
    assert (said.code, said.err) == (0, "")
    assert "a new login failed: there is no valid Kerberos ticket\nwatching goes on" in said.out
    assert NEXT in said.out


def test_k10_a_wrong_builder_without_a_ticket_says_kinit_and_the_task(
    hub: Hub, fence: Path, project: Project, typed: Typed
) -> None:
    hub.profile(fence, authtype="kerberos")
    hub.kerberos = "qadevel"
    hub.api.machine.route = ["buildppc64le"]
    hub.api.machine.holding = {"buildArch"}

    def expire() -> None:
        hub.kerberos = None
        hub.expire_sessions()

    with meanwhile(hub, "rebuildSRPM", expire):
        said = typed("build")
    assert said.code == 1
    assert "there is no valid Kerberos ticket\n  task 15 goes on in koji\n" in said.err
    assert "next: kinit\nthen: invoke build --task 15" in said.err


def test_k10_whatever_the_hub_says_in_a_watch_the_task_and_the_way_on_are_named(
    hub: Hub, project: Project, typed: Typed
) -> None:
    def no() -> None:
        raise HubError("GenericError", "database is being upgraded")

    hub.api.before["getTaskChildren"] = no
    said = typed("build")
    assert said.code == 1
    assert "the hub says: database is being upgraded\n  task 15 goes on in koji\n" in said.err
    assert "next: invoke build --task 15" in said.err


def test_k10_the_hubs_own_crash_is_one_clean_line(hub: Hub, project: Project, typed: Typed) -> None:
    hub.troubles = [Trouble("multiCall", "crash", times=99)]
    said = typed("build")
    assert said.code == 1
    assert "the hub says: psycopg2.OperationalError: server closed the connection unexpectedly\n" in said.err
    assert "Traceback" not in said.err
    assert "task 15 goes on in koji" in said.err


def test_k10_a_silent_hub_is_mentioned_after_its_first_time_out(
    hub: Hub, project: Project, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVOKE_KOJI_TIMEOUT", "0.5")
    hub.troubles = [Trouble("getBuildTarget", "silence", seconds=2)]
    said = typed("build", "--no-wait")
    assert said.code == 0
    assert "the hub gives no answer; again in 0.01 s (1 of 3)" in said.out


def test_k10_a_build_in_which_nothing_moves_gives_a_sign_of_life(
    hub: Hub, held: set[str], project: Project, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.koji.progress.SAY_AGAIN_SECONDS", 0.3)
    looks = iter(range(200))
    hub.api.before["getTaskChildren"] = lambda: held.clear() if next(looks) == 60 else None
    said = typed("build")
    assert said.code == 0
    assert "task 17 buildArch (noarch): still open on buildx86, " in said.out
