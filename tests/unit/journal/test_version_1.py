"""Journals that the program wrote before its events had types are still read: a minor upgrade, a major one that failed
and was resumed, and one that was ended by SIGTERM in yum-update, with httpd down, and aborted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.journal.coding import Entry, whole
from tasks.journal.events import Begin
from tasks.journal.file import kept_here
from tasks.journal.history import Past, runs
from tasks.report.tables import history
from tasks.timeline.page import html
from tasks.timeline.story import tell

MINOR, RESUMED, LEFT = "3c47f43b", "64bd9134", "52097d99"


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    return kept_here(Path(__file__).parent / "kept" / "version-1.jsonl")


def past(entries: list[Entry], run: str) -> Past:
    return next(one for one in runs([entries], "sandbox") if one.run == run)


def page(entries: list[Entry], run: str) -> str:
    return html(tell([entry for entry in entries if entry.run == run]))


def test_every_line_is_known_and_every_plan_whole(entries: list[Entry]) -> None:
    assert [entry.raw["event"] for entry in entries if not entry.event] == []
    plans = [entry for entry in entries if isinstance(entry.event, Begin)]
    assert len(plans) == 3
    assert all(map(whole, plans))


def test_history_tells_how_each_of_them_ended(entries: list[Entry]) -> None:
    told = [(one.run, one.what, one.how, one.well) for one in runs([entries], "sandbox")]
    assert told == [
        (MINOR, "minor-upgrade", "done", True),
        (RESUMED, "major-upgrade", "done", True),
        (LEFT, "major-upgrade", "aborted", False),
    ]


def test_history_tells_for_how_long_httpd_was_down_as_far_as_it_is_known(entries: list[Entry]) -> None:
    assert (past(entries, MINOR).httpd_down, past(entries, MINOR).still_down) == (0, False)
    assert (past(entries, RESUMED).httpd_down or 0) > 10
    assert past(entries, LEFT).still_down is None
    column = next(column for column in history([past(entries, LEFT)], "->")[0].columns if column.header == "down")
    assert next(iter(column.cells)) == "> 1.6 s"


def test_the_page_tells_each_of_them(entries: list[Entry]) -> None:
    assert "Done (exit code 0)" in page(entries, MINOR)
    assert "upgrade-db" in page(entries, RESUMED)
    assert "done at a later try" in page(entries, RESUMED)
    left = page(entries, LEFT)
    assert "Aborted" in left
    assert "nobody looked whether it ran when the run ended" in left
