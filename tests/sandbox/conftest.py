"""A real fleet for each test file, and a real SSH client that knows nothing but the sandbox's own ssh_config."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from tasks.sandbox import layout
from tests.warmed import start_fleet

ONE, TWO = "blockerbugs01.test", "blockerbugs02.test"
Ssh = Callable[..., asyncssh.SSHCompletedProcess]


def lay(home: Path, sudo: str = "passwordless") -> Path:
    layout.create(home, [layout.SetSpec("test", (ONE, TWO), ONE, sudo)], pace=0)
    layout.configure(home, inter=0.1)
    return home


def client(home: Path) -> Ssh:
    """ssh(host, command, …) → what it said; more arguments go to asyncssh's run()."""

    async def go(host: str, command: str, more: dict[str, Any]) -> asyncssh.SSHCompletedProcess:
        async with asyncssh.connect(host, config=[str(home / "ssh_config")]) as line:
            return await line.run(command, **({"stdin": asyncssh.DEVNULL} | more))

    return lambda host, command, **more: asyncio.run(go(host, command, more))


def until(true: Callable[[], bool], seconds: float = 120.0) -> None:
    """Wait for what must come, on however busy a machine."""
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, f"not true after {seconds} s"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """Is there no such process, or only what its parent has not taken note of yet?"""
    if Path("/proc/self").exists():
        try:
            text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return True
        return text.rpartition(") ")[2].startswith("Z")
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return state.strip().startswith("Z") or not state.strip()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A running fleet that the tests of a file share: for tests that only look."""
    home = lay(tmp_path_factory.mktemp("shared"))
    with start_fleet(home):
        yield home


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    """A running fleet of the test's own."""
    home = lay(tmp_path / "own")
    with start_fleet(home):
        yield home
