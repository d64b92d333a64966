"""The two upgrades as they should go, and what they may never do on the way."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from .conftest import ONE, STG, TWO, Fleet
from .fleets import agreed, printed


def test_a_minor_upgrade_of_stg_leaves_the_new_build_serving(fleet: Fleet) -> None:
    ended = fleet.types("stg minor-upgrade --version 1.0.1 --yes")
    assert ended.code == 0, ended.said
    assert fleet.runs(STG) == ("blockerbugs-1.0.1-1.el7", "1.0.1")
    assert "next: invoke promote\nthen: fab prod minor-upgrade --version 1.0.1-1.el7" in ended.out


def test_dash_h_stg_is_the_same_as_fab_stg(fleet: Fleet) -> None:
    assert fleet.types("-H stg minor-upgrade --version 1.0.1 --yes").code == 0
    assert fleet.runs(STG) == ("blockerbugs-1.0.1-1.el7", "1.0.1")


def test_invoke_upgrades_as_well(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    ssh = fleet.folder / ".ssh"
    ssh.mkdir()
    (ssh / "config").write_text((fleet.home / "ssh_config").read_text())
    fleet.environment |= {"HOME": str(ssh.parent), "INVOKE_HOSTS_FILE": str(fleet.home / "hosts.yml")}
    ended = fleet.types("stg minor-upgrade --version 1.0.1 --yes", tool="invoke")
    assert ended.code == 0, ended.said
    assert fleet.runs(STG) == ("blockerbugs-1.0.1-1.el7", "1.0.1")


@pytest.mark.smoke
def test_prod_takes_the_build_that_stg_runs_without_being_told(stg_runs_101: Fleet) -> None:
    ended = stg_runs_101.types("prod minor-upgrade --yes")
    assert ended.code == 0, ended.said
    assert {stg_runs_101.runs(host) for host in (ONE, TWO)} == {("blockerbugs-1.0.1-1.el7", "1.0.1")}


def test_a_minor_upgrade_touches_the_second_host_only_when_the_first_serves_again(stg_runs_101: Fleet) -> None:
    stg_runs_101.types("prod minor-upgrade --yes")
    second = min(t for t, host, _ in stg_runs_101.moments("yum", "-C", "update") if host == TWO)
    restarted = max(t for t, host, _ in stg_runs_101.moments("service", "restart") if host == ONE)
    asked = [t for t, host, phase in stg_runs_101.moments("curl") if host == ONE and phase == "end"]
    assert any(restarted < answered < second for answered in asked)


def test_no_request_is_lost_in_a_minor_upgrade_of_prod(stg_runs_101: Fleet) -> None:
    ended = stg_runs_101.types("prod minor-upgrade --yes")
    assert " 0 failed" in ended.out


@pytest.mark.smoke
def test_a_major_upgrade_migrates_once_and_leaves_every_host_serving(stg_runs_110: Fleet) -> None:
    ended = stg_runs_110.types("prod major-upgrade --yes")
    assert ended.code == 0, ended.said
    assert {stg_runs_110.runs(host) for host in (ONE, TWO)} == {("blockerbugs-1.1.0-1.el7", "1.1.0")}
    prod = stg_runs_110.set("prod")
    assert (prod["schema"], prod["upgrade_db"], prod["sync"]) == ("2b7f3", 1, 1)
    assert {host for host, *_ in prod["runs"]} == {ONE}


@pytest.mark.parametrize("order", ["", " --serial"], ids=["in parallel", "serially"])
def test_in_a_major_upgrade_a_slow_host_holds_every_phase_for_all(stg_runs_110: Fleet, order: str) -> None:
    for step in ("download", "stop-httpd", "yum-update", "upgrade-db", "sync"):
        stg_runs_110.breaks(ONE, step, "slow", seconds=0.5)
    assert stg_runs_110.types(f"prod major-upgrade --yes{order}").code == 0
    the_phases_did_not_overlap(stg_runs_110)


def the_phases_did_not_overlap(fleet: Fleet) -> None:
    phases = [
        ("yum", "--downloadonly"),
        ("service", "stop"),
        ("yum", "-C"),
        ("blockerbugs", "upgrade_db"),
        ("blockerbugs", "sync"),
        ("service", "start"),
    ]
    prod = [[m for m in fleet.moments(*words) if m[1] != STG] for words in phases]
    for before, after in pairwise(prod):
        assert max(t for t, _, _ in before) < min(t for t, _, _ in after)
    assert all(len({host for _, host, _ in phase}) == 2 for phase in (prod[0], prod[1], prod[2], prod[5]))


def test_the_update_takes_the_build_from_the_cache_while_httpd_is_down(stg_runs_110: Fleet) -> None:
    stg_runs_110.types("prod major-upgrade --yes")
    stopped = max(t for t, host, _ in stg_runs_110.moments("service", "stop") if host != STG)
    fetched = [t for t, host, _ in stg_runs_110.moments("clean", "expire-cache") if host != STG]
    assert max(fetched) < stopped


def test_one_host_of_a_set_can_be_upgraded_first_as_a_canary(stg_runs_101: Fleet) -> None:
    assert stg_runs_101.types("-H prod02 minor-upgrade --yes").code == 0
    assert stg_runs_101.runs(TWO) == ("blockerbugs-1.0.1-1.el7", "1.0.1")
    assert stg_runs_101.runs(ONE) == ("blockerbugs-1.0.0-1.el7", "1.0.0")


def test_after_the_canary_the_set_upgrade_touches_only_the_rest(stg_runs_101: Fleet) -> None:
    stg_runs_101.types("-H prod02.example minor-upgrade --yes")
    ended = stg_runs_101.types("prod minor-upgrade --yes")
    assert ended.code == 0, ended.said
    assert len([m for m in stg_runs_101.moments("service", "restart") if m[1:] == (TWO, "start")]) == 1


def test_two_hosts_after_dash_h_are_upgraded_one_after_the_other(stg_runs_101: Fleet) -> None:
    assert stg_runs_101.types("-H prod01,prod02 minor-upgrade --yes").code == 0
    assert {stg_runs_101.runs(host)[1] for host in (ONE, TWO)} == {"1.0.1"}


def test_the_plans_of_two_hosts_after_dash_h_are_both_shown_and_their_changes_are_the_exit_code(
    stg_runs_101: Fleet,
) -> None:
    assert stg_runs_101.types("-H prod01 minor-upgrade --yes").code == 0
    for line in ("-H prod01,prod02 minor-upgrade --plan", "-H prod02,prod01 minor-upgrade --plan"):
        planned = stg_runs_101.types(line)
        assert (planned.code, planned.out.count("nothing to do")) == (2, 1), planned.said
        assert "restart-httpd  prod02" in planned.out, planned.said


def test_a_plan_with_changes_still_stands_in_the_way_of_what_is_typed_behind_it(stg_runs_101: Fleet) -> None:
    assert stg_runs_101.types("prod minor-upgrade --plan minor-upgrade --yes").code == 2
    assert {stg_runs_101.runs(host)[1] for host in (ONE, TWO)} == {"1.0.0"}


def test_what_the_migration_would_do_is_shown_before_a_major_upgrade_and_kept_in_the_journal(fleet: Fleet) -> None:
    what = "migration 2b7f3_rename_summary_to_title.py: changes what is there: renames the column bug.summary to title"
    planned = fleet.types("stg major-upgrade --plan")
    assert (planned.code, what in planned.out) == (2, True), planned.said
    none = fleet.types("stg major-upgrade --version 1.0.1 --plan")
    assert "blockerbugs-1.0.1-1.el7 brings no schema migration" in none.out, none.said
    assert fleet.changed() == []
    assert fleet.types("stg major-upgrade --yes").code == 0
    journal = Path(fleet.environment["XDG_STATE_HOME"]) / "blockerbugs-upgrade" / "journal.jsonl"
    begin = json.loads(journal.read_text().splitlines()[0])
    assert [(one["verdict"], one["whole"]) for one in begin["migrations"]] == [("changes", True)]


def test_what_stg_went_through_is_said_before_prods_major_upgrade_and_beside_it_in_the_recap(
    fleet: Fleet,
) -> None:
    assert fleet.types("stg major-upgrade --version 1.1.0 --yes").code == 0
    expected = (
        r"on stg httpd was down for \d+(\.\d)? s with this build, the migration took \d+(\.\d)? s \(run [0-9a-f]{8}\)"
    )
    planned = fleet.types("prod major-upgrade --plan")
    assert re.search(expected, planned.out), planned.said
    ended = fleet.types("prod major-upgrade --yes")
    beside = r"httpd was down for \d+(\.\d)? s; on stg, with the same build, for \d+(\.\d)? s"
    assert (ended.code, bool(re.search(beside, ended.out))) == (0, True), ended.said


def test_v5_a_second_upgrade_finds_nothing_to_do_and_restarts_nothing(stg_runs_101: Fleet) -> None:
    before = len(stg_runs_101.changed())
    for line in ("stg minor-upgrade --version 1.0.1 --yes", "stg major-upgrade --version 1.0.1 --yes"):
        ended = stg_runs_101.types(line)
        assert (ended.code, "nothing to do" in ended.out) == (0, True), ended.said
    assert len(stg_runs_101.changed()) == before


def test_a_second_line_of_the_same_command_upgrades_prod_after_stg(fleet: Fleet) -> None:
    ended = fleet.types("stg minor-upgrade --version 1.0.1 --yes prod minor-upgrade --yes")
    assert ended.code == 0, ended.said
    assert fleet.runs(TWO) == ("blockerbugs-1.0.1-1.el7", "1.0.1")


def test_status_shows_every_host_and_changes_nothing(fleet: Fleet) -> None:
    ended = fleet.types("prod status")
    assert ended.code == 0, ended.said
    row = next(line for line in ended.out.splitlines() if line.startswith("prod01"))
    *shown, free = re.split(r"  +", row.strip())
    assert shown == [
        "prod01",
        "serves+syncs",
        "1.0.0-1.el7",
        "1.1.0-1.el7",
        "active",
        "200 1.0.0",
        "1a0c9 (head)",
        "yes",
    ]
    assert re.fullmatch("[0-9]+ MB", free)
    assert fleet.changed() == []


STEPS = [
    ("stop-httpd", ["service", "httpd", "stop"]),
    ("yum-update --version 1.1.0 --unverified because", ["yum", "-y", "update", "blockerbugs-1.1.0-1.el7"]),
    ("upgrade-db", ["blockerbugs", "upgrade_db"]),
    ("sync", ["blockerbugs", "sync"]),
    ("start-httpd", ["service", "httpd", "start"]),
]


def test_the_sop_can_be_carried_out_step_by_step(fleet: Fleet) -> None:
    for step, command in STEPS:
        ended = fleet.types(f"prod {step} --yes")
        assert ended.code == 0, ended.said
        assert command in fleet.changed()
    assert {fleet.runs(host) for host in (ONE, TWO)} == {("blockerbugs-1.1.0-1.el7", "1.1.0")}
    assert (fleet.set("prod")["upgrade_db"], fleet.set("prod")["sync"]) == (1, 1)


def test_a_build_that_was_installed_by_hand_is_not_said_to_run_and_the_way_on_begins_with_httpds_stop(
    stg_runs_110: Fleet,
) -> None:
    fleet = stg_runs_110
    ended = fleet.types("prod yum-update --yes")
    assert ended.code == 0, ended.said
    assert "prod: blockerbugs-1.1.0-1.el7 is installed, " in ended.out
    assert "prod: runs" not in ended.out
    *_, by_hand = printed(ended.out)
    assert by_hand.startswith("fab prod stop-httpd upgrade-db sync start-httpd  ")
    assert fleet.types(agreed(by_hand)).code == 0
    assert {fleet.runs(host) for host in (ONE, TWO)} == {("blockerbugs-1.1.0-1.el7", "1.1.0")}


def test_restart_httpd_takes_one_host_after_the_other_unless_told_otherwise(fleet: Fleet) -> None:
    assert fleet.types("prod restart-httpd --yes").code == 0
    restarts = fleet.moments("service", "restart")
    assert [phase for _, _, phase in restarts] == ["start", "end", "start", "end"]
    together = fleet.types("prod restart-httpd --parallel --yes")
    assert "no node of prod serves" in together.out
    assert together.code == 0


def test_a_step_taken_serially_visits_the_hosts_in_order(fleet: Fleet) -> None:
    assert fleet.types("prod stop-httpd --serial --yes").code == 0
    assert [(host, phase) for _, host, phase in fleet.moments("service", "stop")] == [
        (ONE, "start"),
        (ONE, "end"),
        (TWO, "start"),
        (TWO, "end"),
    ]
