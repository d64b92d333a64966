"""Ctrl-C, SIGTERM and SIGHUP at each point of a build and a promotion: a sentence, the way on, exit 130 (K9)."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from .conftest import Terminal, Typed, wait_until
from .hub.server import Hub, Trouble
from .laid import Project
from .test_tags import RUNS

NVR = "blockerbugs-0.4.4.16-1.el7"
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def end_at(hub: Hub, method: str, signum: signal.Signals) -> None:
    """Send this process a signal, once, when the hub is called."""

    def end() -> None:
        hub.api.before.pop(method)
        os.kill(os.getpid(), signum)
        time.sleep(0.2)  # it is taken before the hub answers

    hub.api.before[method] = end


@pytest.mark.parametrize("signum", SIGNALS, ids=lambda signum: signum.name)
@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("getBuildTarget", "nothing of it runs in koji\nnext: invoke build"),
        ("rawUpload", "nothing of it runs in koji\nnext: invoke build"),
        ("build", "task 15 goes on in koji\nnext: invoke build --task 15"),
        ("getTaskChildren", "task 15 goes on in koji\nnext: invoke build --task 15"),
        ("listTags", f"{NVR} is built; only the wait was interrupted\nnext: invoke wait-tag {NVR}"),
    ],
)
def test_k9_a_build_that_is_ended_says_what_goes_on_and_how(
    hub: Hub, project: Project, typed: Typed, signum: signal.Signals, method: str, said: str
) -> None:
    end_at(hub, method, signum)
    ended = typed("build")
    assert ended.code == 130
    assert ended.err.strip() == f"interrupted: {said}"


@pytest.mark.parametrize("signum", SIGNALS, ids=lambda signum: signum.name)
@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("evalPolicy", "nothing of it runs in koji"),
        ("moveBuild", "task 15 goes on in koji"),
        ("getTaskInfo", "task 15 goes on in koji"),
    ],
)
def test_k9_a_promotion_that_is_ended_says_what_goes_on_and_how(
    hub: Hub, stg: Path, fence: Path, typed: Typed, signum: signal.Signals, method: str, said: str
) -> None:
    hub.profile(fence, user="infra")
    hub.api.machine.put(RUNS, "epel7-infra-stg")
    hub.api.machine.holding = {"tagBuild"}
    end_at(hub, method, signum)
    ended = typed("promote")
    assert ended.code == 130
    assert ended.err.strip() == f"interrupted: {said}\nnext: invoke promote --nvr {RUNS}"


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP], ids=lambda signum: signum.name)
def test_k9_a_build_that_is_ended_while_rpmbuild_runs_leaves_no_rpmbuild(
    fence: Path, project: Project, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, signum: signal.Signals
) -> None:
    bin_ = fence / "bin"
    bin_.mkdir()
    (bin_ / "rpmbuild").write_text(f"#!/bin/sh\necho $$ >{fence}/runs\nexec sleep 60\n")
    (bin_ / "rpmbuild").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_}:{os.environ['PATH']}")
    client = terminal("build")
    wait_until(lambda: (fence / "runs").exists() and (fence / "runs").read_text().strip() != "")
    client.send_signal(signum)
    _, err = client.communicate(timeout=60)
    assert client.returncode == 130
    assert err.strip() == "interrupted: nothing of it runs in koji\nnext: invoke build"
    assert not Path("/proc", (fence / "runs").read_text().strip()).exists()


def test_k9_a_terminal_that_goes_away_while_a_silent_hub_is_asked_ends_the_program_soon(
    hub: Hub, held: set[str], project: Project, terminal: Terminal
) -> None:
    client = terminal("build")
    wait_until(lambda: any(task.method == "buildArch" for task in hub.api.machine.tasks.values()))
    hub.troubles = [Trouble("*", "silence", times=99, seconds=60)]
    wait_until(lambda: hub.troubles[0].times < 99)
    began = time.monotonic()
    client.send_signal(signal.SIGHUP)
    try:
        _, err = client.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        client.kill()
        raise
    assert time.monotonic() - began < 15
    assert client.returncode == 130
    assert err.strip() == "interrupted: task 15 goes on in koji\nnext: invoke build --task 15"
