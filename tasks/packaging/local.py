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
    def last_words(self) -> str:
        """The last line of what it complained about, for a sentence."""
        lines = (self.err.strip() or self.out.strip()).splitlines()
        return lines[-1].strip() if lines else f"exit status {self.exited}, no output"


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
