from __future__ import annotations

import re
import time
from contextlib import closing
from dataclasses import replace

import pytest

from tasks import clock
from tasks.errors import Interrupted
from tasks.fleet.outcome import Outcome
from tasks.inventory.model import Balancer, Host
from tasks.journal.coding import Entry
from tasks.journal.file import Journal
from tasks.journal.history import runs
from tasks.run import record
from tasks.run.decide import Plan
from tasks.run.probe import Seen
from tasks.run.state import Run
from tasks.sop.model import UNREACHED, Facts
from tasks.sop.shell import library
from tasks.sop.workflows import PROCEDURES
from tests.unit.builders import NEW, OLD, ONE, TWO, found, job, prod, request, well
from tests.unit.report.values import planned

STOPPED = well(NEW, service="inactive", answers=None)


def stopped() -> Run:
    """A major upgrade that has stopped httpd ten seconds ago, on both hosts, and then was left."""
    plan = planned("major-upgrade")
    run = Run(plan, Journal())
    with closing(run.journal):
        number, phase = next((n, p) for n, p in enumerate(plan.phases, 1) if p.step.name == "stop-httpd")
        outcome = Outcome("", 1.0, began=clock.now() - 10)
        run.journal.write(record.ended(prod(), number, phase, dict.fromkeys(phase.hosts, outcome)))
    return run


def test_w2_a_run_that_was_left_with_httpd_down_and_could_not_look_again_ended_with_httpd_down() -> None:
    end = record.end(stopped(), Interrupted("left"), "left at Ctrl-C")
    assert end.httpd_still_down is True
    assert 9 < (end.httpd_down or 0) < 30


@pytest.mark.parametrize(
    ("one", "two", "down"),
    [
        (STOPPED, STOPPED, True),
        (STOPPED, well(NEW), False),
        (STOPPED, UNREACHED, True),
        (well(NEW), UNREACHED, False),
        (STOPPED, None, True),
    ],
)
def test_w2_a_host_that_cannot_be_looked_at_is_as_the_run_has_left_it(
    one: Facts, two: Facts | None, down: bool
) -> None:
    run = stopped()
    run.afterwards = {host: facts for host, facts in ((ONE, one), (TWO, two)) if facts}
    assert record.end(run, None).httpd_still_down is down
    entries: list[Entry] = run.journal.entries
    assert record.abort(prod(), "kparal@desk", entries, run.afterwards).httpd_still_down is down


def test_before_anything_was_stopped_httpd_was_not_down() -> None:
    plan: Plan = planned("major-upgrade")
    with closing(Journal()) as journal:
        end = record.end(Run(plan, journal), Interrupted("left"), "left at Ctrl-C")
    assert (end.httpd_down, end.httpd_still_down) == (0, False)


def test_the_journal_says_on_which_hosts_httpd_did_not_run_when_the_run_began() -> None:
    plan = planned("minor-upgrade")
    plan = replace(plan, facts={ONE: STOPPED, TWO: well(service="unknown", answers=None)})
    assert record.begin(plan, "x").down == (ONE.name,)
    assert record.begin(planned("minor-upgrade"), "x").down == ()


def test_a_run_that_began_with_httpd_down_everywhere_was_down_since_its_begin() -> None:
    plan = planned("minor-upgrade")
    plan = replace(plan, facts=dict.fromkeys(plan.facts, STOPPED))
    run = Run(plan, Journal())
    with closing(run.journal):
        run.journal.write(record.begin(plan, "x"))
        time.sleep(0.05)
        assert (record.end(run, None).httpd_down or 0) > 0.04


def test_the_journal_says_why_the_url_did_not_answer_at_the_end_where_every_host_does() -> None:
    plan = planned("minor-upgrade", host_set=prod(url="https://qa.example/", balancer=Balancer(interval=10)))
    run = Run(plan, Journal(), users=Seen(9, 3, 1.0, down=True))
    assert [one.because for one in record.watched(run)] == [None]
    run.afterwards = dict.fromkeys(plan.facts, well())
    (watched,) = record.watched(run)
    assert "the balancer had not looked again yet (it looks every 10 s)" in (watched.because or "")
    run.users = Seen(9, 3, 1.0)
    assert [one.because for one in record.watched(run)] == [None]


@pytest.mark.parametrize("procedure", ["drain", "undrain", "restart-httpd"])
def test_what_changes_no_build_has_the_builds_of_the_hosts_that_are_meant_before_and_after(procedure: str) -> None:
    host_set = prod(
        balancer=Balancer(proxies=(Host(name="proxy01.example"),), socket="/run/haproxy.sock", backend="bb")
    )
    facts = {**found(host_set, well(), well(NEW)), **dict.fromkeys(host_set.proxies, Facts())}
    asked = request(procedure, host_set, hosts=[ONE])
    plan = Plan(
        asked, None, facts, tuple(asked.procedure.phases(job(host_set, hosts=(ONE,)))), (), job(host_set, hosts=(ONE,))
    )
    run = Run(plan, Journal(), afterwards=facts)
    with closing(run.journal):
        run.journal.write(record.begin(plan, "x"))
        run.journal.write(record.end(run, None))
    (past,) = runs([run.journal.entries], "prod")
    assert (past.before, past.after) == ((OLD,), (OLD,))


def test_a_plan_says_whether_it_stops_httpd() -> None:
    assert record.begin(planned("major-upgrade"), "x").stops_httpd
    assert record.begin(planned("minor-upgrade"), "x").stops_httpd
    quiet = planned("major-upgrade")  # its looks at whether httpd is down stop nothing
    looks = replace(quiet, phases=tuple(phase for phase in quiet.phases if phase.step.looks))
    assert not record.begin(looks, "x").stops_httpd


def test_each_step_says_in_the_journal_what_it_does_to_httpd() -> None:
    phases = {phase.step.name: record.phase("prod", 1, 1, phase).httpd for phase in planned("major-upgrade").phases}
    assert (phases["stop-httpd"], phases["start-httpd"], phases["upgrade-db"]) == ("down", "up", "none")
    hosts: tuple[Host, ...] = (ONE, TWO)
    assert record.phase("prod", 1, 1, planned("major-upgrade").phases[0]).hosts == tuple(host.name for host in hosts)


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_the_journal_has_a_steps_command_as_a_person_types_it_not_by_a_function_of_ours(procedure: str) -> None:
    ours = set(re.findall(r"^(\w+)\(\)", library(), re.M))
    phases = [phase for phase in PROCEDURES[procedure].phases(job()) if not phase.step.looks]
    said = [record.phase("prod", 1, 1, phase).command for phase in phases]
    assert [command for command in said if ours & set(re.findall(r"\w+", command))] == []
