from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from tasks.timeline.page import html, svg

from .runs import ONE, RESUMED, STOPPED, TWO, URL, at, begin, ended, event, host, phase, tell

EVIL = "<script>alert('&')</script>\"><img src=//evil.example/>"


class Reader(HTMLParser):
    """What a browser would make of the page: its elements, their attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def shown(events: list[dict[str, Any]]) -> Reader:
    return Reader(html(tell(events)))


def test_every_element_is_closed() -> None:
    assert shown(RESUMED).open == []


def test_the_page_has_no_script_and_asks_for_nothing() -> None:
    page = shown(RESUMED)
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(page.tags)
    assert not {"src", "href", "action", "style"} & {name for name, _ in page.attributes}
    assert "url(" not in "".join(page.words)
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes


@pytest.mark.parametrize("where", ["output", "failure", "command", "reason", "host", "step", "url", "who", "run"])
def test_S10_what_a_host_or_a_person_says_is_text_and_nothing_else(where: str) -> None:
    evil = {where: EVIL}
    name = evil.get("host", ONE)
    told = host("failed", 1, 1.0, evil.get("failure", "exit status 1"), evil.get("output", ""))
    events = [
        begin(order=[name], unverified=evil.get("reason"), operator=evil.get("who")),
        phase(1, 1, evil.get("step", "sync"), name, command=evil.get("command", "")),
        event(2, "ended", number=1, step=evil.get("step", "sync"), hosts={name: told}),
        event(3, "watched", url=evil.get("url", URL), requests=1, failed=0, longest=0, outages=[]),
    ]
    events = [{**one, "run": evil.get("run", "abcd")} for one in events]
    page = shown(events)
    assert not {"script", "img"} & set(page.tags)
    assert EVIL in page.text
    assert EVIL in "".join(ElementTree.fromstring(svg(tell(events))).itertext()) or where in (
        *("output", "command", "reason", "who", "run"),
    )


def test_the_page_says_what_happened_from_the_first_line_to_the_last() -> None:
    text = shown(RESUMED).text
    for said in (
        "prod: major upgrade to blockerbugs-1.1.0-1.el7",
        "Done (exit code 0)",
        "2026-11-25 22:00:00 UTC, 9 h 0 min",
        "By lbrabec@laptop",
        "Resumed by kparal@desk, 2026-11-26 07:00:00 UTC",
        "Build blockerbugs-1.0.0-1.el7 → blockerbugs-1.1.0-1.el7",
        f"{URL}: 260 requests, 130 failed, longest outage 8.0 s",
        f"{ONE} : upgrade-db, 2026-11-25 22:00:08 UTC; done at a later try",
        "5.0 s, at try 2",
        "10 s until the balancer sees it back",
        "service httpd stop",
        "Stopping httpd",
    ):
        assert said in text


def test_a_run_that_stopped_half_way_shows_what_was_not_reached() -> None:
    page = shown(STOPPED)
    assert "Stopped half-way (exit code 5)" in page.text
    assert page.text.count("not reached") == 2
    assert "httpd was down 7.5 s" in page.text


def test_a_run_without_an_end_is_not_called_one_that_went_well() -> None:
    page = html(tell([begin(), phase(1, 1, "stop-httpd", ONE)]))
    assert "No end was written: the run goes on, or fab was killed" in page
    assert 'class="end bad"' in page


def test_what_stood_around_the_run_is_on_the_page_and_what_could_not_be_undone() -> None:
    of: dict[str, Any] = {"set": "prod", "part": "silence", "seconds": 0.1}
    began = event(1, "around", **of, what="begin", expires=900, failure=None)
    page = shown([begin(), began, event(9, "around", **of, what="end", expires=None, failure="it is <away>")])
    assert "Around the run 2026-11-25 22:00:01 UTC: silence: begun, ends by itself in 15 min" in page.text
    assert "22:00:09 UTC: silence could not be undone (it is <away>)" in page.text


def test_why_a_build_was_not_verified_is_on_the_page() -> None:
    assert "Unverified, because stg is being restored" in shown([begin(unverified="stg is being restored")]).text


def test_commands_and_output_are_folded() -> None:
    assert shown(RESUMED).tags.count("details") == 3


def test_the_picture_tells_in_words_what_it_shows() -> None:
    picture = ElementTree.fromstring(svg(tell(STOPPED)))
    assert picture.get("role") == "img"
    assert picture.get("aria-label") == (
        "prod: major upgrade to blockerbugs-1.1.0-1.el7. 3 phases on 2 hosts, 9.0 s in all, "
        f"upgrade-db failed on {ONE}, {URL}: 1 outage, 7.0 s the longest."
    )


def test_each_host_has_a_lane_and_each_step_a_box_in_it() -> None:
    picture = ElementTree.fromstring(svg(tell(RESUMED)))
    texts = ["".join(text.itertext()) for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {ONE, TWO, f"{URL}, as its users saw it", "waits"} <= set(texts)
    boxes = [group.get("class") for group in picture.iter("{http://www.w3.org/2000/svg}g")]
    assert boxes.count("box done") == 5
    assert boxes.count("box failed") == 1
    assert boxes.count("box outage") == 2


def test_a_node_has_a_lane_of_its_own_answers_and_its_restart_is_no_outage() -> None:
    node: dict[str, Any] = {"host": ONE, "url": "http://one.example/", "requests": 30, "failed": 3, "longest": 1.0}
    hidden: dict[str, Any] = {"host": TWO, "url": "http://two.example/", "requests": 2, "failed": 2, "longest": 10.0}
    seen = [event(9, "watched", **node, outages=[[at(2), 1.0]]), event(9, "watched", **hidden, outages=[[at(0), 10.0]])]
    story = tell([*STOPPED[:-1], *seen, STOPPED[-1]])
    picture = svg(story)
    assert f"{ONE}, as it answered" in picture
    assert f"{TWO}, as it answered" not in picture
    assert picture.count('class="box away"') == 1
    assert picture.count('class="band"') == 1
    page = html(story)
    assert f"{ONE}: 30 requests, away for 1.0 s" in page
    assert f"{TWO}: 2 requests, no answer while it was watched: not reachable from where fab ran" in page


def test_a_night_in_which_nothing_happened_takes_little_room() -> None:
    picture = svg(tell(RESUMED))
    assert "8 h 59 min without an event" in picture
    widths = [float(width) for width in re.findall(r'<rect x="[\d.]+" y="[\d.]+" width="([\d.]+)"', picture)]
    assert max(widths) > 100


def test_no_box_leaves_the_picture() -> None:
    picture = ElementTree.fromstring(svg(tell(RESUMED)))
    width = float((picture.get("viewBox") or "").split()[2])
    for box in picture.iter("{http://www.w3.org/2000/svg}rect"):
        assert float(box.get("x", 0)) + float(box.get("width", 0)) <= width


def test_the_same_journal_gives_the_same_page() -> None:
    assert html(tell(RESUMED)) == html(tell(RESUMED))


def test_output_that_was_long_is_all_there() -> None:
    lines = "\n".join(f"line {n}" for n in range(2000))
    events = [begin(), phase(1, 1, "sync", ONE), ended(2, 1, "sync", one=host("done", 1, 1.0, output=lines))]
    assert "line 1999" in shown(events).text


def boxes(events: list[dict[str, Any]], kind: str) -> int:
    return svg(tell(events)).count(f'class="box {kind}"')


def test_w2_the_night_in_which_nobody_watched_is_drawn_as_not_known() -> None:
    assert (boxes(RESUMED, "unwatched"), boxes(RESUMED, "outage")) == (1, 2)
    page = shown(RESUMED)
    assert "longest outage 8.0 s; nobody watched for 8 h 59 min" in page.text
    assert "nobody watched: not known" in page.text


@pytest.mark.parametrize(
    ("still_down", "said"),
    [
        (True, "httpd was down at least 7.5 s, and still was when the run ended"),
        (None, "httpd was down 7.5 s; nobody looked whether it ran when the run ended"),
        (False, "httpd was down 7.5 s Users saw"),
    ],
)
def test_w2_whether_httpd_was_down_at_the_end_is_said_as_far_as_it_is_known(still_down: bool | None, said: str) -> None:
    assert said in shown([*STOPPED[:-1], {**STOPPED[-1], "httpd_still_down": still_down}]).text


def test_w2_without_an_end_nobody_knows_for_how_long_httpd_was_down() -> None:
    assert "httpd was down not known: no end was written" in shown(STOPPED[:3]).text


def test_a_run_that_ended_well_with_an_outage_is_not_called_done_and_nothing_else() -> None:
    page = html(tell(RESUMED))
    assert '<p class="end warn">Done (exit code 0), with an outage of 8.0 s</p>' in page
    down = [{**one, "down": True} if one["event"] == "watched" else one for one in RESUMED]
    assert '<p class="end bad">Done (exit code 0), and users had no answer at the end</p>' in html(tell(down))


def test_a_run_that_ended_well_before_the_balancer_looked_again_says_so_in_its_heading() -> None:
    why = "every host answers, but the balancer had not looked again yet (it looks every 10 s), or is down itself"
    down = [{**one, "down": True, "because": why} if one["event"] == "watched" else one for one in RESUMED]
    page = html(tell(down))
    assert f'<p class="end warn">Done (exit code 0), and users had no answer at the end: {why}</p>' in page
    assert f"; at the end {why}" in page
    stopped = [{**one, "httpd_still_down": True} if one["event"] == "end" else one for one in down]
    assert '<p class="end bad">Done (exit code 0), and users had no answer at the end</p>' in html(tell(stopped))


def test_w2_of_a_page_that_never_answered_from_here_no_outage_is_told_or_drawn() -> None:
    never = [{**one, "failed": one["requests"], "down": True} if one["event"] == "watched" else one for one in RESUMED]
    page = html(tell(never))
    assert '<p class="end good">Done (exit code 0)</p>' in page
    assert "no answer while it was watched: not reachable from where fab ran" in page
    assert "no answer from where fab ran: not known" in page
    assert "longest outage" not in page


def test_what_failed_and_what_did_not_answer_have_two_colours() -> None:
    style = html(tell(STOPPED))
    colours = {name: re.findall(rf"--{name}: (#\w+)", style) for name in ("failed", "outage")}
    assert len(colours["failed"]) == len(colours["outage"]) == 3
    assert not set(colours["failed"]) & set(colours["outage"])


def test_each_step_has_its_number_on_the_picture_however_short_it_was() -> None:
    steps = [f"step-{n}" for n in range(1, 9)]
    events = [begin(steps=[[step, ONE] for step in steps])]
    for n, step in enumerate(steps, 1):
        taken = 300.0 if n == 8 else 0.5
        events += [
            phase(n, n, step, ONE),
            ended(n + taken, n, step, one=host("failed" if n == 3 else "done", n, taken)),
        ]
    picture = svg(tell(events))
    (number,) = re.findall(r'class="number"[^>]*>([^<]+)<', picture)
    assert number == "1-7"
    assert ">8 step-8<" in picture
