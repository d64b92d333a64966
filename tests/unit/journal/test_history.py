from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.fleet.output import clean
from tasks.inventory.model import App
from tasks.journal import history as past_runs
from tasks.journal.coding import Entry, read
from tasks.journal.history import Past
from tasks.report.tables import history
from tasks.sop import kept

from ..builders import NEW, OLD, Shell, nvr

Event = dict[str, Any]


def at(minute: int, event: str, run: str = "aaaaaaaa", **more: Any) -> Event:
    return {"time": f"2020-11-22T12:{minute:02d}:00.000+00:00", "run": run, "event": event, "set": "prod", **more}


def entries(events: Iterable[Event]) -> list[Entry]:
    return read(json.dumps(event) for event in events)


def runs(events: Iterable[Event], set_name: str, holder: str | None = None) -> list[Past]:
    return past_runs.runs([entries(events)], set_name, holder)


BEGIN = at(0, "begin", operator="alice@one", procedure="minor-upgrade", hosts={"a": str(OLD), "b": str(OLD)})
END = at(1, "end", how="done", code=0, seconds=9.5, httpd_down=0.0, hosts={"a": str(NEW), "b": str(NEW)})


def test_a_run_is_told_from_its_begin_and_its_end() -> None:
    (past,) = runs([BEGIN, END], "prod")
    assert (past.who, past.what, past.before, past.after) == (("alice@one",), "minor-upgrade", (OLD,), (NEW,))
    assert (past.how, past.well, past.httpd_down, past.seconds) == ("done", True, 0.0, 9.5)
    assert past.began == datetime(2020, 11, 22, 12, tzinfo=UTC).timestamp()


def test_what_two_journals_have_counts_once() -> None:
    both = [entries([BEGIN, END])] * 2
    assert past_runs.runs(both, "prod") == runs([BEGIN, END], "prod")


def test_runs_of_other_sets_are_not_told() -> None:
    assert runs([{**BEGIN, "set": "stg"}, END], "prod") == []


def test_runs_of_another_application_on_a_set_of_the_same_name_are_not_told() -> None:
    unknown = at(2, "begin", "bbbbbbbb", operator="bob@two", procedure="minor-upgrade", hosts={})
    found = past_runs.runs([entries([BEGIN, END, unknown])], "prod", package="kittens")
    assert [past.run for past in found] == ["bbbbbbbb"]  # no build is known of it
    assert len(past_runs.runs([entries([BEGIN, END])], "prod", package=OLD.name)) == 1
    drain = [at(0, "begin", "cccccccc", procedure="drain"), at(1, "end", "cccccccc", how="done", hosts={"a": str(OLD)})]
    assert past_runs.runs([entries(drain)], "prod", package="kittens") == []


def test_the_oldest_comes_first_in_whatever_order_they_were_found() -> None:
    later = at(30, "begin", "bbbbbbbb", procedure="rollback")
    assert [past.run for past in runs([later, BEGIN], "prod")] == ["aaaaaaaa", "bbbbbbbb"]


def test_everybody_who_had_a_hand_in_it_is_named() -> None:
    (past,) = runs([BEGIN, at(5, "resume", operator="bob@two"), at(6, "end", how="done")], "prod")
    assert past.who == ("alice@one", "bob@two")


def test_a_run_without_an_end_is_told_as_one_and_whether_it_holds_the_set() -> None:
    assert runs([BEGIN], "prod", holder="aaaaaaaa")[0].how == "unfinished: running, or client lost, lock kept"


def test_a_run_that_was_resumed_and_lost_again_has_no_end() -> None:
    half_way = at(2, "end", how="stopped half-way")
    assert runs([BEGIN, half_way, at(5, "resume")], "prod")[0].how.startswith("unfinished")


def test_a_run_that_was_given_up_is_told_so() -> None:
    assert runs([BEGIN, at(2, "end", how="stopped half-way"), at(3, "abort")], "prod")[0].how == "aborted"
    assert runs([BEGIN, at(3, "unlock")], "prod")[0].how == "unlocked"


