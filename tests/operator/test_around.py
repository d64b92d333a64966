"""What stands around a run, with a real Alertmanager and a real nagios: put up, and taken down whatever way it ends."""

from __future__ import annotations

import base64
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tasks.sop import workflows
from tests.alertmanager import Alertmanager, alertmanager
from tests.nagios import nagios
from tests.wanted import wanted

from .conftest import ONE, STG, TWO, Fleet, two_sets, until
from .fleets import begun
from .test_sweep import ENDS, MAJOR, MINOR, REST, SEED, SOAK, Boundary, boundaries, goes_on, reached

REAL = wanted("prometheus-alertmanager", "prometheus-alertmanager")
EXPIRES = 900  # seconds


@pytest.fixture
def pager(tmp_path: Path) -> Iterator[Alertmanager]:
    with alertmanager(tmp_path / "alertmanager") as real:
        yield real


def around(fleet: Fleet, *parts: str) -> None:
    """hosts.yml has these around prod's runs, each as YAML in one line."""
    file = fleet.home / "hosts.yml"
    rows = "".join(f"      - {{{part}}}\n" for part in parts)
    file.write_text(file.read_text().replace("after: stg\n", f"after: stg\n    around:\n{rows}"))


def silence(pager: Alertmanager, more: str = "required: true") -> str:
    return f'silence: "{pager.url}", matchers: {{service: blockerbugs}}, expires: {EXPIRES}, {more}'


def noted(fleet: Fleet) -> list[str]:
    """What the sync host says is up."""
    return sorted(path.name.partition(",")[2] for path in fleet.kept(ONE).glob("around/*"))


def events(fleet: Fleet) -> list[tuple[str, str, bool]]:
    """What the operator's journal has of it: which, begin or end, did it fail?"""
    lines = [json.loads(line) for line in fleet.journal.read_text().splitlines()]
    return [(line["part"], line["what"], bool(line["failure"])) for line in lines if line["event"] == "around"]


def kept_ends(fleet: Fleet) -> list[str]:
    """How the runs ended of which the sync host has a copy of the journal."""
    copies = [path.read_text() for path in fleet.kept(ONE).glob("*/journal.jsonl")]
    lines = [json.loads(line) for copy in copies for line in copy.splitlines()]
    return [line["how"] for line in lines if line["event"] == "end"]


def posted(pager: Alertmanager, name: str, fires: bool = True) -> str:
    """A command that sends an alert as a Prometheus does; or that it is over."""
    ends = (datetime.now(UTC) + timedelta(minutes=5 if fires else -1)).isoformat()
    body = json.dumps([{"labels": {"alertname": name, "service": "blockerbugs"}, "endsAt": ends}])
    data = f'base64.b64decode("{base64.b64encode(body.encode()).decode()}")'  # no quotes in quotes in quotes
    request = f'u.Request("{pager.url}/api/v2/alerts", {data}, {{"Content-Type": "application/json"}})'
    command = f"{sys.executable} -c 'import base64, urllib.request as u; u.urlopen({request})'"
    return command.replace('"', '\\"')


@REAL
def test_r4_a_clean_upgrade_pages_nobody_and_leaves_no_silence(stg_runs_101: Fleet, pager: Alertmanager) -> None:
    fleet = stg_runs_101
    alert = f'begin: "{posted(pager, "down")}", end: "{posted(pager, "down", fires=False)}", name: alert'
    around(fleet, silence(pager), alert)
    ended = fleet.types(MINOR)
    assert (ended.code, fleet.at_rest("prod")) == (0, ENDS[MINOR]), ended.said
    assert "silence: begun, ends by itself in 15 min" in ended.out
    assert ended.out.index("alert: undone") < ended.out.index("silence: undone") < ended.out.index("prod: runs")
    assert (pager.silences(), len(pager.silences("expired")), noted(fleet)) == ([], 1, [])
    each = [("silence", "begin", False), ("alert", "begin", False), ("alert", "end", False), ("silence", "end", False)]
    assert events(fleet) == each
    time.sleep(1.5)  # more than Alertmanager waits before it tells of a group again
    assert pager.pages == []


