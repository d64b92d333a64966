"""yum's lock: var/run/yum.pid, waited for as yum does while its owner lives."""

from __future__ import annotations

import os

from ._files import remove
from ._host import Host, complain


class held:  # a word, as contextlib would have made it
    """Hold the lock; wait as long as a living process has it, take a dead one's over."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lock = os.path.join(host.root, "var/run/yum.pid")

    def __enter__(self) -> None:
        told = False
        while not _taken(self._lock):
            owner = _owner(self._lock)
            if owner is None:
                remove(self._lock)
                continue
            if not told:
                complain(f"Existing lock /var/run/yum.pid: another copy is running as pid {owner}.")
                told = True
            complain("Another app is currently holding the yum lock; waiting for it to exit...")
            complain(f"  The other application is: yum\n    State  : Sleeping, pid: {owner}")
            self._host.wait(0.5)

    def __exit__(self, *_: object) -> None:
        remove(self._lock)


def _taken(lock: str) -> bool:
    """Try to make the lock file: written aside and linked, so that nobody sees it without its pid."""
    new = f"{lock}.{os.getpid()}"
    with open(new, "w", encoding="ascii") as file:
        file.write(str(os.getpid()))
    try:
        os.link(new, lock)
    except FileExistsError:
        return False
    else:
        return True
    finally:
        os.unlink(new)


def _owner(lock: str) -> int | None:
    """The living process that holds the lock."""
    try:
        with open(lock, encoding="ascii") as file:
            pid = int(file.read())
        os.kill(pid, 0)
    except PermissionError:
        return pid
    except (OSError, ValueError):
        return None
    return pid
