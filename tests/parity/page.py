"""docs/parity.md: its table is what `python -m tests.parity` has seen."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.warmed import PROJECT

from .row import Row
from .rows import CHAPTERS
from .typed import Ended

PAGE = PROJECT / "docs/parity.md"
MARKS = re.compile(r"(?<=<!-- the rows -->\n).*?(?=<!-- end -->)", re.S)


def table(seen: Mapping[str, tuple[Ended, Ended]]) -> str:
    """All rows in markdown, by chapter; what differs, and is not meant to, is in bold."""
    lines = []
    for chapter, rows in CHAPTERS.items():
        lines += [f"\n| {chapter} | ssh | ours |\n", "|---|---|---|\n"]
        lines += [line(row, *seen[row.words]) for row in rows]
    return "".join(lines) + "\n"


def line(row: Row, ssh: Ended, ours: Ended) -> str:
    """One row in markdown."""
    verdict = ours.verdict if ours.verdict == row.wanted else f"**{ours.verdict}**"
    words = row.words.replace("|", "\\|").replace("*", "\\*").replace("<", "\\<").replace("_", "\\_")
    return f"| {words} | {ssh.verdict} | {verdict} |\n"


def rows_of(text: str) -> list[str]:
    """The words of the rows on the page."""
    (block,) = MARKS.findall(text)
    found = re.findall(r"^\| (.*) \| (?:in|out|exit .*?) \| .* \|$", block, re.M)
    return [re.sub(r"\\(.)", r"\1", words) for words in found]
