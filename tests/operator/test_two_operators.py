"""What happens when two operators are at work on one set, or the second goes on where the first has stopped."""

from __future__ import annotations

import signal

from .conftest import ONE, TWO, Fleet, until
from .fleets import LONG, UNBROKEN_MAJOR, agreed, asked, begun, holder, printed

MAJOR, MINOR = "prod major-upgrade --yes", "prod minor-upgrade --yes"


def test_o1_who_names_another_sync_host_is_told_who_holds_the_set(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db", "slow", seconds=LONG)
    stg_runs_110.dies_in(MAJOR, "blockerbugs", "upgrade_db")
    with_sync_host(stg_runs_110, "prod02")
    for line in (MAJOR, "prod upgrade-db --yes", "prod resume --yes", "prod abort --yes", "prod unlock --yes"):
        ended = stg_runs_110.types(line)
        assert (ended.code, f"run {holder(stg_runs_110)}" in ended.err) == (3, True), ended.said
        assert "its lock is on prod01, not on prod02" in ended.err
    shown = stg_runs_110.types("prod status")
    assert f"run {holder(stg_runs_110)}" in shown.out
    resume, abort = printed(shown.out)
    assert resume.split("  # ")[1] == "after you set sync_host: prod01 in hosts.yml again"
    with_sync_host(stg_runs_110, "prod01")
    ended = stg_runs_110.types(agreed(abort))
    assert (ended.code, "upgrade-db still runs" in ended.err) == (75, True), ended.said
    assert begun(stg_runs_110, "blockerbugs", "upgrade_db") == 1


def test_c2_a_cron_file_on_a_host_that_is_not_the_sync_host_keeps_a_migration_from_beginning(
    stg_runs_110: Fleet,
) -> None:
    with_sync_host(stg_runs_110, "prod02")
    ended = stg_runs_110.types(MAJOR)
    assert (ended.code, "prod01: also has /etc/cron.d/blockerbugs" in ended.err) == (2, True), ended.said
    assert stg_runs_110.changed() == []


def test_o1_a_host_that_another_run_has_locked_meanwhile_starts_no_step(stg_runs_110: Fleet) -> None:
    for _ in ("the look at the migrations", "the step"):
        stg_runs_110.breaks(ONE, "download", "slow", seconds=3)
    with stg_runs_110.begins(MAJOR) as client:
        until(lambda: begun(stg_runs_110, "yum", "--downloadonly") == 3)
        other = (stg_runs_110.kept(ONE) / "lock").read_text().replace(holder(stg_runs_110), "deadbeef")
        stg_runs_110.kept(TWO).mkdir(parents=True, exist_ok=True)
        (stg_runs_110.kept(TWO) / "lock").write_text(other)
        said = stg_runs_110.plainly("".join(client.communicate()))
    assert "prod02: " in said
    assert "another run has locked this host" in said
    assert "run deadbeef" in said
    assert stg_runs_110.host(TWO)["serves"] == "1.0.0"


def with_sync_host(fleet: Fleet, name: str) -> None:
    """The operator has a hosts.yml in which prod has this sync host."""
    text = (fleet.home / "hosts.yml").read_text()
    mine = fleet.folder / "hosts.yml"
    mine.write_text(text.replace("sync_host: prod01", f"sync_host: {name}"))
    fleet.environment["FABRIC_HOSTS_FILE"] = str(mine)


def test_o2_who_was_taken_over_in_the_first_step_leaves_the_lock_to_the_other(stg_runs_110: Fleet) -> None:
    for _ in ("the look at the migrations", "the step"):
        stg_runs_110.breaks(ONE, "download", "slow", seconds=4)
    stg_runs_110.breaks(ONE, "upgrade-db", "slow", seconds=LONG)
    with stg_runs_110.begins(MAJOR) as first:
        until(lambda: begun(stg_runs_110, "yum", "--downloadonly") >= 2)
        first.send_signal(signal.SIGSTOP)
        with stg_runs_110.begins("prod resume --yes", state="another") as second:
            until(lambda: begun(stg_runs_110, "blockerbugs", "upgrade_db") == 1)
            first.send_signal(signal.SIGCONT)
            said = stg_runs_110.plainly("".join(first.communicate()))
            assert (first.returncode, "took over run" in said) == (3, True), said
            assert "FAILED" not in said
            assert said.splitlines()[-1] == "next: fab prod status"
            assert stg_runs_110.types(MAJOR).code == 3
            second.kill()
    assert "taken over" not in stg_runs_110.types("prod history").out


def test_o2_after_an_unlock_what_is_down_is_said_and_again_by_resume(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db")
    assert stg_runs_110.types(MAJOR).code == 5
    for line in ("prod unlock --yes", "prod resume --yes"):
        ended = stg_runs_110.types(line)
        assert (ended.code, "httpd is not running on prod01, prod02" in ended.out) == (0, True), ended.said
        assert "next: fab prod abort  # lets cron sync again\n" in ended.out
        assert "then: fab prod major-upgrade --version 1.1.0-1.el7  " in ended.out


def test_o1_the_second_is_told_who_holds_the_set_and_what_for(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db", "slow", seconds=LONG)
    stg_runs_110.dies_in(MAJOR, "blockerbugs", "upgrade_db")
    ended = stg_runs_110.types("prod restart-httpd --yes")
    assert ended.code == 3, ended.said
    assert f"major-upgrade blockerbugs-1.1.0-1.el7, run {holder(stg_runs_110)}" in ended.err
    assert "next: fab prod status  # is it still at work?\n  or: fab prod resume  # takes over the run; " in ended.err


def test_o1_the_second_waits_with_lock_wait_and_looks_again(stg_runs_101: Fleet) -> None:
    stg_runs_101.breaks(ONE, "yum-update", "slow", seconds=2)
    first = stg_runs_101.begins(MINOR)
    until(lambda: (stg_runs_101.kept(ONE) / "lock").exists())
    ended = stg_runs_101.types(f"{MINOR} --lock-wait 250")
    assert (ended.code, "nothing to do" in ended.out) == (0, True), ended.said
    assert (first.communicate(), first.returncode)[1] == 0


def test_o2_unlock_asks_releases_and_is_written_down(stg_runs_101: Fleet) -> None:
    stg_runs_101.breaks(ONE, "yum-update")
    assert stg_runs_101.types(MINOR).code == 5
    run = holder(stg_runs_101)
    assert (
        stg_runs_101.types("prod status").out.splitlines()[-1] == "  or: fab prod abort   # ends it, and frees the set"
    )
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
    said = stg_runs_110.plainly("".join(first.communicate()))
    assert ended.code == 0, ended.said + said
    assert (first.returncode, "took over run" in said) == (3, True), said
    assert stg_runs_110.at_rest("prod") == UNBROKEN_MAJOR


def test_abort_leaves_a_client_alone_that_has_begun_a_step_while_the_question_was_read(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(TWO, "yum-update", "slow", seconds=3)
    stg_runs_110.breaks(ONE, "upgrade-db", "slow", seconds=6)
    with stg_runs_110.begins(MAJOR) as client:
        until(lambda: begun(stg_runs_110, "yum", "-C", "update") == 2)
        client.send_signal(signal.SIGSTOP)
        until(lambda: all(list(stg_runs_110.kept(host).glob("*/*yum-update*/rc")) for host in (ONE, TWO)))
        with asked(stg_runs_110, "prod abort", "Type prod") as (abort, answer):
            client.send_signal(signal.SIGCONT)
            until(lambda: bool(stg_runs_110.moments("blockerbugs", "upgrade_db")))
            answer("prod")
            said = abort.communicate()[1]
        assert (abort.returncode, "upgrade-db still runs" in said) == (75, True), said
        said = stg_runs_110.plainly("".join(client.communicate()))
    assert client.returncode == 0, said
    assert stg_runs_110.at_rest("prod") == UNBROKEN_MAJOR


def test_o2_a_client_that_was_given_up_is_not_told_to_give_up_the_next_run(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(TWO, "yum-update", "slow", seconds=3)
    stg_runs_110.breaks(ONE, "upgrade-db", "slow", seconds=LONG)
    with stg_runs_110.begins(MAJOR) as first:
        until(lambda: begun(stg_runs_110, "yum", "-C", "update") == 2)
        first.send_signal(signal.SIGSTOP)
        until(lambda: all(list(stg_runs_110.kept(host).glob("*/*yum-update*/rc")) for host in (ONE, TWO)))
        assert stg_runs_110.types("prod abort --yes").code == 0
        with stg_runs_110.begins("prod upgrade-db --yes", state="another") as next_one:
            until(lambda: bool(stg_runs_110.moments("blockerbugs", "upgrade_db")))
            first.send_signal(signal.SIGCONT)
            said = stg_runs_110.plainly("".join(first.communicate()))
            next_one.kill()
    assert (first.returncode, "took over run" in said) == (3, True), said
    assert said.splitlines()[-1] == "next: fab prod status"
    assert begun(stg_runs_110, "blockerbugs", "upgrade_db") == 1


def test_o2_a_client_goes_on_nowhere_after_an_abort_that_could_not_reach_its_host(stg_runs_101: Fleet) -> None:
    stg_runs_101.breaks(TWO, "download", "slow", seconds=2)
    config = stg_runs_101.home / "ssh_config"
    with stg_runs_101.begins("-H prod02 minor-upgrade --yes") as client:
        until(lambda: begun(stg_runs_101, "yum", "--downloadonly") == 1)
        client.send_signal(signal.SIGSTOP)
        until(lambda: bool(list(stg_runs_101.kept(TWO).glob("*/*download*/rc"))))
        text = config.read_text()
        config.write_text(f"Host {TWO}\n  ProxyCommand false\n{text}")  # from where the second one sits
        ended = stg_runs_101.types("prod abort --yes")
        assert (ended.code, "no step of it runs now on prod01" in ended.out) == (0, True), ended.said
        client.send_signal(signal.SIGCONT)
        said = stg_runs_101.plainly("".join(client.communicate()))
    assert (client.returncode, "took over run" in said) == (3, True), said
    assert stg_runs_101.changed() == []


def test_o2_a_client_that_was_given_up_begins_no_step_on_a_host_that_the_abort_could_not_reach(
    stg_runs_110: Fleet,
) -> None:
    stg_runs_110.breaks(ONE, "sync", "slow", seconds=4)
    config = stg_runs_110.home / "ssh_config"
    with stg_runs_110.begins(MAJOR) as client:
        until(lambda: begun(stg_runs_110, "blockerbugs", "sync") == 1)
        client.send_signal(signal.SIGSTOP)
        until(lambda: bool(list(stg_runs_110.kept(ONE).glob("*/*-sync/rc"))))
        text = config.read_text()
        config.write_text(f"Host {TWO}\n  ProxyCommand false\n{text}")  # from where the second one sits
        assert stg_runs_110.types("prod abort --yes").code == 0
        client.send_signal(signal.SIGCONT)
        said = stg_runs_110.plainly("".join(client.communicate()))
    assert (client.returncode, "took over run" in said) == (3, True), said
    assert not any(stg_runs_110.host(host)["httpd"] for host in (ONE, TWO))


def test_o1_a_lock_taken_with_another_sync_host_while_the_question_was_read_is_seen(stg_runs_101: Fleet) -> None:
    with asked(stg_runs_101, "prod restart-httpd", "Type prod") as (first, answer):
        with_sync_host(stg_runs_101, "prod02")
        stg_runs_101.breaks(ONE, "restart-httpd", "slow", seconds=LONG)
        with stg_runs_101.begins("-H prod01 restart-httpd --yes", state="another") as second:
            until(lambda: begun(stg_runs_101, "service", "httpd", "restart") == 1)
            answer("prod")
            said = first.communicate()[1]
            second.kill()
    assert (first.returncode, "its lock is on prod02, not on prod01" in said) == (3, True), said
    assert begun(stg_runs_101, "service", "httpd", "restart") == 1
    assert not (stg_runs_101.kept(ONE) / "lock").exists()


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
    assert (resume.returncode, "no longer holds the lock" in said) == (2, True), said
    assert begun(stg_runs_110, "blockerbugs", "upgrade_db") == 1  # the one that failed


def test_o1_who_does_not_have_the_sync_host_in_hosts_yml_sees_its_run_on_the_others(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db")
    assert stg_runs_110.types(MAJOR).code == 5
    run = holder(stg_runs_110)
    mine = without_prod01(stg_runs_110)
    for line in ("prod major-upgrade --yes", "prod abort --yes", "prod resume --yes", "prod restart-httpd --yes"):
        ended = stg_runs_110.types(line)
        assert ended.code == 3, ended.said
        assert f"run {run} is unfinished on prod02; its lock is on prod01.example" in ended.err
    assert f"run {run} is unfinished on prod02" in stg_runs_110.types("prod status").out
    stg_runs_110.environment["FABRIC_HOSTS_FILE"] = str(stg_runs_110.home / "hosts.yml")
    assert stg_runs_110.types("prod resume --yes").code == 0
    stg_runs_110.environment["FABRIC_HOSTS_FILE"] = mine
    assert stg_runs_110.types("prod restart-httpd --yes").code == 0


def without_prod01(fleet: Fleet) -> str:
    """The operator has a hosts.yml in which prod is prod02 alone."""
    lines = (fleet.home / "hosts.yml").read_text().replace("sync_host: prod01", "sync_host: prod02").splitlines()
    mine = fleet.folder / "mine.yml"
    mine.write_text("\n".join(line for line in lines if "name: prod01.example" not in line))
    fleet.environment["FABRIC_HOSTS_FILE"] = str(mine)
    return str(mine)
