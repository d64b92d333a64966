"""docs/faults.md names, for each row of the reliability contract, the files whose tests hold it."""

from __future__ import annotations

import pytest

from tests.documents.faults import ROW, TESTS, named

TABLE = (TESTS.parent / "docs/faults.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", [row[0] for row in ROW.finditer(TABLE)], ids=lambda line: line.split("|")[1].strip())
def test_the_table_names_the_files_that_hold_a_row(line: str) -> None:
    """`tox -e docs` writes it again."""
    assert line == named(line)
