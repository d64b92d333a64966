from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.journal.events import Span
from tasks.timeline.page import html, svg
from tasks.timeline.story import Bar

from .runs import (
    BEGAN,
    NEW,
    NEXT_MORNING,
    OF_THE_FIRST_VERSION,
    OLD,
    ONE,
    RESUMED,
    STOPPED,
    TWO,
    URL,
    begin,
    event,
    phase,
    tell,
)

START = BEGAN.timestamp()


def test_a_run_has_its_hosts_in_the_order_in_which_they_were_worked_on() -> None:
    assert tell([begin(order=[TWO, ONE])]).hosts == (TWO, ONE)


def test_a_step_takes_on_each_host_as_long_as_that_host_took() -> None:
    stop = [bar for bar in tell(STOPPED).bars if bar.step == "stop-httpd"]
    assert [(bar.host, bar.seconds, bar.state) for bar in stop] == [(ONE, 1.5, "done"), (TWO, 2.0, "done")]


def test_what_failed_is_told_with_its_reason() -> None:
    (failed,) = tell(STOPPED).failures
    assert (failed.host, failed.step, failed.failure) == (ONE, "upgrade-db", "exit status 1: no such table")


def test_a_phase_that_was_planned_and_not_reached_is_in_the_story() -> None:
    story = tell(STOPPED)
    assert [chapter.step for chapter in story.chapters] == ["stop-httpd", "upgrade-db", "start-httpd"]
    assert story.tries(story.chapters[2], ONE) == []


def test_a_resumed_run_ends_as_its_last_part_did_and_has_both_tries() -> None:
    story = tell(RESUMED)
    assert (story.how, story.code) == ("done", 0)
    assert [bar.state for bar in story.tries(story.chapters[1], ONE)] == ["failed", "done"]
    assert [(who, what) for _, who, what in story.people] == [("lbrabec@laptop", "begin"), ("kparal@desk", "resume")]


def test_what_the_users_saw_of_a_resumed_run_is_one_count_and_nothing_is_claimed_for_the_night_between() -> None:
    (seen,) = tell(RESUMED).users
    assert (seen.url, seen.requests, seen.failed, seen.longest) == (URL, 260, 130, 8.0)
    assert [span.seconds for span in seen.whiles] == [9, 18]
    assert seen.outages == (Span(START + 1.2, 7.0), Span(START + NEXT_MORNING, 8.0))


def test_w2_a_night_in_which_nobody_watched_is_no_outage_and_no_answer() -> None:
    left_down = [{**one, "httpd_still_down": True} if one.get("code") == 5 else one for one in RESUMED]
    (seen,) = tell(left_down).users
    assert seen.outages == (Span(START + 1.2, 7.0), Span(START + NEXT_MORNING, 8.0))
    assert seen.gaps == (Span(START + 9, NEXT_MORNING - 9.0),)
    assert seen.longest == 8.0


def test_w2_a_run_that_was_left_in_the_middle_is_not_told_to_have_left_httpd_up() -> None:
    story = tell([*STOPPED[:-1], event(9, "end", how="left at Ctrl-C", code=130, httpd_down=7.5, hosts={})])
    assert (story.httpd_down, story.httpd_still_down) == (7.5, None)


def test_an_outage_that_had_not_ended_lasts_until_the_watch_did() -> None:
    events = [{**one, "down": True} if one["event"] == "watched" else one for one in STOPPED]
    (seen,) = tell(events).users
    assert seen.down
    assert seen.outages[-1].ended == START + 9
    assert seen.longest == pytest.approx(7.8)


def test_a_wait_ended_when_it_was_written_down() -> None:
    (wait,) = tell(RESUMED).waits
    assert (wait.began - START, wait.seconds, wait.why) == (NEXT_MORNING + 8, 10, "until the balancer sees it back")


def test_a_run_that_was_killed_in_the_middle_of_a_step_has_no_end_and_the_step_none() -> None:
    story = tell([begin(), phase(1, 1, "stop-httpd", ONE, TWO)])
    assert story.how == ""
    assert [(bar.host, bar.state) for bar in story.bars] == [(ONE, "unknown"), (TWO, "unknown")]


@pytest.mark.parametrize(("name", "how"), [("abort", "aborted"), ("unlock", "unlocked")])
def test_a_run_that_was_given_up_ended_so(name: str, how: str) -> None:
    assert tell([*STOPPED, event(60, name, operator="kparal@desk", set="prod")]).how == how


def test_a_journal_of_the_first_version_is_told_too() -> None:
    story = tell(OF_THE_FIRST_VERSION)
    assert [(bar.step, bar.state, bar.seconds) for bar in story.bars] == [
        ("yum-update", "done", 1.25),
        ("healthy", "failed", 2.0),
    ]
    assert story.failures[0].failure == "answers 500"


def test_where_the_beginning_was_cut_off_the_rest_is_told() -> None:
    story = tell(STOPPED[1:])
    assert story.host_set == "prod"
    assert story.hosts == (ONE, TWO)
    assert len(story.bars) == 3


def test_before_and_after_are_the_builds_of_every_host() -> None:
    story = tell(STOPPED)
    assert story.before == {ONE: OLD, TWO: OLD}
    assert story.after == {ONE: NEW, TWO: NEW}


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 10**400, "soon", None, True, [], {}])
def test_a_time_that_cannot_be_is_no_time(seconds: object) -> None:
    strange = {"state": "done", "began": "yesterday", "seconds": seconds}
    events = [begin(), phase(1, 1, "stop-httpd", ONE), event(3, "ended", number=1, hosts={ONE: strange})]
    assert tell(events).bars == (Bar(START + 1, 2.0, ONE, 1, "stop-httpd", "done"),)


STRANGE: st.SearchStrategy[object] = st.sampled_from(
    [
        *(
            None,
            True,
            -1,
            10**400,
            float("nan"),
            "",
            "2026",
            "9999-12-31T23:59:59",
            "<",
            "\ud800",
            [],
            [[]],
            ["a", 1],
            {},
        ),
        *({ONE: None}, {ONE: []}, {ONE: {"seconds": "x", "began": 3}}, {"\x00": {}}, [["2026-11-25", 1e9]], [ONE, ONE]),
    ]
)
KEYS = st.sampled_from([*{key for one in RESUMED for key in one}])
EDITED = st.lists(
    st.builds(lambda one, more: {**one, **more}, st.sampled_from(RESUMED), st.dictionaries(KEYS, STRANGE, max_size=3)),
    max_size=8,
)


@settings(max_examples=40)
@given(EDITED)
def test_whatever_somebody_did_to_the_journal_there_is_a_page_and_a_picture(events: list[dict[str, object]]) -> None:
    story = tell(events)
    assert html(story).endswith("</html>\n")
    assert svg(story).rstrip().endswith("</svg>")
