"""What whoever brings the lab up is told when it cannot be. Nothing here needs root or podman."""

from __future__ import annotations

import shutil
import subprocess
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from . import lifecycle, needs, podman
from .errors import LabError
from .layout import MACHINES


@pytest.fixture(autouse=True)
def nobody_is_touched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lifecycle, "LOCK", tmp_path / "lock")
    monkeypatch.setattr(needs, "_LOCK", tmp_path / "packages")
    monkeypatch.setattr(podman, "podman", lambda *words, **more: pytest.fail(f"podman {' '.join(words)}"))


def test_without_root_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(LabError, match="need root: sudo python"):
        needs.check(install=True)


def test_without_podman_it_says_what_to_type_and_installs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(needs, "missing_packages", lambda: ["podman", "runc"])
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(subprocess, "run", lambda *words, **more: pytest.fail("something was run"))
    with pytest.raises(LabError, match=r"apt-get install --yes --no-install-recommends podman runc\n.*up --install"):
        needs.check(install=False)


def test_addresses_that_are_in_use_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    routes = '[{"dst": "default", "dev": "eth0"}, {"dst": "10.89.0.0/16", "dev": "vpn0"}]'
    monkeypatch.setattr(subprocess, "run", lambda *words, **more: subprocess.CompletedProcess(words, 0, routes))
    with pytest.raises(LabError, match=r"10.89.77.0/24 are in use here \(10.89.0.0/16 on vpn0\).*--subnet"):
        needs.check_subnet(IPv4Network("10.89.77.0/24"))
    needs.check_subnet(IPv4Network("10.90.77.0/24"))


def test_two_at_once_do_not_undo_each_other() -> None:
    with lifecycle._alone(), pytest.raises(LabError, match=r"process \d+ is working on the lab"), lifecycle._alone():
        pytest.fail("both were let in")


@pytest.mark.parametrize(
    ("states", "network", "told"),
    [
        ({}, [], "down"),
        ({}, ["blockerbugs-lab"], "half up"),
        ({MACHINES[0].container: "running"}, ["blockerbugs-lab"], "bastion.lab, .* not running"),
        ({m.container: "exited" for m in MACHINES}, ["blockerbugs-lab"], "hub.lab, .* not running"),
    ],
    ids=["nothing", "a killed run's network", "half", "after a reboot"],
)
def test_what_is_not_up_is_told_with_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, states: dict[str, str], network: list[str], told: str
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(podman, "states", lambda: states)
    monkeypatch.setattr(podman, "labelled", lambda kind: network)
    with pytest.raises(LabError, match=f"the lab is .*{told}.*: python -m tests.lab up"):
        lifecycle.running()
