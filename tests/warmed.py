"""What the tests start most, warm: `fab`, and the sandbox's fleet."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import cast

from tasks.sandbox import fleet
from tests.warm import Warm

# What a `fab` line imports until it ends, but for tasks.collection: that reads the environment while it is imported.
FAB = Warm("""
import fabric.main, pydantic, rich.live, rich.table
from tasks import build, config, sandboxed, showing, steps, typed, upgrade
from tasks.fleet import connection, detached, groups, machines, output, setup, shell
from tasks.procedure import ending, history, hold, keep, perform, preflight, resume, run, uncertain, watch
from tasks.report import human, junit, live, machine, recap, screen, tables
""")
_FLEET = Warm(f"{fleet.IMPORTS}; import sandbox.machines, sandbox.sshd")


def start_fleet(home: Path) -> fleet.Fleet:
    """tasks.sandbox.fleet.start."""
    words = [str(home)]
    program = _FLEET.start(["-P", "-c", fleet.CODE], words, home, os.environ, subprocess.PIPE, session=True)
    return fleet.ready(cast("subprocess.Popen[str]", program))