def test_w5_the_order_is_the_journals_where_the_clock_was_set_back_in_mid_run() -> None:
    (past,) = runs([at(30, "begin", operator="alice@one", procedure="minor-upgrade"), at(2, "end", how="done")], "prod")
    assert (past.how, past.well) == ("done", True)


def test_w5_what_two_clients_wrote_is_told_in_the_order_in_which_they_did() -> None:
    here = [BEGIN, at(2, "end", how="left at SIGTERM")]
    there = [BEGIN, at(5, "resume", operator="bob@two"), at(6, "end", how="done")]
    for journals in ([here, there], [there, here]):
        (past,) = past_runs.runs([entries(one) for one in journals], "prod")
        assert (past.who, past.how) == (("alice@one", "bob@two"), "done")


def test_w5_what_stands_in_both_journals_keeps_its_place_in_each_whatever_the_clocks_said() -> None:
    here = [at(30, "begin"), at(50, "resume"), at(1, "end", how="done")]
    there = [at(30, "begin"), at(1, "end", how="done")]
    for journals in ([here, there], [there, here]):
        assert past_runs.runs([entries(one) for one in journals], "prod")[0].how == "done"


def test_w5_of_what_has_no_time_the_journal_that_was_read_first_comes_first() -> None:
    begin = {**at(0, "begin"), "time": "t"}
    here, there = [begin, {**at(0, "resume"), "time": "t"}], [begin, {**at(0, "end", how="done"), "time": "t"}]
    assert past_runs.runs([entries(here), entries(there)], "prod")[0].how == "done"
    assert past_runs.runs([entries(there), entries(here)], "prod")[0].how.startswith("unfinished")


def test_o2_a_run_that_was_taken_over_is_told_so_until_its_new_driver_writes() -> None:
    events = [BEGIN, at(2, "taken-over", why="bob@two took over")]
    (past,) = runs(events, "prod")
    assert (past.how, past.well, past.seconds) == ("taken over", False, None)
    assert runs([*events, at(3, "resume"), at(4, "end", how="done")], "prod")[0].how == "done"


def test_a_run_that_was_resumed_and_ended_in_the_same_instant_took_no_time() -> None:
    assert runs([BEGIN, at(0, "resume"), at(0, "end", how="done", seconds=9.0)], "prod")[0].seconds == 0
    assert runs([at(5, "begin"), at(5, "resume"), at(4, "end", how="done", seconds=9.0)], "prod")[0].seconds is None


def test_w2_a_run_whose_client_was_lost_and_that_was_aborted_was_down_for_at_least_so_long() -> None:
    (past,) = runs([BEGIN, at(3, "abort", operator="bob@two", httpd_down=42.0, httpd_still_down=True)], "prod")
    assert (past.how, past.httpd_down, past.still_down) == ("aborted", 42.0, True)


def test_a_journal_of_before_that_knows_no_downtime_is_read_all_the_same() -> None:
    (past,) = runs([BEGIN, at(1, "end", how="done", seconds=3)], "prod")
    assert (past.httpd_down, past.after) == (None, ())


def test_a_resumed_run_took_from_its_begin_to_its_last_end() -> None:
    half_way = at(1, "end", how="stopped half-way", seconds=60.0)
    (past,) = runs([BEGIN, half_way, at(30, "resume"), at(31, "end", how="done", seconds=55.0)], "prod")
    assert past.seconds == 31 * 60


@pytest.mark.parametrize(("steps", "down"), [(["sync"], None), (["start-httpd"], None), (["stop-httpd"], 4.5)])
def test_httpd_was_down_only_in_a_run_that_stops_it(steps: list[str], down: float | None) -> None:
    begin = {**BEGIN, "steps": [[step, "a", "b"] for step in steps]}
    (past,) = runs([begin, at(1, "end", how="done", httpd_down=4.5)], "prod")
    assert past.stops_httpd == bool(down)


