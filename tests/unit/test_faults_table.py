"""docs/faults.md names, for each row of the reliability contract, the files whose tests hold it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
TABLE = (TESTS.parent / "docs/faults.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.split("|")[1:-1]] for line in TABLE.splitlines() if re.match(r"\| [A-Z]\d+ ", line)
]


def holding(row: str, room: str) -> set[str]:
    """The files in a room of the tests with a test for this row."""
    files = (TESTS / room).rglob("test_*.py")
    has = re.compile(rf"^def test_{row}_", re.I | re.M)
    return {file.stem.removeprefix("test_") for file in files if has.search(file.read_text(encoding="utf-8"))}


@pytest.mark.parametrize(("row", "cells"), [(row[0], row[2:5]) for row in ROWS])
def test_the_table_names_the_files_that_hold_a_row(row: str, cells: list[str]) -> None:
    said = [set(re.findall(r"[a-z_]+", cell)) for cell in cells]
    operator = holding(row, "operator")
    assert said == [holding(row, "unit"), operator, holding(row, "lab") | ({"operator"} if operator else set())]
