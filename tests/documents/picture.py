"""README's picture: the last screen of a real run in a real terminal, as SVG."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
from collections.abc import Sequence

import pyte
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import DEFAULT_TERMINAL_THEME
from rich.text import Text

from tasks.journal.file import operator
from tests.warmed import PROJECT

from .transcript import CHATTER

COLUMNS, ROWS = 100, 250


def svg(words: Sequence[str]) -> str:
    """What is on the screen, but for the hosts' own lines, when `fab WORDS`, typed at a fresh sandbox, has ended."""
    screen = pyte.Screen(COLUMNS, ROWS)
    with tempfile.TemporaryDirectory(prefix="documents") as home:
        for line in (["sandbox.reset"], words):
            screen.reset()
            _in_a_terminal([sys.executable, "-m", "fabric", *line], home, pyte.ByteStream(screen))
        rows = [_row(screen, number, home) for number in range(ROWS)]
    rows = [row for row in rows if not CHATTER.match(row.plain)]
    while rows and not rows[-1].plain.strip():
        rows.pop()
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text(f"$ fab {' '.join(words)}", style="bold"))
    for row in rows:
        console.print(row, soft_wrap=True)
    # A light ground: the darker red and green of the two lines that matter cannot be read on rich's dark one.
    drawn = console.export_svg(title="fab " + " ".join(words), unique_id="run", theme=DEFAULT_TERMINAL_THEME)
    drawn = re.sub(r"@font-face \{.*?\}\n", "", drawn, flags=re.S)  # fonts from the network
    return "\n".join(line.rstrip() for line in drawn.splitlines()) + "\n"


def _in_a_terminal(command: Sequence[str], home: str, stream: pyte.ByteStream) -> None:
    ours, theirs = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8", "TERM": "xterm-256color"}
    environment |= {"COLUMNS": str(COLUMNS), "LINES": str(ROWS), "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=PROJECT, env=environment, start_new_session=True
    ) as program:
        os.close(theirs)
        while select.select([ours], [], [], 300)[0]:
            try:
                stream.feed(os.read(ours, 65536))
            except OSError:  # the terminal's other end is closed: the program has ended
                break
    os.close(ours)
    if program.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {program.returncode}")


def _row(screen: pyte.Screen, number: int, home: str) -> Text:
    row = Text()
    for column in range(COLUMNS):
        letter = screen.buffer[number][column]
        colour = None if letter.fg == "default" else {"brown": "yellow"}.get(letter.fg, letter.fg)
        colour = f"#{colour}" if colour and re.fullmatch("[0-9a-f]{6}", colour) else colour
        colour = colour.replace("bright", "bright_") if colour and colour.startswith("bright") else colour
        row.append(letter.data, Style(color=colour, bold=letter.bold, italic=letter.italics))
    row.rstrip()
    for private, shown in ((home, "~"), (operator(), "you@laptop")):
        while (at := row.plain.find(private)) >= 0:
            row = Text.assemble(row[:at], shown, row[at + len(private) :])
    return row
