"""docs/faults.md: for each row of the reliability contract, the files whose tests hold it."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
ROW = re.compile(r"^\| ([A-Z]\d+) \|.*\|$", re.M)


def holding(row: str, room: str) -> set[str]:
    """The files in a room of the tests with a test for this row."""
    files = (TESTS / room).rglob("test_*.py")
    has = re.compile(rf"^def test_{row}_", re.I | re.M)
    return {file.stem.removeprefix("test_") for file in files if has.search(file.read_text(encoding="utf-8"))}


def named(line: str) -> str:
    """A row of the table with the columns unit, sandbox and lab as the tests have them."""
    cells = [cell.strip() for cell in line.split("|")[1:-1]]
    unit, operator, lab = (holding(cells[0], room) for room in ("unit", "operator", "lab"))
    columns = [sorted(unit), sorted(operator), [*(["operator"] if operator else []), *sorted(lab)]]
    cells[2:5] = [", ".join(names) or "-" for names in columns]
    return "| " + " | ".join(cells) + " |"


def named_again(text: str) -> str:
    """The document with every row as the tests have it now."""
    return ROW.sub(lambda row: named(row[0]), text)
