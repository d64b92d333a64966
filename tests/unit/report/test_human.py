from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest

from tasks.fleet.outcome import Outcome
from tasks.inventory.model import Balancer, Host
from tasks.journal.coding import Entry
from tasks.paths import state_dir
from tasks.report import opened, recap, words
from tasks.report.asking import ask, can_ask
from tasks.report.human import Human
from tasks.report.screen import Screen
from tasks.run.decide import decide
from tasks.run.lock_file import Lock
from tasks.run.probe import Seen
from tasks.sop.balanced import Balanced, Server
from tasks.sop.model import UNREACHED, Facts, Schema
from tests.unit.builders import NEW, OLD, ONE, TWO, event, found, prod, request, well
from tests.unit.report.values import ended, planned


class Terminal(StringIO):
    """Takes what is shown as a terminal does."""

    def isatty(self) -> bool:
        return True


class Shown:
    """A report, and what stands on its screen."""

    def __init__(self, width: int = 200, file: StringIO | None = None, **wanted: bool) -> None:
        self._file = file or StringIO()
        self.report = Human(Screen(self._file, width), **wanted)

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self._file.getvalue().splitlines() if line.strip()]

    def row(self, host: str) -> list[str]:
        return next(line.split() for line in self.lines if line.startswith(host))


@pytest.fixture
def screen() -> Shown:
    return Shown()


def test_the_plan_begins_with_the_set_the_procedure_and_the_build(screen: Shown) -> None:
    screen.report.plan(planned())
    assert screen.lines[0] == "prod: minor upgrade: blockerbugs-1.1.0-1.el7"


def test_the_plan_has_a_row_for_every_host(screen: Shown) -> None:
    screen.report.plan(planned(second="there"))
    assert screen.row("blockerbugs01") == ["blockerbugs01", "1.0.0-1.el7", "1.1.0-1.el7", "infra", "upgrade"]
    assert screen.row("blockerbugs02")[1:5] == ["1.1.0-1.el7", "1.1.0-1.el7", "infra", "nothing:"]


def test_the_plan_numbers_its_phases_and_names_their_hosts(screen: Shown) -> None:
    screen.report.plan(planned("major-upgrade"))
    numbered = [line.split()[:2] for line in screen.lines if line.split()[0].isdigit()]
    assert numbered[:3] == [["1", "download"], ["2", "pause-cron"], ["3", "stop-httpd"]]


def test_the_plan_ends_with_its_warnings(screen: Shown) -> None:
    screen.report.plan(replace(planned(), warnings=("think twice",)))
    assert screen.lines[-1] == "warning: think twice"


def test_every_command_of_the_plan_is_shown_once(screen: Shown) -> None:
    screen.report.commands(planned())
    assert screen.lines.count("restart-httpd: service httpd restart") == 1


def test_a_command_of_the_plan_is_not_broken_on_a_narrow_terminal_so_that_it_can_be_copied() -> None:
    narrow = Shown(width=40, file=Terminal())
    narrow.report.commands(planned())
    assert any("update --downloadonly blockerbugs-1.1.0-1.el7 ||" in line for line in narrow.lines)


def test_nothing_to_do_says_what_runs(screen: Shown) -> None:
    screen.report.nothing_to_do(decide(request("minor-upgrade"), found(prod(), well(NEW))))
    assert screen.lines == ["nothing to do: prod is healthy with blockerbugs-1.1.0-1.el7"]


def test_what_became_of_a_step_stands_behind_the_hosts_name(screen: Shown) -> None:
    phase = planned("major-upgrade").phases[0]
    screen.report.phase(1, 10, phase)
    screen.report.done(ONE, 1.25)
    screen.report.failed(TWO, "exit status 1: no space")
    assert screen.lines[1:] == [
        "blockerbugs01 | download: done in 1.2 s",
        "blockerbugs02 | download: FAILED: exit status 1: no space",
    ]


@pytest.mark.parametrize("said", ["[bold red]x[/]", ":smile:", "[/]", "100%", "a" * 500, "https://x.example/[a]"])
def test_what_a_host_says_is_shown_as_it_was_said_and_in_one_line(said: str) -> None:
    screen = Shown(verbose=True)
    screen.report.line(ONE, said)
    assert screen.lines == [f"blockerbugs01 | {said}"]


