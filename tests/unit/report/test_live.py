"""The live display: what stands below the lines that stay, and that it never stands in a run's way."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import IO, cast

import pytest

from tasks.report import asking
from tasks.report.frame import Work, frame
from tasks.report.human import Human
from tasks.report.live import Live
from tasks.report.screen import STYLES, Screen
from tasks.run.probe import Seen
from tests.unit.builders import ONE, TWO
from tests.unit.report.values import Terminal, ended, planned

PHASES = planned("major-upgrade").phases


def until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + 30
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.02)


@contextmanager
def live(terminal: Terminal, **wanted: bool) -> Iterator[Live]:
    with Live(Screen(cast(IO[str], terminal), terminal.screen.columns), **wanted) as report:
        yield report


def told(report: Human) -> None:
    """A phase on two hosts, a wait, and the recap."""
    report.phase(1, 10, PHASES[0])
    report.line(ONE, "Downloading packages:")
    report.done(TWO, 1.0)
    report.done(ONE, 1.5)
    report.waiting(10.0, "for the balancer to see the host back")
    report.recap(ended(planned("major-upgrade")))


def test_while_a_host_is_at_work_its_last_line_stands_below() -> None:
    terminal = Terminal(80)
    with live(terminal) as report:
        report.watching(lambda: Seen(12, 3, 0.4, down=True))
        report.phase(1, 10, PHASES[0])
        report.line(ONE, "  Installing : blockerbugs    1/2")
        below = ("| Installing : blockerbugs 1/2", "users get no answer now; 3 of 12 requests failed", "Ctrl-C stops")
        until(lambda: all(map(terminal.shown.__contains__, below)))  # a terminal shows a frame as it comes, bit by bit


def test_the_step_before_is_never_drawn_below_the_next_headline(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    with live(Terminal(80)) as report:
        report.phase(1, 10, PHASES[0])
        say = report.screen.say

        def saying(text: str, style: str = "") -> None:
            drawn.extend(str(line) for line in report._frame().renderables)
            say(text, style)

        monkeypatch.setattr(report.screen, "say", saying)
        report.phase(2, 10, PHASES[1])
    assert not [line for line in drawn if PHASES[0].step.name in line]


def test_what_is_left_on_the_terminal_is_what_a_pipe_gets() -> None:
    drawn, plain = Terminal(80), Terminal(80)
    with live(drawn) as report:
        told(report)
    told(Human(Screen(cast(IO[str], plain), 80)))
    assert [line for line in drawn.shown.splitlines() if "waiting" not in line] == [
        line for line in plain.shown.splitlines() if "waiting" not in line
    ]
    assert drawn.cursor_is_shown


def test_no_line_that_stays_is_drawn_over_while_the_frame_changes_its_height(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.report.region.TIMES_A_SECOND", 1000)
    terminal, now_and_then = Terminal(80, rows=400), cycle([None, Seen(12, 3, 0.4, down=True)])
    stay = [f"line {number}" for number in range(300)]
    with live(terminal) as report:
        report.watching(lambda: next(now_and_then))
        report.phase(1, 10, PHASES[0])
        for line in stay:
            report.note(line)
    assert terminal.shown.splitlines()[-300:] == stay


def test_w3_who_is_waited_for_stands_below_until_nobody_is() -> None:
    terminal = Terminal(80)
    with live(terminal) as report:
        report.waits_for([TWO], "to connect (at most 15 s for each answer)", 5.0)
        until(lambda: "waiting for blockerbugs02 to connect (at most 15 s for each answer): 6 s" in terminal.shown)
        report.waits_for([], "to connect (at most 15 s for each answer)", 0.0)
        report.note("connected")
    assert [line.rstrip() for line in terminal.screen.display if line.strip()] == ["connected"]


def test_w3_hosts_that_are_at_work_stand_below_once() -> None:
    work = Work.of(PHASES[0], now=100.0)
    terminal = Terminal(80)
    with live(terminal) as report:
        report.phase(1, 10, PHASES[0])
        report.waits_for([ONE], "to end download", 5.0)
        until(lambda: "Ctrl-C stops" in terminal.shown)
    assert ("waiting for" in terminal.shown, work.running) == (False, [ONE, TWO])


def test_a_question_is_asked_with_nothing_drawn_below_and_then_it_is_drawn_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal, drawn = Terminal(80), list[bool]()
    with live(terminal) as report:

        def answer(*asked: object) -> str:
            drawn.append(report._drawn is not None)
            return "sesame"

        monkeypatch.setattr(asking, "answer", answer)
        report.phase(1, 10, PHASES[0])
        assert report.answer("blockerbugs02", "sudo password", True, lambda: False) == "sesame"
        drawn.append(report._drawn is not None)
    assert drawn == [False, True]


def test_n2_a_host_that_is_tried_again_is_not_shown_to_be_at_work() -> None:
    work = Work("upgrade-db", 3600.0, 2, [ONE, TWO], {ONE: 0.0, TWO: 0.0})
    work.lost[ONE] = 30.0
    shown = [line.plain for line in frame(work, None, None, False, 10.0, 100)]
    assert shown[0].endswith("| no connection, tried for 20 s more")
    assert "no connection" not in shown[1]
    work.end(ONE, 11.0)
    assert not work.lost


def test_n3_ctrl_c_is_answered_where_the_advice_stood() -> None:
    terminal = Terminal(80)
    with live(terminal) as report:
        report.phase(1, 10, PHASES[0])
        report.finishing()
        until(lambda: "stopping after this step; Ctrl-C again: exit now" in terminal.shown)


def test_n3_ctrl_c_is_answered_where_nothing_is_drawn(capfd: pytest.CaptureFixture[str]) -> None:
    screen = Screen(cast(IO[str], Terminal(80)), 80)
    for report in (Live(screen, quiet=True), Human(screen, quiet=True), Human(screen)):
        report.phase(1, 10, PHASES[0])
        report.finishing()
        assert capfd.readouterr().err.strip() == "stopping after this step; Ctrl-C again: exit now"
        report.finishing(ending=True)
        assert capfd.readouterr().err.strip() == "ending the run, which takes a moment; Ctrl-C again: exit now"


def test_whatever_ends_the_run_nothing_is_left_drawn() -> None:
    terminal = Terminal(80)

    def leave_in_the_middle() -> None:
        with live(terminal) as report:
            report.phase(1, 10, PHASES[0])
            until(lambda: "Ctrl-C stops" in terminal.shown)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leave_in_the_middle()
    assert "Ctrl-C" not in terminal.shown
    assert terminal.cursor_is_shown


def test_a_plan_is_shown_and_asked_about_with_nothing_drawn_below() -> None:
    terminal = Terminal(80)
    with live(terminal) as report:
        report.waiting(10.0, "at most: another run holds prod")
        report.plan(planned())
        assert "Ctrl-C" not in terminal.shown


def test_quiet_draws_nothing() -> None:
    terminal = Terminal(80)
    with live(terminal, quiet=True) as report:
        report.phase(1, 10, PHASES[0])
        report.waiting(10.0, "for the balancer to see the host back")
    assert terminal.shown == "\n"


def test_X2_a_terminal_that_is_closed_in_the_middle_does_not_end_the_run() -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as stream, Live(Screen(stream, 80)) as report:
        report.phase(1, 10, PHASES[0])
        os.close(ours)
        time.sleep(0.5)  # long enough for the drawing thread to find that out, too
        report.line(ONE, "Complete!")
        told(report)


def test_with_one_host_at_a_time_the_next_begins_when_the_one_before_has_ended() -> None:
    work = Work("yum-update", 60.0, 1, [ONE, TWO], {ONE: 5.0})
    assert work.running == [ONE]
    work.end(ONE, 9.0)
    assert (work.running, work.since[TWO]) == ([TWO], 9.0)


@pytest.mark.parametrize("term", ["xterm", "linux"])
def test_with_16_colours_nothing_is_shown_in_white_yellow_or_black(term: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", term)
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as stream:
        screen = Screen(stream, 80)
        for style in STYLES:
            screen.say(style, style)
        screen.say("the end")
        shown = ""
        while "the end" not in shown:
            shown += os.read(ours, 4096).decode()
    os.close(ours)
    assert set(re.findall(r"\x1b\[([\d;]*)m", shown)) == {"32", "1;31", "1", "1;32", "0"}


def _luminance(number: int) -> float:
    """Of one of the 256 colours: WCAG's formula."""
    if number >= 232:
        channels = [8 + 10 * (number - 232)] * 3
    else:
        steps = (0, 95, 135, 175, 215, 255)
        channels = [steps[(number - 16) // part % 6] for part in (36, 6, 1)]
    linear = [(c / 255 / 12.92) if c / 255 <= 0.03928 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("style", [style for style in STYLES.values() if "color" in style])
def test_every_colour_can_be_read_on_black_and_on_white(style: str) -> None:
    luminance = _luminance(int(style.partition("color(")[2].rstrip(")")))
    assert (luminance + 0.05) / 0.05 >= 3
    assert 1.05 / (luminance + 0.05) >= 3
