"""Programs on this machine: rpmbuild, rpm, git, klist. Run without a shell, in words that can be read by program.

They get an environment of our own: no variable makes git work on another repository than the one named, or a program
speak another language than the one that is read here.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..errors import Refused
from ..fleet.output import clean
from ..lines import word

# Where a missing program comes from: Fedora and EL, then Debian.
_PACKAGES = {"rpmbuild": ("rpm-build", "rpm"), "rpmspec": ("rpm-build", "rpm"), "rpm": ("rpm", "rpm")}

# Of GIT_* only what says who somebody is and how a server is reached. All else (GIT_DIR, GIT_INDEX_FILE,
# GIT_CONFIG_COUNT, GIT_TRACE …) would choose another repository, or change what is printed.
_GIT_KEPT = re.compile(
    r"GIT_((AUTHOR|COMMITTER)_(NAME|EMAIL)|SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|PROXY_COMMAND|ALLOW_PROTOCOL|EXEC_PATH"
    r"|CONFIG_(GLOBAL|SYSTEM|NOSYSTEM)|SSL_\w+|HTTP_\w+|TERMINAL_PROMPT)"
)
_LANGUAGE = re.compile("LANGUAGE|LC_.*")
_LOOK_SECONDS = 0.05  # between two looks at whether a program has ended
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TERM_SECONDS = 3.0  # for git to take its lock files away before it is killed


@dataclass(frozen=True)
class Done:
    """What a program printed on its two outputs, and its exit status; late: it was ended at its limit."""

    exited: int
    out: str
    err: str
    late: bool = False

    @property
    def complaint(self) -> str:
        """One line of what it complained about, without secrets: the one that it calls its error, else the last."""
        lines = [line.strip() for line in (self.err.strip() or self.out.strip()).splitlines()]
        errors = [line for line in lines if line.startswith(("fatal: ", "error: "))]
        return clean((errors or lines[-1:] or [f"exit status {self.exited}, no output"])[0])


def environment() -> dict[str, str]:
    """The environment that programs get: ours, without what would change what they do or say."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not (_LANGUAGE.fullmatch(name) or (name.startswith("GIT_") and not _GIT_KEPT.fullmatch(name)))
    }
    return {**kept, "LC_ALL": "C.UTF-8"}


def run(
    *argv: str | Path, cwd: Path | None = None, limit: float = 0.0, waiting: Callable[[float], None] = lambda _: None
) -> Done:
    """Run a program to its end; a failing one is a Done too. Raises Refused if it (or `cwd`) is not there.

    limit: seconds after which it is ended, 0 for none; waiting: called with the seconds it has taken, while it runs.
    """
    command = [str(word) for word in argv]
    if cwd and not cwd.is_dir():
        raise Refused(f"there is no folder {cwd}", next_line=f"ls -ld {word(cwd.parent)}")
    # Files, not pipes: a program of the program's (ssh) may hold a pipe open after its end.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = None
        try:
            with _undisturbed():
                process = subprocess.Popen(
                    command, cwd=cwd, env=environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=err
                )
            late = not _ended(process, limit, waiting)
        except FileNotFoundError:
            raise Refused(f"{command[0]} is not installed", next_line=_how_to_get(command)) from None
        finally:
            if process:
                _end(process)
        return Done(process.returncode, _text(out), _text(err), late)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """A signal that comes meanwhile is taken at the end: who is ended while a program starts would not know of it."""
    came: list[int] = []
    mine = threading.current_thread() is threading.main_thread()
    handlers = {signum: signal.getsignal(signum) for signum in _ENDING} if mine else {}
    ours = {signum: handler for signum, handler in handlers.items() if callable(handler)}
    for signum in ours:
        signal.signal(signum, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for signum, handler in ours.items():
            signal.signal(signum, handler)
    for number in came[:1]:
        ours[signal.Signals(number)](number, None)


def _ended(process: subprocess.Popen[bytes], limit: float, waiting: Callable[[float], None]) -> bool:
    """Has it ended by itself within its limit?"""
    began = time.monotonic()
    while True:
        try:
            process.wait(_LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            seconds = time.monotonic() - began
            waiting(seconds)
            if limit and seconds > limit:
                return False
        else:
            return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it, if it still runs, and what it has started (ssh): asked first, so that git takes its lock files away."""
    if process.poll() is not None:
        return
    family = _descendants(process.pid)
    process.terminate()
    try:
        process.wait(_TERM_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pid, began in family.items():
        if _began(pid) == began:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)


def _descendants(pid: int) -> dict[int, str]:
    """The processes below `pid` and when each began; none where there is no /proc."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        fields = _stat(int(stat.parent.name))
        if fields:
            parents[int(stat.parent.name)] = int(fields[1])
    found, left = [], [pid]
    while left:
        children = [child for child, parent in parents.items() if parent in left]
        found += children
        left = children
    return {child: _began(child) for child in found}


def _began(pid: int) -> str:
    fields = _stat(pid)
    return fields[19] if fields else ""


def _stat(pid: int) -> list[str]:
    """What /proc says of a process after its name: state, parent, …; empty when it has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(") ")[2].split()
    except OSError:
        return []


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def _how_to_get(command: Sequence[str]) -> str:
    fedora, debian = _PACKAGES.get(command[0], (command[0], command[0]))
    return f"sudo dnf install {fedora}  # Fedora\n  or: sudo apt-get install {debian}  # Debian"
