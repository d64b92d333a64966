"""What alembic's answers mean, as it was seen to write them."""

from __future__ import annotations

import pytest

from tasks.sop.model import Schema
from tasks.sop.schema import proven, read


@pytest.mark.parametrize(
    ("lines", "schema", "at"),
    [
        (["1a0c9 (head)"], Schema.CURRENT, "1a0c9"),
        (["1a0c9"], Schema.PENDING, "1a0c9"),
        (["  1a0c9 (head)\n"], Schema.CURRENT, "1a0c9"),
        (["1a0c9 (effective head)"], Schema.CURRENT, "1a0c9"),
        (["1a0c9 (head) (mergepoint)"], Schema.CURRENT, "1a0c9"),
        (["1a0c9 (mergepoint)"], Schema.PENDING, "1a0c9"),
        (["1a0c9 (branchpoint)", "2b7f3 (head)"], Schema.PENDING, "1a0c9"),
        (["c (head)", "a (head)", "b (head)"], Schema.CURRENT, "a,b,c"),
        (["c", "a", "b"], Schema.PENDING, "a,b,c"),
        (["1a0c9", "1a0c9 (head)"], Schema.CURRENT, "1a0c9"),
        (["INFO  [alembic.runtime.migration] Context impl.", "1a0c9 (head)"], Schema.CURRENT, "1a0c9"),
        (["1a0c9_add-blockers.2 (head)"], Schema.CURRENT, "1a0c9_add-blockers.2"),
        ([], Schema.PENDING, ""),
        (["", "  "], Schema.PENDING, ""),
        (["INFO  [alembic.runtime.migration] Context impl."], Schema.UNKNOWN, ""),
        (["1a0c9 (HEAD)"], Schema.UNKNOWN, ""),
    ],
)
def test_D2_where_the_database_is_and_whether_that_is_the_newest(lines: list[str], schema: Schema, at: str) -> None:
    found = read(lines)
    assert (found.schema, str(found)) == (schema, at)


@pytest.mark.parametrize(
    ("output", "revision"),
    [
        ("the database is at 2b7f3", "2b7f3"),
        ("INFO words\nthe database is at 1a0c9\nthe database is at 2b7f3\nmore", "2b7f3"),
        ("the database is at c a b", "a,b,c"),
        ("they say the database is at 2b7f3", None),
        ("", None),
    ],
)
def test_D2_a_migration_has_proven_what_its_last_word_says(output: str, revision: str | None) -> None:
    assert proven(output) == revision
