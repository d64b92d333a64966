"""What becomes of the lock when a run ends before its first step."""

from __future__ import annotations

import errno
import os
from typing import cast

import pytest

from tasks.errors import HalfWay, Refused
from tasks.fleet.connection import Outcome
from tasks.fleet.hosts import Host
from tasks.fleet.machines import Machines
from tasks.procedure.hold import Hold
from tasks.procedure.journal import Journal
from tasks.procedure.perform import perform
from tasks.procedure.plan import decide
from tasks.procedure.progress import Run
from tasks.procedure.todo import everything
from tasks.report import Report

from ..builders import found, prod, request, well


class Held:
    """The lock of a set; is it held?"""

    reconnect = 0.0
    now = True

    def release(self) -> None:
        self.now = False


class Lost:
    """Machines of which none answers."""

    def do(self, scripts: object, *_: object, **__: object) -> dict[Host, Outcome]:
        return {}


def ends(begun_as: str, monkeypatch: pytest.MonkeyPatch) -> tuple[type[BaseException], bool]:
    """How a run ends whose disk is full before the first step, and whether its set is still locked."""
    plan = decide(request("restart-httpd"), found(prod(), well()))
    journal, held = Journal(), Held()
    journal.write(begun_as)

    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    try:
        with pytest.raises((Refused, HalfWay), match="No space left on device") as error:
            perform(Run(plan, journal), everything(plan), cast(Hold, held), cast(Machines, Lost()), Report())
    finally:
        journal.close()
    return error.type, held.now


def test_a_run_that_could_not_write_down_its_first_step_gives_its_lock_back(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ends("begin", monkeypatch) == (Refused, False)


def test_a_half_way_run_that_is_resumed_onto_a_full_disk_keeps_its_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ends("resume", monkeypatch) == (HalfWay, True)
