"""What was done to a set, told afterwards."""

from __future__ import annotations

import json

from .conftest import ONE, STG, Fleet


def row(fleet: Fleet, line: str) -> list[str]:
    ended = fleet.types(line)
    assert ended.code == 0, ended.said
    return [text for text in ended.out.splitlines() if "upgrade" in text]


def test_history_tells_who_did_what_from_where_to_where_and_how_long_httpd_was_down(stg_runs_110: Fleet) -> None:
    assert stg_runs_110.types("prod major-upgrade --yes").code == 0
    (told,) = row(stg_runs_110, "prod history")
    assert "@" in told
    assert "major-upgrade  1.0.0-1.el7  1.1.0-1.el7  done" in told
    down = json.loads(stg_runs_110.journal.read_text().splitlines()[-1])["httpd_down"]
    assert f"  {down:.1f} s  " in told
    assert row(stg_runs_110, "stg history") == []


def test_history_has_the_runs_of_others_and_without_the_sync_host_says_that_it_has_not(fleet: Fleet) -> None:
    assert fleet.types("stg minor-upgrade --version 1.0.1 --yes").code == 0
    fleet.environment["XDG_STATE_HOME"] += ".bob"
    fleet.breaks(STG, "upgrade-db")
    assert fleet.types("stg major-upgrade --version 1.1.0 --yes").code == 5
    first, second = row(fleet, "stg history")
    assert ("1.0.0-1.el7  1.0.1-1.el7  done" in first, "stopped half-way, lock kept" in second) == (True, True)
    fleet.machines.power_off(STG)
    ended = fleet.types("stg history")
    assert (ended.code, ended.out.count("upgrade")) == (0, 1), ended.said
    assert "stg01: cannot be reached: only runs that were typed on this machine are shown" in ended.out


def test_history_does_not_call_a_run_lost_that_was_refused_at_the_lock(fleet: Fleet) -> None:
    fleet.kept(STG).symlink_to("elsewhere")
    assert fleet.types("stg minor-upgrade --version 1.0.1 --yes").code == 2
    (told,) = row(fleet, "stg history")
    assert "refused, nothing was changed" in told


def test_history_counts_the_time_in_which_httpd_was_down_before_the_run_stopped_anything(fleet: Fleet) -> None:
    assert fleet.types("stg stop-httpd --yes").code == 0
    assert fleet.types("stg start-httpd --yes").code == 0
    assert fleet.types("stg stop-httpd --yes").code == 0
    assert fleet.types("stg minor-upgrade --version 1.0.1 --yes").code == 0
    runs = json.loads(fleet.types("stg history --json").out.splitlines()[0])["runs"]
    assert [run["what"] for run in runs] == ["stop-httpd", "start-httpd", "stop-httpd", "minor-upgrade"]
    assert [run["httpd_down"] > 0 for run in runs] == [True] * 4
    assert runs[-1]["still_down"] is False
    assert " - " not in next(line for line in fleet.types("stg history").out.splitlines() if "start-httpd" in line)


def test_history_of_a_set_to_which_nothing_was_done_says_so(fleet: Fleet) -> None:
    assert fleet.types("prod history").out == "prod: no run is known\n"
    assert fleet.changed() == []
    assert not fleet.kept(ONE).exists()
