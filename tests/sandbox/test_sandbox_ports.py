"""Fleets that are laid down at the same time: none chooses what another has chosen and does not listen on yet."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tasks.sandbox import layout

CHOOSES = """
import os
os.getpid = lambda: 7
from tasks.sandbox import layout
print(layout._free_ports(9), flush=True)
input()
"""


def test_processes_that_would_begin_with_the_same_ports_choose_different_ones() -> None:
    chosen: list[int] = []
    with ExitStack() as open_until_the_end:
        for _ in range(3):
            process = subprocess.Popen(
                [sys.executable, "-c", CHOOSES],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=Path(layout.__file__).parents[2],
            )
            open_until_the_end.callback(process.communicate, "\n")
            assert process.stdout
            chosen += json.loads(process.stdout.readline())
    assert len(set(chosen)) == 27, chosen
