"""An application of its own commands: what a major upgrade is then, and a timer of systemd's in cron's place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tasks.errors import Refused
from tasks.inventory.model import App
from tasks.run.request import check_request
from tasks.sop import kept
from tasks.sop.workflows import MAJOR, MIGRATE, SYNC, major, minor
from tests.unit.builders import NEW, Shell, checked, job, of, prod, request

# systemctl, as far as it is asked for a timer: its state is in files.
SYSTEMCTL = """
last=$(for word in "$@"; do :; done; echo "$word")
case "$*" in
  "show -p Unit kittens.timer") echo Unit=kittens-sync.service ;;
  "is-active kittens.timer") cat active ;;
  "is-enabled kittens.timer") cat enabled ;;
  "is-active kittens-sync.service") cat job ;;
  "-q disable --now kittens.timer") test ! -e stuck || exit 1; echo inactive >active; echo disabled >enabled ;;
  "-q enable --now kittens.timer") echo active >active; echo enabled >enabled ;;
  *) exit 4 ;;
esac
"""
APP = checked(App, package="kittens", service="gunicorn", timer="kittens.timer", root=".")
ROOT = "var/lib/kittens-upgrade"


def names(**app: Any) -> list[str]:
    return [phase.step.name for phase in major(job(of(checked(App, **app), prod()), target=NEW))]


@pytest.fixture
def host(tmp_path: Path) -> Shell:
    shell = Shell(tmp_path)
    shell.program("systemctl", SYSTEMCTL)
    shell.program("pgrep", "exit 1")
    for name, text in (("active", "active"), ("enabled", "enabled"), ("job", "inactive")):
        shell.file(name, f"{text}\n")
    return shell


def from_a_run(host: Shell, script: str) -> int:
    host.file(f"{ROOT}/0123abcd/03-pause-cron/script", f'eval "$library"\n{script}')
    return host.run(f"export library; sh ./{ROOT}/0123abcd/03-pause-cron/script").returncode


def state(host: Shell) -> tuple[str, str]:
    return (host.folder / "active").read_text().strip(), (host.folder / "enabled").read_text().strip()


def test_blockerbugs_own_commands_and_files_are_the_default() -> None:
    app = App()
    assert (app.migrate, app.check, app.cron) == (
        "blockerbugs upgrade_db",
        "blockerbugs sync",
        "/etc/cron.d/blockerbugs",
    )


def test_where_only_the_package_is_named_its_commands_and_files_are_called_after_it() -> None:
    app = checked(App, package="kittens")
    assert (app.migrate, app.check) == ("kittens upgrade_db", "kittens sync")
    assert (app.settings, app.cron) == ("/etc/kittens/settings.py", "/etc/cron.d/kittens")


def test_an_application_without_a_migration_is_not_migrated_and_not_backed_up_for_it() -> None:
    assert {"upgrade-db", "still-stopped", "backup"}.isdisjoint(names(migrate="none"))


def test_an_application_without_a_check_is_started_right_after_its_migration() -> None:
    found = names(check="none")
    assert found[found.index("upgrade-db") :][:3] == ["upgrade-db", "still-down", "start-httpd"]


def test_where_nothing_starts_the_check_by_itself_nothing_is_paused() -> None:
    assert {"pause-cron", "resume-cron"}.isdisjoint(names(cron="none"))


def test_where_no_file_is_a_migration_a_minor_upgrade_looks_for_none() -> None:
    found = [phase.step.name for phase in minor(job(of(checked(App, migrations="none"), prod()), target=NEW))]
    assert found[:2] == ["download", "yum-update"]


def test_v4_an_expression_that_grep_does_not_know_lets_no_build_through(host: Shell) -> None:
    host.program("rpm", "echo /usr/share/kittens/migrations/0002.sql")
    looked = host.run("yum_cached() { echo kittens.rpm; }\nbuild_brings . kittens kittens-2.0.0-1.el7 '/versions/['")
    assert (looked.returncode, "app.migrations in hosts.yml cannot be looked for: " in looked.stdout) == (1, True)


def test_v4_an_expression_that_begins_with_a_dash_is_an_expression(host: Shell) -> None:
    host.program("rpm", "case $1 in -qpl) echo /usr/share/kittens/migrations/0-versions/2.sql;; esac")
    looked = host.run("yum_cached() { echo kittens.rpm; }\nbuild_brings . kittens kittens-2.0.0-1.el7 '-versions/'")
    said = "kittens-2.0.0-1.el7 brings a schema migration: /usr/share/kittens/migrations/0-versions/2.sql"
    assert (looked.returncode, looked.stdout.strip()) == (1, said)


def test_the_applications_own_commands_are_what_is_run() -> None:
    phases = major(job(of(checked(App, migrate="manage migrate --yes", check="manage check"), prod()), target=NEW))
    commands = {phase.step.name: phase.step.command for phase in phases}
    assert (commands["upgrade-db"], commands["sync"]) == ("manage migrate --yes", "manage check")


def test_what_is_said_of_the_steps_names_the_service_that_is_configured() -> None:
    phases = major(job(of(App(service="gunicorn"), prod()), target=NEW))
    assert not [phase.step.says for phase in phases if "httpd" in phase.step.says]
    assert "stop gunicorn" in [phase.step.says for phase in phases]


@pytest.mark.parametrize(("procedure", "key"), [(MIGRATE, "migrate"), (SYNC, "check")])
def test_a_step_for_which_the_application_has_no_command_is_refused_by_the_keys_name(procedure: Any, key: str) -> None:
    host_set = of(checked(App, **{key: "none"}), prod())
    with pytest.raises(Refused, match=rf"has nothing to run: app\.{key} is none in hosts.yml"):
        check_request(request(procedure.name, host_set))
    check_request(request(MAJOR.name, host_set))


def test_C1_a_timer_is_paused_for_good_and_comes_back_as_it_was(host: Shell) -> None:
    assert from_a_run(host, kept.pause_cron(APP, 5)) == 0
    assert state(host) == ("inactive", "disabled")
    assert host.run(kept.cron_is_away(APP)).returncode == 0
    assert host.run(kept.resume_cron(APP)).returncode == 0
    assert state(host) == ("active", "enabled")
    assert not [path.name for path in (host.folder / ROOT).iterdir() if path.name.startswith("cron")]


def test_C1_the_job_of_a_timer_that_runs_is_waited_for_and_the_timer_is_put_back_where_it_does_not_end(
    host: Shell,
) -> None:
    host.file("job", "activating\n")
    assert from_a_run(host, kept.pause_cron(APP, 1)) == 1
    assert state(host) == ("active", "enabled")


def test_C2_a_timer_that_was_enabled_again_meanwhile_keeps_the_migration_from_beginning(host: Shell) -> None:
    assert from_a_run(host, kept.pause_cron(APP, 5)) == 0
    host.file("enabled", "enabled\n")
    refused = host.run(kept.cron_is_away(APP))
    assert (refused.returncode, "kittens.timer is back" in refused.stdout) == (1, True)


def test_C3_no_note_is_left_of_a_timer_that_could_not_be_disabled(host: Shell) -> None:
    host.file("stuck", "")
    assert from_a_run(host, kept.pause_cron(APP, 5)) == 1
    assert state(host) == ("active", "enabled")
    assert not (host.folder / ROOT / "cron").exists()


@pytest.mark.parametrize(("enabled", "fact"), [("enabled", "cron\tyes\n"), ("disabled", "")])
def test_a_timer_is_seen_by_the_look(enabled: str, fact: str, host: Shell) -> None:
    host.file("active", "active\n" if fact else "inactive\n")
    host.file("enabled", f"{enabled}\n")
    assert host.run(kept.cron_is_on(APP)).stdout == fact


def test_where_nothing_starts_the_check_by_itself_the_look_finds_no_cron(host: Shell) -> None:
    assert host.run(kept.cron_is_on(checked(App, cron="none", root="."))).stdout == ""
