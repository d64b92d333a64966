"""The main screens as they look at 40, 80 and 120 columns. `SCREENS=write pytest …` writes them again, to be read."""

from __future__ import annotations

import os
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, cast

import pytest

from tasks.inventory.model import Host
from tasks.journal.history import Past
from tasks.report.frame import Wait, Work, frame
from tasks.report.human import Human
from tasks.report.screen import Screen
from tasks.run.decide import decide
from tasks.run.ending import ending
from tasks.run.lock_file import Lock
from tasks.run.probe import Seen
from tasks.run.remaining import Remaining, everything
from tasks.sop.migrations import ADDS, Migration, cannot_tell, classify
from tests.unit.builders import NEW, OLD, ONE, TWO, found, nvr, prod, request, well
from tests.unit.report.values import Terminal, ended, planned

URL = "https://qa.fedoraproject.org/blockerbugs/"
PROD = prod(url=URL, confirm="name", location="iad2")
DOWN = Seen(94, 31, 3.1, outages=((1795636810.0, 3.1),))
WELL = Seen(94, 0, 0.0)
LOCK = Lock("4f2a9c01", "lbrabec@laptop", "2026-11-25T20:00:00+00:00", "major-upgrade")
EIGHT = datetime(2026, 11, 25, 20, tzinfo=UTC).timestamp()
PAST = Past(
    "4f2a9c01", EIGHT, ("lbrabec@laptop",), "major-upgrade", (OLD,), (NEW,), "done", True, True, 3.1, False, 12.9
)

RENAMES = "from alembic import op\ndef upgrade(): op.alter_column('bug', 'summary', new_column_name='title')"
MIGRATIONS = (
    classify("/v/2b7f3_rename_summary.py", RENAMES),
    Migration(
        "/v/3c5d1_votes.py", ADDS, ("the column bug.votes", "an index of bug, which cannot be written meanwhile")
    ),
    cannot_tell("/v/4d001_fill.py", "line 12: SQL that is put together when it runs"),
)

SCREENS = Path(__file__).with_name("screens")
WRITE = os.environ.get("SCREENS") == "write"  # read before the fence takes it away


class Kept:
    """How a screen is to look; equal to a text that looks so."""

    def __init__(self, name: str) -> None:
        self._path = SCREENS / f"{name}.txt"

    def __eq__(self, shown: object) -> bool:
        if WRITE:
            self._path.write_text(str(shown), encoding="utf-8")
        return shown == self._path.read_text(encoding="utf-8")

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{self._path.name}:\n{self._path.read_text(encoding='utf-8')}"


@pytest.fixture
def looks(request: pytest.FixtureRequest) -> Kept:
    return Kept(request.node.name.removeprefix("test_").replace("[", "-").rstrip("]"))


@pytest.fixture(params=[40, 80, 120])
def terminal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Terminal:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    return Terminal(request.param)


def screen(terminal: Terminal) -> Screen:
    return Screen(cast(IO[str], terminal), terminal.screen.columns)


def human(terminal: Terminal) -> Human:
    return Human(screen(terminal))


@pytest.mark.parametrize("procedure", ["minor-upgrade", "major-upgrade"])
def test_plan(procedure: str, terminal: Terminal, looks: Kept) -> None:
    plan = planned(procedure, host_set=PROD)
    brings = MIGRATIONS if procedure == "major-upgrade" else None
    human(terminal).plan(replace(plan, warnings=("blockerbugs02: its clock is +75 s off",), migrations=brings))
    assert terminal.shown == looks


def test_what_is_left_to_resume(terminal: Terminal, looks: Kept) -> None:
    plan = planned("major-upgrade", host_set=PROD)
    left = [
        Remaining({}),
        Remaining({}),
        Remaining({TWO: "03-stop-httpd"}, runs=(TWO,)),
        Remaining({ONE: "04-yum-update.2"}, again=(ONE,)),
    ]
    rest = [Remaining(dict.fromkeys(phase.hosts, phase.step.name)) for phase in plan.phases[4:]]
    lock = replace(LOCK, since="no time")
    human(terminal).resume(plan, lock, [*left, *rest])
    assert terminal.shown == looks


