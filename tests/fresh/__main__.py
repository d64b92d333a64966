"""Type README's commands on bare machines: as root, as a user with sudo at a terminal, as a user without sudo.

    python -m tests.fresh [--all]

--all: the user with sudo runs every test too, not only those that are marked `smoke`, which takes as long again.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from .machine import Machine, Typed, tarball

CHECKOUT = Path(__file__).parents[2]
FIRST, SECOND = re.findall(r"^    (\./run \S+.*?) {2,}#", (CHECKOUT / "README.md").read_text(encoding="utf-8"), re.M)
SMOKE = "" if sys.argv[1:] == ["--all"] else " -- -n auto -m smoke"
times: list[str] = []


def types(machine: Machine, line: str, says: str = "", code: int = 0, never: str = "", **more: str) -> Typed:
    """A line whose end, and words, must be these; the first that is otherwise ends this program."""
    print(f"\n==> {machine.user} types: {line}", flush=True)
    ended = machine.types(line, **more)
    times.append(f"{ended.seconds:6.0f} s  {machine.user:8} {line}")
    if ended.code != code or says not in ended.said or (never and never in ended.said):
        wrong = f"exit status {ended.code}, wanted {code}, with {says!r}" + (f", without {never!r}" if never else "")
        sys.exit(f"{machine.user}, {line}: {wrong}")
    return ended


def root_without_a_terminal() -> None:
    """As in CI: nobody can be asked, what is missing is brought unasked, and nothing may be left out."""
    with Machine() as machine:
        machine.clone(CHECKOUT)
        types(machine, FIRST, says="runs blockerbugs-1.1.0")
        types(machine, SECOND, never="left out", CI="true")


def user_with_sudo() -> None:
    """At a terminal, where every question is answered with yes."""
    with Machine() as machine:
        machine.adduser("alice", sudo=True)
        machine.clone(CHECKOUT)
        types(machine, FIRST, says="sudo apt-get install -y python3-venv\r\n", answer="y")
        types(machine, SECOND + SMOKE, never="left out", answer="y")


def user_without_sudo() -> None:
    """They are told what root has to type; when that is done, the first command works."""
    with Machine() as machine:
        machine.adduser("bob", sudo=False)
        machine.clone(CHECKOUT)
        ended = types(machine, FIRST, code=2, says="python3-venv")
        (line,) = re.findall("what helps, as root: (apt-get .*?)\r?$", ended.said, re.M)
        machine.must(line)
        types(machine, FIRST, says="runs blockerbugs-1.1.0")


if __name__ == "__main__":
    if os.geteuid() or not shutil.which("mmdebstrap"):
        sys.exit(
            "bare machines are made by root with mmdebstrap, which ./run tox installs\nnext: sudo ./run tox -e fresh"
        )
    tarball()
    for kind in (user_without_sudo, root_without_a_terminal, user_with_sudo):
        kind()
    print("\non bare machines:", *times, sep="\n")
