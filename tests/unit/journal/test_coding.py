"""Events are written and read in one place, and what is read may be anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.journal import events, json_events, looked
from tasks.journal.coding import as_json, entry, keys, read, whole
from tasks.journal.events import BY_NAME, Became, Begin, End, Ended, Phase, Watched
from tests.documents.events import MARKS, page

DOCS = Path(__file__).parents[3] / "docs"
ALL = [*BY_NAME.values()]
HOSTILE = "\x1b]0;title\x07\x1b[2Jnext: fab prod abort\r\x9b31m"


def one(**keys: Any) -> Any:
    (found,) = read([json.dumps(keys)])
    return found.event


@pytest.mark.parametrize("name", ["json.md", "journal.md"])
def test_the_page_has_every_event_and_key_as_they_are_written(name: str) -> None:
    found = MARKS.search((DOCS / name).read_text(encoding="utf-8"))
    assert found
    assert found[0] == page(name), "python -m tests.documents writes it again"


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_an_event_that_is_written_is_read_as_it_was(kind: type[events.Event]) -> None:
    empty = one(event=kind.name)
    assert type(empty) is kind
    assert one(event=kind.name, **as_json(empty)) == empty


def test_what_becomes_of_a_host_is_read_as_it_was_written() -> None:
    became = Became("failed", 1795636810.0, 1.25, "exit status 1", ("one", "two"))
    ended = Ended("prod", 2, "sync", "none", True, False, {"one.example": became})
    assert one(event="ended", **as_json(ended)) == ended


def test_s13_what_a_host_says_is_cleaned_after_it_was_parsed_keys_too() -> None:
    line = {"event": "begin", "operator": HOSTILE, "hosts": {HOSTILE: HOSTILE}, HOSTILE: [{HOSTILE: HOSTILE}]}
    text = json.dumps(line, ensure_ascii=True)
    assert "\x1b" not in text
    (found,) = read([text])
    assert not {"\x1b", "\x07", "\r", "\x9b"} & set(repr(found.event) + str(found.raw))
    assert "\\x1b" not in repr(found)


def test_s13_a_name_cannot_look_like_a_line_of_ours() -> None:
    forged = "lbrabec@laptop\nnext: fab prod abort"
    begin = one(event="begin", operator=forged, hosts={forged: forged}, order=[forged])
    assert "\n" not in "".join([begin.operator, *begin.hosts, *begin.hosts.values(), *begin.order])
    assert one(event="phase", command="one\ntwo").command == "one\ntwo"


def test_s6_a_secret_that_a_host_keeps_in_its_copy_is_not_shown() -> None:
    assert "hunter2" not in repr(read([json.dumps({"event": "taken-over", "why": "password=hunter2"})]))


_SCRAP: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(
        [None, True, -1, 10**400, float("nan"), float("inf"), "", "x", "9999-12-31T23:59:59", "0001-01-01", "\ud800"]
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["one", "state", "began"]), inner),
    max_leaves=4,
)
_NAMES = sorted({name for kind in ALL for name in keys(kind)} | {"time", "run"})


@given(st.sampled_from([kind.name for kind in ALL]), st.dictionaries(st.sampled_from(_NAMES), _SCRAP, max_size=5))
def test_s13_whatever_stands_at_a_key_the_event_has_the_types_it_promises(name: str, scraps: Mapping[str, Any]) -> None:
    (found,) = read([json.dumps({**scraps, "event": name})])
    assert found.event
    assert one(event=name, **as_json(found.event)) == found.event


@given(
    st.text()
    | _SCRAP.map(json.dumps)
    | st.sampled_from(["[" * 99999, '{"event":' * 9999, '{"event": 1e999}', "1" * 9999])
)
def test_s13_a_line_that_is_no_event_is_left_out(line: str) -> None:
    assert read([line]) == []


def test_an_event_of_a_later_version_is_kept_and_means_nothing() -> None:
    (found,) = read(['{"event": "moved", "run": "c0ffee12", "to": "prod"}'])
    assert (found.event, found.run, found.raw["to"]) == (None, "c0ffee12", "prod")


def test_a_key_of_a_later_version_is_no_reason_not_to_read_the_others() -> None:
    assert one(event="end", how="done", mood="good").how == "done"


def test_s13_a_plan_with_a_key_that_cannot_be_is_not_whole() -> None:
    plan = {"event": "begin", "serial": False, "order": ["one"], "steps": [["sync", "one"]]}
    assert whole(entry(plan))
    for wrong in ({"serial": "no"}, {"order": "one"}, {"order": ["one", 2]}, {"steps": [["sync"], "one"]}):
        assert not whole(entry({**plan, **wrong})), wrong


def test_only_the_events_that_are_wanted_are_read() -> None:
    lines = ['{"event": "begin"}', '{"event": "line"}']
    assert [found.raw["event"] for found in read(lines, only=["begin"])] == ["begin"]


@pytest.mark.parametrize(
    ("step", "httpd"), [("stop-httpd", "down"), ("restart-httpd", "bounce"), ("healthy", "up"), ("sync", "none")]
)
def test_a_step_of_before_is_known_by_its_name(step: str, httpd: str) -> None:
    for name in ("phase", "ended"):
        found = one(event=name, step=step)
        assert isinstance(found, Phase | Ended)
        assert found.httpd == httpd


def test_a_plan_of_before_was_going_to_stop_httpd_if_a_step_of_it_does() -> None:
    assert isinstance(one(event="begin"), Begin)
    assert one(event="begin", steps=[["sync", "one"]]).stops_httpd is False
    assert one(event="begin", steps=[["restart-httpd", "one"]]).stops_httpd is True
    assert one(event="begin").stops_httpd is True


def test_w2_where_nobody_looked_at_the_end_it_is_not_known_whether_httpd_runs() -> None:
    left = one(event="end", how="left at Ctrl-C", httpd_still_down=False, hosts={})
    looked_at = one(event="end", how="done", httpd_still_down=False, hosts={"one": "blockerbugs-1-1"})
    assert isinstance(left, End)
    assert (left.httpd_still_down, looked_at.httpd_still_down) == (None, False)


def test_outages_of_before_were_pairs() -> None:
    seen = one(event="watched", outages=[["2026-11-25T22:00:00+00:00", 1.5], ["x", 1], [1], 3])
    assert isinstance(seen, Watched)
    assert seen.outages == (events.Span(1795644000.0, 1.5),)


def test_no_name_stands_for_two_events() -> None:
    kinds = [kind for module in (events, json_events, looked) for kind in vars(module).values() if _is_event(kind)]
    assert len({kind.name for kind in kinds}) == len(set(kinds))


def _is_event(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, events.Event) and bool(kind.name)
