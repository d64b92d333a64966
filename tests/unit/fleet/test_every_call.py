"""A host on which a shell is killed at each of its system calls in turn, or the disk is full or broken there.

strace kills, at the N-th call, the shell that starts and follows a step, or the step's runner. Whatever is said of the
step afterwards has to be so: a status that it ended with, that it never began, or that what it did is not known.
A few calls here; every call with `tox -e soak` (SOAK=1), which prints how often each answer came.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.fleet import detached
from tasks.fleet.detached import DIED, NEVER, RunFolder
from tests.unit.builders import Shell
from tests.wanted import wanted

TRACES = subprocess.run(["sh", "-c", "strace -o /dev/null true 2>/dev/null"], check=False).returncode == 0
pytestmark = [
    pytest.mark.skipif(not TRACES, reason="this machine has no strace, or lets nobody use it"),
    wanted("setsid", "util-linux"),
]
SOAK = bool(os.environ.get("SOAK"))
EVERY = 1 if SOAK else 13  # calls from one that goes wrong to the next
SETSID = shutil.which("setsid") or "setsid"
FOLDER = RunFolder("./keep", "0123abcd", "alice@laptop (1)")
NEXT = RunFolder("./keep", "0123abcd", "bob@desk (2)")
STEP = "03-yum-update"
DOES = "echo x >>ran; exit 3"
KILLED, FULL, BROKEN = "signal=KILL", "error=ENOSPC", "error=EIO"
OF_A_DISK = "write,openat,mkdir,link,linkat,symlink,symlinkat,rename,renameat2,fsync"
SHELL, RUNNER = "the shell that starts it", "the step's runner"


def traced(shell: Shell, who: str, *how: str) -> str:
    """Start the step with one of its processes under strace, and wait until nobody follows it; strace's words."""
    file = shell.folder / "traced"
    strace = [shutil.which("strace") or "strace", "-q", "-o", str(file), *how]
    command = shell.command(detached.carry_out(FOLDER, STEP, DOES))
    if who == RUNNER:
        shell.program("setsid", f'exec {shlex.join([*strace, SETSID])} "$@"')
    else:
        command = [*strace, *command]
    with (shell.folder / "said").open("w") as said:
        subprocess.run(
            command,
            cwd=shell.folder,
            env={"PATH": str(shell.bin)},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            timeout=120,
            check=False,
        )
    return file.read_text(errors="replace")


def calls(folder: Path, who: str, of: str) -> list[tuple[str, int]]:
    """Every call of the process, as its name and how often it was made by then: strace counts each name by itself."""
    told = traced(Shell(folder), who, "-e", f"trace={of}")
    count: Counter[str] = Counter()
    found = []
    for name in re.findall(r"^(\w+)\(", told, re.M):
        count[name] += 1
        found.append((name, count[name]))
    return found


def answers(folder: Path, who: str, how: str) -> Iterator[tuple[str, str, int, int]]:
    """(which call, the step's state as whoever takes the run over sees it, its status, how often it was run)."""
    folder.joinpath("all").mkdir()
    for name, number in calls(folder / "all", who, "all" if how == KILLED else OF_A_DISK)[::EVERY]:
        home = folder / f"{name}-{number}"
        home.mkdir()
        shell = Shell(home)
        told = traced(shell, who, "-e", f"trace={name}", "-e", f"inject={name}:{how}:when={number}")
        if ("killed by SIGKILL" if how == KILLED else "(INJECTED)") not in told:
            continue  # it was not made so often this time
        (shell.bin / "setsid").unlink()
        (shell.bin / "setsid").symlink_to(SETSID)
        taken = shell.run(detached.states(NEXT, take_over=True)).stdout
        state = detached.read_states(taken).get(STEP, "nothing")
        status = shell.run(detached.carry_out(NEXT, STEP, DOES)).returncode
        ran = home / "ran"
        yield f"{name} {number}", state, status, len(ran.read_text().split()) if ran.exists() else 0
        shutil.rmtree(home)


@pytest.mark.parametrize("how", [KILLED, FULL, BROKEN], ids=["killed", "disk full", "disk broken"])
@pytest.mark.parametrize("who", [SHELL, RUNNER])
def test_n6_what_is_said_of_a_step_whose_host_fails_at_any_call_is_so(who: str, how: str, tmp_path: Path) -> None:
    count: Counter[str] = Counter()
    for call, state, status, ran in answers(tmp_path, who, how):
        case = f"{call}: state {state}, status {status}, run {ran} times"
        assert ran <= 1, case
        assert status in (3, 1, NEVER, DIED), case
        if status == 3:
            assert ran == 1, case
        if status == NEVER or state == "never":
            assert (state, status, ran) == ("never", NEVER, 0), case
        if who == SHELL and how == KILLED:
            assert status != DIED, case  # only the runner's own death leaves it unknown
        count[f"{status}"] += 1
    print(f"{who}, {how}: {dict(count)}")
    assert count
