"""A plan that is asked for while a run holds the set: what it is refused for, and the lines that lead out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.errors import Refused, SopError, TryLater
from tasks.inventory.model import HostSet
from tasks.run.flow import _planned_beside
from tasks.run.lock_file import Lock
from tasks.run.locked import locked_by
from tasks.run.observer import Report
from tasks.sop.model import Facts
from tests.unit.builders import NEW, ONE, found, prod, request, well

from .test_proxies import FINE, OTHER, PROXY, RUN, SET

LOCK = Lock(RUN, "bob@desk", "2026-11-26T05:00:00+00:00", "minor-upgrade").text


def refused(host_set: HostSet, facts: Any) -> SopError:
    with pytest.raises((Refused, TryLater)) as told:
        _planned_beside((ONE, LOCK), request("minor-upgrade", host_set), facts, None, Report())
    return told.value


def test_o1_a_plan_that_a_run_stands_in_the_way_of_names_the_lines_that_lead_out_of_that_run() -> None:
    drained = replace(FINE, drained=((RUN, "bb,blockerbugs01"),))
    told = refused(SET, found(SET, well()) | {PROXY: drained, OTHER: FINE})
    assert told.problems == (f"proxy01: blockerbugs01 is drained by run {RUN} of this tool",)
    assert told.next_line == locked_by(ONE, LOCK, SET).next_line
    busy = refused(prod(), found(prod(), well(busy=True)))
    assert (busy.exit_code, busy.next_line) == (TryLater.exit_code, told.next_line)


@pytest.mark.parametrize("facts", [well(lacks=("flock",)), well(NEW, offered={})], ids=["programs", "repository"])
def test_o1_what_is_typed_on_a_host_helps_a_plan_beside_a_run_too(facts: Facts) -> None:
    assert str(refused(prod(), found(prod(), facts)).next_line).startswith(f"ssh -t {ONE.name} sudo yum ")
