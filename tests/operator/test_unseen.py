"""Steps whose end nobody saw, clients that are ended from outside, and what must be there again afterwards."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import ONE, TWO, Fleet, until
from .fleets import LONG, PATIENCE_SECONDS

MAJOR = "prod major-upgrade --yes"
BACK = "*/30 * * * * blockerbugs chronic blockerbugs sync > /dev/null\n"


def edits(fleet: Fleet, old: str, new: str) -> None:
    file = fleet.home / "hosts.yml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def saves_the_database(fleet: Fleet) -> Path:
    dump = fleet.home / "dump"
    command = f"command: 'alembic current > {dump}', file: {dump}, restore: 'cp {dump} /db'"
    edits(fleet, "after: stg", f"after: stg\n    backup: {{{command}}}")
    return dump


def test_n2_a_step_that_takes_too_long_is_looked_at_and_nothing_is_begun_after_it(stg_runs_110: Fleet) -> None:
    edits(stg_runs_110, "after: stg", "after: stg\n    limits: {database: 2}")
    stg_runs_110.breaks(ONE, "upgrade-db", "slow", seconds=LONG)
    ended = stg_runs_110.types(MAJOR)
    assert ended.code == 5, ended.said
    assert "prod01 | upgrade-db: UNKNOWN: no end after 2 s" in ended.out
    assert "upgrade-db: no end after 2 s: what became of it is not known; it still runs" in ended.err
    assert "next: fab prod resume" in ended.err
    assert stg_runs_110.moments("blockerbugs", "sync") == []
    unseen = [json.loads(line) for line in stg_runs_110.journal.read_text().splitlines()]
    assert [event["hosts"][ONE]["state"] for event in unseen if event["event"] == "ended"][-1] == "unknown"


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_n6_a_client_that_is_ended_from_outside_writes_it_down_and_can_be_resumed(
    stg_runs_110: Fleet, signum: signal.Signals
) -> None:
    stg_runs_110.environment["XDG_STATE_HOME"] = str(stg_runs_110.folder / "state")
    stg_runs_110.breaks(ONE, "yum-update", "slow", seconds=3)
    client = stg_runs_110.begins(MAJOR)
    until(lambda: bool(stg_runs_110.moments("yum", "-C", "update")))
    client.send_signal(signum)
    said = "".join(client.communicate(timeout=PATIENCE_SECONDS))
    assert (client.returncode, "the step may keep running there" in said) == (130, True), said
    end = json.loads(stg_runs_110.journal.read_text().splitlines()[-1])
    assert (end["event"], end["how"], end["code"]) == ("end", f"left at {signum.name}", 130)
    assert (end["httpd_still_down"], end["httpd_down"] > 0) == (True, True)
    assert re.search(r"left at \w+.* > [0-9.]+ s ", stg_runs_110.types("prod history").out)
    assert stg_runs_110.types("prod resume --yes").code == 0
    assert stg_runs_110.at_rest("prod")["database"] == ("2b7f3", 1, 1)


def test_d5_every_failure_after_the_backup_says_where_it_is_and_how_to_get_it_back(stg_runs_110: Fleet) -> None:
    dump = saves_the_database(stg_runs_110)
    stg_runs_110.breaks(ONE, "upgrade-db", times=2)
    where = f"the database as it was before is in {dump} on prod01, 13 bytes"
    for line in (MAJOR, "prod resume --yes"):
        ended = stg_runs_110.types(line)
        assert (ended.code, where in ended.err) == (5, True), ended.said
    assert stg_runs_110.types("prod resume --yes").code == 0
    ended = stg_runs_110.types("prod rollback --version 1.0.0 --yes")
    assert (ended.code, f"restore it first from {dump}: cp {dump} /db" in ended.err) == (2, True), ended.said


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        pytest.param(lambda cron: cron.unlink(missing_ok=True), 5, id="it was taken away"),
        pytest.param(lambda cron: cron.write_text(BACK), 0, id="ansible has put it back"),
    ],
)
def test_c3_the_last_look_sees_whether_cron_is_back(
    stg_runs_110: Fleet, spoil: Callable[[Path], object], code: int
) -> None:
    stg_runs_110.breaks(TWO, "start-httpd", "slow", seconds=5)
    client = stg_runs_110.begins(MAJOR)
    until(lambda: bool(stg_runs_110.moments("service", "httpd", "start")))
    spoil(stg_runs_110.kept(ONE) / "cron")
    spoil(stg_runs_110.home / "hosts" / ONE / "etc/cron.d/blockerbugs")
    said = "".join(client.communicate(timeout=PATIENCE_SECONDS))
    assert client.returncode == code, said
    assert ("cron's sync is not back in" in said) is bool(code)
