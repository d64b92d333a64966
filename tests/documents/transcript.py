"""Blocks in the documents that show a terminal: ```console, lines that begin with `$ `, and what they print.

The lines of one document are typed in order, at a sandbox of its own.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tasks.journal.file import operator
from tests.warmed import start_fab

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
CHATTER = re.compile(r"\S+ \| (?!done|FAILED)")  # what yum and the others say on their hosts
_VOLATILE = (
    (re.compile(r"\b[0-9a-f]{8}\b"), "RUN"),
    (re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?"), "WHEN"),
    (re.compile(r"\d+ requests,.*"), "requests"),
    (re.compile(r"(\d+(\.\d+)? (s|ms|min|h|MB|kB)\b ?)+"), "N units "),
    (re.compile(r"(?<=:)\d{4,5}\b"), "PORT"),
    (re.compile(r"[ ─━-]{2,}"), "  "),  # columns are as wide as what stands in them
)


def written_again(text: str) -> str:
    """The document with the output that its lines have today."""
    with tempfile.TemporaryDirectory(prefix="documents") as home:
        return BLOCK.sub(lambda found: f"```console\n{_played(found[1], Path(home))}```", text)


def masked(text: str) -> Iterator[list[str]]:
    """Each block as sorted lines without what differs from run to run: hosts that work at once speak in any order."""
    for block in BLOCK.findall(text):
        lines = [line.strip() for line in block.splitlines()]
        for pattern, word in _VOLATILE:
            lines = [pattern.sub(word, line) for line in lines]
        yield sorted(line for line in lines if line and not line.startswith("waiting "))


def _played(block: str, home: Path) -> str:
    typed = [line for line in block.splitlines() if line.startswith("$ ")]
    return "".join(f"{line}\n{_said(line.removeprefix('$ '), home)}" for line in typed)


def _said(line: str, home: Path) -> str:
    tool, *words = shlex.split(line)
    module = {"fab": "fabric", "invoke": "invoke"}[tool]
    environment = {
        **{name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ},
        "HOME": str(home),
    }
    streams = {"stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    with start_fab(["-m", module], words, environment, **streams) as program:
        said = program.communicate(timeout=300)[0]
    said = said.replace(str(home), "~").replace(operator(), "you@laptop")
    rows = [row.rstrip() for row in said.strip("\n").splitlines() if not CHATTER.match(row)]
    return "".join(f"{row}\n" for row in rows) + (f"(exit code {program.returncode})\n" if program.returncode else "")
