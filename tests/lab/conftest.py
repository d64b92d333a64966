"""The lab as the tests see it: up, at 1.0.0, and somebody at a keyboard in front of it.

They run where they are asked for: `pytest --fleet lab tests/lab`. A lab that is up is used and left up.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from . import files, lifecycle, observe
from .files import Settings
from .layout import HOME, NODES, SUBNET, Machine
from .operated import INTERVAL, NO_SYNC_BY_ITSELF
from .podman import run_in
from .terminal import Terminal

PROJECT = Path(__file__).parents[2]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "lab: needs root and podman; only with --fleet lab")
    config.addinivalue_line("markers", "dnf5: the choice for hosts with dnf 5 and rpm 6 (LAB_DNF=5)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.fleet == "lab":
        return
    mine = [item for item in items if item.get_closest_marker("lab")]
    config.hook.pytest_deselected(items=mine)
    items[:] = [item for item in items if item not in mine]


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, and what it said on both streams."""

    code: int
    said: str


class Lab:
    """What an operator types, and what becomes of the machines."""

    def __init__(self, settings: Settings, state: Path) -> None:
        self.settings = settings
        self.ssh_config, self.folder = HOME / "ssh_config", PROJECT
        self.environment = {
            **os.environ,
            "FABRIC_HOSTS_FILE": str(HOME / "hosts.yml"),
            "XDG_STATE_HOME": str(state),
            "PYTHONPATH": str(PROJECT),
        }

    def types(self, line: str) -> Ended:
        """What happens when somebody types `fab LINE`, without a terminal."""
        ended = subprocess.run(
            self.command(line),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=PROJECT,
            env=self.environment,
            timeout=300,
            check=False,
        )
        return self._ended(ended.returncode, ended.stdout)

    def terminal(self, line: str) -> Terminal:
        """The same with a terminal, for what is asked there."""
        return Terminal(self.command(line), self.environment, PROJECT)

    def on(self, machine: Machine, script: str) -> str:
        """Something that happens to a machine, past the tool."""
        return run_in(machine, "sh", "-ec", script)

    def runs(self, machine: Machine) -> tuple[str, str]:
        """The version that is installed on a host, and the one its httpd serves."""
        found = observe.node(machine, self.settings)
        return found.installed.removeprefix("blockerbugs-").removesuffix("-1.el7"), found.serves

    def journal(self) -> str:
        return Path(self.environment["XDG_STATE_HOME"], "blockerbugs-upgrade/journal.jsonl").read_text()

    def command(self, line: str) -> list[str]:
        """`fab LINE`, as it is started here."""
        return [sys.executable, "-m", "fabric", "--ssh-config", str(self.ssh_config), *line.split()]

    def _ended(self, code: int, said: str) -> Ended:
        assert not re.search("^Traceback", said, re.M), said
        assert self.settings.database_password not in said
        return Ended(code, said)


@pytest.fixture(scope="session")
def settings() -> Iterator[Settings]:
    """The lab, up: the one that is there, or one for these tests only."""
    was_up = lifecycle.is_up()
    lifecycle.up(SUBNET, interval=INTERVAL, install=bool(os.environ.get("CI")), say=print)
    found = files.read()
    assert found
    yield found
    if not was_up:
        lifecycle.down(images=False, say=print)


@pytest.fixture
def lab(settings: Settings, tmp_path: Path) -> Lab:
    """Every host and database at 1.0.0; 1.0.1 and 1.1.0 are in the repo."""
    lifecycle.reset(interval=INTERVAL)
    lab = Lab(settings, tmp_path / "state")
    for node in NODES:
        lab.on(node, NO_SYNC_BY_ITSELF)
    return lab


@pytest.fixture
def stg_runs_101(lab: Lab) -> Lab:
    """stg was upgraded to 1.0.1 and is healthy: what a minor upgrade of prod asks for."""
    assert lab.types("stg minor-upgrade --version 1.0.1 --yes").code == 0
    return lab


@pytest.fixture
def stg_runs_110(lab: Lab) -> Lab:
    """stg was upgraded to 1.1.0 and is healthy: what a major upgrade of prod asks for."""
    assert lab.types("stg major-upgrade --yes").code == 0
    return lab
