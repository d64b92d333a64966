"""What status and a single step tell to type where no run holds the set and something is left to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.inventory.model import Host
from tasks.run.left_behind import down, left_behind, left_over
from tasks.sop.model import UNREACHED, Facts, Schema
from tasks.sop.nvr import Nvr
from tests.unit.builders import NEW, NEWER, OLD, ONE, TWO, found, nvr, prod, well

SET = prod(schema_status="alembic current")
THREE = Host(name="blockerbugs03.iad2.example", aliases=("blockerbugs03",))
DOWN = well(NEW, service="inactive", answers=None)
PENDING = replace(DOWN, schema=Schema.PENDING)
MIGRATED = replace(DOWN, previous_schema="aaa", revision="bbb")


def left(*facts: Facts, after: str = "") -> list[str]:
    """Line after line, without what only puts them below one another."""
    host_set = SET if len(facts) < 3 else prod(hosts=(ONE, TWO, THREE), schema_status="alembic current")
    text = left_behind(host_set, found(host_set, *facts), after=after)
    return [" ".join(line.split()) for line in text.splitlines()]


TO_NEW = "fab prod major-upgrade --version 1.1.0-1.el7 # all hosts to 1.1.0-1.el7"
MINOR_TO_NEW = TO_NEW.replace("major", "minor")


def test_where_all_is_well_or_nobody_answers_nothing_is_left() -> None:
    assert left(well()) == []
    assert left(UNREACHED) == []


def test_j2_where_the_newest_build_was_judged_bad_the_way_back_comes_first() -> None:
    half = found(SET, well(NEW, previous=OLD, previous_schema="aaa", revision="aaa"), well(OLD, revision="aaa"))
    back, up = ("fab prod rollback --version 1.0.0-1.el7", "fab prod minor-upgrade --version 1.1.0-1.el7")

    def lines(bad: Nvr | None) -> list[str]:
        return [line.split("  #")[0].removeprefix("  or: ").strip() for line in
                left_behind(SET, half, bad=bad).splitlines()]  # fmt: skip

    assert (lines(None), lines(OLD), lines(NEW)) == ([up, back], [up, back], [back, up])
    assert "# in spite of the verdict: all hosts to 1.1.0-1.el7" in left_behind(SET, half, bad=NEW)


def test_w2_a_host_of_which_nobody_can_tell_whether_httpd_runs_is_not_said_to_be_down_or_started() -> None:
    cannot_tell = well(NEW, service="unknown")
    assert (left(cannot_tell), down(SET, found(SET, cannot_tell))) == ([], [])


@pytest.mark.parametrize(
    ("facts", "lines"),
    [
        pytest.param([DOWN], ["fab prod start-httpd"], id="stopped"),
        pytest.param([well(NEW), DOWN], ["fab prod start-httpd"], id="one is stopped"),
        pytest.param([MIGRATED], ["fab prod sync start-httpd"], id="stopped, and migrated since the build before"),
        pytest.param(
            [PENDING],
            [TO_NEW, "or: fab prod upgrade-db sync start-httpd # by hand, step by step"],
            id="stopped, a migration wanted",
        ),
        pytest.param(
            [replace(PENDING, previous=OLD, previous_schema="1a0c9", revision="1a0c9")],
            [
                TO_NEW,
                "or: fab prod rollback --version 1.0.0-1.el7 # rolls back to the build that fits the database, "
                "if the build is still in the repo",
                "or: fab prod upgrade-db sync start-httpd # by hand, step by step",
            ],
            id="a migration wanted, and the database still at the schema of the build before",
        ),
        pytest.param(
            [replace(PENDING, previous=OLD, previous_schema="1a0c9", revision="2b7f3")],
            [TO_NEW, "or: fab prod upgrade-db sync start-httpd # by hand, step by step"],
            id="a migration wanted, and the database at neither schema",
        ),
        pytest.param(
            [well(NEW, schema=Schema.PENDING)],
            [TO_NEW, "or: fab prod stop-httpd upgrade-db sync start-httpd # by hand, step by step"],
            id="a migration is wanted and httpd runs",
        ),
        pytest.param([well(NEW), well(OLD)], [MINOR_TO_NEW], id="two builds"),
        pytest.param(
            [replace(DOWN, previous=OLD), well(OLD)],
            [MINOR_TO_NEW, "or: fab prod start-httpd # with the builds that are there"],
            id="two builds, one host stopped",
        ),
        pytest.param(
            [well(NEW, previous=OLD, schema=Schema.PENDING), well(OLD)],
            [
                TO_NEW,
                "or: fab prod stop-httpd yum-update --version 1.1.0-1.el7 upgrade-db sync start-httpd "
                "# by hand, step by step",
            ],
            id="two builds, a migration wanted",
        ),
        pytest.param(
            [replace(DOWN, schema=Schema.UNKNOWN), replace(DOWN, installed=OLD, schema=Schema.UNKNOWN)],
            [
                TO_NEW,
                "or: fab prod yum-update --version 1.1.0-1.el7 upgrade-db sync start-httpd # by hand, step by step",
            ],
            id="two builds, stopped, and nobody can tell whether a migration is wanted",
        ),
        pytest.param(
            [well(NEW, schema=Schema.UNKNOWN), well(OLD)],
            [MINOR_TO_NEW],
            id="two builds that serve, and nobody can tell whether a migration is wanted",
        ),
        pytest.param([replace(DOWN, installed=None)], ["fab prod start-httpd"], id="stopped, no build known"),
        pytest.param(
            [well(unfinished=True)],
            ["fab prod mend-rpm # mends what a cut-off rpm transaction left"],
            id="a transaction that was cut off",
        ),
        pytest.param(
            [well(), well(duplicates=(OLD, NEW))],
            ["fab prod mend-rpm # mends what a cut-off rpm transaction left"],
            id="a build twice on another host than the sync host",
        ),
    ],
)
def test_what_is_left(facts: list[Facts], lines: list[str]) -> None:
    assert left(*facts) == lines


@pytest.mark.parametrize(
    ("previous", "offered"),
    [
        pytest.param(
            OLD, ["or: fab prod rollback --version 1.0.0-1.el7 # rolls back if the build is still in the repo"]
        ),
        pytest.param(nvr("0.9.0"), []),
        pytest.param(None, []),
    ],
)
def test_half_upgraded_hosts_may_go_back_to_the_build_that_the_others_still_have(
    previous: Nvr | None, offered: list[str]
) -> None:
    assert left(replace(well(NEW), previous=previous), well(OLD)) == [MINOR_TO_NEW, *offered]
    assert left(well(NEW), replace(well(OLD), previous=previous)) == [MINOR_TO_NEW]


def test_of_three_builds_the_newest_one_tells_which_build_was_before() -> None:
    rollback = "or: fab prod rollback --version 1.0.0-1.el7 # rolls back if the build is still in the repo"
    assert left(well(NEWER, previous=OLD), well(NEW, previous=OLD), well(OLD))[1:] == [rollback]
    assert left(well(NEWER), well(NEW, previous=OLD), well(OLD))[1:] == []


def test_where_a_transaction_was_cut_off_too_that_is_mended_first() -> None:
    mend = "fab prod mend-rpm # mends what a cut-off rpm transaction left"
    assert left(replace(MIGRATED, unfinished=True)) == [mend, "or: fab prod sync start-httpd # by hand, step by step"]
    assert left(replace(PENDING, unfinished=True, paused="0123abcd"), PENDING) == [
        "fab prod abort # lets cron sync again",
        f"then: {mend}",
        f"or: {TO_NEW}",
        "or: fab prod upgrade-db sync start-httpd # by hand, step by step",
    ]


def test_c3_cron_that_an_ended_run_has_left_paused_comes_first() -> None:
    assert left(well(NEW, paused="0123abcd")) == ["fab prod abort # lets cron sync again"]
    assert left(replace(DOWN, paused="0123abcd")) == [
        "fab prod abort # lets cron sync again",
        "then: fab prod start-httpd",
    ]
    assert left(replace(PENDING, paused="0123abcd"), PENDING) == [
        "fab prod abort # lets cron sync again",
        f"then: {TO_NEW}",
        "or: fab prod upgrade-db sync start-httpd # by hand, step by step",
    ]


@pytest.mark.parametrize(
    ("facts", "lines"),
    [
        pytest.param(
            [PENDING, UNREACHED],
            [
                "fab prod major-upgrade --version 1.1.0-1.el7 # when blockerbugs02 can be reached again",
                "or: fab prod upgrade-db sync start-httpd # when blockerbugs02 can be reached again",
            ],
            id="a migration is wanted",
        ),
        pytest.param(
            [well(NEW, previous=OLD), well(OLD), UNREACHED],
            ["fab prod minor-upgrade --version 1.1.0-1.el7 # when blockerbugs03 can be reached again"],
            id="two builds on the others",
        ),
        pytest.param(
            [replace(DOWN, previous=OLD), well(OLD), UNREACHED],
            [
                "fab prod minor-upgrade --version 1.1.0-1.el7 # when blockerbugs03 can be reached again",
                "or: fab prod start-httpd # when blockerbugs03 can be reached again",
            ],
            id="two builds on the others, one of them stopped",
        ),
        pytest.param([DOWN, UNREACHED], ["fab -H blockerbugs01 start-httpd"], id="only httpd is to be started"),
        pytest.param(
            [DOWN, DOWN, UNREACHED],
            ["fab -H blockerbugs01,blockerbugs02 start-httpd"],
            id="only httpd is to be started on two",
        ),
        pytest.param(
            [MIGRATED, UNREACHED, UNREACHED],
            ["fab prod sync start-httpd # when blockerbugs02, blockerbugs03 can be reached again"],
            id="what works on the database, which wants all hosts there",
        ),
        pytest.param(
            [UNREACHED, DOWN],
            ["fab prod upgrade-db sync start-httpd # when blockerbugs01 can be reached again"],
            id="the sync host, which alone knows whether a migration is wanted",
        ),
    ],
)
def test_what_is_left_while_a_host_is_lost(facts: list[Facts], lines: list[str]) -> None:
    assert left(*facts) == lines


@pytest.mark.parametrize(
    ("after", "line"),
    [
        ("stop-httpd", "fab prod sync start-httpd"),
        ("upgrade-db", "fab prod sync start-httpd"),
        ("sync", "fab prod start-httpd"),
        ("start-httpd", "fab prod start-httpd"),
        ("no step of it", "fab prod sync start-httpd"),
    ],
)
def test_after_a_step_by_itself_the_steps_behind_it_are_left(after: str, line: str) -> None:
    assert left(MIGRATED, after=after) == [line]


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        pytest.param({"migrated": True}, "fab prod sync start-httpd", id="with this build: a sync has to check it"),
        pytest.param({"migrated": True, "migrated_with": OLD}, "fab prod start-httpd", id="with the build before"),
        pytest.param({"migrated": False}, "fab prod start-httpd", id="but it did not succeed"),
        pytest.param({"previous_schema": "aaa"}, "fab prod start-httpd", id="never: the schema is what it was"),
    ],
)
def test_a_sync_is_left_where_the_last_migration_was_done(facts: dict[str, Any], line: str) -> None:
    assert left(replace(DOWN, **{"migrated_with": NEW, **facts})) == [line]


def test_where_another_build_answers_than_is_installed_a_restart_is_the_line() -> None:
    facts = found(prod(), well(OLD, version=NEW.version), well(OLD))
    assert left_over(prod(), facts) == ["blockerbugs01 serves 1.1.0, but blockerbugs-1.0.0-1.el7 is installed"]
    assert left_behind(prod(), facts) == "fab -H blockerbugs01 restart-httpd  # loads the installed build"
