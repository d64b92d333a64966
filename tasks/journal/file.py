"""What was done, by whom and why: one JSON line per event, kept on the operator's machine.

`$XDG_STATE_HOME/blockerbugs-upgrade/journal.jsonl`, 0600 in a 0700 directory, append-only, on disk (fsync)
before what it announces is begun. The same lines, without what the hosts have said, go to the sync host with the next
thing that is sent there, so that another operator on another machine can go on. What a line holds: events.py.
"""

from __future__ import annotations

import errno
import getpass
import json
import os
import secrets
import socket
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from shlex import quote
from tempfile import TemporaryFile
from threading import Lock
from typing import Any

from .. import clock
from ..errors import Refused
from ..fleet.output import clean
from ..paths import state_dir
from .coding import Entry, as_json, cleaned, entry, iso, read
from .events import Begin, Event

LONGEST_NAME = 128  # characters
ROOM = 65536  # bytes that a run may write
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Journal:
    """The journal of one run.

    path: the file, made if it is not there; run: the run's id, a new one if None; earlier: what that run wrote
    before, to be found in `entries` in front of what it writes now.
    Raises Refused, before anything is changed, if it cannot be written or if a symlink stands in its place.
    """

    def __init__(self, path: Path | None = None, run: str | None = None, earlier: Iterable[Entry] = ()) -> None:
        self.path = path or state_dir() / "journal.jsonl"
        self.run = run or secrets.token_hex(4)
        self.entries: list[Entry] = list(earlier)
        self._unsent: list[str] = []
        self._turn = Lock()  # one writes while another sends, where hosts are side by side
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.parent.chmod(0o700)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK
            self._fd = os.open(self.path, flags, 0o600)
            if not stat.S_ISREG(os.fstat(self._fd).st_mode):
                raise OSError(errno.EINVAL, "it is no file")
            os.fchmod(self._fd, 0o600)
        except OSError as error:
            raise self._refused(error) from None

    def write(self, event: Event) -> None:
        """Append one event; it is on disk when this returns. Raises Refused if it cannot be."""
        envelope = {"time": iso(clock.now()), "run": self.run, "event": event.name}
        raw: dict[str, Any] = cleaned(envelope | as_json(event))
        self.entries.append(entry(raw))
        with self._turn:
            self._unsent.append(json.dumps(_without_output(raw), ensure_ascii=True))
        self._put(raw)

    def adopt(self) -> None:
        """Put what the run wrote earlier, on another machine, before what it writes now: `report` reads it here.

        Nothing, where it began on this machine. Raises Refused as `write` does.
        """
        if not any(one.run == self.run for one in kept_here(self.path, only=[Begin.name])):
            for one in self.entries:
                if one.run == self.run:
                    self._put(one.raw)

    def check_room(self) -> None:
        """Raises Refused where the disk has no room for what a run writes."""
        try:
            os.write(self._fd, b"\n")  # a limit on the file itself; to whoever reads it an empty line is nothing
            with TemporaryFile(dir=self.path.parent) as file:
                file.write(b" " * ROOM)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._refused(error) from None

    def _refused(self, error: OSError) -> Refused:
        looks = f"df -h {quote(str(self.path.parent))}" if error.errno in FULL else f"ls -ld {quote(str(self.path))}"
        return Refused(
            f"the journal {self.path} cannot be written: {error.strerror}",
            next_line=f"{looks}\n  or: export XDG_STATE_HOME=$(mktemp -d)  # keeps it elsewhere for now",
        )

    def _put(self, raw: Mapping[str, Any]) -> None:
        try:
            line = json.dumps(raw, ensure_ascii=True).encode() + b"\n"
            with self._turn:
                while line:  # a disk that is nearly full takes a part
                    line = line[os.write(self._fd, line) :]
                os.fsync(self._fd)
        except OSError as error:
            raise self._refused(error) from None

    def unsent(self) -> list[str]:
        """The lines that the sync host has not been sent yet; from now on they count as sent."""
        with self._turn:
            lines, self._unsent = self._unsent, []
        return lines

    def close(self) -> None:
        """Nothing more will be written, also by a thread that was left: its number may be another file's soon."""
        with self._turn:
            os.close(self._fd)
            self._fd = -1


def kept_here(path: Path | None = None, only: Iterable[str] = ()) -> list[Entry]:
    """The entries of all runs that were typed on this machine; none where there is no journal. only: see `read`."""
    try:
        text = (path or state_dir() / "journal.jsonl").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return read(text.splitlines(), only)


def _without_output(value: object) -> object:
    """What is sent to the sync host: what a step has said is kept on the host that said it, in its log."""
    if isinstance(value, dict):
        return {key: _without_output(one) for key, one in value.items() if key != "output"}
    return value


def operator() -> str:
    """Who is at the keyboard, and where: `lbrabec@laptop`; a name as odd as an environment may hold one, made plain."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user id without an entry, as in some containers
        user = str(os.getuid())
    name = f"{user}@{socket.gethostname()}".encode(errors="replace").decode()
    return "".join(clean(name).split())[:LONGEST_NAME]
