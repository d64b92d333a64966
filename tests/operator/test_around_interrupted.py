"""Ctrl-C while what stands around a run is begun or undone: the set is free then, and what is still up has a name."""

from __future__ import annotations

import os
import signal
import time

import pytest

from .conftest import ONE, Fleet, until
from .fleets import begun
from .test_around import around, kept_ends, noted
from .test_sweep import ENDS, MINOR


def interrupted_when(fleet: Fleet, line: str, *marks: str) -> tuple[int, str]:
    """Ctrl-C is pressed once as soon as a part of hosts.yml's `around` has written each of these files."""
    client = fleet.begins(line)
    for mark in marks:
        until((fleet.folder / mark).exists)
        os.kill(client.pid, signal.SIGINT)
    said = "".join(client.communicate())
    return client.returncode, fleet.plainly(said)


def test_r5_ctrl_c_once_after_the_last_step_lets_the_run_end(stg_runs_101: Fleet) -> None:
    fleet, ends = stg_runs_101, stg_runs_101.folder / "ends"
    around(fleet, "begin: 'true', end: 'true', name: first", f"begin: 'true', end: touch {ends}; sleep 1, name: page")
    code, said = interrupted_when(fleet, MINOR, "ends")
    assert (code, fleet.at_rest("prod"), noted(fleet)) == (0, ENDS[MINOR], []), said
    assert "ending the run, which takes a moment; Ctrl-C again: exit now" in said
    assert ("page: undone" in said, "first: undone" in said, (fleet.kept(ONE) / "lock").exists()) == (True, True, False)


def test_r5_ctrl_c_twice_while_it_is_undone_waits_no_longer_and_names_what_is_up(stg_runs_101: Fleet) -> None:
    fleet, folder = stg_runs_101, stg_runs_101.folder
    hangs = f"touch {folder}/ends; sleep 0.5; touch {folder}/again; sleep 60"
    around(fleet, "begin: 'true', end: 'true', name: first", f"begin: 'true', end: {hangs}, name: page")
    began = time.monotonic()
    code, said = interrupted_when(fleet, MINOR, "ends", "again")
    assert (code, noted(fleet), time.monotonic() - began < 50) == (0, ["page"], True), said
    assert "first: undone" in said
    assert "next: fab prod abort  # undoes page" in said


def test_r5_ctrl_c_once_while_it_begins_undoes_what_was_begun_and_unlocks_the_set(stg_runs_101: Fleet) -> None:
    fleet, folder = stg_runs_101, stg_runs_101.folder
    first = f"begin: touch {folder}/first; sleep 5, end: touch {folder}/end1, name: first"
    around(fleet, first, f"begin: 'true', end: touch {folder}/end2, name: second")
    code, said = interrupted_when(fleet, MINOR, "first")
    assert (code, (folder / "end1").exists(), (folder / "end2").exists()) == (130, True, False), said
    assert "interrupted: before the first step" in said
    assert f"next: fab {MINOR.removesuffix(' --yes')}" in said
    assert (fleet.changed(), noted(fleet), (fleet.kept(ONE) / "lock").exists()) == ([], [], False), said
    assert kept_ends(fleet) == ["left at Ctrl-C"]


@pytest.mark.sandbox_only("its hosts see the operator's folder")
def test_r5_ctrl_c_while_it_begins_on_a_host_names_what_may_come_up_yet_and_unlocks_the_set(
    stg_runs_101: Fleet,
) -> None:
    fleet, folder = stg_runs_101, stg_runs_101.folder
    first = f"begin: touch {folder}/first; sleep 5, end: touch {folder}/end1, name: first, on: {ONE}"
    around(fleet, first, f"begin: 'true', end: touch {folder}/end2, name: second")
    code, said = interrupted_when(fleet, MINOR, "first")
    assert (code, (folder / "end1").exists(), (folder / "end2").exists()) == (130, True, False), said
    assert "first may still be up\nnext: fab prod abort  # undoes first\nthen: fab prod minor-upgrade" in said
    assert (fleet.changed(), noted(fleet), (fleet.kept(ONE) / "lock").exists()) == ([], ["first"], False), said


@pytest.mark.sandbox_only("a second of its yum is enough")
def test_r5_who_leaves_a_step_at_work_leaves_only_that_noted_which_is_still_up(stg_runs_101: Fleet) -> None:
    fleet, ends = stg_runs_101, stg_runs_101.folder / "ends"
    around(
        fleet, f"begin: 'true', end: 'true', name: there, on: {ONE}", f"begin: 'true', end: echo >> {ends}, name: here"
    )
    fleet.breaks(ONE, "yum-update", "slow", seconds=3.0)
    client = fleet.begins(MINOR)
    until(lambda: begun(fleet, "yum", "-C") > 0)
    os.kill(client.pid, signal.SIGTERM)
    said = "".join(client.communicate())
    assert (client.returncode, noted(fleet)) == (130, ["there"]), said
    assert "there may still be up" in said
    shown = fleet.types("prod status")
    assert ("there: put up by run" in shown.out, "  here: put up" in shown.out) == (True, False), shown.said
    until(lambda: fleet.types("prod abort --yes").code != 75)
    assert (ends.read_text(), noted(fleet)) == ("\n", [])