def test_live_at_work(terminal: Terminal, looks: Kept) -> None:
    work = Work.of(planned("major-upgrade", host_set=PROD).phases[3], now=100.0)
    work.last[ONE] = "Updating : blockerbugs-1.1.0-1.el7.noarch 1/2"
    work.last[TWO] = "(1/2): blockerbugs-1.1.0-1.el7.noarch.rpm | 512 kB 00:00:01"
    lines = frame(work, None, replace(DOWN, down=True), False, 112.0, terminal.screen.columns)
    for line in lines:
        screen(terminal).print(line)
    assert terminal.shown == looks


@pytest.mark.parametrize(
    ("number", "line"),
    [(1, "waiting for the sync that cron has started"), (9, "waiting for 200 1.1.0, answers 503 -")],
    ids=["cron", "health"],
)
def test_live_waits_for(number: int, line: str, terminal: Terminal, looks: Kept) -> None:
    phase = planned("major-upgrade", host_set=PROD).phases[number]
    work = Work.of(phase, now=100.0)
    work.last[ONE] = line
    human(terminal).phase(number + 1, 10, phase)
    for drawn in frame(work, None, None, False, 112.0, terminal.screen.columns):
        screen(terminal).print(drawn)
    assert terminal.shown == looks


def test_live_waits_and_was_asked_to_end(terminal: Terminal, looks: Kept) -> None:
    wait = Wait("for the balancer to see the host back (it was down for 1.4 s)", 110.0)
    for asked in (False, True):
        for line in frame(None, wait, WELL, asked, 100.0, terminal.screen.columns):
            screen(terminal).print(line)
    assert terminal.shown == looks


def test_recap(terminal: Terminal, looks: Kept) -> None:
    run = ended(planned("major-upgrade", host_set=PROD), path=Path("journal.jsonl"), users=DOWN)
    run.nodes = {ONE: replace(DOWN, requests=38, failed=12), TWO: Seen(3, 3, 15.0, True, ((1795636810.0, 15.0),))}
    run.afterwards = {host: well(NEW, revision="bbb") for host in run.plan.hosts}
    human(terminal).recap(run)
    assert terminal.shown == looks


def test_failure(terminal: Terminal, looks: Kept) -> None:
    plan = planned(host_set=PROD)
    report, phase = human(terminal), plan.phases[2]
    report.phase(3, 10, phase)
    for line in ("Running transaction", "Error unpacking rpm package blockerbugs-1.1.0-1.el7.noarch", "No space left"):
        report.line(ONE, line)
    report.failed(ONE, "exit status 1: Error unpacking rpm package blockerbugs-1.1.0-1.el7.noarch")
    run = ended(plan, "exit status 1", path=Path("journal.jsonl"), users=WELL)
    run.afterwards = found(PROD, well())
    report.recap(run)
    terminal.write(f"{ending(run)}\n")  # Invoke prints it
    assert terminal.shown == looks


def test_status(terminal: Terminal, looks: Kept) -> None:
    human(terminal).status(PROD, found(PROD, well(), well(service="failed", answers=None)))
    assert terminal.shown == looks


def test_history(terminal: Terminal, looks: Kept) -> None:
    runs = [
        PAST,
        replace(PAST, run="99e0b1c2", what="minor-upgrade", how="stopped half-way", httpd_down=None),
        replace(PAST, run="0a11ce55", how="stopped half-way, lock kept", httpd_down=33.0, still_down=True),
        replace(PAST, run="5eed0001", what="rollback", before=(nvr("0.4.4.16"),), after=(nvr("0.4.4.15"),)),
        replace(PAST, run="77777777", what="stop-httpd", before=(NEW,), how="unfinished: running, or client lost"),
    ]
    human(terminal).history(PROD, runs)
    assert terminal.shown == looks


