"""Whether what stands around a run could be begun, for its plan."""

from __future__ import annotations

import threading
from typing import Any, cast

import pytest

from tasks.around import parts
from tasks.around.occasion import Occasion
from tasks.around.parts import Result
from tasks.errors import Refused
from tasks.fleet.machines import Machines
from tasks.inventory.around import Part
from tasks.run.ask_around import Looks
from tasks.run.look import Reached
from tasks.run.observer import Report
from tests.unit.builders import prod

FIRST = {"silence": "http://am.example:9093", "matchers": {"service": "blockerbugs"}}
SECOND = {"begin": "on", "end": "off", "name": "page"}
AWAY = {"silence": "http://127.0.0.1:9", "matchers": {"service": "blockerbugs"}}


@pytest.mark.parametrize("required", [True, False])
def test_r2_a_plan_says_what_could_not_be_begun_now_and_refuses_for_a_required_one(required: bool) -> None:
    reached = Reached(prod(around=[{**AWAY, "required": required}, SECOND]), cast(Machines, None))
    looks = Looks(reached, Report())
    if required:
        with pytest.raises(Refused, match=r"around\[0\] \(silence\): http://127.0.0.1:9 cannot be asked"):
            looks.check()
    else:
        (warning,) = looks.check()
        assert warning.startswith("silence could not be begun now (http://127.0.0.1:9 cannot be asked: ")
        assert warning.endswith("); a run goes on without it")


def test_r2_what_is_asked_from_here_for_a_plan_is_asked_beside_the_look_at_the_hosts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = threading.Barrier(3, timeout=5)

    def look(part: Part, occasion: Occasion, means: Any) -> Result:
        both.wait()
        return Result()

    monkeypatch.setattr(parts, "look", look)
    looks = Looks(Reached(prod(around=[FIRST, SECOND]), cast(Machines, None)), Report())
    both.wait()  # while neither has answered, this goes on
    assert looks.check() == ()
