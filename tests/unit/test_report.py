from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from tasks import report as module
from tasks.fleet.connection import Outcome
from tasks.fleet.hosts import App
from tasks.procedure.journal import Journal
from tasks.procedure.plan import Plan, decide
from tasks.procedure.progress import Run
from tasks.procedure.watch import Seen
from tasks.report import Report
from tasks.state import state_dir
from tests.unit.builders import NEW, ONE, TWO, found, prod, request, well


class Screen:
    """A report, and what stands on its screen."""

    def __init__(self) -> None:
        self._file = StringIO()
        self.report = Report(Console(file=self._file, width=200, highlight=False, emoji=False, markup=False))

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self._file.getvalue().splitlines() if line.strip()]

    def row(self, host: str) -> list[str]:
        return next(line.split() for line in self.lines if line.startswith(host))


@pytest.fixture
def screen() -> Screen:
    return Screen()


def planned(procedure: str = "minor-upgrade", *, second: object = None) -> Plan:
    facts = found(prod(), well(), well(NEW) if second == "there" else well())
    return decide(request(procedure), facts)


def test_the_plan_begins_with_the_set_the_procedure_and_the_build(screen: Screen) -> None:
    screen.report.plan(planned())
    assert screen.lines[0] == "prod: minor upgrade: blockerbugs-1.1.0-1.el7"


def test_the_plan_has_a_row_for_every_host(screen: Screen) -> None:
    screen.report.plan(planned(second="there"))
    assert screen.row("blockerbugs01") == ["blockerbugs01", "1.0.0-1.el7", "1.1.0-1.el7", "infra", "upgrade"]
    assert screen.row("blockerbugs02")[1:5] == ["1.1.0-1.el7", "1.1.0-1.el7", "infra", "nothing:"]


def test_the_plan_numbers_its_phases_and_names_their_hosts(screen: Screen) -> None:
    screen.report.plan(planned("major-upgrade"))
    numbered = [line.split()[:2] for line in screen.lines if line[0].isdigit()]
    assert numbered[:3] == [["1", "download"], ["2", "pause-cron"], ["3", "stop-httpd"]]


def test_the_plan_ends_with_its_warnings(screen: Screen) -> None:
    screen.report.plan(replace(planned(), warnings=("think twice",)))
    assert screen.lines[-1] == "warning: think twice"


def test_every_command_of_the_plan_is_shown_once(screen: Screen) -> None:
    screen.report.commands(planned())
    assert screen.lines.count("restart-httpd: service httpd restart") == 1


def test_nothing_to_do_says_what_runs(screen: Screen) -> None:
    screen.report.nothing_to_do(decide(request("minor-upgrade"), found(prod(), well(NEW))))
    assert screen.lines == ["nothing to do: prod is healthy with blockerbugs-1.1.0-1.el7"]


def test_what_a_host_says_stands_behind_its_name(screen: Screen) -> None:
    screen.report.line(ONE, "Complete!")
    screen.report.done(ONE, 1.25)
    screen.report.failed(TWO, "exit status 1: no space")
    assert screen.lines == [
        "blockerbugs01 | Complete!",
        "blockerbugs01 | done in 1.2 s",
        "blockerbugs02 | FAILED: exit status 1: no space",
    ]


@pytest.mark.parametrize("said", ["[bold red]x[/]", ":smile:", "[/]", "100%", "a" * 500, "https://x.example/[a]"])
def test_what_a_host_says_is_shown_as_it_was_said_and_in_one_line(said: str, screen: Screen) -> None:
    screen.report.line(ONE, said)
    assert screen.lines == [f"blockerbugs01 | {said}"]


def test_a_fact_with_brackets_is_shown_as_it_is(screen: Screen) -> None:
    screen.report.status(App(), prod(), found(prod(), well(service="[red]active")))
    assert "[red]active" in screen.row("blockerbugs01")


def test_status_has_every_fact_of_every_host(screen: Screen) -> None:
    screen.report.status(App(), prod(location="iad2"), found(prod(), well(), well(at_head=False)))
    assert screen.lines[0] == "prod, iad2: blockerbugs, Fedora QA Devel, #fedora-qa"
    row = "blockerbugs01 serves+syncs 1.0.0-1.el7 1.1.0-1.el7 active 200 1.0.0 aaa (head) yes 5000 MB"
    assert " ".join(screen.row("blockerbugs01")) == row
    assert "(pending)" in screen.row("blockerbugs02")


