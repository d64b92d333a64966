"""The lock and the cron file, in a real sh whose root is a folder."""

from __future__ import annotations

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tasks.fleet.detached import HELD
from tasks.inventory.model import App
from tasks.run.changed import fixed
from tasks.run.lock_file import Lock, read_lock
from tasks.run.locked import locked_by
from tasks.sop import kept
from tests.unit.builders import ONE, Shell, checked, prod
from tests.wanted import wanted

APP = App(root=".")
CRON = "etc/cron.d/blockerbugs"
AWAY = "var/lib/blockerbugs-upgrade/cron"


def lock(run: str = "0123abcd") -> Lock:
    return Lock(run, "alice@laptop", datetime.now(UTC).isoformat(timespec="seconds"), "minor-upgrade")


def takes(shell: Shell, one: Lock) -> str:
    return shell.run(kept.take(APP, one.run, one.text, ['{"event": "begin"}'])).stdout


@pytest.fixture
def host(shell: Shell) -> Shell:
    shell.file("var/lib/here", "")
    shell.program("pgrep", "exit 1")
    return shell


def from_a_run(shell: Shell, script: str) -> int:
    """Done as a step of run 0123abcd: from its script file."""
    shell.file("keep/0123abcd/03-x/script", f"{shell.library}\n{script}")
    return shell.run("sh keep/0123abcd/03-x/script").returncode


def test_O1_the_first_takes_the_lock_and_the_second_is_told_by_whom_it_is_held(host: Shell) -> None:
    first = lock()
    assert "taken\tyes" in takes(host, first)
    said = takes(host, lock("deadbeef"))
    assert "taken" not in said
    assert read_lock(said.split("\t", 1)[1].strip()) == first


