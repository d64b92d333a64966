"""JSON files that several processes read and change at the same time."""

from __future__ import annotations

import fcntl
import os

from . import _light

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Name = str | os.PathLike[str]


def read_json(path: Name) -> Any:
    """What the file holds."""
    with open(path, encoding="utf-8") as file:
        return _light.loads(file.read())


def write_json(path: Name, value: object) -> None:
    """Put `value` into the file in one go: a reader sees the old or the new, never a half."""
    folder, name = os.path.split(path)
    new = os.path.join(folder, f".{name}.{os.getpid()}")
    with open(new, "w", encoding="utf-8") as file:
        file.write(_in_lines(value))
    os.replace(new, path)


def _in_lines(value: object) -> str:
    """A line for each of the things in it, because people look into these files, too."""
    if isinstance(value, dict):
        return "{" + ",\n ".join(f"{_light.dumps(str(key))}: {_light.dumps(value[key])}" for key in value) + "}\n"
    if isinstance(value, list):
        return "[" + ",\n ".join(map(_light.dumps, value)) + "]\n"
    return _light.dumps(value) + "\n"


class locked:  # a word, as contextlib would have made it
    """Hold the lock that belongs to this file. The lock file stays: removing it would race."""

    def __init__(self, path: Name) -> None:
        self._file = f"{os.fspath(path)}.lock"

    def __enter__(self) -> None:
        self._lock = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self._lock)


def change_json(path: Name, change: Callable[[Any], None]) -> Any:
    """Read, let `change` edit in place, write; nobody else comes in between. Gives the new value."""
    with locked(path):
        value = read_json(path)
        change(value)
        write_json(path, value)
    return value


def append_line(path: Name, value: object) -> None:
    """Add one line of JSON; O_APPEND makes lines of concurrent writers whole."""
    line = _light.dumps(value) + "\n"
    end = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(end, line.encode())
    finally:
        os.close(end)


def remove(path: Name) -> None:
    """Remove a file, if it is there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def listed(folder: Name, begin: str = "", end: str = "") -> list[str]:
    """The files of a folder whose names begin and end so, sorted; none where there is no such folder."""
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return [os.path.join(folder, name) for name in names if name.startswith(begin) and name.endswith(end)]


def state_file(home: Name, host: str) -> str:
    """Where a host's state is kept: beside its root folder, not in it."""
    return os.path.join(home, "state", f"{host}.json")


def read_state(home: Name, host: str) -> dict[str, Any]:
    """The state of a host: what is installed, what runs, how sudo behaves."""
    state: dict[str, Any] = read_json(state_file(home, host))
    return state


def write_state(home: Name, host: str, state: dict[str, Any]) -> None:
    """Replace the state of a host."""
    with locked(state_file(home, host)):
        write_json(state_file(home, host), state)


def change_state(home: Name, host: str, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Edit the state of a host in place, under its lock; gives the new state."""
    state: dict[str, Any] = change_json(state_file(home, host), change)
    return state