@REAL
def test_r4_a_site_that_stays_down_pages_once_and_the_resume_is_silent_again(
    stg_runs_110: Fleet, pager: Alertmanager
) -> None:
    fleet = stg_runs_110
    around(fleet, silence(pager), f'begin: "{posted(pager, "down")}", name: alert')
    fleet.breaks(ONE, "upgrade-db")
    ended = fleet.types(MAJOR)
    assert (ended.code, pager.silences()) == (5, []), ended.said
    until(lambda: bool(pager.pages))
    time.sleep(1.5)
    assert pager.pages == ["down"]
    ended = fleet.types("prod resume --yes")
    assert (ended.code, pager.silences(), noted(fleet)) == (0, [], []), ended.said
    assert len(pager.silences("expired")) == 2
    assert pager.pages == ["down"]


@REAL
def test_r1_what_is_up_is_shown_and_taken_down_by_whoever_unlocks_the_set(
    stg_runs_101: Fleet, pager: Alertmanager
) -> None:
    fleet = stg_runs_101
    gone = f"touch {fleet.folder}/undone"
    around(fleet, silence(pager), f"begin: 'true', end: {gone}, name: status-page, expires: {EXPIRES}")
    fleet.breaks(ONE, "yum-update", "slow", seconds=2.0)
    fleet.dies_in(MINOR, "yum", "-C")
    (up,) = pager.silences()
    assert up["endsAt"] <= (datetime.now(UTC) + timedelta(seconds=EXPIRES)).isoformat()
    shown = fleet.types("prod status --json")
    told = next(line for line in map(json.loads, shown.out.splitlines()) if line["event"] == "status")["around"]
    assert [(one["part"], 0 < one["seconds"] <= EXPIRES) for one in told] == [("silence", True), ("status-page", True)]
    shown = fleet.types("prod status")
    assert f"silence: put up by run {told[0]['run']}, ends by itself in 1" in shown.out
    assert f"status-page: put up by run {told[0]['run']}" in shown.out
    until(lambda: fleet.types("prod unlock --yes").code != 75)
    assert (pager.silences(), noted(fleet), (fleet.folder / "undone").exists()) == ([], [], True)
    assert "put up" not in fleet.types("prod status").out


@REAL
def test_r3_what_could_not_be_undone_stays_noted_until_an_abort_can(stg_runs_101: Fleet, pager: Alertmanager) -> None:
    fleet = stg_runs_101
    around(fleet, silence(pager, "seconds: 1"), f"begin: kill -STOP {pager.pid}")
    ended = fleet.types("prod restart-httpd --yes")
    assert ended.code == 0, ended.said  # best effort, and the upgrade went well
    assert "warning: silence could not be undone (http://127.0.0.1:" in ended.out
    assert "); it ends by itself in 15 min\n" in ended.out
    assert "next: fab prod abort  # undoes silence" in ended.out
    assert noted(fleet) == ["silence"]
    shown = fleet.types("prod status")
    assert (shown.code, "next: fab prod abort  # undoes silence" in shown.out) == (0, True), shown.said
    os.kill(pager.pid, signal.SIGCONT)
    assert "abort would undo silence" in fleet.types("--dry prod abort").out
    ended = fleet.types("prod abort --yes")
    assert (ended.code, pager.silences(), noted(fleet)) == (0, [], []), ended.said
    assert "nothing to give up" in fleet.types("prod abort --yes").out


def test_r3_an_abort_that_cannot_undo_a_part_ends_with_5_and_leads_out(stg_runs_101: Fleet) -> None:
    fleet = stg_runs_101
    file, before = fleet.home / "hosts.yml", (fleet.home / "hosts.yml").read_text()
    around(fleet, f"begin: 'true', end: exit 4, on: {ONE}, name: onhost")
    ended = fleet.types("prod restart-httpd --yes")
    again = "next: fab prod abort  # undoes onhost"
    assert (ended.code, again in ended.out) == (0, True), ended.said
    ended = fleet.types("prod abort --yes")
    assert (ended.code, again in ended.err, "drained" in ended.said) == (5, True, False), ended.said
    assert "onhost is still up, put up by run " in ended.err
    edit = f"  or: ${{EDITOR:-vi}} {file}"
    assert (
        edit in ended.err,
        "# if what undoes onhost is wrong there: mend `end` in around, and abort" in ended.err,
    ) == (
        True,
        True,
    ), ended.said
    assert again in fleet.types("prod status").out
    file.write_text(before)
    for line in ("prod abort --yes", "prod status"):
        ended = fleet.types(line)
        assert "fab prod abort" not in ended.said
        (typed,) = (text for text in ended.said.splitlines() if text.startswith("next: "))
        assert typed.endswith(",onhost  # when onhost is undone by hand"), ended.said
        assert ended.code == (5 if "abort" in line else 0), ended.said
    subprocess.run(typed.removeprefix("next: "), shell=True, check=True, cwd=fleet.folder, capture_output=True)
    assert (noted(fleet), fleet.types("prod abort --yes").code) == ([], 0)