def test_O1_of_twenty_in_the_same_instant_one_takes_it(host: Shell) -> None:
    runs = [lock(f"{number:08x}") for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        assert sum("taken" in said for said in pool.map(lambda one: takes(host, one), runs)) == 1


def test_who_has_taken_the_lock_and_asks_again_has_it(host: Shell) -> None:
    assert "taken" in takes(host, lock())
    assert "taken" in takes(host, lock())


def test_a_lock_is_given_back_by_its_own_run_only(host: Shell) -> None:
    takes(host, lock())
    said = host.run(kept.release(APP, "deadbeef", "bob", [], "touch cron")).stdout
    assert said.startswith('holder\t{"run": "0123abcd"')
    assert "taken" not in takes(host, lock("deadbeef"))
    assert host.run(kept.release(APP, "0123abcd", "alice", [])).stdout == ""
    assert not (host.folder / "cron").exists()
    assert takes(host, lock("deadbeef")).startswith("last\t0123abcd")


def test_O2_who_was_taken_over_gives_no_lock_back_and_no_cron(host: Shell) -> None:
    takes(host, lock())
    host.file("var/lib/blockerbugs-upgrade/0123abcd/driver", "bob@desk (2)\n")
    said = host.run(kept.release(APP, "0123abcd", "alice@laptop (1)", ['{"event": "end"}'], "touch cron")).stdout
    assert said == "driver\tbob@desk (2)\n"
    assert "taken" not in takes(host, lock("deadbeef"))
    assert not (host.folder / "cron").exists()


def test_O2_a_lock_stays_where_what_comes_first_has_failed(host: Shell) -> None:
    takes(host, lock())
    assert host.run(kept.release(APP, "0123abcd", "alice", [], "false")).returncode == 1
    assert "taken" not in takes(host, lock("deadbeef"))


def test_O1_a_host_that_another_run_has_locked_starts_no_step(host: Shell) -> None:
    guard = kept.nobody_else(APP, "deadbeef", "prod01.example")
    assert host.run(f"{guard}\necho step").stdout == "step\n"
    other = lock()
    takes(host, other)
    refused = host.run(f"{guard}\necho step")
    assert (refused.returncode, read_lock(refused.stdout)) == (HELD, other), refused.stdout
    ours = kept.nobody_else(APP, "0123abcd", "prod01.example")
    assert host.run(f"{ours}\necho step").stdout == "step\n"


def test_the_loser_leaves_no_folder(host: Shell) -> None:
    takes(host, lock())
    takes(host, lock("deadbeef"))
    assert not (host.folder / "var/lib/blockerbugs-upgrade/deadbeef").exists()


def test_a_folder_behind_a_link_is_not_used(host: Shell) -> None:
    (host.folder / "elsewhere").mkdir()
    (host.folder / "var/lib/blockerbugs-upgrade").symlink_to(host.folder / "elsewhere")
    assert "nothing is kept behind one" in takes(host, lock())
    assert list((host.folder / "elsewhere").iterdir()) == []


def test_a_folder_that_others_can_read_is_closed(host: Shell) -> None:
    (host.folder / "var/lib/blockerbugs-upgrade").mkdir(mode=0o777)
    takes(host, lock())
    assert (host.folder / "var/lib/blockerbugs-upgrade").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("odd", ["a folder", "a dangling link"])
def test_what_stands_where_the_lock_should_be_is_not_taken_for_free(host: Shell, odd: str) -> None:
    place = host.folder / "var/lib/blockerbugs-upgrade/lock"
    place.parent.mkdir()
    place.mkdir() if odd == "a folder" else place.symlink_to("nowhere")
    assert "taken" not in takes(host, lock())


@pytest.mark.parametrize("text", ["", "{}", "[]", "x", '{"run": 1, "operator": "", "since": "", "doing": ""}'])
def test_what_is_no_lock_is_not_read_as_one(text: str) -> None:
    assert read_lock(text) is None


def test_a_locks_age_is_told_also_when_clocks_are_an_hour_apart() -> None:
    hour = timedelta(hours=1)
    ages = [Lock("0123abcd", "a@b", (datetime.now(UTC) + off).isoformat(), "x").age for off in (hour, -hour)]
    assert ages == ["just now", "60 min ago"]
    assert Lock("0123abcd", "a@b", "yesterday", "x").age == "age unknown"


@pytest.mark.parametrize(
    ("since", "told"),
    [
        ("2026-11-26T06:23:02+00:00", "since 2026-11-26 15:23:02 ("),
        ("yesterday", "since yesterday ("),
        ("0001-01-01T00:00:00+14:00", "since 0001-01-01T00:00:00+14:00 ("),
    ],
)
def test_since_when_a_lock_is_held_is_told_on_the_clock_of_who_asks(
    since: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        said = str(Lock("0123abcd", "a@b", since, "x"))
    time.tzset()
    assert told in said


def test_C3_cron_is_put_back_as_it_was(host: Shell) -> None:
    host.file(CRON, "*/30 sync")
    assert from_a_run(host, kept.pause_cron(APP, 5)) == 0
    assert not (host.folder / CRON).exists()
    assert (host.folder / f"{AWAY}.run").read_text() == "0123abcd\n"
    assert host.run(kept.resume_cron(APP)).returncode == 0
    assert (host.folder / CRON).read_text() == "*/30 sync"
    assert not (host.folder / f"{AWAY}.run").exists()


def test_C3_a_cron_file_that_cannot_be_put_back_is_a_failure_and_stays_known(host: Shell) -> None:
    host.file(CRON, "*/30 sync")
    from_a_run(host, kept.pause_cron(APP, 5))
    (host.folder / CRON).parent.rmdir()
    assert host.run(f"{kept.resume_cron(APP)} || exit 1\nexit 0").returncode == 1
    assert (host.folder / AWAY).read_text() == "*/30 sync"
    assert (host.folder / f"{AWAY}.run").read_text() == "0123abcd\n"


def test_C3_cron_stays_where_it_is_when_nobody_can_note_who_takes_it_away(host: Shell) -> None:
    host.file(CRON, "*/30 sync")
    for note in (f"{AWAY}.run", f"{AWAY}.run.new"):
        (host.folder / note).mkdir(parents=True)
    assert from_a_run(host, kept.pause_cron(APP, 5)) == 1
    assert (host.folder / CRON).read_text() == "*/30 sync"


def test_C3_no_note_is_left_of_a_cron_file_that_could_not_be_taken_away(host: Shell) -> None:
    host.file(CRON, "*/30 sync")
    host.program("mv", f'case $1 in *cron.d*) exit 1;; esac; exec {shutil.which("mv")} "$@"')
    assert from_a_run(host, kept.pause_cron(APP, 5)) == 1
    assert not (host.folder / f"{AWAY}.run").exists()


def test_C2_a_cron_file_that_came_back_meanwhile_is_the_newer_one_and_stays(host: Shell) -> None:
    host.file(CRON, "old")
    from_a_run(host, kept.pause_cron(APP, 5))
    host.file(CRON, "new")
    refused = host.run(kept.cron_is_away(APP))
    assert (refused.returncode, "is back (has ansible run?)" in refused.stdout) == (1, True)
    assert "was put back meanwhile, and stays" in host.run(kept.resume_cron(APP)).stdout
    assert (host.folder / CRON).read_text() == "new"
    assert not (host.folder / AWAY).exists()
    assert (host.folder / f"{AWAY}.replaced").read_text() == "old"


def test_C1_a_sync_that_does_not_end_in_time_leaves_cron_as_it_was(host: Shell) -> None:
    host.file(CRON, "*/30 sync")
    host.program("pgrep", "exit 0")
    assert from_a_run(host, kept.pause_cron(APP, 1)) == 1
    assert (host.folder / CRON).read_text() == "*/30 sync"


def test_C1_a_sync_that_runs_is_waited_for(host: Shell) -> None:
    host.program("pgrep", "test ! -e asked && : >asked")
    assert from_a_run(host, kept.pause_cron(APP, 5)) == 0


def test_C2_a_sync_that_runs_keeps_the_migration_from_beginning(host: Shell) -> None:
    host.program("pgrep", "exit 0")
    assert host.run(kept.cron_is_away(APP)).returncode == 1


@wanted("pgrep", "procps")
def test_the_look_for_a_sync_does_not_find_itself(host: Shell) -> None:
    host.program("pgrep", f'exec {shutil.which("pgrep")} "$@"')
    app = checked(App, root=".", package="no-such-package-anywhere")
    assert host.run(kept.cron_is_away(app)).returncode == 0


def shown(host: Shell, app: App) -> dict[str, str]:
    said = host.run(kept.show(app)).stdout
    rows: dict[str, str] = {}
    for name, _, value in (line.partition("\t") for line in said.splitlines()):
        rows.setdefault(name, value)
    return rows


def test_o1_a_run_that_has_its_lock_elsewhere_is_known_on_this_host_until_it_has_ended(host: Shell) -> None:
    guard = kept.nobody_else(APP, "0123abcd", "prod01.example")
    assert host.run(guard).returncode == 0
    assert "open" not in shown(host, APP)  # it does nothing here
    host.file("var/lib/blockerbugs-upgrade/0123abcd/driver", "alice@laptop (1)\n")
    host.run(guard)
    host.run(kept.nobody_else(APP, "0123abcd", "another"))
    assert shown(host, APP)["open"] == "0123abcd prod01.example"
    host.run(kept.ended(APP, "0123abcd"))
    assert "open" not in shown(host, APP)


def test_o1_two_applications_on_one_host_share_no_lock_no_build_to_go_back_to_and_no_migration(host: Shell) -> None:
    other = checked(App, root=".", package="kittens")
    takes(host, lock())
    host.program("rpm", "echo blockerbugs-1.0.0-1.el7")
    for text in (kept.remember(APP, "blockerbugs-1.1.0-1.el7", "aaa"), kept.migration_begins(APP)):
        assert host.run(text).returncode == 0
    assert shown(host, other) == {"last": "", "paused": "", "previous": "", "migration": ""}
    assert "taken\tyes" in host.run(kept.take(other, "deadbeef", lock("deadbeef").text, [])).stdout
    assert read_lock(shown(host, APP)["lock"].removeprefix("=")) != read_lock(shown(host, other)["lock"][1:])


def test_o2_what_version_0_1_has_kept_of_another_application_in_our_folder_is_found_and_nobody_elses(
    host: Shell,
) -> None:
    kept, app = "var/lib/blockerbugs-upgrade", checked(App, root=".", package="kittens")
    begin = json.dumps({"event": "begin", "hosts_yml": {"package": fixed(prod(app=app))["package"]}})
    host.file(f"{kept}/0123abcd/journal.jsonl", begin + "\n")
    host.file(f"{kept}/lock", lock().text + "\n")
    host.file(f"{kept}/previous", "kittens-1.0.0-1.el7 aaa\n")
    host.file(f"{kept}/migration", "begun blockerbugs-1.1.0-1.el7\n")
    said = shown(host, app)
    assert (said["previous"], said["migration"]) == ("kittens-1.0.0-1.el7 aaa", "")
    error = locked_by(ONE, said["lock"].removeprefix("="), prod(app=app))
    assert "version 0.1 of this tool started the run" in error.problems[1]
    assert error.next_line == "git checkout d6d6b6f && fab prod resume"
    assert "lock" not in shown(host, checked(App, root=".", package="puppies"))


@pytest.mark.parametrize("field", ["operator", "since", "doing"])
def test_s13_what_a_lock_says_has_no_control_characters_however_they_are_written(field: str) -> None:
    fields = {"run": "0123abcd", "operator": "alice@desk", "since": "x", "doing": "sync"}
    fields[field] = "a\x1b]0;title\x07\x1b[2J\nnext: rm\x1b]52;c;QUJD\x07\u202e"
    text = json.dumps(fields)
    assert "\\u001b" in text
    lock = read_lock(text)
    assert lock
    assert str(lock).isprintable()
    assert getattr(lock, field) == "a next: rm"
