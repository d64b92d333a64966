from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tasks.journal.coding import read
from tasks.journal.downtime import downtime

NOON = datetime(2020, 11, 22, 12, tzinfo=UTC)
BOTH = ["one", "two"]


def at(seconds: float) -> str:
    return (NOON + timedelta(seconds=seconds)).isoformat()


def ended(step: str, state: str = "done", **hosts: tuple[float, float]) -> dict[str, Any]:
    """The step's `ended`: host → (began, seconds)."""
    rows = {host: {"state": state, "began": at(began), "seconds": took} for host, (began, took) in hosts.items()}
    return {"event": "ended", "step": step, "hosts": rows}


def begun(step: str, when: float, *hosts: str) -> dict[str, Any]:
    return {"event": "phase", "time": at(when), "step": step, "hosts": list(hosts)}


def down(*events: dict[str, Any], hosts: list[str] = BOTH, now: float = 100) -> float:
    return downtime(read(map(json.dumps, events)), hosts, NOON.timestamp() + now).seconds


def test_from_the_stop_to_the_start() -> None:
    assert down(ended("stop-httpd", one=(0, 1), two=(0, 2)), ended("start-httpd", one=(7, 1), two=(7, 2))) == 8


def test_while_one_serves_the_set_is_not_down() -> None:
    assert down(ended("restart-httpd", one=(0, 3)), ended("restart-httpd", two=(5, 3))) == 0
    assert down(ended("stop-httpd", one=(0, 1))) == 0


def test_a_set_of_one_is_down_while_it_restarts() -> None:
    assert down(ended("restart-httpd", one=(0, 3)), hosts=["one"]) == 3


def test_what_was_never_started_again_is_down_until_now() -> None:
    assert down(ended("stop-httpd", one=(10, 1), two=(20, 1))) == 80


def test_a_start_whose_end_nobody_saw_is_over_when_the_host_was_healthy() -> None:
    seen = [begun("stop-httpd", 0, *BOTH), begun("start-httpd", 50, *BOTH), ended("healthy", one=(60, 1), two=(60, 2))]
    assert down(*seen) == 61


def test_a_stop_that_failed_stopped_nothing() -> None:
    assert down(begun("stop-httpd", 0, "one"), ended("stop-httpd", "failed", one=(1, 1)), hosts=["one"]) == 0


def test_a_stop_of_which_nobody_knows_counts() -> None:
    assert down(ended("stop-httpd", "unknown", one=(40, 1)), hosts=["one"]) == 60


def test_a_restart_that_failed_leaves_it_down() -> None:
    assert down(ended("restart-httpd", "failed", one=(40, 1)), hosts=["one"]) == 60


def test_a_set_without_httpd_is_never_down() -> None:
    assert down(ended("stop-httpd", one=(0, 1)), hosts=[]) == 0


def test_a_set_on_which_httpd_did_not_run_at_the_start_was_down_from_the_start() -> None:
    begin = {"event": "begin", "time": at(0), "down": BOTH}
    assert down(begin, ended("restart-httpd", one=(10, 2)), ended("restart-httpd", two=(20, 2))) == 12


def test_a_start_by_the_last_look_at_the_start_ends_it_and_a_stop_of_what_is_stopped_is_no_second_one() -> None:
    begin = {"event": "begin", "time": at(0), "down": ["one"]}
    stop = [begun("stop-httpd", 5, "one"), ended("stop-httpd", "failed", one=(5, 1))]
    assert down(begin, *stop, ended("healthy", one=(30, 1)), hosts=["one"]) == 31


def test_one_host_that_was_down_at_the_start_takes_the_set_down_while_the_other_restarts() -> None:
    begin = {"event": "begin", "time": at(0), "down": ["two"]}
    assert down(begin, ended("restart-httpd", one=(10, 2)), ended("restart-httpd", two=(20, 2))) == 2


def test_an_old_journal_that_does_not_say_who_was_down_tells_what_the_run_has_stopped() -> None:
    begin = {"event": "begin", "time": at(0), "hosts": {"one": "x"}}
    assert down(begin, ended("restart-httpd", one=(10, 2)), hosts=["one"]) == 2


_one: st.SearchStrategy[Any] = st.sampled_from([None, True, 3, -1e300, "", "one", at(0), {}, [], ["one"], {"one": {}}])
_outcome = st.dictionaries(st.sampled_from(["began", "state", "seconds"]), _one)
_scraps = _one | st.dictionaries(st.sampled_from(["one", "two"]), _one | _outcome)
_edited = st.fixed_dictionaries(
    {"event": st.sampled_from(["phase", "ended"])},
    optional={"step": st.sampled_from(["stop-httpd", "healthy"]) | _scraps, "hosts": _scraps, "time": _scraps},
)


@given(st.lists(_edited, max_size=4))
def test_a_journal_that_was_edited_by_hand_is_no_reason_to_fail(events: list[dict[str, Any]]) -> None:
    assert down(*events, hosts=["one"]) >= 0


def test_what_has_no_time_says_nothing() -> None:
    assert down({"event": "phase", "time": "yesterday", "step": "stop-httpd", "hosts": ["one"]}, hosts=["one"]) == 0
