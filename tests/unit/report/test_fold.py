"""A set of any size is told on one screen: 24 lines of 80 columns, whoever its hosts are and however they differ."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import IO, cast

import pytest

from tasks.fleet.outcome import Outcome
from tasks.inventory.model import Host, HostSet
from tasks.journal.events import Judged
from tasks.report import batches, progress
from tasks.report.fold import Row, alike
from tasks.report.human import Human
from tasks.report.screen import Screen
from tasks.run.decide import Plan, decide
from tasks.run.ending import ending
from tasks.run.left_behind import left_over
from tasks.run.lock_file import Lock
from tasks.run.probe import Seen
from tasks.run.remaining import Remaining, everything
from tasks.run.state import Run
from tasks.sop.balanced import Balanced, Server
from tasks.sop.model import Facts
from tests.unit.builders import NEW, OLD, found, nvr, prod, request, well
from tests.unit.report.values import Terminal, ended

pytestmark = pytest.mark.usefixtures("in_a_folder")
LOCK = Lock("4f2a9c01", "lbrabec@laptop", "no time", "major-upgrade")
SIZES = (1, 2, 3, 10, 64, 200, 1000)
WORDS = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet")


@pytest.fixture
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where a run's journal is


def numbered(many: int) -> tuple[Host, ...]:
    return tuple(Host(name=f"web{n:03}.iad2.example", aliases=(f"web{n:03}",)) for n in range(1, many + 1))


def patternless(many: int) -> tuple[Host, ...]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    one, two, three = letters, letters[3:], letters[7:]
    names = (f"{WORDS[n % 10]}-{one[n % 26]}{two[n // 10 % 23]}{three[n // 100 % 19]}" for n in range(many))
    return tuple(Host(name=name) for name in names)


def long(many: int) -> tuple[Host, ...]:
    return tuple(Host(name=".".join([f"web{n:04}" + "x" * 50] * 4)) for n in range(1, many + 1))


def as_wanted(number: int) -> Facts:
    return well()


def with_exceptions(number: int) -> Facts:
    """One in seven has another build, one in eleven is ill, one in thirteen has a clock that is off."""
    build = (OLD, NEW)[number % 7 == 3]
    ill = {"service": "failed", "answers": None} if number % 11 == 5 else {}
    return well(build, skew=75.0 if number % 13 == 6 else 0.0, **ill)


def all_different(number: int) -> Facts:
    build = nvr(f"0.{number}.0")
    problems = (f"question {number} has no answer",) if number else ()
    return well(build, offered={build: "infra", NEW: f"repo{number}"}, skew=60.0 + number, free=5000 + number,
                problems=problems, answers=500 + number % 99, revision=f"r{number}")  # fmt: skip


Names = Callable[[int], tuple[Host, ...]]
State = Callable[[int], Facts]
KINDS: list[tuple[Names, State]] = [
    *product((numbered,), (as_wanted, with_exceptions, all_different)),
    *product((patternless, long), (with_exceptions, all_different)),
]
CASES = [
    pytest.param(many, names, state, id=f"{many}-{names.__name__}-{state.__name__}")
    for many, (names, state) in product(SIZES, KINDS)
    # So small a set is told whole, whatever its names and states; so large a one takes its time.
    if (many > 2 or (names is not long and state is not all_different))
    and (many < 1000 or (state is with_exceptions and names is not patternless))
]
A_SET = pytest.mark.parametrize(("many", "names", "state"), CASES)


@cache
def a_set(names: Names, many: int, **keys: object) -> HostSet:
    hosts = names(many)
    return prod(hosts=hosts, sync_host=hosts[0].name, **keys)


def state_of(host_set: HostSet, state: State) -> dict[Host, Facts]:
    return found(host_set, *map(state, range(len(host_set.hosts))))


@cache
def as_all_are(procedure: str, host_set: HostSet) -> Plan:
    build = well(NEW, previous=OLD, previous_schema="aaa") if procedure == "rollback" else well()
    return decide(request(procedure, host_set), found(host_set, build))


def planned(procedure: str, host_set: HostSet, facts: dict[Host, Facts]) -> Plan:
    """Also where `decide` would refuse it, because hosts are as no plan wants them: it is the screen that counts."""
    plan = as_all_are(procedure, host_set)
    warnings = tuple(f"{h.short}: its clock is {f.skew:+.0f} s off" for h, f in facts.items() if f.skew)
    return replace(plan, facts=facts, warnings=(*plan.warnings, *warnings))


def shown(tell: Callable[[Human], None], verbose: bool = False, columns: int = 80, rows: int = 60) -> list[str]:
    terminal = Terminal(columns, rows=900 if verbose else rows)
    tell(Human(Screen(cast(IO[str], terminal), columns), verbose=verbose))
    return terminal.shown.rstrip("\n").split("\n")


@A_SET
@pytest.mark.parametrize("procedure", ["minor-upgrade", "major-upgrade", "rollback"])
def test_a_plan_fits_on_a_screen(many: int, names: Names, state: State, procedure: str) -> None:
    host_set = a_set(names, many)
    facts = state_of(host_set, state)
    plan = planned(procedure, host_set, facts)

    def tell(report: Human) -> None:
        report.looking(host_set.hosts)
        report.plan(plan)

    lines = shown(tell)
    assert len(lines) <= 24, "\n".join(lines)


@pytest.mark.parametrize(("many", "names", "state"), [case for case in CASES if case.values[2] is not all_different])
@pytest.mark.parametrize(
    ("procedure", "half"),
    [
        ("minor-upgrade", "nothing done"),
        ("minor-upgrade", "in the middle"),
        ("major-upgrade", "in the middle"),
        ("major-upgrade", "all failed"),
        ("major-upgrade", "all over"),
    ],
)
def test_the_resume_table_fits_on_a_screen(many: int, names: Names, state: State, procedure: str, half: str) -> None:
    host_set = a_set(names, many)
    plan = planned(procedure, host_set, state_of(host_set, state))
    left = everything(plan)
    middle = len(left) // 2
    if half == "in the middle":
        left = [Remaining({})] * middle + [replace(left[middle], runs=plan.phases[middle].hosts)] + left[middle + 1 :]
    if half == "all failed":
        left = [replace(row, again=phase.hosts) for row, phase in zip(left, plan.phases, strict=True)]
    if half == "all over":
        left = [Remaining({})] * len(left)
    lines = shown(lambda report: report.resume(plan, LOCK, left))
    assert len(lines) <= 24 or (many <= 2 and half == "all failed"), "\n".join(lines)


def run_of(plan: Plan, facts: dict[Host, Facts], how: str) -> Run:
    run = ended(plan, path=Path("journal.jsonl"), users=Seen(94, 31, 3.1, outages=((1795636810.0, 3.1),)))
    if how != "well":
        run.outcomes = run.outcomes[: len(run.outcomes) // 2 + 1]
        phase, results = run.outcomes[-1]
        run.outcomes[-1] = (phase, {host: Outcome("", n / 7, f"exit {n}") for n, host in enumerate(results)})
    run.afterwards = {host: one for n, (host, one) in enumerate(facts.items()) if how != "lost" or n % 5}
    run.nodes = {host: Seen(38, 12, 3.1, outages=((1795636810.0, 3.1),)) for host in plan.hosts[:8]}
    return run


@A_SET
@pytest.mark.parametrize(
    ("procedure", "how"),
    [("minor-upgrade", "well"), ("minor-upgrade", "lost"), ("minor-upgrade", "failed"), ("major-upgrade", "failed")],
)
def test_a_recap_fits_on_a_screen(many: int, names: Names, state: State, procedure: str, how: str) -> None:
    host_set = a_set(names, many, url="https://qa.fedoraproject.org/blockerbugs/")
    facts = state_of(host_set, state)
    run = run_of(planned(procedure, host_set, facts), facts, how)
    lines = shown(lambda report: report.recap(run))
    assert len(lines) <= 24, "\n".join(lines)


@A_SET
def test_a_status_fits_on_a_screen(many: int, names: Names, state: State) -> None:
    host_set = a_set(names, many, location="iad2")
    facts = state_of(host_set, state)
    for there in (facts, {host: one for n, (host, one) in enumerate(facts.items()) if n % 3}):
        lines = shown(lambda report, there=there: report.status(host_set, there))  # type: ignore[misc]
        assert len(lines) <= 24, "\n".join(lines)


def test_verbose_tells_of_every_host_and_every_step() -> None:
    host_set = a_set(numbered, 64)
    facts = state_of(host_set, with_exceptions)
    plan = planned("minor-upgrade", host_set, facts)
    run = run_of(plan, facts, "well")
    for tell, rows in (
        (lambda report: report.plan(plan), 2 * 64 + 2 * 64),
        (lambda report: report.resume(plan, LOCK, everything(plan)), 3 * 64),
        (lambda report: report.recap(run), 2 * 64),
        (lambda report: report.status(host_set, facts), 64),
    ):
        assert len(shown(tell, verbose=True)) >= rows


def text_of(tell: Callable[[Human], None]) -> str:
    return "\n".join(" ".join(line.split()) for line in shown(tell, columns=200))


def test_hosts_that_are_alike_are_one_row_and_the_exceptions_stand_there_by_name() -> None:
    host_set = a_set(numbered, 200)
    facts = state_of(host_set, as_wanted)
    facts[host_set.hosts[16]] = well(NEW)
    facts[host_set.hosts[180]] = well(nvr("0.9.0"))
    said = text_of(lambda report: report.plan(planned("minor-upgrade", host_set, facts)))
    assert "the other 198 1.0.0-1.el7 1.1.0-1.el7 infra upgrade" in said
    assert "web017 1.1.0-1.el7" in said
    assert "web181 0.9.0-1.el7" in said


@pytest.mark.parametrize(
    ("rolling", "told"),
    [
        (1, "3-602 per host one after the other yum-update, restart-httpd, healthy"),
        (10, "3-62 per host in batches of 10 yum-update, restart-httpd, healthy"),
        (30, "3-23 per host in batches of 30 yum-update, restart-httpd, healthy"),
    ],
)
def test_what_comes_again_for_each_batch_is_one_row_of_the_plan(rolling: int, told: str) -> None:
    host_set = a_set(numbered, 200, rolling=rolling)
    plan = planned("minor-upgrade", host_set, state_of(host_set, as_wanted))
    assert told in text_of(lambda report: report.plan(plan))


def parts(host_set: HostSet, procedure: str = "minor-upgrade") -> list[tuple[int, str]]:
    plan = planned(procedure, host_set, state_of(host_set, as_wanted))
    return [(len(part.batches), part.how) for part in batches.parts(plan.phases, host_set.hosts)]


def test_a_major_upgrade_has_no_batches() -> None:
    assert [batches for batches, _ in parts(a_set(numbered, 20), "major-upgrade")] == [1] * 11


def test_a_host_without_httpd_is_a_batch_of_its_own_steps() -> None:
    hosts = (*numbered(5), Host(name="worker.example", serves=False))
    assert parts(prod(hosts=hosts, sync_host="web001"))[-1] == (6, "one after the other")


def test_the_status_says_once_what_all_have_in_common_and_names_the_hosts_that_differ() -> None:
    host_set = a_set(numbered, 200)
    facts = state_of(host_set, as_wanted)
    facts[host_set.hosts[16]] = well(service="failed", answers=None, free=300)
    del facts[host_set.hosts[99]]
    said = text_of(lambda report: report.status(host_set, facts))
    assert "web[001-099,101-200] (199): installed 1.0.0-1.el7, offered 1.1.0-1.el7, schema aaa (head)" in said
    assert "free 300 MB (web017) to 5000 MB" in said
    assert "web017 serves failed no -" in said
    assert "web100: not reached" in said


def test_what_hosts_differ_in_beyond_what_there_is_room_for_is_one_row() -> None:
    hosts = numbered(5)
    rows = [Row(host, ("1.0", f"free {n}"), float(n)) for n, host in enumerate(hosts)]
    assert [kind[:3] for kind in alike(rows, 3)] == [
        ([hosts[0]], ("1.0", "free 0"), (0.0, 0.0)),
        ([hosts[1]], ("1.0", "free 1"), (1.0, 1.0)),
        ([*hosts[2:]], ("1.0", "differ"), (2.0, 4.0)),
    ]


def test_what_is_so_of_most_hosts_comes_last_and_the_others_are_its_exceptions() -> None:
    hosts = numbered(7)
    rows = [Row(host, ("1.0" if n < 4 else f"2.{n}",)) for n, host in enumerate(hosts)]
    assert [(len(kind.hosts), kind.cells, kind.rule) for kind in alike(rows, 3)] == [
        (1, ("2.4",), False),
        (2, ("differ",), False),
        (4, ("1.0",), True),
    ]
    assert [(len(kind.hosts), kind.cells, kind.rule) for kind in alike(rows, 0)] == [(7, ("differ",), False)]


def carried_out(report: Human, plan: Plan, failing: Sequence[int] = ()) -> None:
    report.plan(plan)
    for number, phase in enumerate(plan.phases, 1):
        report.phase(number, len(plan.phases), phase)
        for at, host in enumerate(random.Random(number).sample(phase.hosts, len(phase.hosts))):
            report.line(host, "Error unpacking rpm package")
            report.failed(host, "exit status 1") if number == 2 and at in failing else report.done(host, 1.0)
        if number == 2 and failing:
            break


def test_off_a_terminal_no_row_is_printed_for_every_host_of_a_phase() -> None:
    host_set = a_set(numbered, 200)
    plan = planned("minor-upgrade", host_set, state_of(host_set, as_wanted))
    lines = shown(lambda report: carried_out(report, plan), columns=200)
    assert "download: done on 200 in 0.0 s" in "\n".join(lines)
    assert "[3-602/602] per host, one after the other: yum-update, restart-httpd, healthy" in lines
    assert lines[-1] == "200 of 200 hosts are through"
    assert len(lines) <= 24, "\n".join(lines)


def test_how_far_it_has_come_is_said_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SAY_EVERY", 0.0)
    host_set = a_set(numbered, 30)
    plan = planned("minor-upgrade", host_set, state_of(host_set, as_wanted))
    lines = shown(lambda report: carried_out(report, plan), columns=200, rows=200)
    assert "download: 7 done of 30" in lines
    assert lines.count("12 of 30 hosts are through") == 1


def test_of_many_hosts_that_fail_in_one_phase_the_first_are_told_with_what_they_said() -> None:
    host_set = a_set(numbered, 200)
    plan = planned("major-upgrade", host_set, state_of(host_set, as_wanted))
    plan = replace(plan, phases=(plan.phases[0], plan.phases[2]))
    lines = shown(lambda report: carried_out(report, plan, failing=range(150)), columns=200)
    assert len([line for line in lines if "FAILED: exit status 1" in line]) == 10
    assert len([line for line in lines if "Error unpacking" in line]) == 3
    assert "stop-httpd: more hosts fail; the recap tells of all" in lines
    assert lines[-1].startswith("stop-httpd: ")
    assert {"failed on 150", "done on 50"} == set(lines[-1].partition(": ")[2].partition(" in ")[0].split(", "))


def test_a_banner_that_every_host_has_is_shown_a_few_times() -> None:
    def tell(report: Human) -> None:
        for host in numbered(200):
            report.said(host.short, "authorised use only")

    assert len(shown(tell)) == 5


def test_who_still_works_for_a_run_is_told_in_ranges() -> None:
    host_set = a_set(numbered, 200)
    states = {host: {"04-yum-update": "runs"} for host in host_set.hosts}
    lines = shown(lambda report: report.held(host_set, LOCK, states))
    assert lines[-1] == "web[001-200]: 04-yum-update still runs"


def test_a_set_that_is_half_upgraded_is_told_in_ranges() -> None:
    host_set = a_set(numbered, 200)
    facts = state_of(host_set, as_wanted) | {host: well(NEW) for host in host_set.hosts[:120]}
    (told,) = left_over(host_set, facts)
    assert told == "half upgraded: web[001-120] has 1.1.0-1.el7, web[121-200] has 1.0.0-1.el7"


def test_how_a_run_of_many_hosts_ended_fits_below_its_recap() -> None:
    host_set = a_set(numbered, 200)
    facts = {host: replace(one, service="inactive") for host, one in state_of(host_set, as_wanted).items()}
    run = run_of(planned("major-upgrade", host_set, facts), facts, "failed")
    error = ending(run)
    assert error
    assert "httpd is not running on web[001-200]" in str(error)
    assert len(str(error).splitlines()) <= 24


def test_who_is_waited_for_is_told_in_few_lines_where_many_hosts_come_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr("tasks.run.observer.time.monotonic", lambda: next(clock))

    def tell(report: Human) -> None:
        for first in range(60):  # a second each
            report.waits_for(numbered(200)[first : first + 32], "to be looked at (at most 2 min)", 1.0)

    assert [line.split(" to be")[0] for line in shown(tell)] == [
        "waiting for web[001-032]",
        "waiting for web[021-052]",
        "waiting for web[041-072]",
    ]


def drained(rolling: object) -> Plan:
    balancer = {"proxies": ["proxy01.example", "proxy02.example"], "backend": "bb"}
    host_set = a_set.__wrapped__(numbered, 60, rolling=rolling, balancer=balancer, schema_status="x")
    up = Balanced(tuple(Server(host.short, "ready", 0, True, "UP") for host in host_set.hosts))
    proxies = dict.fromkeys(host_set.proxies, Facts(balanced=up))
    return decide(request("minor-upgrade", host_set), found(host_set, well()) | proxies)


def test_what_proxies_do_for_a_batch_is_one_of_its_steps() -> None:
    steps = "drain, yum-update, still-drained, restart-httpd, healthy, undrain"
    plan = drained([1, "10%", "25%"])
    assert f"3-38 per host in batches of 1, 6, 15, 15, 15, 8 {steps}" in text_of(lambda report: report.plan(plan))
    plan = drained([1, 1, 2, 3, 4, 5, 6])
    assert f"per host in 14 batches of 1 to 6 {steps}" in text_of(lambda report: report.plan(plan))


def test_a_batch_that_is_left_drained_is_said_to_go_on_with_the_step_that_puts_it_back() -> None:
    plan = drained(6)
    left = [Remaining({})] * 7 + everything(plan)[7:]
    said = text_of(lambda report: report.resume(plan, LOCK, left))
    assert "web[001-006]: goes on with undrain" in said
    assert "3-62 per host - all 60" in said


def test_of_many_batches_those_that_were_not_judged_good_are_told() -> None:
    plan = drained(6)
    run = run_of(plan, state_of(plan.request.host_set, as_wanted), "well")
    for number in range(10):
        verdict = "inconclusive" if number == 4 else "good"
        run.journal.write(Judged("prod", number, (), verdict, ("12 requests",), 60.0, False, (), ()))
    said = text_of(lambda report: report.recap(run))
    assert "judged inconclusive after 1 min: 12 requests" in said
    assert "9 batches were judged good" in said


def test_what_is_warned_of_every_host_is_shown_of_ten() -> None:
    def tell(report: Human) -> None:
        for host in numbered(200):
            report.warning(f"{host.short}: cannot be reached")
        report.warning("another one")
        report.note("web001: a fact")

    lines = shown(tell)
    assert len(lines) == 10 + 1 + 2
    assert lines[9:] == [
        "warning: web010: cannot be reached",
        "and more hosts: the same",
        "warning: another one",
        "web001: a fact",
    ]


def test_what_is_said_again_and_again_of_the_same_is_shown_each_time() -> None:
    def tell(report: Human) -> None:
        for number in range(30):
            report.note("web001: still waiting")
            report.note(f"{number} of 30 done")

    assert len(shown(tell, rows=100)) == 60
