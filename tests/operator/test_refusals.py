"""What is refused: nothing was changed, the exit code says so, the message says what to type."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import ONE, STG, TWO, Ended, Fleet, shared_sets


def refused(fleet: Fleet, line: str, *words: str, code: int = 2, answers: str = "") -> Ended:
    before = len(fleet.changed())
    ended = fleet.types(line, answers)
    assert ended.code == code, ended.said
    for word in words:
        assert word in ended.err, ended.said
    assert len(fleet.changed()) == before
    return ended


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """stg runs 1.0.1; for lines that change nothing."""
    with shared_sets(tmp_path_factory, stg_runs="1.0.1") as fleet:
        yield fleet


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("-H prod01 major-upgrade --yes", "next: fab prod major-upgrade"),
        ("-H prod01,prod02 major-upgrade --yes", "next: fab prod major-upgrade"),
        ("-H prod02 upgrade-db --yes", "next: fab prod upgrade-db"),
        ("-H prod02 sync --yes", "next: fab prod sync"),
        ("stg prod minor-upgrade --yes", "next: fab stg minor-upgrade\nthen: fab prod minor-upgrade"),
        ("-H prod stg minor-upgrade --yes", "next: fab stg minor-upgrade\n  or: fab -H prod minor-upgrade"),
        ("-H prodd minor-upgrade --yes", "next: fab -H prod minor-upgrade --yes"),
        ("-H elsewhere minor-upgrade --yes", "next: fab --list"),
        ("minor-upgrade --yes", "next: fab stg minor-upgrade"),
        ("prod upgrade-db --yes", "next: fab prod stop-httpd"),
        ("prod minor-upgrade --version 9.9 --unverified x --yes", "9.9 is not on offer"),
        ("prod minor-upgrade --version '1.0.1;reboot' --yes", "is no version"),
        ("prod minor-upgrade --version -1 --yes", "is no version"),
        ("prod minor-upgrade --version '' --yes", "is no version"),
        ("prod minor-upgrade --unverified ' ' --yes", "--unverified without a reason"),
        (
            "prod minor-upgrade --lock-wait inf --yes",
            "--lock-wait must be a number of seconds, 0 or more, not inf\nnext: fab --help minor-upgrade",
        ),
        (
            "prod minor-upgrade --lock-wait nan --plan",
            "--lock-wait must be a number of seconds, 0 or more, not nan\nnext: fab --help minor-upgrade",
        ),
        (
            "prod major-upgrade --lock-wait=-1 --yes",
            "--lock-wait must be a number of seconds, 0 or more, not -1\nnext: fab --help major-upgrade",
        ),
        ("-H somebody@prod01 status", "ssh_config says how prod01 is reached"),
    ],
    ids=lambda value: value.removesuffix(" --yes"),
)
def test_what_makes_no_sense_is_refused_with_the_line_to_type(untouched: Fleet, line: str, words: str) -> None:
    refused(untouched, line, words)


@pytest.mark.sandbox_only("a real host would be left without it")
@pytest.mark.skipif(bool(shutil.which("service", path="/usr/bin:/bin")), reason="the sandbox's hosts have this one too")
def test_y4_a_host_that_lacks_a_program_is_refused_by_name_with_the_line_that_installs_it(stg_runs_101: Fleet) -> None:
    (stg_runs_101.home / "hosts" / TWO / "usr/bin/service").unlink()
    line = f"-t {TWO} sudo yum -y install /usr/sbin/service"
    refused(stg_runs_101, "prod minor-upgrade --yes", "prod02: has no service, which the steps need", line)


def test_x1_prod_without_a_terminal_and_without_yes_ends_at_once(untouched: Fleet) -> None:
    ended = refused(
        untouched, "prod minor-upgrade", " prod minor-upgrade  # from a terminal, or with --yes", answers="prod\n"
    )
    assert "looking at" not in ended.out


@pytest.mark.parametrize("line", ["prod minor-upgrade --plan", "--dry prod minor-upgrade", "--dry prod stop-httpd"])
def test_a_plan_shows_what_would_be_done_and_changes_nothing(untouched: Fleet, line: str) -> None:
    before = len(untouched.changed())
    ended = untouched.types(line)
    assert ended.code == 2, ended.said
    assert "service httpd" in ended.out
    assert len(untouched.changed()) == before


def test_a_plan_without_changes_exits_0(untouched: Fleet) -> None:
    assert untouched.types("stg minor-upgrade --version 1.0.1 --plan").code == 0


def test_an_older_build_is_no_upgrade(untouched: Fleet) -> None:
    refused(untouched, "stg minor-upgrade --version 1.0.0 --yes", "is installed, which is newer than")


def test_v1_a_newer_build_than_stg_runs_does_not_get_into_prod(untouched: Fleet) -> None:
    refused(
        untouched, "prod major-upgrade --version 1.1.0 --yes", "stg verified blockerbugs-1.0.1-1.el7", "--unverified"
    )


def test_v1_the_build_that_stg_runs_has_to_be_in_prods_repo(stg_runs_101: Fleet) -> None:
    stg_runs_101.machines.withdraw("1.0.1")
    refused(
        stg_runs_101, "prod minor-upgrade --yes", "stg runs blockerbugs-1.0.1-1.el7, the repo offers blockerbugs-1.0.0"
    )


def test_v1_an_unhealthy_stg_verifies_nothing(stg_runs_101: Fleet) -> None:
    stg_runs_101.types("stg stop-httpd --yes")
    refused(stg_runs_101, "prod minor-upgrade --yes", "stg is not healthy with", "next: fab stg status")


def test_v1_a_reason_overrides_it_and_is_written_down(fleet: Fleet) -> None:
    ended = fleet.types("prod minor-upgrade --version 1.0.1 --unverified 'outage 1234' --yes")
    assert ended.code == 0, ended.said
    assert "not verified on stg: outage 1234" in ended.out
    journal = Path(fleet.environment["XDG_STATE_HOME"]) / "blockerbugs-upgrade" / "journal.jsonl"
    assert '"unverified": "outage 1234"' in journal.read_text()


def test_v3_two_nodes_that_are_offered_different_builds_are_not_upgraded(fleet: Fleet) -> None:
    fleet.machines.withdraw("1.1.0", host=TWO)
    refused(
        fleet, "prod major-upgrade --unverified because --yes", "prod02: is offered blockerbugs-1.0.1", "prod01: is"
    )


def test_v4_a_minor_upgrade_is_refused_while_a_migration_is_pending(fleet: Fleet) -> None:
    for step in ("stop-httpd", "yum-update --version 1.1.0"):
        assert fleet.types(f"stg {step} --yes").code == 0
    refused(fleet, "stg minor-upgrade --yes", "a schema migration is pending", "next: fab stg major-upgrade")


def test_v4_a_minor_upgrade_of_prod_is_refused_when_stg_needed_a_migration_for_it(stg_runs_110: Fleet) -> None:
    refused(stg_runs_110, "prod minor-upgrade --yes", "a schema migration is pending", "next: fab prod major-upgrade")


@pytest.mark.smoke
def test_v4_a_migration_that_comes_with_the_build_is_noticed_before_it_is_installed(fleet: Fleet) -> None:
    next_line = "next: fab stg major-upgrade --version 1.1.0-1.el7"
    what = ".py: changes what is there: renames the column bug.summary to title"  # each fleet has its own file names
    refused(fleet, "stg minor-upgrade --version 1.1.0 --yes", "brings a schema migration: /usr/", what, next_line)
    assert fleet.runs(STG) == ("blockerbugs-1.0.0-1.el7", "1.0.0")
    assert fleet.types("stg major-upgrade --version 1.1.0-1.el7 --yes").code == 0
    assert fleet.runs(STG) == ("blockerbugs-1.1.0-1.el7", "1.1.0")


def test_dry_shows_what_abort_unlock_and_resume_would_do_and_leaves_the_run_as_it_was(stg_runs_110: Fleet) -> None:
    fleet = stg_runs_110
    fleet.breaks(ONE, "upgrade-db")
    assert fleet.types("prod major-upgrade --yes").code == 5
    cron, all_else = "abort would let cron sync again", "unlock would release the lock, and leave all else as it is"
    shown = {"abort": f"{cron} and release the lock", "unlock": all_else, "resume": "upgrade-db"}
    before = left_behind(fleet), len(fleet.changed())
    for task, words in shown.items():
        ended = fleet.types(f"--dry prod {task} --yes")
        assert (ended.code, words in ended.out) == (2, True), ended.said
        assert (left_behind(fleet), len(fleet.changed())) == before
    assert fleet.types("prod unlock --yes").code == 0
    before = left_behind(fleet), len(fleet.changed())
    for task, code, words in (("abort", 2, cron), ("unlock", 0, "is not locked"), ("resume", 0, "nothing to resume")):
        ended = fleet.types(f"--dry prod {task} --yes")
        assert (ended.code, words in ended.out) == (code, True), ended.said
        assert (left_behind(fleet), len(fleet.changed())) == before
    assert fleet.types("prod abort --yes").code == 0
    assert fleet.types("--dry prod abort").code == 0


def left_behind(fleet: Fleet) -> dict[str, str]:
    """Every file that runs have left on prod's hosts, with what stands in it, and cron's."""
    folders = [fleet.kept(host) for host in (ONE, TWO)]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    kept = {str(path): path.read_text() for path in files}
    return {**kept, "cron": str([fleet.host(host)["cron"] for host in (ONE, TWO)])}


def test_a_disk_without_room_is_refused_with_the_command_that_mends_it(fleet: Fleet) -> None:
    fleet.machines.fill_disk(STG, "/var", free=10_000)
    refused(fleet, "stg minor-upgrade --version 1.0.1 --yes", "stg01: 9 MB free", "yum clean packages")


def test_one_host_is_not_restarted_while_the_other_is_down(stg_runs_101: Fleet) -> None:
    stg_runs_101.types("-H prod01 stop-httpd --yes")
    refused(stg_runs_101, "-H prod02 minor-upgrade --yes", "prod01: not healthy", "fab prod minor-upgrade")


def test_an_ill_host_is_taken_first(stg_runs_101: Fleet) -> None:
    stg_runs_101.types("-H prod02 stop-httpd --yes")
    assert stg_runs_101.types("prod minor-upgrade --yes").code == 0
    order = [host for _, host, phase in stg_runs_101.moments("restart") if phase == "start"]
    assert order == [TWO, ONE]


def test_a_broken_hosts_file_is_told_with_its_place_and_the_list_goes_on_working(fleet: Fleet) -> None:
    file = fleet.home / "hosts.yml"
    file.write_text(
        file.read_text().replace("confirm: name", "confrim: name").replace("sync_host: stg01", "sync_host: x")
    )
    refused(fleet, "prod minor-upgrade --yes", "host_sets.prod.confrim: unknown key", "host_sets.stg: sync_host 'x'")
    listed = fleet.types("--list")
    assert (listed.code, "Host sets: stg, prod, sandbox" in listed.out) == (0, True)


@pytest.mark.parametrize("content", ["[]", "host_sets: 2024-13-45", "\t", "host_sets: !!set [a]", ""], ids=repr)
def test_a_hosts_file_that_is_none_is_told_by_its_name(fleet: Fleet, content: str) -> None:
    (fleet.home / "hosts.yml").write_text(content)
    refused(fleet, "prod status", str(fleet.home / "hosts.yml"))


def test_a_hosts_file_that_is_not_there_is_told_by_its_name(fleet: Fleet) -> None:
    (fleet.home / "hosts.yml").unlink()
    refused(fleet, "prod status", f"{fleet.home / 'hosts.yml'} does not exist")


def test_prod_is_not_upgraded_while_its_hosts_have_different_settings(stg_runs_101: Fleet) -> None:
    settings = stg_runs_101.home / "hosts" / TWO / "etc/blockerbugs/settings.py"
    settings.write_text(settings.read_text() + "DEBUG = True\n")
    refused(stg_runs_101, "prod minor-upgrade --yes", "settings.py differs between prod01 and prod02")
    waved = stg_runs_101.types("prod minor-upgrade --version 1.0.1 --unverified 'being rolled out' --plan")
    assert "warning: /etc/blockerbugs/settings.py differs between prod01 and prod02" in waved.out


def test_prod_is_not_upgraded_while_the_settings_template_waits_to_be_pushed(stg_runs_101: Fleet) -> None:
    checkout = stg_runs_101.home / "ansible"
    template = "roles/blockerbugs/templates/blockerbugs-settings.py.j2"
    (checkout / template).parent.mkdir(parents=True)
    (checkout / template).write_text("SECRET_KEY = '{{ key }}'\n")
    subprocess.run(["git", "init", "--quiet", checkout], check=True)
    stg_runs_101.environment["FABRIC_ANSIBLE_CHECKOUT"] = str(checkout)
    refused(stg_runs_101, "prod minor-upgrade --yes", "has uncommitted changes in", "invoke push-config")
