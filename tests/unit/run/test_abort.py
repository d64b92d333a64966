"""A run that is given up by somebody who is made to leave in the middle of that."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fabric import Config

from tasks.errors import Code, Interrupted
from tasks.fleet.machines import Machines
from tasks.inventory.model import HostSet
from tasks.run import abort
from tasks.run.consent import Consent
from tasks.run.lock_file import Lock
from tasks.run.observer import Report
from tasks.run.takeover import Found

from ..builders import found, prod, well

LOCK = Lock("0123abcd", "alice@desk", "2026-11-26T05:00:00+00:00", "major-upgrade")


@pytest.mark.parametrize("do", [abort.abort, abort.unlock])
def test_n3_ctrl_c_in_the_middle_says_so_and_how_to_see_how_far_it_went(
    do: Callable[[HostSet, Config, Consent, Report], Code], monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Machines, "_all", lambda *_: {})
    monkeypatch.setattr(abort, "find", lambda *_: Found(LOCK, [], {}, found(prod(), well())))
    monkeypatch.setattr(abort, "states", lambda *_: {})
    monkeypatch.setattr(abort, "take_over", leave)
    with pytest.raises(Interrupted) as error:
        do(prod(), Config(), Consent(yes=True), Report())
    name = do.__name__
    assert error.value.problems == (f"prod: {name} of run 0123abcd was left in its middle",)
    assert error.value.next_line == f"fab prod status\n  or: fab prod {name}  # if the run still has it locked"
