"""What an operator is told of a set that is locked, and what stands in the file that is its lock."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest

from tasks.inventory.model import Host
from tasks.run.lock_file import Lock, doing, read_lock
from tasks.run.locked import V0_1, holder, locked_by, taken_over
from tests.unit.builders import NEW, ONE, TWO, found, prod, well

SET = prod()
LOCK = Lock("0a1b2c3d", "bob@desk", "2026-11-26T05:00:00+00:00", "sync")
OUR_ROOT = "/var/lib/blockerbugs-upgrade"


# Who has it?


def test_o1_a_set_whose_hosts_have_no_lock_is_free() -> None:
    assert holder(SET, found(SET, well())) is None
    assert holder(SET, found(SET, well(open=(("0a1b2c3d", ONE.name), ("deadbeef", TWO.name))))) is None


def test_o1_the_sync_hosts_lock_counts_first_and_any_other_hosts_too() -> None:
    second = prod(sync_host=TWO.name)
    assert holder(second, found(second, well(lock="one"), well(lock="two"))) == (TWO, "two")
    assert holder(SET, found(SET, well(), well(lock="two"))) == (TWO, "two")
    assert holder(SET, {TWO: well(lock="two")}) == (TWO, "two")
    assert holder(SET, found(SET, well(), well(lock=""))) == (TWO, "")


def test_o4_a_run_whose_lock_is_on_a_host_that_hosts_yml_does_not_have_holds_the_set() -> None:
    away = well(open=(("0a1b2c3d", "old.example"),))
    assert holder(SET, found(SET, well(), away)) == (TWO, "elsewhere 0a1b2c3d old.example")
    assert holder(SET, found(SET, well(lock="one"), away)) == (ONE, "one")


# What is told


def told(text: str, host: Host = ONE) -> tuple[tuple[str, ...], str | None]:
    error = locked_by(host, text, SET)
    return error.problems, error.next_line


def test_o1_who_finds_the_set_locked_is_told_by_whom_and_the_three_ways_out() -> None:
    (problem,), next_line = told(LOCK.text)
    assert problem == f"prod is held by {LOCK}"
    assert (next_line or "").splitlines() == [
        "fab prod status  # is it still at work?",
        "  or: fab prod resume  # takes over the run; bob@desk's client starts no further steps",
        "  or: fab prod abort   # ends it, and frees the set",
    ]


def test_o1_a_lock_on_another_host_than_the_sync_host_is_another_hosts_ymls() -> None:
    assert told(LOCK.text, TWO) == (
        (
            f"prod is held by {LOCK}",
            "its lock is on blockerbugs02, not on blockerbugs01: the run used another sync_host",
        ),
        "fab prod resume  # after you set sync_host: blockerbugs02 in hosts.yml again\n"
        "  or: fab prod abort   # the same",
    )


def test_o1_a_lock_of_version_0_1_is_ended_with_that_version() -> None:
    assert told(f"earlier {LOCK.text}") == (
        (
            f"prod is held by {LOCK}",
            f"blockerbugs01: version 0.1 of this tool started the run (state in {OUR_ROOT}); "
            "only that version can end it",
        ),
        f"git checkout {V0_1} && fab prod resume",
    )


def test_o4_a_run_whose_sync_host_is_gone_is_forgotten_with_the_line_that_does_it() -> None:
    assert told("elsewhere 0a1b2c3d old.example", TWO) == (
        (
            "prod: run 0a1b2c3d is unfinished on blockerbugs02; its lock is on old.example",
            "old.example is not in prod in hosts.yml: add it. If it is permanently gone, the next line discards the "
            "run",
        ),
        f"ssh -t {TWO.name} sudo touch {OUR_ROOT}/0a1b2c3d/ended",
    )


@pytest.mark.parametrize("text", ["", "somebody's", "earlier ", "earlier x", "[]", '{"run": "0a1b2c3d"}'])
def test_o1_what_is_no_lock_of_ours_is_told_with_where_it_lies(text: str) -> None:
    assert told(text) == (
        (f"prod: {OUR_ROOT}/lock on blockerbugs01 is not a lock of this tool",),
        f"ssh -t {ONE.name} sudo cat {OUR_ROOT}/lock  # remove it if nobody needs it",
    )


@pytest.mark.parametrize(
    ("driver", "who"), [("bob@desk (0a1b2c3d)", "bob@desk"), ("bob (b) (0a)", "bob (b)"), ("", "somebody else")]
)
def test_o2_who_was_taken_over_is_told_by_whom(driver: str, who: str) -> None:
    error = taken_over(SET, "0123abcd", driver, "sync was done on blockerbugs01")
    assert error.problems == (
        f"prod: {who} took over run 0123abcd and will resume or abort it",
        "sync was done on blockerbugs01",
    )
    assert error.next_line == "fab prod status"


# The file


def test_a_lock_is_read_as_it_was_written() -> None:
    assert read_lock(LOCK.text) == LOCK


@pytest.mark.parametrize("changes", [{"run": "0A1B2C3D"}, {"run": "0a1b2c3d4"}, {"doing": 5}, {"more": "x"}])
def test_s13_a_lock_that_was_edited_is_none(changes: dict[str, object]) -> None:
    assert read_lock(json.dumps({**asdict(LOCK), **changes})) is None


def test_S10_a_lock_is_shown_on_one_line_and_without_escapes() -> None:
    evil = replace(LOCK, operator="bob\u001b[2J\n  on \t desk")
    shown = str(read_lock(evil.text))
    assert "\u001b" not in shown
    assert "\n" not in shown
    assert shown.startswith("bob")
    assert "on desk, since" in shown


def test_what_a_lock_is_for_is_the_task_and_the_build() -> None:
    assert doing("minor-upgrade", NEW) == "minor-upgrade blockerbugs-1.1.0-1.el7"
    assert doing("sync", None) == "sync"


@pytest.mark.parametrize(
    ("seconds", "age"),
    [
        (-300, "just now"),
        (0.5, "just now"),
        (1.5, "2 s ago"),
        (58, "58 s ago"),
        (61, "1 min ago"),
        (7100, "118 min ago"),
        (7300, "2 h ago"),
        (100_000, "28 h ago"),
    ],
)
def test_how_old_a_lock_is(seconds: float, age: str) -> None:
    assert replace(LOCK, since=(datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()).age == age


@pytest.mark.parametrize("since", ["yesterday", "", "2026-11-26T05:00:00"])
def test_a_lock_whose_time_is_none_or_of_no_zone_has_no_age(since: str) -> None:
    assert replace(LOCK, since=since).age == "age unknown"


def test_a_lock_says_who_since_when_on_this_machines_clock_and_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "TZ", "UTC-2")
    time.tzset()
    try:
        said = str(LOCK)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert said == f"bob@desk, since 2026-11-26 07:00:00 ({LOCK.age}): sync, run 0a1b2c3d"
    assert str(replace(LOCK, since="yesterday")) == "bob@desk, since yesterday (age unknown): sync, run 0a1b2c3d"
