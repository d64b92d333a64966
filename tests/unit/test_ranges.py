"""Many hosts in a few words: nobody may be lost on the way."""

from __future__ import annotations

import re
from itertools import chain, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.ranges import FEW, listed, ranges, together

LETTERS = st.sampled_from(["web", "db", "a", "", "x-", "blockerbugs"])
NUMBERS = st.one_of(
    st.integers(0, 30).map(str), st.integers(0, 1200).map("{:03d}".format), st.sampled_from(["00", "0", "000", "99"])
)
TAILS = st.sampled_from(["", ".example", ".iad2.example", "b", "-1"])
NAMES = st.one_of(
    st.tuples(LETTERS, NUMBERS, TAILS).map("".join),
    st.tuples(LETTERS, NUMBERS, st.just(".dc"), NUMBERS).map("".join),
    st.text("ab01-.", min_size=1, max_size=8),
)


def expanded(text: str) -> list[str]:
    """Every name that a text of `ranges` stands for."""
    head, bracket, rest = text.partition("[")
    if not bracket:
        return [text]
    inside, _, tail = rest.partition("]")
    return [f"{head}{number}{tail}" for part in inside.split(",") for number in _numbers(part)]


def _numbers(part: str) -> list[str]:
    first, _, last = part.partition("-")
    last = last or first
    width = len(first) if len(first) == len(last) else 0
    return [f"{number:0{width}d}" for number in range(int(first), int(last) + 1)]


@given(st.lists(NAMES, unique=True, max_size=60))
def test_the_ranges_of_any_hosts_give_back_the_same_hosts_each_once(names: list[str]) -> None:
    assert sorted(chain.from_iterable(map(expanded, ranges(names)))) == sorted(names)


@given(st.permutations([*(f"web{n:02d}" for n in range(1, 13)), "web1", "db1.example", "alpha"]))
def test_the_order_in_which_hosts_come_changes_nothing_but_the_order_of_the_ranges(names: list[str]) -> None:
    assert sorted(ranges(names)) == ["alpha", "db1.example", "web[1,01-12]"]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([f"web{n:03d}" for n in range(1, 201)], "web[001-200]"),
        ([f"web{n}" for n in range(8, 12)], "web[8-11]"),
        (["web8", "web9", "web10"], "web[8-10]"),
        (["web08", "web09", "web10"], "web[08-10]"),
        (["web1", "web01", "web02"], "web[1,01-02]"),
        (["web001", "web002", "web004", "web007"], "web[001-002,004,007]"),
        (["web1.example", "web2.example", "db1.example"], "web[1-2].example db1.example"),
        ([f"web{n:02d}.dc{d}" for d, n in product((1, 2), range(1, 4))], "web[01-03].dc1 web[01-03].dc2"),
        (["alpha", "bravo"], "alpha bravo"),
        (["10", "11"], "[10-11]"),
        ([], ""),
    ],
)
def test_names_that_differ_in_one_number_are_one_range(names: list[str], told: str) -> None:
    assert " ".join(ranges(names)) == told


def test_a_few_names_are_listed_and_many_are_told_as_ranges() -> None:
    names = [f"web{n:02d}" for n in range(1, 21)]
    assert listed(names[:FEW]) == "web01, web02, web03, web04"
    assert listed(names) == "web[01-20]"


def test_of_many_names_without_a_pattern_the_first_are_named_and_the_others_counted() -> None:
    names = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel"]
    assert listed(names, room=30) == "alpha, bravo and 6 more"
    assert listed(names, room=5) == "8 hosts"


@given(st.lists(NAMES, unique=True, min_size=1, max_size=80), st.integers(20, 60))
def test_a_list_of_names_counts_everybody(names: list[str], room: int) -> None:
    told = listed(names, room)
    if told == f"{len(names)} hosts":
        return
    more = re.search(r" and (\d+) more$", told)
    shown = told.removesuffix(more[0]) if more else told
    pieces = re.findall(r"(?:[^,\[ ]|\[[^]]*\])+", shown)
    assert sum(len(expanded(piece)) for piece in pieces) + (int(more[1]) if more else 0) == len(names)


def test_sentences_that_say_the_same_of_several_hosts_are_one() -> None:
    said = [*(f"web{n:02d}: yum is held" for n in range(1, 11)), "a fact", "web11: no", "web12: no", "db has no cron"]
    assert together(said) == ["web[01-10]: yum is held", "a fact", "web11, web12: no", "db has no cron"]
