"""JSON files that several processes read and change at the same time."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def read_json(path: Path) -> Any:
    """What the file holds."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(path: Path, value: object) -> None:
    """Put `value` into the file in one go: a reader sees the old or the new, never a half."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_text(json.dumps(value, indent=1), encoding="utf-8")
    new.replace(path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock that belongs to this file. The lock file stays: removing it would race."""
    lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def change_json(path: Path, change: Callable[[Any], None]) -> Any:
    """Read, let `change` edit in place, write; nobody else comes in between. Gives the new value."""
    with locked(path):
        value = read_json(path)
        change(value)
        write_json(path, value)
    return value


def append_line(path: Path, value: object) -> None:
    """Add one line of JSON; O_APPEND makes lines of concurrent writers whole."""
    line = json.dumps(value) + "\n"
    end = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(end, line.encode())
    finally:
        os.close(end)


def state_file(home: Path, host: str) -> Path:
    """Where a host's state is kept: beside its root folder, not in it."""
    return home / "state" / f"{host}.json"


def read_state(home: Path, host: str) -> dict[str, Any]:
    """The state of a host: what is installed, what runs, how sudo behaves."""
    state: dict[str, Any] = read_json(state_file(home, host))
    return state


def write_state(home: Path, host: str, state: dict[str, Any]) -> None:
    """Replace the state of a host."""
    with locked(state_file(home, host)):
        write_json(state_file(home, host), state)


def change_state(home: Path, host: str, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Edit the state of a host in place, under its lock; gives the new state."""
    state: dict[str, Any] = change_json(state_file(home, host), change)
    return state