def test_a_fact_with_brackets_is_shown_as_it_is(screen: Shown) -> None:
    screen.report.status(prod(), found(prod(), well(service="[red]active")))
    assert "[red]active" in screen.row("blockerbugs01")


def test_status_has_every_fact_of_every_host(screen: Shown) -> None:
    screen.report.status(prod(location="iad2"), found(prod(), well(), well(schema=Schema.PENDING)))
    assert screen.lines[0] == "prod, iad2: blockerbugs, Fedora QA Devel, #fedora-qa"
    row = "blockerbugs01 serves+syncs 1.0.0-1.el7 1.1.0-1.el7 active 200 1.0.0 aaa (head) yes 5000 MB"
    assert " ".join(screen.row("blockerbugs01")) == row
    assert "(pending)" in screen.row("blockerbugs02")


def test_status_tells_what_could_not_be_found_out(screen: Shown) -> None:
    screen.report.status(prod(), found(prod(), well(), well(problems=("yum cannot list blockerbugs",))))
    assert screen.lines[-1] == "blockerbugs02: yum cannot list blockerbugs"


def test_N2_status_of_a_host_that_was_lost_says_once_that_it_was_not_reached(screen: Shown) -> None:
    screen.report.status(prod(), {ONE: well()})
    assert screen.row("blockerbugs02") == ["blockerbugs02", "serves", "not", "reached"]
    assert len([line for line in screen.lines if "blockerbugs02" in line]) == 1


def test_the_recap_tells_per_step_and_host_what_was_done_failed_and_not_reached(screen: Shown) -> None:
    screen.report.recap(ended(planned(), "exit status 1"))
    assert [screen.row(step)[1:] for step in ("download", "yum-update", "healthy")] == [
        ["1.0", "s", "1.0", "s"],
        ["FAILED", "not", "reached"],
        ["not", "reached", "not", "reached"],
    ]


def test_the_recap_adds_up_what_a_step_took_at_the_proxies_in_each_of_its_batches(screen: Shown) -> None:
    host_set = prod(balancer={"proxies": ["proxy01.example", "proxy02.example"], "backend": "bb"}, schema_status="x")
    servers = Balanced(tuple(Server(host.short, "ready", 0, True, "UP") for host in host_set.hosts))
    facts = found(host_set, well()) | dict.fromkeys(host_set.proxies, Facts(balanced=servers))
    run = ended(decide(request("minor-upgrade", host_set), facts))
    screen.report.recap(run)
    assert screen.row("drain") == ["drain", "-", "-", "2.0", "s"]
    last = next(results for phase, results in reversed(run.outcomes) if phase.step.name == "drain")
    last[host_set.proxies[0]] = Outcome("", 1.0, "the line was lost", known=False)
    lost = Shown()
    lost.report.recap(run)
    assert lost.row("drain") == ["drain", "-", "-", "LOST"]


def test_y5_the_recap_tells_what_rpm_warned_of_in_a_step_that_succeeded_and_on_which_hosts(screen: Shown) -> None:
    run = ended(planned())
    warning = "warning: /etc/blockerbugs/settings.py created as /etc/blockerbugs/settings.py.rpmnew"
    run.outcomes = [
        (phase, {host: replace(o, output=f"Updating\n{warning}\nComplete!") for host, o in results.items()})
        if phase.step.name == "yum-update"
        else (phase, results)
        for phase, results in run.outcomes
    ]
    screen.report.recap(run)
    assert f"blockerbugs01, blockerbugs02: yum-update said: {warning}" in screen.lines


def test_the_recap_of_many_hosts_has_a_row_for_each(screen: Shown) -> None:
    hosts = tuple(Host(name=f"web{n:02}.example", aliases=(f"web{n:02}",)) for n in range(6))
    screen.report.recap(ended(planned(host_set=prod(hosts=hosts, sync_host="web00"))))
    assert screen.row("web03") == ["web03", "5", "-", "-", "5.0", "s"]


