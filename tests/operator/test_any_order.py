"""Whatever is typed at prod, and whatever goes wrong meanwhile, in any order: what must never be, and a way to the end.

hypothesis makes the days up; a few short ones here, the same each time; `tox -e soak` (SOAK=1) longer and other ones.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tasks.errors import Code

from .conftest import ONE, TWO, Fleet, two_sets

SOAK = bool(os.environ.get("SOAK"))
DAYS = settings(
    max_examples=30 if SOAK else 2,
    stateful_step_count=8 if SOAK else 4,
    derandomize=not SOAK,
    database=None,
    deadline=None,
    phases=[Phase.generate],  # a smaller day takes as long to look for as many days take
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
UPGRADES = ("major-upgrade", "minor-upgrade --version 1.0.1 --unverified why")
SCHEMA = {"1.0.0": "1a0c9", "1.0.1": "1a0c9", "1.1.0": "2b7f3"}
STEPS = ("download", "yum-update", "stop-httpd", "start-httpd", "restart-httpd", "upgrade-db", "sync", "preflight")
HOSTS = (ONE, TWO)


class Day(RuleBasedStateMachine):
    """prod, on 1.0.0, with somebody who types and much that goes wrong; at the end it has to run 1.1.0."""

    folders: Callable[[], Path]

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        self.fleet: Fleet = self.open.enter_context(two_sets(self.folders(), stg_runs="1.1.0", patient=True))
        self.off: set[str] = set()
        self.booted: set[str] = set()
        self.faults = 0
        self.unlocked = False
        self.said: list[str] = []

    def types(self, line: str) -> int:
        ended = self.fleet.types(f"prod {line} --yes")
        self.said.append(f"fab prod {line}: {ended.code}\n{ended.said}")
        assert ended.code in set(Code), ended.said
        return ended.code

    def serving(self) -> list[str]:
        return [host for host in HOSTS if host not in self.off and self.fleet.host(host)["httpd"]]

    def locked(self) -> bool:
        return (self.fleet.kept(ONE) / "lock").exists()

    @rule(line=st.sampled_from(UPGRADES))
    def upgrades(self, line: str) -> None:
        before = self.serving()
        code = self.types(line)
        if line.startswith("minor") and len(before) == 2:
            assert self.serving(), "both were down after a minor upgrade"
        if code == Code.DONE:
            assert not self.locked()

    @rule(line=st.sampled_from(UPGRADES), words=st.sampled_from([("-y",), ("service",), ("upgrade_db",), ("sync",)]))
    def is_killed(self, line: str, words: tuple[str, ...]) -> None:
        seen = len(self.fleet.moments(*words))
        self.fleet.dies_when(f"prod {line} --yes", lambda: len(self.fleet.moments(*words)) > seen)

    @rule(line=st.sampled_from(["resume", "abort", "rollback", "restart-httpd", "stop-httpd", "start-httpd", "sync"]))
    def types_something(self, line: str) -> None:
        self.types(line)

    @precondition(lambda self: self.locked() and not self.off)
    @rule()
    def unlocks(self) -> None:
        self.unlocked |= self.types("unlock") == Code.DONE

    @rule(host=st.sampled_from(HOSTS), step=st.sampled_from(STEPS), kind=st.sampled_from(["fail", "drop", "slow"]))
    def something_will_go_wrong(self, host: str, step: str, kind: str) -> None:
        self.fleet.breaks(host, step, kind, seconds=1.0)
        self.faults += 1

    @precondition(lambda self: not self.off)
    @rule(host=st.sampled_from(HOSTS))
    def loses_power(self, host: str) -> None:
        self.fleet.machines.power_off(host)
        self.off.add(host)

    @precondition(lambda self: self.off)
    @rule()
    def is_switched_on(self) -> None:
        for host in self.off:
            self.fleet.machines.boot(host)
        self.booted |= self.off
        self.off.clear()

    @invariant()
    def migrated_once_at_most(self) -> None:
        assert self.migrations() <= 1, self.said

    def migrations(self) -> int:
        """How often upgrade_db has succeeded."""
        return [row[1:] for row in map(tuple, self.fleet.set("prod")["runs"])].count(("upgrade_db", "ok"))

    @invariant()
    def nobody_starts_a_build_on_a_schema_that_it_does_not_know(self) -> None:
        """A host that lost its power starts what it has, and that is not ours."""
        schema = self.fleet.set("prod")["schema"]
        for host in set(self.serving()) - self.booted:
            found = self.fleet.host(host)
            stopped = found["serves"] is None  # since it was asked: a restart goes on when its client was killed
            assert stopped or SCHEMA[found["serves"]] == schema, (found, self.said)

    @invariant()
    def cron_is_paused_by_nobody_but_who_holds_the_set(self) -> None:
        if ONE not in self.off and not self.locked() and not self.unlocked:
            assert self.fleet.host(ONE)["cron"], self.said

    def teardown(self) -> None:
        """There is a way to the end from everywhere: power on, resume, or else abort and once more."""
        with self.open:
            self.is_switched_on()
            for _ in range(self.faults + 4):
                if self.locked() and self.types("resume") == Code.REFUSED:
                    self.types("abort")
                if not self.locked() and self.types("major-upgrade --version 1.1.0") == Code.DONE:
                    break
            end = self.fleet.at_rest("prod")
            assert end["runs"] == [("blockerbugs-1.1.0-1.el7", "1.1.0")] * 2, self.said
            assert (end["cron"], end["locked"]) == ([True, False], [False, False]), self.said
            assert (end["database"][0], self.migrations()) == ("2b7f3", 1), self.said


@pytest.mark.sandbox_only("a day there takes a minute")
def test_n6_after_any_day_there_is_a_way_to_the_end_and_nothing_was_done_twice(tmp_path: Path) -> None:
    numbers = count()

    def folder() -> Path:
        made = tmp_path / str(next(numbers))
        made.mkdir()
        return made

    Day.folders = staticmethod(folder)
    run_state_machine_as_test(Day, settings=DAYS)
