"""What the tests start most, warm: `fab`, and the sandbox's fleet."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from tasks.sandbox import fleet
from tests.warm import Started, Warm

PROJECT = Path(__file__).parents[1]
# What a `fab` line imports until it ends, but for tasks.collection: that reads the environment while it is imported.
_USUAL = {name: os.environ[name] for name in ("LANG", "LC_ALL") if name in os.environ}  # as the fence leaves it
FAB = """
import fabric.main, pydantic, rich.live, rich.table
from tasks import build, config, flags, sandboxed, steps, suggest, upgrade
from tasks.fleet import connection, detached, groups, machines, output, setup, shell
from tasks.journal import history
from tasks.run import ending, facts, flow, phases, probe, resume, uncertain
from tasks.sop import kept
from tasks.report import human, jsonl, junit, live, recap, screen, tables
"""
_FAB = Warm(FAB, {**_USUAL, "PYTHONPATH": str(PROJECT)})
_FLEET = Warm("import tasks.sandbox.fleet, tasks.sandbox.machines, tasks.sandbox.sshd", _USUAL)


def start_fab(
    begin: Sequence[str], words: Sequence[str], environment: Mapping[str, str], **streams: Any
) -> Started | subprocess.Popen[str]:
    """`Warm.start` in this project's folder, which everybody's fab has in its PYTHONPATH."""
    return _FAB.start(begin, words, PROJECT, {**environment, "PYTHONPATH": str(PROJECT)}, **streams)


def start_fleet(home: Path) -> fleet.Fleet:
    """tasks.sandbox.fleet.start."""
    words = [str(home)]
    program = _FLEET.start(["-P", "-c", fleet.CODE], words, home, os.environ, subprocess.PIPE, session=True)
    return fleet.ready(cast("subprocess.Popen[str]", program))
