"""Two operators who take one run over in the same instant, on hosts that are folders with a real sh."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from tasks.errors import TakenOver
from tasks.fleet import detached
from tasks.fleet.detached import RunFolder
from tasks.fleet.machines import Machines
from tasks.fleet.outcome import Outcome
from tasks.inventory.model import App, Host
from tasks.journal.file import Journal
from tasks.run.lock import RunLock
from tasks.run.lock_file import Lock
from tasks.run.look import Reached
from tasks.run.takeover import take_over
from tests.unit.builders import ONE, TWO, Shell, of, prod

Hosts = Mapping[Host, Shell]
LOCK = Lock("0123abcd", "carol@home", "2026-11-26T05:00:00+00:00", "sync")
Before = Mapping[int, Callable[[], None]]


class Folders:
    """The machines of one operator; before the n-th time that they are asked, something else happens."""

    def __init__(self, hosts: Hosts, before: Before) -> None:
        self._hosts, self._before, self._times = hosts, dict(before), 0

    def ask(self, scripts: Mapping[Host, str], *_: object) -> dict[Host, Outcome]:
        self._times += 1
        self._before.pop(self._times, lambda: None)()
        return {host: Outcome(self._hosts[host].run(script).stdout, 0.0) for host, script in scripts.items()}


class Driving:
    """As much of a RunLock as taking over needs."""

    def __init__(self, driver: str) -> None:
        self.run_folder = RunFolder("./keep", "0123abcd", driver)


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    folders = {host: tmp_path / host.short for host in (ONE, TWO)}
    for folder in folders.values():
        folder.mkdir()
    return {host: Shell(folder) for host, folder in folders.items()}


@pytest.mark.parametrize("first_line", ["", "somebody's"])
def test_a_lock_that_a_stranger_has_put_there_is_not_given_back_as_ours(first_line: str, hosts: Hosts) -> None:
    kept = hosts[ONE].folder / "var/lib/blockerbugs-upgrade"
    kept.mkdir(parents=True)
    (kept / "lock").write_text(f"{first_line}\nsomebody\n")
    with closing(Journal()) as journal:
        run_lock = RunLock(Reached(of(App(root="."), prod()), cast(Machines, Folders(hosts, {}))), journal)
        with pytest.raises(TakenOver, match="not a lock of this tool"):
            run_lock.release()
    assert (kept / "lock").exists()


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_o2_of_two_who_take_a_run_over_in_the_same_instant_one_drives_every_host(moment: int, hosts: Hosts) -> None:
    drives: list[str] = []

    def tries(name: str, before: Before) -> None:
        try:
            take_over(Reached(prod(), cast(Machines, Folders(hosts, before))), cast(RunLock, Driving(name)), LOCK)
        except TakenOver:
            return
        drives.append(name)

    tries("alice@laptop (1)", {moment: lambda: tries("bob@desk (2)", {})})
    said = Folders(hosts, {}).ask(dict.fromkeys((ONE, TWO), detached.states(RunFolder("./keep", "0123abcd", ""))))
    named = {detached.read_driver(outcome.output) for outcome in said.values()}
    assert named == {drives[-1]}
    assert len(drives) == (2 if moment == 1 else 1)  # before the first word of the other, it was not the same instant
