"""What happens when the one who types is gone in the middle, or is not alone."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from .conftest import ONE, PROJECT, STG, TWO, Fleet, until
from .fleets import LONG

MAJOR, MINOR = "prod major-upgrade --yes", "prod minor-upgrade --yes"
UNBROKEN_MAJOR = {
    "runs": [("blockerbugs-1.1.0-1.el7", "1.1.0")] * 2,
    "cron": [True, False],
    "locked": [False, False],
    "database": ("2b7f3", 1, 1),
}


def begun(fleet: Fleet, *words: str) -> int:
    return len([moment for moment in fleet.moments(*words) if moment[2] == "start"])


def holder(fleet: Fleet) -> str:
    text: str = json.loads((fleet.kept(ONE) / "lock").read_text())["run"]
    return text


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
    assert "prod01: still runs, is followed" in row
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


def test_o1_the_second_is_told_who_holds_the_set_and_what_for(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db", "slow", seconds=LONG)
    stg_runs_110.dies_in(MAJOR, "blockerbugs", "upgrade_db")
    ended = stg_runs_110.types("prod restart-httpd --yes")
    assert ended.code == 3, ended.said
    assert f"major-upgrade blockerbugs-1.1.0-1.el7, run {holder(stg_runs_110)}" in ended.err
    assert "next: fab prod status; if that run has stopped: fab prod resume" in ended.err


def test_o1_the_second_waits_with_lock_wait_and_looks_again(stg_runs_101: Fleet) -> None:
    stg_runs_101.breaks(ONE, "yum-update", "slow", seconds=2)
    first = stg_runs_101.begins(MINOR)
    until(lambda: (stg_runs_101.kept(ONE) / "lock").exists())
    ended = stg_runs_101.types(f"{MINOR} --lock-wait 250")
    assert (ended.code, "nothing to do" in ended.out) == (0, True), ended.said
    assert (first.communicate(), first.returncode)[1] == 0


def test_o2_status_shows_who_holds_the_set_and_that_the_step_still_runs(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db", "slow", seconds=LONG)
    stg_runs_110.dies_in(MAJOR, "blockerbugs", "upgrade_db")
    ended = stg_runs_110.types("prod status")
    assert ended.code == 0, ended.said
    assert "prod is held by" in ended.out
    assert "upgrade-db still runs" in ended.out
    assert f"paused by run {holder(stg_runs_110)}" in ended.out


def test_o2_unlock_asks_releases_and_is_written_down(stg_runs_101: Fleet) -> None:
    stg_runs_101.breaks(ONE, "yum-update")
    assert stg_runs_101.types(MINOR).code == 5
    run = holder(stg_runs_101)
    assert stg_runs_101.types("prod status").out.splitlines()[-1] == "next: fab prod resume, or fab prod abort"
    assert stg_runs_101.types("prod unlock").code == 2
    ended = stg_runs_101.types("prod unlock --yes")
    assert (ended.code, "no step of it runs now" in ended.out) == (0, True), ended.said
    assert not (stg_runs_101.kept(ONE) / "lock").exists()
    assert '"event": "unlock"' in (stg_runs_101.kept(ONE) / run / "journal.jsonl").read_text()


def test_o2_a_client_that_was_taken_over_starts_no_step_any_more(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db", "slow", seconds=4)
    first = stg_runs_110.begins(MAJOR)
    until(lambda: bool(stg_runs_110.moments("blockerbugs", "upgrade_db")))
    first.send_signal(signal.SIGSTOP)  # the laptop sleeps until the other has gone on
    ended = stg_runs_110.types("prod resume --yes")
    first.send_signal(signal.SIGCONT)
    said = "".join(first.communicate())
    assert ended.code == 0, ended.said + said
    assert first.returncode == 5
    assert "this run was taken over" in said
    assert stg_runs_110.at_rest("prod") == UNBROKEN_MAJOR


def test_c3_abort_restores_cron_and_releases_the_lock_and_says_what_is_down(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db")
    assert stg_runs_110.types(MAJOR).code == 5
    assert not stg_runs_110.host(ONE)["cron"]
    ended = stg_runs_110.types("prod abort --yes")
    assert ended.code == 0, ended.said
    assert stg_runs_110.host(ONE)["cron"]
    assert not (stg_runs_110.kept(ONE) / "lock").exists()
    assert "httpd is not running on prod01, prod02" in ended.out


def test_abort_waits_for_nothing_that_still_runs(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db", "slow", seconds=LONG)
    stg_runs_110.dies_in(MAJOR, "blockerbugs", "upgrade_db")
    ended = stg_runs_110.types("prod abort --yes")
    assert (ended.code, "upgrade-db still runs" in ended.err) == (75, True), ended.said


def test_abort_looks_again_after_the_question_because_a_client_that_slept_may_have_begun_a_step(
    stg_runs_110: Fleet,
) -> None:
    stg_runs_110.breaks(TWO, "yum-update", "slow", seconds=3)
    stg_runs_110.breaks(ONE, "upgrade-db", "slow", seconds=LONG)
    with stg_runs_110.begins(MAJOR) as client:
        until(lambda: begun(stg_runs_110, "yum", "-C", "update") == 2)
        client.send_signal(signal.SIGSTOP)
        until(lambda: all(list(stg_runs_110.kept(host).glob("*/*yum-update*/rc")) for host in (ONE, TWO)))
        with asked(stg_runs_110, "prod abort", "Type prod") as (abort, answer):
            client.send_signal(signal.SIGCONT)
            until(lambda: bool(stg_runs_110.moments("blockerbugs", "upgrade_db")))
            answer("prod")
            said = abort.communicate()[1]
        client.kill()
    assert (abort.returncode, "upgrade-db still runs" in said) == (75, True), said
    assert "next: fab prod resume" in said
    assert (stg_runs_110.kept(ONE) / "lock").exists()
    assert not stg_runs_110.host(ONE)["cron"]


@contextmanager
def asked(fleet: Fleet, line: str, question: str) -> Iterator[tuple[subprocess.Popen[str], Callable[[str], int]]]:
    """`fab LINE`, typed by somebody who is being asked the question now; and how to answer it."""
    keyboard, stdin = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "fabric", *fleet.ssh(), *line.split()],
        stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=PROJECT, env=fleet.environment,
    )  # fmt: skip
    assert process.stderr
    with process:
        said = ""
        while question not in said:
            letter = process.stderr.read(1)
            assert letter, said
            said += letter
        yield process, lambda text: os.write(keyboard, f"{text}\n".encode())
        process.kill()
    os.close(keyboard)
    os.close(stdin)


def test_c2_ansible_putting_cron_back_is_noticed_right_before_the_migration(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(TWO, "yum-update", "slow", seconds=3)
    client = stg_runs_110.begins(MAJOR)
    until(lambda: bool(stg_runs_110.moments("yum", "-C", "update")))
    cron = stg_runs_110.home / "hosts" / ONE / "etc/cron.d/blockerbugs"
    cron.write_text("*/30 * * * * blockerbugs chronic blockerbugs sync > /dev/null\n")
    said = "".join(client.communicate())
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
    file.write_text(text.replace("balancer: {interval: ", "balancer: {interval: 1"))
    ended = stg_runs_101.types("prod resume --yes")
    assert (ended.code, "hosts.yml was changed since it began: balancer" in ended.err) == (2, True), ended.said
    file.write_text(text)
    assert stg_runs_101.types("prod resume --yes").code == 0


def test_a_host_that_was_taken_out_of_hosts_yml_is_told_to_whoever_resumes(stg_runs_101: Fleet) -> None:
    stg_runs_101.breaks(ONE, "yum-update")
    assert stg_runs_101.types(MINOR).code == 5
    file = stg_runs_101.home / "hosts.yml"
    kept = [line for line in file.read_text().splitlines() if "name: prod02.example" not in line]
    file.write_text("\n".join(kept))
    ended = stg_runs_101.types("prod resume --yes")
    assert (ended.code, "hosts.yml has other hosts now" in ended.err) == (2, True), ended.said


def test_c2_cron_is_not_given_back_into_a_run_that_began_while_abort_asked(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db")
    assert stg_runs_110.types(MAJOR).code == 5
    assert stg_runs_110.types("prod unlock --yes").code == 0
    with asked(stg_runs_110, "prod abort", "Type prod") as (abort, answer):
        stg_runs_110.breaks(ONE, "upgrade-db", "slow", seconds=LONG)
        with stg_runs_110.begins(MAJOR) as client:
            until(lambda: begun(stg_runs_110, "blockerbugs", "upgrade_db") == 2)
            answer("prod")
            said = abort.communicate()[1]
            client.kill()
    assert (abort.returncode, "prod is held by" in said) == (3, True), said
    assert not stg_runs_110.host(ONE)["cron"]


def test_o2_a_run_that_was_given_up_while_resume_asked_is_not_carried_on(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db")
    assert stg_runs_110.types(MAJOR).code == 5
    with asked(stg_runs_110, "prod resume", "Type prod") as (resume, answer):
        assert stg_runs_110.types("prod abort --yes").code == 0
        answer("prod")
        said = resume.communicate()[1]
    assert (resume.returncode, "holds it no more" in said) == (2, True), said
    assert stg_runs_110.set("prod")["upgrade_db"] == 1  # the one that failed


@pytest.mark.parametrize("text", ["", "nonsense\n", '{"run": "../..", "operator": "x", "since": "x", "doing": "x"}'])
def test_a_lock_that_is_not_ours_is_told_as_such(stg_runs_101: Fleet, text: str) -> None:
    stg_runs_101.kept(ONE).mkdir(parents=True)
    (stg_runs_101.kept(ONE) / "lock").write_text(text)
    for line in (MINOR, "prod resume --yes", "prod unlock --yes"):
        ended = stg_runs_101.types(line)
        assert (ended.code, "is not a lock of this tool" in ended.err) == (3, True), ended.said


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
    said = "".join(client.communicate())
    assert (client.returncode, "fab prod resume" in said) == (130, True), said
    assert stg_runs_110.types("prod resume --yes").code == 0
    assert stg_runs_110.at_rest("prod") == UNBROKEN_MAJOR


def test_n3_ctrl_c_twice_leaves_at_once_and_the_step_goes_on_by_itself(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "yum-update", "slow", seconds=10)
    client = stg_runs_110.begins(MAJOR)
    until(lambda: bool(stg_runs_110.moments("yum", "-C", "update")))
    os.kill(client.pid, signal.SIGINT)
    time.sleep(0.5)  # two presses, not one that bounces
    os.kill(client.pid, signal.SIGINT)
    said = "".join(client.communicate())
    assert (client.returncode, "yum-update on prod01, prod02, which goes on by itself" in said) == (130, True), said
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
