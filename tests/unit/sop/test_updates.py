"""Automatic updates on a host's shell: what is on, held off for a run, and given back."""

from __future__ import annotations

import pytest

from tasks.errors import TryLater
from tasks.inventory.model import App
from tasks.run.answers import read
from tasks.run.decide import decide
from tasks.sop import updates
from tasks.sop.model import Facts
from tests.unit.builders import Shell, found, prod, request, said, well

APP = App(root=".")
NOTE = "var/lib/blockerbugs-upgrade/updates"
RUN, LATER = "0123abcd", "4567cdef"


@pytest.fixture
def node(shell: Shell) -> Shell:
    """systemd, which has each unit in the file `on/UNIT` with its state; what is not there is inactive."""
    state = 'state=inactive; test ! -e "on/$unit" || read -r state <"on/$unit"'
    show = f'for unit; do {state}; printf "Id=%s\\nActiveState=%s\\n\\n" "$unit" "$state"; done'
    start = '-q) case $2 in stop) rm "on/$3";; start) echo active >"on/$3";; esac;;'
    shell.program("systemctl", f"case $1 in show) shift 5; {show};; {start} esac")
    (shell.folder / "on").mkdir()
    return shell


def switch_on(node: Shell, *units: str, state: str = "active") -> None:
    for unit in units:
        node.file(f"on/{unit}", f"{state}\n")


def on(node: Shell) -> set[str]:
    return {path.name for path in (node.folder / "on").iterdir()}


def facts(node: Shell) -> Facts:
    return read(prod(app=APP), node.run(updates.fact(APP)).stdout, repos=False)


def test_what_is_on_what_is_at_work_and_who_holds_it_off_are_facts(node: Shell) -> None:
    assert (facts(node).updates, facts(node).updating, facts(node).held_off) == ((), None, ())
    switch_on(node, "dnf-automatic.timer", "yum-cron.service", "sshd.service")
    switch_on(node, "dnf5-automatic.service", state="activating")
    node.file(NOTE, f"{RUN} dnf5-automatic.timer\n")
    there = facts(node)
    assert there.updates == ("dnf-automatic.timer", "yum-cron.service")
    assert there.updating == "dnf5-automatic.service"
    assert there.held_off == (RUN, "dnf5-automatic.timer")


def test_they_are_held_off_and_given_back_and_both_may_be_done_twice(node: Shell) -> None:
    units = {"dnf-automatic.timer", "yum-cron.service"}
    switch_on(node, *units)
    for _ in range(2):
        done = node.run(updates.hold(APP, RUN))
        assert (done.returncode, on(node)) == (0, set())
        assert done.stdout == "held_off\tdnf-automatic.timer yum-cron.service\n"
    for _ in range(2):
        assert (node.run(updates.give(APP, RUN)).returncode, on(node)) == (0, units)
    assert not (node.folder / NOTE).exists()


def test_where_none_is_on_nothing_is_noted(node: Shell) -> None:
    assert node.run(updates.hold(APP, RUN)).stdout == ""
    assert not (node.folder / NOTE).exists()


def test_a_later_run_gives_back_what_an_earlier_one_left_held_off(node: Shell) -> None:
    switch_on(node, "dnf-automatic.timer")
    node.run(updates.hold(APP, RUN))
    node.run(updates.hold(APP, LATER))
    assert node.run(updates.give(APP, RUN)).stdout == ""
    assert on(node) == set()
    node.run(updates.give(APP, LATER))
    assert on(node) == {"dnf-automatic.timer"}


def test_what_cannot_be_stopped_or_started_fails_and_stays_noted(node: Shell) -> None:
    switch_on(node, "dnf-automatic.timer")
    node.run(updates.hold(APP, RUN))
    node.program("systemctl", "echo 'Failed to connect to bus'; exit 1")
    done = node.run(updates.give(APP, ""))
    assert (done.returncode, done.stdout) == (1, "Failed to connect to bus\n")
    assert (node.folder / NOTE).exists()


def test_s13_a_unit_that_is_none_of_these_is_not_started_whatever_the_note_says(node: Shell) -> None:
    node.file(NOTE, f"{RUN} rescue.target dnf-automatic.timer\n")
    node.run(updates.give(APP, ""))
    assert on(node) == {"dnf-automatic.timer"}


def test_c4_one_at_work_means_later_and_one_that_is_on_is_a_warning() -> None:
    host_set = prod()
    with pytest.raises(TryLater) as caught:
        decide(request("minor-upgrade", host_set), found(host_set, well(updating="dnf-automatic.service")))
    assert "blockerbugs01: an automatic update is at work (dnf-automatic.service)" in said(caught.value)
    there = found(host_set, well(), well(updates=("dnf-automatic.timer",)))
    told = "blockerbugs02: automatic updates are on (dnf-automatic.timer): held off until this ends"
    assert told in decide(request("minor-upgrade", host_set), there).warnings
    assert told not in decide(request("restart-httpd", host_set), there).warnings
