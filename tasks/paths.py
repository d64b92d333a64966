"""Where this tool keeps what outlives a run (the operator's XDG state directory), and lines that open a file."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from .errors import Refused

_hosts_file = ["hosts.yml"]


def state_dir() -> Path:
    """`$XDG_STATE_HOME/blockerbugs-upgrade`, or below `~/.local/state`; not made yet.

    Raises Refused where there is no home at all.
    """
    base = os.environ.get("XDG_STATE_HOME", "")
    try:
        root = Path(base) if base.startswith("/") else Path("~").expanduser() / ".local" / "state"
    except RuntimeError:
        root = Path()
    if not root.is_absolute() or root == Path("/.local/state"):
        raise Refused(
            "there is no home directory to keep a journal in",
            next_line="export HOME=/tmp  # or another folder",
        )
    return root / "blockerbugs-upgrade"


def editor(path: Path | str) -> str:
    """The line that opens `path` in the operator's editor, whichever that is."""
    return f"${{EDITOR:-vi}} {shlex.quote(str(path))}"


def hosts_come_from(path: Path) -> None:
    """Remember which hosts.yml the hosts of this task stand in, for `hosts_editor`."""
    _hosts_file[0] = str(path)


def hosts_editor() -> str:
    """The line that opens that file in the operator's editor."""
    return editor(_hosts_file[0])
