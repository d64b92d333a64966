"""Every test is fenced off from the developer's home, environment and ssh configuration."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.warm import Warm

KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "COVERAGE_PROCESS_START")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fleet", choices=("sandbox", "lab"), default="sandbox", help="whose hosts the operator has")
    parser.addoption("--fresh", action="store_true", help="start an interpreter for every line of fab (tests/warm.py)")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "sandbox_only(why): what the lab's real machines cannot do, or need not")
    config.addinivalue_line("markers", "smoke: belongs to the choice that `tox -e lab` and `tox -e fresh` run")
    Warm.fresh = config.option.fresh
    # A test run in the background of a shell ignores SIGINT, one under nohup SIGHUP, and all that they start with them.
    for signum, default in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(signum) is signal.SIG_IGN:
            signal.signal(signum, default)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """`-n auto`: two for each core, because the operator's tests wait for their hosts a good part of the time."""
    return 2 * (os.cpu_count() or 1)


@contextmanager
def fenced(home: Path) -> Iterator[None]:
    """A home, and an environment without anything that could change what fab does."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name not in KEPT and not name.startswith("PYTEST"):
                patch.delenv(name)
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_STATE_HOME", str(home / "state"))
        yield


@pytest.fixture(autouse=True)
def fence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Every test has an empty home."""
    home = tmp_path_factory.mktemp("home")
    with fenced(home):
        yield home