def test_the_recap_tells_from_which_build_and_schema_to_which(screen: Shown) -> None:
    run = ended(planned("major-upgrade"))
    run.afterwards = {host: well(NEW, revision="bbb") for host in run.plan.hosts}
    screen.report.recap(run)
    row = "blockerbugs01 1.0.0-1.el7 -> 1.1.0-1.el7 aaa -> bbb active 200 1.1.0"
    assert " ".join(screen.row("blockerbugs01")) == row


def test_a_step_that_was_done_before_a_resume_says_so(screen: Shown) -> None:
    run = ended(planned())
    run.outcomes[0] = (run.outcomes[0][0], {ONE: Outcome("", 0.0, earlier=True)})
    screen.report.recap(run)
    assert screen.row("download")[1] == "before"


def test_the_recap_calls_a_host_that_does_not_answer_any_more_unknown(screen: Shown) -> None:
    run = ended(planned())
    del run.afterwards[TWO]
    screen.report.recap(run)
    assert screen.row("blockerbugs02")[1:] == ["unknown"] * 4


def test_a_step_that_failed_opens_its_last_lines(screen: Shown) -> None:
    screen.report.phase(1, 10, planned("major-upgrade").phases[0])
    for number in range(20):
        screen.report.line(ONE, f"line {number}")
    screen.report.line(TWO, "all is well")
    screen.report.done(TWO, 1.0)
    screen.report.failed(ONE, "exit status 1")
    assert screen.lines[2:] == [
        "blockerbugs01 | download: FAILED: exit status 1",
        *(f"blockerbugs01 |   line {number}" for number in range(8, 20)),
    ]


def test_quiet_shows_the_recap_and_what_failed(screen: Shown) -> None:
    screen = Shown(quiet=True, agreed=True)
    plan = planned("major-upgrade")
    screen.report.looking((ONE, TWO))
    screen.report.plan(plan)
    screen.report.phase(1, 10, plan.phases[0])
    screen.report.done(ONE, 1.0)
    screen.report.waiting(10, "for nothing")
    assert screen.lines == []
    screen.report.failed(TWO, "exit status 1")
    screen.report.recap(ended(plan))
    assert screen.lines[0] == "blockerbugs02 | download: FAILED: exit status 1"
    assert all(any(host in line for line in screen.lines[1:]) for host in ("blockerbugs01", "blockerbugs02"))


def test_quiet_shows_a_plan_that_will_be_asked_about() -> None:
    screen = Shown(quiet=True)
    screen.report.plan(planned())
    assert screen.lines