def test_r2_a_required_part_that_cannot_be_begun_is_refused_and_any_other_a_warning(stg_runs_101: Fleet) -> None:
    fleet, done = stg_runs_101, stg_runs_101.folder / "done"
    own = f"begin: touch {done}, end: rm {done}, name: own"
    around(fleet, own, 'silence: "http://127.0.0.1:9", matchers: {a: b}, required: true')
    for line in (MINOR, "prod minor-upgrade --plan"):
        ended = fleet.types(line)
        assert ended.code == 2, ended.said
        assert "host_sets.prod.around[1] (silence): http://127.0.0.1:9 cannot be asked: " in ended.err
        assert "Connection refused" in ended.err
    file, text = fleet.home / "hosts.yml", (fleet.home / "hosts.yml").read_text()
    file.write_text(text.replace('silence: "http://127.0.0.1:9", matchers: {a: b}', "begin: exit 3"))
    ended = fleet.types(MINOR)  # which nobody can see before
    assert (ended.code, "around[1] (command): exit status 3" in ended.err) == (2, True), ended.said
    assert ended.said.count("exit status 3") == 1
    assert "refused, nothing was changed" in next(iter(kept_ends(fleet)))
    assert (fleet.changed(), noted(fleet), done.exists(), (fleet.kept(ONE) / "lock").exists()) == ([], [], False, False)
    file.write_text(text.replace(", required: true", ""))
    planned = fleet.types("prod minor-upgrade --plan").out
    assert f"around the run: own: `touch {done}` before the first step, at the end `rm {done}`, here" in planned
    assert "around the run: silence: a silence at http://127.0.0.1:9 for a=b, taken down at the end" in planned
    assert "warning: silence could not be begun now (http://127.0.0.1:9 " in planned
    ended = fleet.types(MINOR)
    assert (ended.code, "warning: silence could not be begun (http://127.0.0.1:9 " in ended.out) == (0, True), (
        ended.said
    )
    assert (fleet.at_rest("prod"), noted(fleet)) == (ENDS[MINOR], [])


@pytest.mark.sandbox_only("its hosts' roots are their own")
def test_r2_a_host_that_is_named_around_a_run_may_be_away_unless_it_is_required(stg_runs_101: Fleet) -> None:
    fleet = stg_runs_101
    around(fleet, "downtime: noc01.example", f"begin: 'echo $UPGRADE_SET > around', on: {TWO}, required: true")
    ended = fleet.types("prod restart-httpd --yes")
    assert (ended.code, "warning: downtime could not be begun (noc01.example: " in ended.out) == (0, True), ended.said
    assert (fleet.home / "hosts" / TWO / "around").read_text() == "prod\n"
    file = fleet.home / "hosts.yml"
    file.write_text(file.read_text().replace("downtime: noc01.example", "downtime: noc01.example, required: true"))
    ended = fleet.types("prod restart-httpd --yes")
    assert (ended.code, "host_sets.prod.around[0] (downtime): noc01.example: " in ended.err) == (2, True), ended.said


def test_r6_a_fab_that_a_run_has_started_changes_no_host(stg_runs_101: Fleet) -> None:
    fleet = stg_runs_101
    fleet.environment["UPGRADE_RUN"] = "0123abcd"
    for line in ("prod restart-httpd --yes", "prod resume --yes", "prod abort --yes", "prod unlock --yes"):
        ended = fleet.types(line)
        assert (ended.code, "run 0123abcd has started this command" in ended.err) == (2, True), ended.said
    assert fleet.types("prod status").code == 0
    assert fleet.changed() == []


