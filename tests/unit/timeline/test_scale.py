from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.journal.words import clock, duration, plural
from tasks.timeline.scale import Scale

NOON = 1764072000.0  # 2025-11-25 12:00:00 UTC


def test_time_runs_evenly_from_edge_to_edge() -> None:
    scale = Scale([(NOON, NOON + 100)], 500)
    assert [scale.place(NOON + at) for at in (0, 50, 100)] == [0, 250, 500]


def test_an_idle_stretch_takes_a_breaks_room_and_is_said() -> None:
    scale = Scale([(NOON, NOON + 100), (NOON + 4000, NOON + 4100)], 540)
    assert [scale.place(NOON + at) for at in (100, 4000)] == [250, 290]
    assert scale.breaks == [(270, 3900)]


def test_a_short_idle_stretch_is_drawn_as_long_as_it_was() -> None:
    assert Scale([(NOON, NOON + 1), (NOON + 50, NOON + 51)], 510).breaks == []


def test_ticks_are_round_moments_and_never_on_top_of_one_another() -> None:
    ticks = Scale([(NOON + 0.3, NOON + 9.8)], 950).ticks(apart=90)
    assert [text for _, text in ticks] == [f"12:00:0{n}" for n in range(1, 10)]
    assert all(after - before >= 90 for (before, _), (after, _) in pairwise(ticks))


def test_hours_have_ticks_without_seconds() -> None:
    assert [text for _, text in Scale([(NOON, NOON + 7200)], 900).ticks(apart=90)][:2] == ["12:00", "12:15"]


@given(st.lists(st.tuples(st.floats(0, 2e9), st.floats(0, 1e6)), max_size=6), st.floats(0, 2e9))
def test_every_moment_has_a_place_on_the_picture(spans: list[tuple[float, float]], moment: float) -> None:
    scale = Scale([(began, began + seconds) for began, seconds in spans], 900)
    assert -0.001 <= scale.place(moment) <= 900.001
    assert len(scale.ticks(apart=90)) < 40


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.04, "0.0 s"), (3.14, "3.1 s"), (59.4, "59 s"), (185, "3 min 5 s"), (33120, "9 h 12 min")]
)
def test_a_duration_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_a_moment_is_said_in_utc() -> None:
    assert clock(NOON) == "2025-11-25 12:00:00 UTC"


def test_one_is_not_many() -> None:
    assert [plural(n, "host") for n in (0, 1, 2)] == ["0 hosts", "1 host", "2 hosts"]
