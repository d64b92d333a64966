"""yum's lock: var/run/yum.pid, waited for as yum does while its owner lives."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path

from ._host import Host, complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def held(host: Host) -> Iterator[None]:
    """Hold the lock; waits as long as a living process has it, takes a dead one's over."""
    lock = Path(host.root) / "var/run/yum.pid"
    told = False
    while not _taken(lock):
        owner = _owner(lock)
        if owner is None:
            lock.unlink(missing_ok=True)
            continue
        if not told:
            complain(f"Existing lock /var/run/yum.pid: another copy is running as pid {owner}.")
            told = True
        complain("Another app is currently holding the yum lock; waiting for it to exit...")
        complain(f"  The other application is: yum\n    State  : Sleeping, pid: {owner}")
        host.wait(0.5)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _taken(lock: Path) -> bool:
    """Try to make the lock file: written aside and linked, so that nobody sees it without its pid."""
    new = lock.with_name(f".yum.pid.{os.getpid()}")
    new.write_text(str(os.getpid()), encoding="ascii")
    try:
        os.link(new, lock)
    except FileExistsError:
        return False
    else:
        return True
    finally:
        new.unlink()


def _owner(lock: Path) -> int | None:
    """The living process that holds the lock."""
    try:
        pid = int(lock.read_text(encoding="ascii"))
        os.kill(pid, 0)
    except PermissionError:
        return pid
    except (OSError, ValueError):
        return None
    return pid
