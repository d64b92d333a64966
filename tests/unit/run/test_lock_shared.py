"""Hosts side by side ask the sync host together whether the run is still theirs."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from typing import cast

import pytest

from tasks.errors import TakenOver
from tasks.fleet.machines import Machines
from tasks.fleet.outcome import Outcome
from tasks.inventory.model import Host
from tasks.journal.file import Journal
from tasks.run.lock import RunLock
from tasks.run.look import Reached
from tests.unit.builders import ONE, prod


class SyncHost:
    """Answers one question after the other, each when it is let."""

    def __init__(self, says: str = "") -> None:
        self.says = says
        self.began: list[threading.Event] = [threading.Event() for _ in range(9)]
        self.asked = 0
        self.let = threading.Semaphore(0)

    def ask(self, scripts: Mapping[Host, str], *_: object) -> dict[Host, Outcome]:
        assert list(scripts) == [ONE]
        self.asked += 1
        self.began[self.asked].set()
        assert self.let.acquire(timeout=60)
        return {ONE: Outcome(self.says, 0.0)}


def test_o1_hosts_side_by_side_share_a_check_that_began_after_each_of_them_came() -> None:
    sync = SyncHost()
    with closing(Journal(run="0123abcd")) as journal, ThreadPoolExecutor(9) as pool:
        lock = RunLock(Reached(prod(), cast(Machines, sync)), journal)
        first = pool.submit(lock.check_still_ours)
        assert sync.began[1].wait(60)
        later = [pool.submit(lock.check_still_ours) for _ in range(5)]
        sync.let.release()
        first.result(60)
        assert sync.began[2].wait(60)  # the first one's answer may be older than they
        assert not any(one.done() for one in later)
        sync.let.release()
        assert not wait(later, 60).not_done
        assert sync.asked == 2
        sync.let.release()
        lock.check_still_ours()
        assert sync.asked == 3


def test_o1_of_a_run_that_was_taken_over_each_host_side_by_side_is_told() -> None:
    sync = SyncHost("driver\tbob@laptop (1234abcd)")
    sync.let.release(9)
    with closing(Journal(run="0123abcd")) as journal, ThreadPoolExecutor(3) as pool:
        lock = RunLock(Reached(prod(), cast(Machines, sync)), journal)
        for told in [pool.submit(lock.check_still_ours) for _ in range(3)]:
            with pytest.raises(TakenOver):
                told.result(60)


def test_what_is_done_on_the_sync_host_where_the_run_is_still_ours_is_done_by_each_who_wants_it() -> None:
    sync = SyncHost()
    sync.let.release(9)
    with closing(Journal(run="0123abcd")) as journal, ThreadPoolExecutor(3) as pool:
        lock = RunLock(Reached(prod(), cast(Machines, sync)), journal)
        for one in [pool.submit(lock.check_still_ours, "true") for _ in range(3)]:
            one.result(60)
    assert sync.asked == 3
