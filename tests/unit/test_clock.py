from __future__ import annotations

import time
from contextlib import closing

import pytest

from tasks import clock
from tasks.journal.file import Journal

from .builders import event


def test_the_time_is_the_machines_when_the_program_began() -> None:
    assert clock.now() == pytest.approx(time.time(), abs=60)


@pytest.mark.parametrize("hours", [-1, 1])
def test_w5_a_clock_that_is_set_in_mid_run_changes_no_time_of_the_journal(
    hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time
    with closing(Journal()) as journal:
        journal.write(event("begin"))
        monkeypatch.setattr(time, "time", lambda: real() + hours * 3600)
        journal.write(event("end"))
    first, last = (entry.time or 0.0 for entry in journal.entries)
    assert 0 <= last - first < 60