@pytest.mark.sandbox_only("its hosts have no nagios")
@wanted("nagios4", "nagios4-core")
def test_r1_nagios_has_a_downtime_for_each_host_while_the_run_lasts(stg_runs_101: Fleet, tmp_path: Path) -> None:
    fleet = stg_runs_101
    with nagios(tmp_path / "nagios", ONE, TWO) as real:
        rw = fleet.home / "hosts" / STG / "var/lib/nagios4/rw"
        rw.mkdir(parents=True)
        (rw / "nagios.cmd").symlink_to(real.file)
        around(fleet, f"downtime: {STG}, required: true")
        ended = fleet.types("prod restart-httpd --yes")
        assert ended.code == 0, ended.said
        both = sorted([ONE, TWO, f"{ONE};http", f"{TWO};http"])
        real.waits(lambda: real.alerts("CANCELLED") == both, "has not ended them")
        assert real.alerts("STARTED") == both
        real.close()
        (rw / "nagios.cmd").unlink()
        ended = fleet.types("prod restart-httpd --yes")
        assert (ended.code, "nagios.cmd is not there (does nagios run" in ended.err) == (2, True), ended.said


@REAL
def test_o2_who_is_taken_over_leaves_the_silence_to_whoever_goes_on(stg_runs_101: Fleet, pager: Alertmanager) -> None:
    fleet = stg_runs_101
    around(fleet, silence(pager))
    fleet.breaks(ONE, "yum-update", "slow", seconds=3.0)
    first = fleet.begins(MINOR, "first")
    until(lambda: begun(fleet, "yum", "-C") > 0)
    os.kill(first.pid, signal.SIGSTOP)
    second = fleet.begins("prod resume --yes", "second")
    journal = fleet.folder / "second/blockerbugs-upgrade/journal.jsonl"
    until(lambda: journal.exists() and '"resume"' in journal.read_text())
    os.kill(first.pid, signal.SIGCONT)
    said = ["".join(each.communicate()) for each in (first, second)]
    assert (first.returncode, second.returncode, pager.silences(), noted(fleet)) == (3, 0, [], []), "\n".join(said)
    assert len(pager.silences("expired")) == 1  # it was prolonged, and never down in between


@REAL
@pytest.mark.sandbox_only("a second of its yum is enough")
def test_r5_who_is_made_to_leave_takes_the_silence_down_and_a_resume_puts_it_up_again(
    stg_runs_101: Fleet, pager: Alertmanager
) -> None:
    fleet = stg_runs_101
    around(fleet, silence(pager))
    fleet.breaks(ONE, "yum-update", "slow", seconds=3.0)
    client = fleet.begins(MINOR)
    until(lambda: begun(fleet, "yum", "-C") > 0)
    os.kill(client.pid, signal.SIGTERM)
    said = "".join(client.communicate())
    assert (client.returncode, pager.silences(), noted(fleet)) == (130, [], []), said  # a step is at work there
    ended = fleet.types("prod resume --yes")
    assert (ended.code, pager.silences(), len(pager.silences("expired"))) == (0, [], 2), ended.said
    assert noted(fleet) == []


def cases() -> list[object]:
    """How a run goes on that died at a boundary: each boundary one way or the other."""
    edges: list[Boundary] = [*boundaries(workflows.minor), ("around", None)]
    both = [(way, at) for at in edges for way in ("resume", "abort")]
    some = [("resume", ("around", None)), ("abort", ("begin", None)), *random.Random(SEED).sample(both, 2)]
    chosen = both if SOAK else some
    return [pytest.param(way, at, marks=REST, id=f"{way}-{at[0]}-{at[1]}") for way, at in chosen]


@REAL
@pytest.mark.parametrize(("way", "boundary"), cases())
def test_r1_killed_at_a_boundary_no_silence_is_left_by_a_resume_or_an_abort(
    tmp_path: Path, pager: Alertmanager, way: str, boundary: Boundary
) -> None:
    with two_sets(tmp_path, stg_runs="1.0.1", patient=True) as fleet:
        around(fleet, silence(pager))
        fleet.dies_when(MINOR, lambda: reached(tmp_path, boundary))
        latest = (datetime.now(UTC) + timedelta(seconds=EXPIRES)).isoformat()
        assert all(up["endsAt"] <= latest for up in pager.silences())
        if way == "resume":
            goes_on(fleet, MINOR)
        else:
            until(lambda: fleet.types("prod abort --yes").code != 75)
            assert "nothing to give up" in fleet.types("prod abort --yes").said
        assert (pager.silences(), noted(fleet)) == ([], [])
