"""The operator's fleets, as fixtures. `pytest --fleet lab tests/operator`: the same on the lab's real machines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import fenced
from tests.warmed import PROJECT

from .fleets import HOSTS, ONE, STG, STG_REPO, TWO, Ended, Fleet, until
from .on_sandbox import sandbox_machines

__all__ = ["HOSTS", "ONE", "PROJECT", "STG", "STG_REPO", "TWO", "Ended", "Fleet", "shared_sets", "two_sets", "until"]

_machines = sandbox_machines


def pytest_configure(config: pytest.Config) -> None:
    if config.option.fleet == "lab":
        from tests.lab.operated import lab_machines

        globals()["_machines"] = lab_machines


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On the lab what only the sandbox can do is left out, with its reason."""
    if config.option.fleet != "lab":
        return
    for item in items:
        for mark in item.iter_markers("sandbox_only"):
            item.add_marker(pytest.mark.skip(reason=f"sandbox only: {mark.args[0]}"))


@contextmanager
def two_sets(tmp_path: Path, stg_runs: str = "1.0.0", patient: bool = False, drained: bool = False) -> Iterator[Fleet]:
    """patient: where no host is ever to be found ill, it may take the time that a busy machine takes.

    drained: hosts.yml names prod's proxies.
    """
    with _machines(tmp_path, stg_runs, drained) as machines:
        if patient:
            file = machines.home / "hosts.yml"
            file.write_text(re.sub("deadline: [0-9]+, timeout: [0-9]+", "deadline: 60, timeout: 20", file.read_text()))
        fleet = Fleet(machines, tmp_path)
        try:
            yield fleet
        finally:
            fleet.kill_clients()


@contextmanager
def shared_sets(folders: pytest.TempPathFactory, stg_runs: str = "1.0.0") -> Iterator[Fleet]:
    """For the tests of a module that only look at what is there, or are refused.

    They stand before the others of their file: there is one lab, and each of those begins with a fresh one.
    """
    folder = folders.mktemp("shared")
    (folder / "home").mkdir()
    with fenced(folder / "home"), two_sets(folder, stg_runs) as both:
        yield both


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Both sets on 1.0.0."""
    with two_sets(tmp_path) as both:
        yield both


@pytest.fixture
def stg_runs_101(tmp_path: Path) -> Iterator[Fleet]:
    """stg runs 1.0.1 and is healthy: what a minor upgrade of prod asks for."""
    with two_sets(tmp_path, stg_runs="1.0.1") as both:
        yield both


@pytest.fixture
def drained(tmp_path: Path) -> Iterator[Fleet]:
    """The same, and prod's hosts are drained at two proxies."""
    with two_sets(tmp_path, stg_runs="1.0.1", drained=True) as both:
        yield both


@pytest.fixture
def stg_runs_110(tmp_path: Path) -> Iterator[Fleet]:
    """stg runs 1.1.0 and is healthy: what a major upgrade of prod asks for."""
    with two_sets(tmp_path, stg_runs="1.1.0") as both:
        yield both
