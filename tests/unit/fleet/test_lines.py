"""A host may flood: what comes is bounded in memory and in time, and what was cut is told."""

from __future__ import annotations

import time
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from tasks.fleet.lines import MOST_BYTES, MOST_KEPT, Kept, Lines
from tasks.fleet.output import CUT_OFF, LONGEST, clean


@given(st.lists(st.binary(max_size=20)))
def test_lines_come_whole_however_they_were_cut(pieces: list[bytes]) -> None:
    lines = Lines()
    got = [line for piece in (*pieces, b"\n") for line in lines.take(piece)]
    assert got == [line.decode("utf-8", "replace") for line in b"".join(pieces).split(b"\n")]


def test_s14_a_line_without_an_end_takes_no_memory_and_no_time() -> None:
    lines, piece = Lines(), b"x" * 32768
    tracemalloc.start()
    began = time.process_time()
    for _ in range(40 * 2**20 // len(piece)):
        assert lines.take(piece) == []
    took = time.process_time() - began
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    (line,) = lines.take(b"\n")
    assert (len(line), took < 5, most < 1_000_000) == (MOST_BYTES, True, True), (took, most)


def test_s14_what_is_cut_off_a_line_is_told() -> None:
    shown = clean("x" * (LONGEST + 1))
    assert (len(shown), shown.endswith(CUT_OFF), clean(shown)) == (LONGEST, True, shown)
    assert clean("x" * LONGEST) == "x" * LONGEST


def test_s14_of_a_very_long_output_the_beginning_and_the_end_are_kept_and_the_rest_is_counted() -> None:
    kept, line = Kept(), "word " * 100
    for number in range(20_000):
        kept.add(f"{number} {line}")
    first, *_, last = kept.lines
    (told,) = [line for line in kept.lines if line.startswith("(")]
    assert (first.split()[0], last.split()[0]) == ("0", "19999")
    assert told == f"({20_000 - len(kept.lines) + 1} more lines were not kept)"
    assert sum(map(len, kept.lines)) < 2 * MOST_KEPT + 100


def test_an_output_of_ordinary_length_is_kept_as_it_is() -> None:
    kept = Kept()
    for line in ("one", "", "two"):
        kept.add(line)
    assert kept.lines == ("one", "two")
