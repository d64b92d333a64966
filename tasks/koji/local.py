"""Programs on this machine: rpmbuild, rpm, git, klist. Run without a shell, in words that can be read by program."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import Refused

# Where a missing program comes from: Fedora and EL, then Debian.
_PACKAGES = {"rpmbuild": ("rpm-build", "rpm"), "rpmspec": ("rpm-build", "rpm"), "rpm": ("rpm", "rpm")}


@dataclass(frozen=True)
class Done:
    """What a program printed on its two outputs, and its exit status."""

    exited: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """One line of what it complained about, for a sentence: the one that it calls its error, else the last."""
        lines = [line.strip() for line in (self.err.strip() or self.out.strip()).splitlines()]
        errors = [line for line in lines if line.startswith(("fatal: ", "error: "))]
        return (errors or lines[-1:] or [f"exit status {self.exited}, no output"])[0]


def run(*argv: str | Path, cwd: Path | None = None) -> Done:
    """Run a program to its end; a failing one is a Done too. Raises Refused if it (or `cwd`) is not there."""
    command = [str(word) for word in argv]
    if cwd and not cwd.is_dir():
        raise Refused(f"there is no folder {cwd}", next_line="build.checkout and ansible.checkout in invoke.yml")
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except FileNotFoundError:
        raise Refused(f"{command[0]} is not installed", next_line=_how_to_get(command)) from None
    return Done(done.returncode, done.stdout, done.stderr)


def _how_to_get(command: Sequence[str]) -> str:
    fedora, debian = _PACKAGES.get(command[0], (command[0], command[0]))
    return f"dnf install {fedora}, or on Debian: apt-get install {debian}"
