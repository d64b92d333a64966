"""What happens when the one who types is gone in the middle."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from .conftest import ONE, PROJECT, STG, TWO, Fleet, until
from .fleets import LONG, UNBROKEN_MAJOR, begun, holder, printed

MAJOR, MINOR = "prod major-upgrade --yes", "prod minor-upgrade --yes"


def test_an_unbroken_major_upgrade_leaves_what_the_broken_ones_are_compared_with(stg_runs_110: Fleet) -> None:
    assert stg_runs_110.types(MAJOR).code == 0
    assert stg_runs_110.at_rest("prod") == UNBROKEN_MAJOR


def test_what_a_run_keeps_on_its_hosts_is_for_root_alone(stg_runs_110: Fleet) -> None:
    assert stg_runs_110.types(MAJOR).code == 0
    for path in [stg_runs_110.kept(ONE), *stg_runs_110.kept(ONE).rglob("*")]:
        assert not path.stat().st_mode & 0o077, path


@pytest.mark.smoke
def test_n1_a_transaction_ends_by_itself_when_the_client_is_killed_and_resume_starts_no_second_one(
    stg_runs_110: Fleet,
) -> None:
    stg_runs_110.breaks(ONE, "yum-update", "slow", seconds=2)
    stg_runs_110.dies_in(MAJOR, "yum", "-C", "update")
    ended = stg_runs_110.types("prod resume --yes")
    assert ended.code == 0, ended.said
    assert begun(stg_runs_110, "yum", "-C", "update") == 2
    assert stg_runs_110.at_rest("prod") == UNBROKEN_MAJOR


def test_n1_resume_shows_what_was_done_what_runs_and_what_is_left(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db", "slow", seconds=LONG)
    stg_runs_110.dies_in(MAJOR, "blockerbugs", "upgrade_db")
    ended = stg_runs_110.types("prod resume --plan")
    assert ended.code == 2, ended.said
    row = next(line for line in ended.out.splitlines() if "upgrade-db" in line)
    assert "prod01: running, will attach" in row
    assert re.search("stop-httpd +all +-", ended.out)


def test_d2_a_migration_that_succeeded_unseen_is_not_run_again(stg_runs_110: Fleet) -> None:
    stg_runs_110.dies_in(MAJOR, "blockerbugs", "upgrade_db")
    until(lambda: stg_runs_110.set("prod")["schema"] == "2b7f3")
    assert stg_runs_110.types("prod resume --yes").code == 0
    assert stg_runs_110.at_rest("prod") == UNBROKEN_MAJOR


@pytest.mark.smoke
def test_d1_a_migration_that_failed_is_tried_again_by_resume_as_a_new_attempt(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db")
    assert stg_runs_110.types(MAJOR).code == 5
    ended = stg_runs_110.types("prod resume --yes")
    assert ended.code == 0, ended.said
    assert [outcome for _, program, outcome in stg_runs_110.set("prod")["runs"] if program == "upgrade_db"] == [
        "failed",
        "ok",
    ]
    assert stg_runs_110.host(ONE)["cron"]


def test_n5_a_host_that_restarted_with_httpd_on_is_stopped_again_before_the_migration(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(TWO, "yum-update", "down")
    assert stg_runs_110.types(MAJOR).code == 5
    stg_runs_110.machines.boot(TWO)
    ended = stg_runs_110.types("prod resume --yes")
    assert ended.code == 0, ended.said
    assert stg_runs_110.at_rest("prod") == UNBROKEN_MAJOR
    migrated = min(t for t, _, _ in stg_runs_110.moments("blockerbugs", "upgrade_db"))
    assert len([t for t, host, phase in stg_runs_110.moments("service", "stop") if t < migrated and host == TWO]) == 4


def test_o2_status_shows_who_holds_the_set_and_that_the_step_still_runs(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db", "slow", seconds=LONG)
    stg_runs_110.dies_in(MAJOR, "blockerbugs", "upgrade_db")
    ended = stg_runs_110.types("prod status")
    assert ended.code == 0, ended.said
    assert "prod is held by" in ended.out
    assert "upgrade-db still runs" in ended.out
    assert f"paused by run {holder(stg_runs_110)}" in ended.out
    ended = stg_runs_110.types("prod major-upgrade --plan")
    assert (ended.code, "fab prod resume  # takes over the run" in ended.err) == (75, True), ended.said


def test_c3_abort_restores_cron_and_releases_the_lock_and_says_what_is_down(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db")
    assert stg_runs_110.types(MAJOR).code == 5
    assert not stg_runs_110.host(ONE)["cron"]
    ended = stg_runs_110.types("prod abort --yes")
    assert ended.code == 0, ended.said
    assert stg_runs_110.host(ONE)["cron"]
    assert not (stg_runs_110.kept(ONE) / "lock").exists()
    assert "httpd is not running on prod01, prod02" in ended.out


def test_what_status_offers_after_an_abort_leads_out(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db")
    assert stg_runs_110.types(MAJOR).code == 5
    assert stg_runs_110.types("prod abort --yes").code == 0
    ended = stg_runs_110.types("prod status")
    assert "httpd is not running on prod01, prod02" in ended.out
    offered = next(line for line in ended.out.splitlines() if line.startswith("next: ")).partition("  ")[0]
    assert offered == "next: fab prod major-upgrade --version 1.1.0-1.el7"
    ended = stg_runs_110.types("prod upgrade-db --yes")  # the first of those by hand
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "next: fab prod sync start-httpd")
    assert stg_runs_110.types(f"{offered.removeprefix('next: fab ')} --yes").code == 0
    assert stg_runs_110.runs(TWO) == ("blockerbugs-1.1.0-1.el7", "1.1.0")


def test_abort_waits_for_nothing_that_still_runs(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db", "slow", seconds=LONG)
    stg_runs_110.dies_in(MAJOR, "blockerbugs", "upgrade_db")
    ended = stg_runs_110.types("prod abort --yes")
    assert (ended.code, "upgrade-db still runs" in ended.err) == (75, True), ended.said
    assert re.search("  or: ssh -F .* -t prod01.example .*  # if it hangs\n", ended.err), ended.err
    ended = stg_runs_110.types("prod unlock --yes")
    assert (ended.code, "upgrade-db still runs" in ended.err) == (75, True), ended.said
    assert (stg_runs_110.kept(ONE) / "lock").exists()


def test_n5_a_host_that_is_gone_for_good_does_not_keep_a_run_from_being_given_up(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db")
    assert stg_runs_110.types(MAJOR).code == 5
    stg_runs_110.machines.power_off(TWO)
    ended = stg_runs_110.types("prod resume --yes")
    assert (ended.code, "  prod stays locked by the unfinished run\n" in ended.err) == (4, True), ended.said
    assert ended.err.splitlines()[-1].endswith(
        "  or: fab prod abort  # does not need that host, if it is permanently gone"
    )
    ended = stg_runs_110.types("prod abort --yes")
    assert (ended.code, "prod02: cannot be reached" in ended.said) == (0, True), ended.said
    assert "httpd is not running on prod01\n" in ended.out
    assert stg_runs_110.host(ONE)["cron"]
    assert not (stg_runs_110.kept(ONE) / "lock").exists()


def test_c2_a_migration_by_hand_keeps_cron_away_until_it_has_succeeded(stg_runs_110: Fleet) -> None:
    fleet = stg_runs_110
    fleet.breaks(ONE, "upgrade-db", times=2)
    assert fleet.types(MAJOR).code == 5
    assert fleet.types("prod abort --yes").code == 0
    assert fleet.host(ONE)["cron"]
    ended = fleet.types("prod upgrade-db --yes")
    assert (ended.code, fleet.host(ONE)["cron"]) == (5, False), ended.said
    assert "prod01: cron's sync is paused: fab prod abort lets it sync again" in ended.err
    assert not (fleet.kept(ONE) / "lock").exists()
    fleet.breaks(ONE, "upgrade-db", "slow", seconds=2)
    with fleet.begins("prod upgrade-db --yes") as client:
        until(lambda: begun(fleet, "blockerbugs", "upgrade_db") == 3)
        assert not fleet.host(ONE)["cron"]
        said = stg_runs_110.plainly("".join(client.communicate()))
    assert (client.returncode, fleet.host(ONE)["cron"]) == (0, True), said


def test_n5_with_the_sync_host_lost_nobody_is_sent_to_abort_nor_by_hand_into_what_a_run_may_hold(
    stg_runs_110: Fleet,
) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db")
    assert stg_runs_110.types(MAJOR).code == 5
    stg_runs_110.machines.power_off(ONE)
    for task in ("status", "resume --yes", "abort --yes", "unlock --yes"):
        ended = stg_runs_110.types(f"prod {task}")
        assert (
            ended.code,
            "cannot tell whether prod is locked: the lock is on prod01, which is unreachable" in ended.said,
        ) == (4, True)
        *_, next_line = [line for line in ended.said.splitlines() if "next: " in line]
        assert "\n see: docs/guide.md, More bad moments, if the host is permanently gone" in ended.said
        assert (ended.said.count("next: "), "fab prod" in next_line) == (1, False), ended.said


def test_n5_with_a_host_lost_abort_is_offered_only_where_a_run_holds_the_set(stg_runs_110: Fleet) -> None:
    stg_runs_110.machines.power_off(TWO)
    ended = stg_runs_110.types("prod resume --yes")
    assert (ended.code, "nothing to resume: no run holds prod" in ended.out) == (4, True), ended.said
    assert "prod abort" not in ended.said


def test_x3_a_journal_whose_disk_is_full_in_the_middle_says_what_is_down_and_what_makes_room(
    stg_runs_110: Fleet,
) -> None:
    eight_blocks = ["sh", "-c", 'ulimit -f 8 && exec "$@"', "sh", sys.executable, "-m", "fabric"]
    line = [*eight_blocks, *stg_runs_110.ssh(), *MAJOR.split()]
    ended = subprocess.run(line, cwd=PROJECT, env=stg_runs_110.environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 5, ended.stderr
    assert "cannot be written: File too large" in ended.stderr
    assert "first: df -h " in ended.stderr
    assert "for the ticket: fab prod report" in stg_runs_110.plainly(ended.stdout), "the recap is missing"
    assert "next: fab prod resume" in stg_runs_110.plainly(ended.stderr)
    assert stg_runs_110.types("prod resume --yes").code == 0
    assert stg_runs_110.at_rest("prod") == UNBROKEN_MAJOR


@pytest.mark.parametrize("task", ["resume", "abort", "unlock"])
def test_w4_who_cannot_write_down_that_a_run_is_taken_over_takes_none_over(stg_runs_110: Fleet, task: str) -> None:
    stg_runs_110.environment["XDG_STATE_HOME"] = str(stg_runs_110.folder / "state")
    stg_runs_110.breaks(TWO, "yum-update", "slow", seconds=4)
    with stg_runs_110.begins(MAJOR) as client:
        until(lambda: begun(stg_runs_110, "yum", "-C", "update") == 2)
        if task != "resume":  # those wait for what runs
            client.send_signal(signal.SIGSTOP)
            until(lambda: all(list(stg_runs_110.kept(host).glob("*/*yum-update*/rc")) for host in (ONE, TWO)))
        driver = stg_runs_110.kept(ONE) / holder(stg_runs_110) / "driver"
        before = driver.read_text()
        nothing = ["sh", "-c", 'ulimit -f 0 && exec "$@"', "sh", sys.executable, "-m", "fabric"]
        line = [*nothing, *stg_runs_110.ssh(), "prod", task, "--yes"]
        ended = subprocess.run(
            line, cwd=PROJECT, env=stg_runs_110.environment, capture_output=True, text=True, check=False
        )
        assert (ended.returncode, "cannot be written: File too large" in ended.stderr) == (2, True), ended.stderr
        assert "refused, nothing was changed" in ended.stderr
        assert "export XDG_STATE_HOME=$(mktemp -d)" in ended.stderr
        assert driver.read_text() == before
        client.send_signal(signal.SIGCONT)
        said = stg_runs_110.plainly("".join(client.communicate()))
    assert client.returncode == 0, said
    assert stg_runs_110.at_rest("prod") == UNBROKEN_MAJOR


def test_c2_ansible_putting_cron_back_is_noticed_right_before_the_migration(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(TWO, "yum-update", "slow", seconds=3)
    client = stg_runs_110.begins(MAJOR)
    until(lambda: bool(stg_runs_110.moments("yum", "-C", "update")))
    cron = stg_runs_110.home / "hosts" / ONE / "etc/cron.d/blockerbugs"
    cron.write_text("*/30 * * * * blockerbugs chronic blockerbugs sync > /dev/null\n")
    said = stg_runs_110.plainly("".join(client.communicate()))
    assert client.returncode == 5, said
    assert "is back (has ansible run?)" in said
    assert stg_runs_110.set("prod")["upgrade_db"] == 0
    assert stg_runs_110.types("prod resume --yes").code == 0
    assert stg_runs_110.at_rest("prod") == UNBROKEN_MAJOR


def test_hosts_yml_changed_between_failure_and_resume_is_refused_with_what_changed(stg_runs_101: Fleet) -> None:
    stg_runs_101.breaks(ONE, "yum-update")
    assert stg_runs_101.types(MINOR).code == 5
    file = stg_runs_101.home / "hosts.yml"
    text = file.read_text()
    file.write_text(text.replace("schema_status: alembic current", "schema_status: alembic heads"))
    ended = stg_runs_101.types("prod resume --yes")
    assert (ended.code, "hosts.yml was changed since it began: schema_status" in ended.err) == (2, True), ended.said
    file.write_text(text)
    assert stg_runs_101.types("prod resume --yes").code == 0


def test_a_longer_deadline_and_another_owner_in_hosts_yml_are_said_and_keep_no_run_from_going_on(
    stg_runs_101: Fleet,
) -> None:
    stg_runs_101.breaks(ONE, "yum-update")
    assert stg_runs_101.types(MINOR).code == 5
    file = stg_runs_101.home / "hosts.yml"
    text = re.sub("deadline: [0-9.]+", "deadline: 77", file.read_text())
    file.write_text(text.replace("confirm: name", "confirm: name\n    owner: somebody else"))
    ended = stg_runs_101.types("prod resume --yes")
    assert ended.code == 0, ended.said
    assert 'owner was "Fedora QA Devel", is "somebody else"' in " ".join(ended.said.split())
    assert "health.deadline was" in ended.said


def test_a_host_that_was_taken_out_of_hosts_yml_is_told_to_whoever_resumes(stg_runs_101: Fleet) -> None:
    stg_runs_101.breaks(ONE, "yum-update")
    assert stg_runs_101.types(MINOR).code == 5
    file = stg_runs_101.home / "hosts.yml"
    kept = [line for line in file.read_text().splitlines() if "name: prod02.example" not in line]
    file.write_text("\n".join(kept))
    ended = stg_runs_101.types("prod resume --yes")
    assert (ended.code, "hosts.yml does not have prod02.example any more" in ended.err) == (2, True), ended.said


def test_a_lock_that_is_not_ours_is_told_as_such(stg_runs_101: Fleet) -> None:
    stg_runs_101.kept(ONE).mkdir(parents=True)
    for text in ("", '{"run": "../..", "operator": "x", "since": "x", "doing": "x"}', "nonsense\n"):
        (stg_runs_101.kept(ONE) / "lock").write_text(text)
        ended = stg_runs_101.types(MINOR)
        assert (ended.code, "is not a lock of this tool" in ended.err) == (3, True), ended.said
    for line in ("prod resume --yes", "prod unlock --yes"):
        ended = stg_runs_101.types(line)
        assert (ended.code, "is not a lock of this tool" in ended.err) == (3, True), ended.said
    (shows,) = printed(ended.err)
    shown = subprocess.run(shows, shell=True, check=False, cwd=stg_runs_101.folder, capture_output=True, text=True)
    assert (shown.returncode, shown.stdout) == (0, "nonsense\n"), (shows, shown)


def test_a_journal_cut_in_the_middle_of_a_line_does_not_keep_a_run_from_going_on(stg_runs_101: Fleet) -> None:
    stg_runs_101.breaks(ONE, "yum-update")
    assert stg_runs_101.types(MINOR).code == 5
    journal = stg_runs_101.kept(ONE) / holder(stg_runs_101) / "journal.jsonl"
    journal.write_text(journal.read_text()[:-20])
    assert stg_runs_101.types("prod resume --yes").code == 0


def test_a_journal_without_its_plan_is_refused_and_can_be_given_up(stg_runs_101: Fleet) -> None:
    stg_runs_101.breaks(ONE, "yum-update")
    assert stg_runs_101.types(MINOR).code == 5
    (stg_runs_101.kept(ONE) / holder(stg_runs_101) / "journal.jsonl").write_text('{"event": "begin"}\n[]\n{"ev')
    ended = stg_runs_101.types("prod resume --yes")
    assert (ended.code, "its journal cannot be read" in ended.err) == (2, True), ended.said
    assert stg_runs_101.types("prod abort --yes").code == 0


def test_n3_ctrl_c_once_ends_after_the_step_and_says_how_to_go_on(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "yum-update", "slow", seconds=2)
    client = stg_runs_110.begins(MAJOR)
    until(lambda: bool(stg_runs_110.moments("yum", "-C", "update")))
    os.kill(client.pid, signal.SIGINT)
    said = stg_runs_110.plainly("".join(client.communicate()))
    assert (client.returncode, "fab prod resume" in said) == (130, True), said
    assert stg_runs_110.types("prod resume --yes").code == 0
    assert stg_runs_110.at_rest("prod") == UNBROKEN_MAJOR


def test_n3_ctrl_c_twice_leaves_at_once_and_the_step_goes_on_by_itself(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "yum-update", "slow", seconds=10)
    client = stg_runs_110.begins(MAJOR)
    until(lambda: bool(stg_runs_110.moments("yum", "-C", "update")))
    os.kill(client.pid, signal.SIGINT)
    time.sleep(1.0)  # two presses, not one that bounces
    os.kill(client.pid, signal.SIGINT)
    said = stg_runs_110.plainly("".join(client.communicate()))
    assert (client.returncode, "yum-update on prod01; the step may keep running there" in said) == (130, True), said
    assert "httpd is not running on prod01, prod02" in said
    assert "\nnext: fab prod resume  # attaches to the running step, then continues\n" in said
    assert "UNKNOWN" not in said
    assert stg_runs_110.types("prod resume --yes").code == 0
    assert stg_runs_110.at_rest("prod") == UNBROKEN_MAJOR


def test_with_nothing_held_there_is_nothing_to_resume_to_abort_or_to_unlock(fleet: Fleet) -> None:
    for task in ("resume", "abort", "unlock"):
        assert fleet.types(f"stg {task} --yes").code == 0
    assert fleet.changed() == []
    assert fleet.host(STG)["cron"]


def test_c3_cron_that_an_unlocked_run_has_left_paused_is_given_back_by_abort(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db")
    assert stg_runs_110.types(MAJOR).code == 5
    ended = stg_runs_110.types("prod unlock --yes")
    assert (ended.code, "next: fab prod abort" in ended.out, stg_runs_110.host(ONE)["cron"]) == (0, True, False), (
        ended.said
    )
    ended = stg_runs_110.types("prod abort --yes")
    assert (ended.code, stg_runs_110.host(ONE)["cron"]) == (0, True), ended.said