def test_httpd_that_is_down_at_the_end_was_down_for_longer_than_that() -> None:
    (past,) = runs([BEGIN, at(1, "end", how="stopped half-way", httpd_down=6.2, httpd_still_down=True)], "prod")
    assert past.still_down
    wide, narrow, *_ = history([past], "->")
    for one in (wide, narrow):
        (row,) = (next(iter(column.cells)) for column in one.columns if column.header == "down")
        assert row == "> 6.2 s"


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (("1.0.1",), "1.0.0 -> 1.0.1"),
        (("1.0.0-2.el7",), "1.0.0-1.el7 -> 1.0.0-2.el7"),
        (("1.0.0", "1.0.1"), "1.0.0 -> 1.0.0, 1.0.1"),
        (("1.0.0",), "1.0.0"),
    ],
    ids=["another", "only packaged again", "on some hosts", "none"],
)
def test_on_a_narrow_terminal_history_has_versions_and_releases_only_where_they_tell(
    after: tuple[str, ...], told: str
) -> None:
    builds = tuple(map(nvr, after))
    past = Past("abcd", None, (), "minor-upgrade", (nvr("1.0.0"),), builds, "done", True, True, None, False, 1)
    (row,) = (next(iter(c.cells)) for c in history([past], "->")[1].columns if c.header == "from -> to")
    assert row == told


_odd: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 3.5, "", "x", [], {}, {"a": None}, "2020-11-22T12:00:00.000+00:00"]
)
_edited = st.fixed_dictionaries(
    {"event": st.sampled_from(["begin", "end", "abort", "phase", "resume"]), "run": _odd | st.just("aaaaaaaa")},
    optional=dict.fromkeys(("time", "operator", "procedure", "hosts", "how", "seconds", "httpd_down", "steps"), _odd),
)


@given(st.lists(_edited.map(lambda event: {"time": "t", "set": "prod", **event}), max_size=4))
def test_a_journal_that_was_edited_by_hand_is_no_reason_to_fail(events: list[Event]) -> None:
    assert len(runs(events, "prod")) <= len(events)


def test_the_sync_host_tells_the_latest_runs_and_who_holds_the_set(tmp_path: Path) -> None:
    shell, app = Shell(tmp_path), App(root=str(tmp_path))
    root = f"{tmp_path}{kept.folder(app)}"
    for run in ("aaaaaaaa", "bbbbbbbb"):
        lines = [at(0, "begin", run, why="x" * 50_000), at(1, "phase", run), at(2, "end", run)]
        shell.file(f"{kept.folder(app)}/{run}/journal.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    shell.file(f"{kept.folder(app)}/lock", '{"run": "bbbbbbbb"}\n')
    shell.file(f"{kept.folder(app)}/not-a-run/journal.jsonl", '{"event": "begin"}\n')
    said = kept.said("\n".join(map(clean, shell.run(kept.history(app, 5)).stdout.splitlines())))
    assert said[0] == 'lock\t{"run": "bbbbbbbb"}', root
    assert sorted((event.run, event.raw["event"]) for event in read(said)) == [
        (run, event) for run in ("aaaaaaaa", "bbbbbbbb") for event in ("begin", "end")
    ]
    assert len({event.run for event in read(kept.said(shell.run(kept.history(app, 1)).stdout))}) == 1


def test_a_host_without_any_run_tells_none(tmp_path: Path) -> None:
    assert kept.said(Shell(tmp_path).run(kept.history(App(root=str(tmp_path)), 5)).stdout) == []


def test_a_copy_that_is_not_there_has_no_lines(tmp_path: Path) -> None:
    assert kept.said(Shell(tmp_path).run(kept.journal_of(App(root=str(tmp_path)), "aaaaaaaa")).stdout) == []