MANY = tuple(Host(name=f"web{n:03}.iad2.example", aliases=(f"web{n:03}",)) for n in range(1, 201))
LARGE = prod(hosts=MANY, sync_host="web001", rolling=10, location="iad2", url=URL, schema_status="alembic current")
FOUND = {
    host: well(NEW) if n == 40 else well(service="failed", answers=None, free=240) if n == 17 else one
    for n, (host, one) in enumerate(found(LARGE, well()).items(), 1)
}


@pytest.mark.parametrize("procedure", ["minor-upgrade", "major-upgrade"])
def test_folded_plan(procedure: str, terminal: Terminal, looks: Kept) -> None:
    plan = decide(request(procedure, LARGE), FOUND)
    warnings = tuple(f"{host.short}: its clock is +75 s off" for host in MANY[90:120])
    brings = MIGRATIONS if procedure == "major-upgrade" else None
    human(terminal).plan(replace(plan, warnings=warnings, migrations=brings))
    assert terminal.shown == looks


def test_folded_what_is_left_to_resume(terminal: Terminal, looks: Kept) -> None:
    plan = decide(request("minor-upgrade", LARGE), FOUND)
    left = [Remaining({})] * 8 + everything(plan)[8:]
    left[8] = Remaining(dict.fromkeys(MANY[9:12], "x"), runs=MANY[9:10], again=MANY[10:12])
    human(terminal).resume(plan, replace(LOCK, since="no time"), left)
    assert terminal.shown == looks


def test_folded_recap(terminal: Terminal, looks: Kept) -> None:
    plan = decide(request("minor-upgrade", LARGE), FOUND)
    run = ended(plan, "exit status 1: no space left", path=Path("journal.jsonl"), users=WELL)
    run.afterwards = {host: FOUND[host] for host in MANY if host != MANY[150]}
    human(terminal).recap(run)
    assert terminal.shown == looks


def test_folded_status(terminal: Terminal, looks: Kept) -> None:
    human(terminal).status(LARGE, {host: one for host, one in FOUND.items() if host not in MANY[150:153]})
    assert terminal.shown == looks


def test_folded_run(terminal: Terminal, looks: Kept) -> None:
    plan = decide(request("minor-upgrade", LARGE), FOUND)
    report = human(terminal)
    report._folds(plan, lambda screen: None)
    for number, phase in enumerate(plan.phases, 1):
        report.phase(number, len(plan.phases), phase)
        for host in phase.hosts:
            report.done(host, 1.0)
    assert re.sub(r"in \d+\.\d s", "in 0.0 s", terminal.shown) == looks


def test_folded_live_at_work(terminal: Terminal, looks: Kept) -> None:
    plan = decide(request("major-upgrade", LARGE), FOUND)
    work = Work.of(plan.phases[3], now=100.0)
    for host in [*MANY[:80], *MANY[85:100]]:
        work.end(host, 101.0)
    work.failed += MANY[80:82]
    for host in MANY[80:82]:
        work.end(host, 102.0)
    work.last[MANY[82]] = "Updating : blockerbugs-1.1.0-1.el7.noarch 1/2"
    work.lost[MANY[84]] = 130.0
    for line in frame(work, None, replace(DOWN, down=True), False, 112.0, terminal.screen.columns):
        screen(terminal).print(line)
    assert terminal.shown == looks


def test_folded_live_in_batches(terminal: Terminal, looks: Kept) -> None:
    plan = decide(request("minor-upgrade", LARGE), FOUND)
    work = Work.of(plan.phases[8], now=100.0, through="20 of 199 hosts are through")
    for line in frame(work, None, WELL, False, 112.0, terminal.screen.columns):
        screen(terminal).print(line)
    assert terminal.shown == looks
