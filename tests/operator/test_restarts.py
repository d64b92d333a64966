"""A host restarts while a run is on: noticed in the run, and what came back by itself is stopped again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .conftest import ONE, TWO, Ended, Fleet, until
from .fleets import UNBROKEN_MAJOR

MAJOR = "prod major-upgrade --yes"
CAME_BACK = "httpd came back by itself and ran there; it is stopped again"

pytestmark = pytest.mark.sandbox_only("holds a program of a host up until another host has restarted")


@contextmanager
def held_up(fleet: Fleet, host: str, program: str, word: str) -> Iterator[Callable[[], None]]:
    """The host's program, if it is typed with this word, does not begin its work before the test says so."""
    file = fleet.home / "hosts" / host / "usr/bin" / program
    real, go = file.with_name(f"{program}.real"), fleet.folder / f"{program}.go"
    file.rename(real)
    wait = f"{{ : >'{go}.waits'; until test -e '{go}'; do sleep 0.02; done; }}"
    file.write_text(f"""#!/bin/sh\ncase "$*" in *{word}*) {wait} ;; esac\nexec '{real}' "$@"\n""")
    file.chmod(0o755)

    def come_to_it() -> None:
        until(Path(f"{go}.waits").exists)

    try:
        yield come_to_it
    finally:
        go.touch()


def restarts_during(
    fleet: Fleet, line: str, program: str, word: str, where: str = ONE, ready: Callable[[], bool] = lambda: True
) -> Ended:
    """How `fab LINE` ends when prod02 restarts while the other host is at that."""
    client = fleet.begins(line)
    with client:
        with held_up(fleet, where, program, word) as come_to_it:
            come_to_it()
            until(ready)
            fleet.machines.power_off(TWO)
            fleet.machines.boot(TWO)
        out, err = client.communicate()
    return Ended(client.returncode, out, err)


def stops_of_two(fleet: Fleet) -> list[float]:
    return [t for t, host, phase in fleet.moments("service", "stop") if (host, phase) == (TWO, "start")]


def journalled(fleet: Fleet) -> list[dict[str, str]]:
    """What the operator's journal has of restarts."""
    file = fleet.folder / "state/blockerbugs-upgrade/journal.jsonl"
    lines = map(json.loads, file.read_text().splitlines())
    return [
        {key: line[key] for key in ("host", "meanwhile", "service")} for line in lines if line["event"] == "restarted"
    ]


def test_n5_an_httpd_that_came_back_while_the_database_was_migrated_is_stopped_before_the_sync(
    stg_runs_110: Fleet,
) -> None:
    ended = restarts_during(stg_runs_110, MAJOR, "blockerbugs", "upgrade_db")
    assert ended.code == 0, ended.said
    assert stg_runs_110.at_rest("prod") == UNBROKEN_MAJOR
    said = f"prod02 restarted during upgrade-db: {CAME_BACK}"
    assert [line for line in ended.out.splitlines() if line.startswith("prod02 restarted")] == [said, said], ended.out
    assert journalled(stg_runs_110) == [{"host": TWO, "meanwhile": "during upgrade-db", "service": "httpd"}]
    migrated = max(t for t, _, _ in stg_runs_110.moments("blockerbugs", "upgrade_db"))
    synced = min(t for t, _, _ in stg_runs_110.moments("blockerbugs", "sync"))
    assert [migrated < stop < synced for stop in stops_of_two(stg_runs_110)] == [False, True]


def test_n5_an_httpd_that_came_back_before_the_migration_is_stopped_before_it(stg_runs_110: Fleet) -> None:
    def two_is_updated() -> bool:
        return any(stg_runs_110.kept(TWO).glob("*/*-yum-update/rc"))

    ended = restarts_during(stg_runs_110, MAJOR, "yum", "-C*update", ready=two_is_updated)
    assert ended.code == 0, ended.said
    assert stg_runs_110.at_rest("prod") == UNBROKEN_MAJOR
    assert ended.out.count(CAME_BACK) == 2, ended.out
    migrated = min(t for t, _, _ in stg_runs_110.moments("blockerbugs", "upgrade_db"))
    assert [stop < migrated for stop in stops_of_two(stg_runs_110)] == [True, True]


def test_n5_a_restart_that_was_noticed_before_httpd_is_looked_at_is_one_restart(stg_runs_110: Fleet) -> None:
    def two_has_stopped() -> bool:
        return any(stg_runs_110.kept(TWO).glob("*/*-stop-httpd/rc"))

    ended = restarts_during(stg_runs_110, MAJOR, "service", "stop", ready=two_has_stopped)
    assert ended.code == 0, ended.said
    assert stg_runs_110.at_rest("prod") == UNBROKEN_MAJOR
    said = [line for line in ended.out.splitlines() if line.startswith("prod02 restarted")]
    noticed = said[0]
    assert noticed in [f"prod02 restarted {when} stop-httpd" for when in ("during", "after")]
    assert said == [noticed, f"{noticed}: {CAME_BACK}", f"{noticed}: {CAME_BACK}"], ended.out


def test_n5_a_restart_during_the_sync_is_said_though_httpd_is_to_run_anyway(stg_runs_110: Fleet) -> None:
    ended = restarts_during(stg_runs_110, MAJOR, "blockerbugs", "sync")
    assert ended.code == 0, ended.said
    assert stg_runs_110.at_rest("prod") == UNBROKEN_MAJOR
    assert "\nprod02 restarted during sync\n" in ended.out
    assert len(stops_of_two(stg_runs_110)) == 1


def test_n5_a_restart_during_a_minor_upgrade_is_said_and_the_host_upgraded_in_its_turn(stg_runs_101: Fleet) -> None:
    ended = restarts_during(stg_runs_101, "prod minor-upgrade --yes", "service", "restart")
    assert ended.code == 0, ended.said
    assert stg_runs_101.runs(TWO) == ("blockerbugs-1.0.1-1.el7", "1.0.1")
    assert "prod02 restarted during yum-update, restart-httpd, healthy" in ended.out


def test_n5_httpd_that_cannot_be_stopped_again_ends_the_run_before_the_sync(stg_runs_110: Fleet) -> None:
    client = stg_runs_110.begins(MAJOR)
    with client:
        with held_up(stg_runs_110, ONE, "blockerbugs", "upgrade_db") as come_to_it:
            come_to_it()
            stg_runs_110.breaks(TWO, "stop-httpd")
            stg_runs_110.machines.power_off(TWO)
            stg_runs_110.machines.boot(TWO)
        out, err = client.communicate()
    assert client.returncode == 5, out + err
    assert stg_runs_110.moments("blockerbugs", "sync") == []
    assert "prod02: still-down" in err
    ended = stg_runs_110.types("prod resume --yes")
    assert ended.code == 0, ended.said
    assert stg_runs_110.at_rest("prod") == UNBROKEN_MAJOR
