"""What the set before went through with a build, as its journals tell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.journal.coding import Entry
from tasks.journal.events import Became, Ended
from tasks.journal.forecast import Took, migration, with_build
from tasks.journal.history import Past
from tests.unit.builders import NEW, NEWER, OLD

STG = Past(
    run="0123abcd",
    began=1.0,
    who=("a@b",),
    what="major-upgrade",
    before=(OLD,),
    after=(NEW,),
    how="done",
    well=True,
    stops_httpd=True,
    httpd_down=37.2,
    still_down=False,
    seconds=60.0,
)


def ended(seconds: float | None, migrates: bool = True, failed: bool = False) -> Entry:
    became = Became("failed" if failed else "done", 1.0, seconds, None, ())
    event = Ended("stg", 6, "upgrade-db", "none", failed, migrates, {"a.example": became})
    return Entry(time=1.0, run="0123abcd", event=event, raw={})


def test_the_last_run_that_brought_the_build_well_is_what_to_expect() -> None:
    later = replace(STG, run="89abcdef", httpd_down=30.0)
    assert with_build([STG, later], NEW) == later


@pytest.mark.parametrize(
    "past",
    [
        replace(STG, well=False),
        replace(STG, after=(NEWER,)),
        replace(STG, before=(NEW,)),
        replace(STG, stops_httpd=False),
        replace(STG, httpd_down=None),
    ],
    ids=["failed", "another build", "it was there before", "a minor one", "nobody knows for how long"],
)
def test_a_run_that_was_something_else_is_no_forecast(past: Past) -> None:
    assert with_build([past], NEW) is None


def test_the_migration_is_the_last_one_that_ended_well() -> None:
    assert migration([ended(5.0), ended(21.0), ended(3.0, failed=True), ended(9.0, migrates=False)], "0123abcd") == 21.0
    assert migration([ended(5.0)], "89abcdef") is None
    assert migration([ended(None)], "0123abcd") is None


def test_what_to_expect_is_said_with_the_run_it_is_known_from() -> None:
    took = Took("stg", "httpd", "0123abcd", 37.2, 21.0)
    said = "on stg httpd was down for 37 s with this build, the migration took 21 s (run 0123abcd)"
    assert took.text == said
    assert replace(took, migration=None).text == said.replace(", the migration took 21 s", "")
    assert took.beside(41.0) == "httpd was down for 41 s; on stg, with the same build, for 37 s"