def test_status_tells_what_could_not_be_found_out(screen: Screen) -> None:
    screen.report.status(App(), prod(), found(prod(), well(), well(problems=("yum cannot list blockerbugs",))))
    assert screen.lines[-1] == "blockerbugs02: yum cannot list blockerbugs"


def test_N2_status_of_a_host_that_was_lost_meanwhile_is_unknown(screen: Screen) -> None:
    screen.report.status(App(), prod(), {ONE: well()})
    assert "unknown" in screen.row("blockerbugs02")


def ended(plan: Plan, *failures: str) -> Run:
    """A run whose first phases were done, and whose next one failed so, or went well everywhere."""
    run = Run(plan, Journal(run="abcd"))
    for phase in plan.phases[: 2 if failures else None]:
        run.outcomes.append((phase, {host: Outcome("", 1.0) for host in phase.hosts}))
    if failures:
        phase = plan.phases[2]
        results = {host: Outcome("", 1.0, why) for host, why in zip(phase.hosts, failures, strict=False)}
        run.outcomes.append((phase, results))
    run.afterwards = {host: well(plan.target or NEW) for host in plan.hosts}
    return run


def test_the_recap_tells_per_host_what_was_done_failed_and_not_reached(screen: Screen) -> None:
    screen.report.recap(ended(planned(), "exit status 1"), None)
    assert screen.row("blockerbugs01")[1:5] == ["2", "yum-update", "restart-httpd,", "healthy"]
    assert screen.row("blockerbugs02")[1:8] == [
        "-",
        "-",
        "download,",
        "no-migration,",
        "yum-update,",
        "restart-httpd,",
        "healthy",
    ]


def test_the_recap_calls_a_host_that_does_not_answer_any_more_unknown(screen: Screen) -> None:
    run = ended(planned())
    del run.afterwards[TWO]
    screen.report.recap(run, None)
    assert screen.row("blockerbugs02")[-3:] == ["unknown"] * 3


@pytest.mark.parametrize(
    ("seen", "line"),
    [
        (Seen(40, 0, 0.0), "40 requests, 0 failed"),
        (Seen(40, 3, 0.31), "40 requests, 3 failed, longest outage 0.3 s"),
    ],
)
def test_the_recap_tells_what_the_users_saw(seen: Seen, line: str, screen: Screen) -> None:
    screen.report.recap(ended(planned()), seen)
    assert any(text.endswith(line) for text in screen.lines)


def test_the_recap_ends_with_the_journal(screen: Screen) -> None:
    screen.report.recap(ended(planned()), None)
    assert screen.lines[-1] == f"journal: {state_dir()}/journal.jsonl (run abcd)"


def test_a_run_that_went_well_ends_with_the_build_and_what_may_come_next(screen: Screen) -> None:
    screen.report.finished(ended(planned()), "fab prod minor-upgrade")
    assert screen.lines[0].startswith("prod: runs blockerbugs-1.1.0-1.el7, ")
    assert screen.lines[1] == "next: fab prod minor-upgrade"


def test_many_hosts_are_told_by_number() -> None:
    assert module._names([ONE] * 9) == "blockerbugs01 and 8 more"


@pytest.mark.parametrize(
    ("environment", "columns"),
    [
        pytest.param({"NO_COLOR": "1"}, None, id="X2 NO_COLOR"),
        pytest.param({"TERM": "dumb"}, None, id="X2 a dumb terminal"),
        pytest.param({}, None, id="X2 a pipe"),
        pytest.param({"COLUMNS": "40"}, "40", id="X2 a pipe of 40 columns"),
    ],
)
def test_the_output_is_plain_and_every_host_keeps_its_row_with(
    environment: dict[str, str],
    columns: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    Report().plan(planned())
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert any("blockerbugs01" in line and "upgrade" in line for line in said.splitlines())


def test_somebody_can_be_asked_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("prod\n"))
    assert not module.can_ask()


def test_an_answer_comes_without_the_blanks_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("  prod \n"))
    assert module.ask("") == "prod"


@pytest.mark.parametrize("width", [40, 60])
def test_X2_on_a_narrow_terminal_status_is_a_block_for_each_host_and_breaks_no_word(width: int) -> None:
    said = StringIO()
    report = Report(Console(file=said, width=width, highlight=False, emoji=False, markup=False))
    report.status(App(), prod(), {ONE: well(), TWO: well()})
    assert f"\n{ONE.short}\n  role: serves+syncs\n" in said.getvalue()
    assert "  installed: 1.0.0-1.el7\n" in said.getvalue()