@pytest.mark.parametrize("quiet", [False, True])
def test_w3_who_is_waited_for_is_said_once_a_minute_and_when_it_is_somebody_else(
    quiet: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen, now = Shown(quiet=quiet), [1000.0]
    monkeypatch.setattr("tasks.run.observer.time.monotonic", lambda: now[0])
    for hosts, seconds in (
        ([ONE, TWO], 5),
        ([ONE, TWO], 10),
        ([TWO], 15),
        ([TWO], 20),
        ([TWO], 75),
        ([], 0),
        ([TWO], 5),
    ):
        now[0] += 5 if seconds < 75 else 60
        screen.report.waits_for(hosts, "to end download (at most 30 min)", seconds)
    what = "to end download (at most 30 min)"
    assert screen.lines == [
        f"waiting for blockerbugs01, blockerbugs02 {what}: 5 s so far",
        f"waiting for blockerbugs02 {what}: 15 s so far",
        f"waiting for blockerbugs02 {what}: 1 min 15 s so far",
        f"waiting for blockerbugs02 {what}: 5 s so far",
    ]


@pytest.mark.parametrize("quiet", [False, True])
def test_n2_a_lost_line_is_said_and_that_a_look_does_not_go_on_without_it(quiet: bool) -> None:
    screen = Shown(quiet=quiet)
    phases = planned("major-upgrade").phases
    for phase in (phases[0], next(phase for phase in phases if phase.step.looks)):
        screen.report.phase(2, 10, phase)
        screen.report.lost(ONE, 110.0)
        screen.report.back(ONE)
    lost, back = (
        "blockerbugs01: connection lost, trying again for 1 min 50 s",
        "blockerbugs01: connection is back, following the step",
    )
    said = [line for line in screen.lines if "connection" in line]
    assert said == [f"{lost}; the step may go on there", back, lost, back]


def test_a_wait_that_is_told_again_and_again_is_said_once(screen: Shown) -> None:
    for left in (60.0, 59.5, 59.0):
        screen.report.waiting(left, f"at most: held since {60 - left} s")
    assert screen.lines == ["waiting 1 min at most: held since 0.0 s"]


@pytest.mark.parametrize(
    ("seen", "line"),
    [
        (Seen(40, 0, 0.0), "40 requests, 0 failed"),
        (Seen(40, 3, 0.31), "40 requests, 3 failed, longest outage 0.3 s"),
    ],
)
def test_the_recap_tells_what_the_users_saw(seen: Seen, line: str, screen: Shown) -> None:
    screen.report.recap(ended(planned("major-upgrade"), users=seen))
    assert any(text.endswith(line) for text in screen.lines)


@pytest.mark.parametrize(
    ("balancer", "afterwards", "said"),
    [
        pytest.param(Balancer(), well(service="inactive", answers=None), "still down", id="httpd is down"),
        pytest.param(None, well(), "still down, though every host answers", id="no balancer is known"),
        pytest.param(
            Balancer(interval=0.5),
            well(),
            "every host answers, but the balancer had not looked again yet (it looks every 0.5 s), or is down itself",
            id="the balancer is behind",
        ),
    ],
)
def test_the_recap_tells_who_keeps_a_url_from_its_users(
    balancer: Balancer | None, afterwards: Facts, said: str
) -> None:
    run = ended(planned("major-upgrade", host_set=prod(balancer=balancer)))
    run.afterwards = {ONE: well(), TWO: afterwards}
    assert recap.outage(run, Seen(40, 3, 0.31, down=True))[0].endswith(f"3 failed, longest outage 0.3 s; {said}")


def test_the_recap_ends_with_the_journal_and_what_draws_it_for_the_ticket(screen: Shown) -> None:
    screen.report.recap(ended(planned()))
    assert screen.lines[-2:] == [
        f"journal: {state_dir()}/journal.jsonl (run abcd)",
        "for the ticket: fab prod report --run abcd",
    ]


def test_a_run_that_went_well_ends_with_the_build_and_what_may_come_next(screen: Shown) -> None:
    screen.report.finished(ended(planned()), "fab prod minor-upgrade")
    assert screen.lines[0].startswith("prod: runs blockerbugs-1.1.0-1.el7, ")
    assert screen.lines[1] == "next: fab prod minor-upgrade"


def test_many_hosts_are_told_as_a_range_or_by_their_number() -> None:
    assert words.names([Host(name=f"web{n:02}.example") for n in range(1, 10)]) == "web[01-09].example"
    assert words.names([Host(name=f"{name}.example") for name in ("alpha", "bravo", "charlie", "delta", "echo")]) == (
        "alpha.example, bravo.example and 3 more"
    )


class ATerminal(StringIO):
    """A terminal, as a program sees it; what is written to it stays as it was written."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "escapes"),
    [
        pytest.param({"TERM": "xterm-256color"}, {"0", "1", "38;5;166", "38;5;244"}, id="X2 a terminal has colours"),
        pytest.param({"TERM": "xterm-256color", "NO_COLOR": "1"}, {"0", "1"}, id="X2 NO_COLOR has none, and bold"),
        pytest.param({"TERM": "dumb"}, set(), id="X2 a dumb terminal has nothing"),
    ],
)
def test_colours_are_for_terminals_that_want_them(
    environment: dict[str, str], escapes: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TERM", "NO_COLOR", "COLORTERM", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    terminal = ATerminal()
    Human(Screen(terminal, 80)).plan(planned())
    assert set(re.findall("\x1b\\[([0-9;]*)m", terminal.getvalue())) == escapes


@pytest.mark.parametrize("columns", [None, "40"])
def test_X2_in_a_pipe_the_output_is_plain_and_every_host_keeps_its_row(
    columns: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    opened().plan(planned())
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert any("blockerbugs01" in line and "upgrade" in line for line in said.splitlines())


def test_somebody_can_be_asked_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("prod\n"))
    assert not can_ask()


def test_an_answer_comes_without_the_blanks_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("  prod \n"))
    assert ask("") == "prod"


@pytest.mark.parametrize("width", [40, 60])
def test_X2_on_a_narrow_terminal_status_is_turned_on_its_side_and_breaks_no_word(width: int) -> None:
    screen = Shown(width)
    screen.report.status(prod(), {ONE: well(), TWO: well()})
    assert screen.row("host") == ["host", ONE.short, TWO.short]
    assert screen.row("installed") == ["installed", "1.0.0-1.el7", "1.0.0-1.el7"]


def test_X2_where_that_is_too_wide_each_host_is_a_block() -> None:
    screen = Shown(30)
    screen.report.status(prod(), {ONE: well(), TWO: well()})
    assert screen.lines[1:4] == [ONE.short, "  role: serves+syncs", "  installed: 1.0.0-1.el7"]


def test_a_minor_upgrade_that_lost_requests_says_that_it_should_not_have(screen: Shown) -> None:
    screen.report.recap(ended(planned(), users=Seen(40, 3, 0.31, outages=((0.0, 0.31),))))
    assert any(
        "3 failed, longest outage 0.3 s at " in line and "should not be: other hosts were in service" in line
        for line in screen.lines
    )


def judged_bad(at: float, back: tuple[str, ...], until: float) -> list[Entry]:
    """A batch was judged for 5 s up to `at`, and the first phase after that ended at `until`."""
    told = event("judged", verdict="bad", hosts=[ONE.name], seconds=5.0, stops=True, back=list(back))
    return [Entry(at, "abcd", told, {}), Entry(until, "abcd", event("ended", step="drain"), {})]


@pytest.mark.parametrize(
    ("began", "says"),
    [
        (96.0, ": while the new build was judged on blockerbugs01"),
        (101.0, ": while the new build was judged on blockerbugs01"),
        (94.0, ": should not be: other hosts were in service"),
        (103.0, ": should not be: other hosts were in service"),
    ],
)
def test_an_outage_while_a_bad_build_served_is_not_blamed_on_the_balancer(began: float, says: str) -> None:
    run = ended(planned())
    run.journal.entries += judged_bad(100.0, (ONE.name,), until=102.0)
    assert recap.outage(run, Seen(40, 3, 0.31, outages=((50.0, 0.1), (began, 0.31))))[0].endswith(says)


def test_what_puts_a_batch_back_is_announced_in_a_line_and_counted_by_itself(screen: Shown) -> None:
    whole = planned()
    says = "blockerbugs01 is put back on 1.0.0-1.el7; blockerbugs02 is left as it is"
    for place, phase in enumerate(whole.phases[:2], 1):
        screen.report.puts_back(place, 6, says)
        screen.report.phase(14 + place, 20, phase)
    lines = [line for line in screen.lines if line]
    assert lines[0] == says
    assert [line.split()[0] for line in lines[1:]] == ["[1/6]", "[2/6]"]


def test_w2_a_page_that_never_answered_is_said_to_be_unreachable_from_here_and_no_outage(screen: Shown) -> None:
    seen = Seen(19, 19, 0.0, down=True, proxy="http://me:hunter2@127.0.0.1:9")
    screen.report.recap(ended(planned(), users=seen))
    (line,) = [line for line in screen.lines if "19 requests" in line]
    assert line.endswith(
        "not reachable from here, or down or failing all the time; the proxy http://me:[redacted]@127.0.0.1:9 was asked"
    )
    assert "outage" not in line


STOPPED = well(service="inactive", answers=None)
NEVER = Seen(11, 11, 0.0, down=True)
EARLIER = {"url": "https://qa.example/", "requests": 40, "failed": 3}
BEHIND = "the balancer had not looked again yet (it looks every 10 s)"


@pytest.mark.parametrize(
    ("earlier", "before", "now", "says"),
    [
        pytest.param(
            True,
            STOPPED,
            well(),
            f"httpd was running on no host when it was resumed; every host answers, but {BEHIND}, or is down itself",
            id="the run's first half has reached it",
        ),
        pytest.param(
            True, well(), well(), f"every host answers, but {BEHIND}, or is down itself", id="so it has, and httpd ran"
        ),
        pytest.param(
            False, STOPPED, STOPPED, "httpd was running on no host at the start; still down", id="nobody runs httpd"
        ),
        pytest.param(
            False,
            STOPPED,
            well(),
            f"httpd was running on no host at the start; not reachable from here, or {BEHIND}",
            id="it runs now",
        ),
        pytest.param(
            False, well(), well(), "not reachable from here, or down or failing all the time", id="nobody knows"
        ),
    ],
)
def test_a_url_that_never_answered_is_told_by_what_the_run_knows_of_it(
    earlier: bool, before: Facts, now: Facts, says: str
) -> None:
    host_set = prod(balancer=Balancer(interval=10), url="https://qa.example/")
    plan = replace(planned("major-upgrade", host_set=host_set), facts=found(host_set, before))
    run = ended(plan)
    run.afterwards = found(host_set, now)
    for told in [event("watched", **EARLIER), event("resume")] if earlier else []:
        run.journal.write(told)
    assert recap.outage(run, NEVER)[0].endswith(f"11 requests, 11 failed: {says}")


@pytest.mark.parametrize(
    ("earlier", "before", "says"),
    [
        (False, STOPPED, "httpd was not running there at the start"),
        (True, STOPPED, "httpd was not running there when it was resumed"),
        (True, well(), "down or failing all the time since it was resumed"),
        (False, well(), "not reachable from here, or down or failing all the time"),
    ],
)
def test_a_host_whose_page_never_answered_is_told_by_what_the_run_knows_of_it(
    earlier: bool, before: Facts, says: str
) -> None:
    plan = planned("major-upgrade")
    run = ended(replace(plan, facts={ONE: before, TWO: well()}))
    run.afterwards, run.nodes = {ONE: STOPPED, TWO: well()}, {ONE: Seen(2, 2, 0.0, down=True)}
    for told in [event("watched", host=ONE.name, **EARLIER), event("resume")] if earlier else []:
        run.journal.write(told)
    assert list(recap.nodes(run)) == [(f"blockerbugs01: 2 requests, none was answered well: {says}", "aside")]


@pytest.mark.parametrize("procedure", ["minor-upgrade", "major-upgrade"])
def test_an_upgrade_that_began_when_nobody_served_is_not_blamed_for_the_outage(procedure: str, screen: Shown) -> None:
    plan = replace(planned(procedure), facts=found(prod(), well(service="inactive", answers=None)))
    screen.report.recap(ended(plan, users=Seen(40, 3, 0.31, outages=((0.0, 0.31),))))
    assert any(line.endswith("httpd was running on no host at the start") for line in screen.lines)


def test_after_a_resume_the_outage_is_said_to_be_counted_from_there(screen: Shown) -> None:
    run = ended(planned(), users=Seen(40, 0, 0.0))
    run.journal.write(event("resume"))
    screen.report.recap(run)
    assert any("since it was resumed: 40 requests, 0 failed" in line for line in screen.lines)


@pytest.mark.parametrize(
    ("facts", "next_line"),
    [
        ([well()], "next: fab prod status"),
        ([well(service="inactive", schema=Schema.CURRENT)], "next: fab prod start-httpd"),
        (
            [well(service="inactive", schema=Schema.UNKNOWN)],
            "next: fab prod upgrade-db sync start-httpd",
        ),
        (
            [well(service="inactive", schema=Schema.CURRENT, revision="bbb", previous_schema="aaa")],
            "next: fab prod sync start-httpd",
        ),
        (
            [well(NEW, service="inactive", schema=Schema.CURRENT), well()],
            "next: fab prod minor-upgrade --version 1.1.0-1.el7  # all hosts to 1.1.0-1.el7\n"
            "  or: fab prod start-httpd  # with the builds that are there",
        ),
        (
            [well(service="inactive", schema=Schema.CURRENT), UNREACHED],
            "next: fab -H blockerbugs01 start-httpd",
        ),
        (
            [well(NEW, previous=OLD), well()],
            "next: fab prod minor-upgrade --version 1.1.0-1.el7  # all hosts to 1.1.0-1.el7\n"
            "  or: fab prod rollback --version 1.0.0-1.el7  # rolls back if the build is still in the repo",
        ),
        (
            [well(service="inactive", schema=Schema.PENDING), well(NEW)],
            "next: fab prod major-upgrade --version 1.1.0-1.el7  # all hosts to 1.1.0-1.el7\n"
            "  or: fab prod stop-httpd yum-update --version 1.1.0-1.el7 upgrade-db sync start-httpd  "
            "# by hand, step by step",
        ),
    ],
)
def test_after_an_abort_the_last_line_says_how_httpd_comes_back(
    facts: list[Facts], next_line: str, screen: Shown
) -> None:
    lock = Lock("abcd", "lbrabec@laptop", "2026-11-25T20:00:00+00:00", "major-upgrade")
    screen.report.aborted(prod(), lock, found(prod(), *facts))
    assert "\n".join(screen.lines).endswith(f"\n{next_line}")


def test_where_no_run_holds_the_set_status_says_what_is_down_and_what_to_type(screen: Shown) -> None:
    screen.report.leftovers(prod(), found(prod(), well()))
    assert screen.lines == []
    screen.report.leftovers(prod(), found(prod(), well(service="inactive", schema=Schema.CURRENT, paused="0123abcd")))
    assert screen.lines == [
        "httpd is not running on blockerbugs01, blockerbugs02",
        "next: fab prod abort        # lets cron sync again",
        "then: fab prod start-httpd",
    ]


def test_answers_that_were_held_back_are_told_although_none_failed(screen: Shown) -> None:
    screen.report.recap(ended(planned(), users=Seen(40, 0, 0.0, slow=((0.0, 2.1), (9.0, 1.2)))))
    assert any("0 failed; 2 slow responses, slowest 2.1 s at " in line for line in screen.lines)


@pytest.mark.parametrize(
    ("seen", "line"),
    [
        (Seen(40, 0, 0.0), "blockerbugs01: 40 requests, all answered"),
        (Seen(40, 3, 0.8, outages=((0.0, 0.8),)), "blockerbugs01: 40 requests, away for 0.8 s at "),
        (
            Seen(40, 3, 0.8, outages=((0.0, 0.8), (9.0, 0.2))),
            "blockerbugs01: 40 requests, away 2 times, the longest for 0.8 s at ",
        ),
        (
            Seen(4, 4, 9.0, True, ((0.0, 9.0),)),
            "blockerbugs01: 4 requests, none from this machine succeeded; the health check on the host itself",
        ),
    ],
)
def test_that_a_node_was_away_for_its_restart_is_told_without_alarm(seen: Seen, line: str, screen: Shown) -> None:
    run = ended(planned())
    run.nodes = {ONE: seen}
    assert recap.node(ONE, seen)[1] == "aside"
    screen.report.recap(run)
    assert any(text.startswith(line) for text in screen.lines)


def test_w2_a_node_that_serves_is_not_said_to_have_been_down_because_no_request_from_here_was_answered() -> None:
    seen = Seen(3, 3, 1.0, down=True, outages=((0.0, 1.0),))
    assert recap.node(ONE, seen, serves=True)[0].endswith(
        "none from this machine succeeded; the health check on the host itself passes"
    )
    assert recap.node(ONE, seen)[0].endswith(
        "none was answered well: not reachable from here, or down or failing all the time"
    )


def test_a_node_that_does_not_come_back_is_told_so() -> None:
    told, style = recap.node(ONE, Seen(40, 3, 0.8, True, ((0.0, 0.8),)))
    assert told.endswith(", still away")
    assert style == "warn"


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (Seen(40, 1, 0.0, True, ((9.0, 0.0),)), "blockerbugs01: 40 requests, the last one failed"),
        (Seen(40, 4, 0.8, True, ((0.0, 0.8), (9.0, 0.0))), "blockerbugs01: 40 requests, away for 0.8 s at "),
    ],
)
def test_a_node_whose_last_request_alone_failed_is_not_said_to_be_away(seen: Seen, said: str) -> None:
    told, style = recap.node(ONE, seen)
    assert told.startswith(said)
    assert told.endswith(", the last one failed")
    assert style == "warn"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "200 1.0.0"),
        ({"version": None, "older": True}, "200 (old build)"),
        ({"version": None}, "200 (no version)"),
        ({"answers": 503, "version": None}, "503"),
        ({"answers": None, "version": None}, "no"),
    ],
)
def test_a_page_without_a_version_is_not_called_an_old_build(changes: dict[str, Any], told: str) -> None:
    assert words.answer(well(**changes)) == told
