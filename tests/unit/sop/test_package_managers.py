"""yum 3, dnf 4 and dnf 5 in their own words (said/README.md): what is made of them."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
from pathlib import Path

import pytest

from tasks.errors import Refused
from tasks.fleet.outcome import telling_line
from tasks.inventory.model import App
from tasks.run.answers import read
from tasks.run.decide import Plan, decide
from tasks.run.facts import script
from tasks.sop import steps, yum
from tasks.sop.model import Facts
from tasks.sop.shell import library
from tests.unit.builders import Shell, job, nvr, prod, request, said, stg, well

SAID = Path(__file__).with_name("said")
PROGRAMS = {"yum3": "yum", "dnf4": "dnf-3", "dnf5": "dnf5"}
APP = App(root=".")
SET = stg(app=APP)
every = pytest.mark.parametrize("manager", PROGRAMS)


class Host:
    """A host's shell, on which one package manager says what it was recorded to say, and keeps what it was asked."""

    def __init__(self, shell: Shell, manager: str) -> None:
        self.shell, self.manager = shell, manager
        self.program = PROGRAMS[manager]
        self.says("yum", "list")
        if self.program != "yum":
            (shell.bin / "yum").symlink_to(self.program)
        shell.program("rpm", "echo 'blockerbugs-1.0.0-1.el7 (none)'")

    def says(self, program: str, recorded: str, when: str = "*") -> None:
        """`program` says this; when: for words that fit this shell pattern, all others succeed without a word."""
        exit_status, _, text = (SAID / self.manager / recorded).read_text().partition("\n")
        self.shell.file(f"said-{program}", text)
        name = self.program if program == "yum" else program
        self.shell.program(name, f'echo "$*" >>calls; case "$*" in {when}) cat said-{program}; {exit_status};; esac')

    def facts(self) -> Facts:
        done = self.shell.run(script(SET, schema=False))
        assert done.returncode == 0, done.stdout
        return read(SET, done.stdout, schema=False)


def host(shell: Shell, manager: str) -> Host:
    return Host(shell, manager)


def plan(found: Facts, version: str | None = None) -> Plan:
    one = well(
        offered=found.offered,
        duplicates=found.duplicates,
        rpm_says=found.rpm_says,
        yum=found.yum,
        yum_says=found.yum_says,
        version_lock=found.version_lock,
        no_list=found.no_list,
    )
    return decide(request("minor-upgrade", SET, version=version), {SET.sync: one})


def refused(found: Facts) -> str:
    with pytest.raises(Refused) as caught:
        plan(found)
    return said(caught.value)


# What the repositories offer


@every
def test_the_builds_on_offer_are_read(manager: str, shell: Shell) -> None:
    found = host(shell, manager).facts()
    assert found.offered == {nvr("1.0.0"): "infra", nvr("1.0.1"): "infra"}
    assert (found.installed, found.yum, found.yum_says) == (nvr("1.0.0"), PROGRAMS[manager], ())
    assert plan(found).target == nvr("1.0.1")


@every
def test_a_higher_epoch_is_newer_than_a_higher_version(manager: str, shell: Shell) -> None:
    there = host(shell, manager)
    there.says("yum", "list-epoch")
    assert plan(there.facts()).target == nvr("0.9.9")
    there.says("rpm", "rpm-q-epoch")
    installed = there.facts().installed
    assert installed
    assert installed == nvr("0.9.9")
    assert nvr("1.0.1") < installed


@every
def test_a_host_of_another_architecture_is_read(manager: str, shell: Shell) -> None:
    there = host(shell, manager)
    shell.file("said-yum", (shell.folder / "said-yum").read_text().replace(".noarch ", ".aarch64 "))
    assert there.facts().offered == {nvr("1.0.0"): "infra", nvr("1.0.1"): "infra"}


@every
def test_a_repository_that_was_left_out_is_not_taken_for_nothing_to_do(manager: str, shell: Shell) -> None:
    there = host(shell, manager)
    there.says("yum", "list-unreachable-skipped")
    found = there.facts()
    assert (found.offered, found.no_list) == ({}, None)
    told = refused(found)
    assert "blockerbugs01.stg: no repository offers a build of blockerbugs: " in told
    assert "127.0.9.9:8098" in told
    assert "next: ssh -t blockerbugs01.stg.iad2.example sudo yum list --showduplicates blockerbugs" in told


@every
def test_an_excluded_package_is_not_taken_for_nothing_to_do(manager: str, shell: Shell) -> None:
    there = host(shell, manager)
    there.says("yum", "list-excluded")
    assert "is it excluded, or is the repository switched off or skipped?" in refused(there.facts())


def test_that_nothing_is_newer_is_not_believed_where_a_repository_was_left_out(shell: Shell) -> None:
    there = host(shell, "dnf4")
    there.says("yum", "list")
    rows = (shell.folder / "said-yum").read_text()
    shell.file(
        "said-yum", "Ignoring repositories: other\n" + "".join(r for r in rows.splitlines(True) if "1.0.1" not in r)
    )
    told = refused(there.facts())
    assert "cannot tell whether blockerbugs-1.0.0-1.el7 is the newest build" in told
    assert "Ignoring repositories: other" in told
    assert not plan(there.facts(), version="1.0.0").phases


@every
def test_a_repository_that_cannot_be_reached_is_named(manager: str, shell: Shell) -> None:
    there = host(shell, manager)
    there.says("yum", "list-unreachable")
    no_list = there.facts().no_list
    assert no_list
    assert "yum cannot list blockerbugs: " in no_list
    assert "infra" in no_list or "127.0.9.9:8098" in no_list


@every
def test_a_repository_that_does_not_exist_is_named(manager: str, shell: Shell) -> None:
    there = host(shell, manager)
    there.says("yum", "list-unknown-repo")
    no_list = there.facts().no_list
    assert no_list
    assert "nope" in no_list


@every
def test_a_version_lock_on_the_package_is_told_in_the_plan(manager: str, shell: Shell) -> None:
    there = host(shell, manager)
    lock = {"yum3": "yum/pluginconf.d/versionlock.list", "dnf4": "dnf/plugins/versionlock.list"}
    file = f"/etc/{lock.get(manager, 'dnf/versionlock.toml')}"
    shell.file(file[1:], 'name = "blockerbugs"\n' if manager == "dnf5" else "0:blockerbugs-1.0.0-1.el7.*\n")
    if manager != "yum3":  # whose list leaves out what is locked
        there.says("yum", "list-versionlock")
    warning = f".{file} has a version lock on blockerbugs: yum may refuse the build"
    assert f"blockerbugs01.stg: {warning}" in plan(there.facts()).warnings


def test_a_version_lock_of_yum_3_is_not_taken_for_nothing_to_do(shell: Shell) -> None:
    there = host(shell, "yum3")
    there.says("yum", "list-versionlock")
    assert "Excluding 1 update due to versionlock" in refused(there.facts())


def test_the_line_that_names_dnf_5s_version_lock_is_the_reason_and_not_its_heading() -> None:
    words = (SAID / "dnf5/update-versionlock").read_text()
    assert "Argument 'blockerbugs-1.0.1-1.el7' matches only packages excluded by versionlock." in telling_line(words)


def test_the_build_that_dnf_5_does_not_have_is_the_reason_and_not_its_advice() -> None:
    assert "No match for argument: blockerbugs-9.0.0-1.el7" in telling_line(
        (SAID / "dnf5/update-unknown-build").read_text()
    )


def test_what_a_priority_leaves_out_is_left_out_on_purpose(shell: Shell) -> None:
    there = host(shell, "yum3")
    rows = [row for row in (shell.folder / "said-yum").read_text().splitlines(True) if "1.0.1" not in row]
    shell.file("said-yum", "12 packages excluded due to repository priority protections\n" + "".join(rows))
    assert not plan(there.facts()).phases


# What rpm says


@every
def test_a_warning_of_rpms_is_shown_and_is_not_its_answer(manager: str, shell: Shell) -> None:
    there = host(shell, manager)
    warning = "warning: Found bdb Packages database while attempting sqlite backend: using bdb backend."
    shell.program("rpm", f"echo '{warning}' >&2; echo 'blockerbugs-1.0.0-1.el7 (none)'")
    found = there.facts()
    assert (found.installed, found.duplicates) == (nvr("1.0.0"), ())
    assert f"blockerbugs01.stg: rpm says: {warning}" in plan(found).warnings


@every
def test_Y2_two_builds_in_rpms_database_are_refused_with_the_line_that_mends_it(manager: str, shell: Shell) -> None:
    there = host(shell, manager)
    there.says("rpm", "rpm-q-two")
    told = refused(there.facts())
    assert "rpm's database has blockerbugs-1.0.0-1.el7 and blockerbugs-1.0.1-1.el7: a transaction was cut off" in told
    assert "next: fab stg mend-rpm" in told


@pytest.mark.parametrize(
    ("manager", "mends"),
    [
        ("yum3", "package-cleanup -y --cleandupes"),
        ("dnf4", "yum -y remove --duplicates blockerbugs"),
        ("dnf5", "yum -y reinstall blockerbugs-1.0.1-1.el7"),
    ],
)
def test_W6_mend_rpm_leaves_one_build_of_two(manager: str, mends: str, shell: Shell) -> None:
    host(shell, manager)
    step = steps.mend_rpm(job(prod(), app=APP))
    shell.program("rpm", "test -e mended || echo blockerbugs-1.0.0-1.el7; echo blockerbugs-1.0.1-1.el7")
    for program in ("yum", "package-cleanup"):
        real = shell.bin / program if program == "package-cleanup" else (shell.bin / program).resolve()
        real.write_text(f'#!/bin/sh\necho "{program} $*" >>asked; : >mended\n')
        real.chmod(0o755)
    assert shell.run(step.script).returncode == 0
    assert (shell.folder / "asked").read_text() == f"{mends}\n"


def test_W6_mend_rpm_forgets_what_yum_3_has_not_finished(shell: Shell) -> None:
    host(shell, "yum3")
    step = steps.mend_rpm(job(prod(), app=APP))
    shell.program("rpm", "echo blockerbugs-1.0.1-1.el7")
    shell.file("var/lib/yum/transaction-all.2026-11-29.15:00.01", "erase 1.0.0\n")
    said = shell.run(step.script)
    assert (said.returncode, "yum -y install yum-utils" in said.stdout) == (1, True)
    shell.program("yum-complete-transaction", 'echo "$*" >asked; rm var/lib/yum/transaction-all.*')
    assert shell.run(step.script).returncode == 0
    assert (shell.folder / "asked").read_text() == "--cleanup-only\n"


@every
def test_Y3_an_update_that_was_cut_off_ends_with_the_task_that_mends_it_everywhere(manager: str, shell: Shell) -> None:
    host(shell, manager)
    step = steps.yum_update(job(prod(), app=APP, target=nvr("1.0.1")), downloaded=True)
    shell.program("rpm", "printf 'blockerbugs-%s-1.el7\\n' 1.0.0 1.0.1")
    done = shell.run(step.script)
    mended = "not blockerbugs-1.0.1-1.el7: a transaction was cut off; fab prod mend-rpm mends that on every host"
    assert (done.returncode, done.stdout.splitlines()[-1].partition(", ")[2]) == (1, mended)
    shell.program("rpm", "echo package blockerbugs is not installed; exit 1")
    assert "cut off" not in shell.run(step.script).stdout


@every
def test_Y2_what_yum_3_left_unfinished_is_nothing_to_a_dnf(manager: str, shell: Shell) -> None:
    shell.file("var/lib/yum/transaction-all.2024-05-03", "")
    assert host(shell, manager).facts().unfinished is (manager == "yum3")


# What rpm warns of


def test_y5_what_rpm_warns_of_in_a_transaction_that_succeeds_is_told_and_nothing_else() -> None:
    new = "warning: /etc/blockerbugs/settings.py created as /etc/blockerbugs/settings.py.rpmnew"
    scriptlet = "warning: %post(blockerbugs-1.0.1-1.el7.noarch) scriptlet failed, exit status 1"
    output = f"Running transaction\n  Updating : blockerbugs-1.0.1-1.el7.noarch\n{new}\n{scriptlet}\n{new}\nComplete!\n"
    assert yum.warnings(output) == (new, scriptlet)
    assert yum.warnings("Non-fatal POSTIN scriptlet failure in rpm package blockerbugs") != ()
    assert len(yum.warnings("\n".join(f"warning: {n}" for n in range(99)))) == yum.MOST_WARNINGS


# Who holds it


def test_Y1_who_has_locked_dnf_5s_file_is_named_though_no_pid_stands_in_it(shell: Shell) -> None:
    lock = shell.folder / "var/lib/dnf/system-repo.lock"
    shell.file("var/lib/dnf/system-repo.lock", "")
    there = host(shell, "dnf5")
    assert there.facts().yum_holder is None
    with lock.open("r+") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        held = there.facts()
    assert (held.yum_holder or "").startswith(f"{os.getpid()} ")
    assert held.offered == {}  # nobody waits for it


def test_Y1_a_holder_that_cannot_be_seen_is_somebody(shell: Shell) -> None:
    lock = shell.folder / "var/lib/dnf/system-repo.lock"
    shell.file("var/lib/dnf/system-repo.lock", "")
    there = host(shell, "dnf5")
    shell.program("tr", "exit 1")  # which shows what a process was started with
    with lock.open("r+") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        assert there.facts().yum_holder == "somebody"


# Signatures


@pytest.mark.parametrize(
    ("manager", "repo", "unchecked"),
    [
        pytest.param("dnf5", "pkg_gpgcheck=0", {"infra"}, id="S9 dnf 5's own name for it says no"),
        pytest.param("dnf5", "pkg_gpgcheck=1\ngpgcheck=0", {"infra"}, id="S9 the last of two counts"),
        pytest.param("dnf4", "gpgcheck=0\npkg_gpgcheck=1", {"infra"}, id="S9 dnf 4 does not know it"),
        pytest.param("yum3", "pkg_gpgcheck=0", set(), id="S9 nor does yum 3"),
    ],
)
def test_S9_packages_are_installed_unchecked_from(manager: str, repo: str, unchecked: set[str], shell: Shell) -> None:
    shell.file("etc/dnf/dnf.conf", "[main]\ngpgcheck=True\n")
    shell.file("etc/yum.repos.d/infra.repo", f"[infra]\n{repo}\n")
    assert host(shell, manager).facts().unchecked_repos == unchecked


# The download


def downloads(there: Host) -> tuple[int, str]:
    there.shell.program("rpm", "printf blockerbugs-1.0.0-1.el7")
    done = there.shell.run(steps.download(job(prod(), app=APP, target=nvr("1.0.1"))).script)
    return done.returncode, done.stdout


@every
def test_a_download_that_yum_has_in_its_cache_has_succeeded_wherever_that_is(manager: str, shell: Shell) -> None:
    there = host(shell, manager)
    there.says("yum", "trial" if manager == "dnf5" else "download-again", when="*' -C '*")
    assert downloads(there)[0] == 0
    fetched = [line for line in (shell.folder / "calls").read_text().splitlines() if " -C " not in line]
    update = "update --downloadonly blockerbugs-1.0.1-1.el7"
    wanted = [f"-y --refresh {update}"] if manager.startswith("dnf") else ["clean expire-cache", f"-y {update}"]
    assert [line for line in fetched if "update" in line or "expire" in line] == wanted


@every
@pytest.mark.parametrize("recorded", ["download-from-empty-cache", "update-nothing"])
def test_a_download_that_brought_nothing_has_failed_whatever_its_exit_status(
    manager: str, recorded: str, shell: Shell
) -> None:
    there = host(shell, manager)
    there.says("yum", recorded, when="*' -C '*")
    code, told = downloads(there)
    assert (code, "blockerbugs-1.0.1-1.el7 was not downloaded, or cannot be installed" in told) == (1, True)


def test_S9_what_dnf_5_has_downloaded_and_will_not_install_is_refused_while_httpd_serves(shell: Shell) -> None:
    there = host(shell, "dnf5")
    there.says("yum", "trial-unsigned", when="*tsflags=test*")
    code, told = downloads(there)
    assert code == 1
    assert "The package is not signed" in telling_line(told)


@every
@pytest.mark.parametrize("place", ["a link", "another folder"])
def test_the_cache_may_be(place: str, manager: str, shell: Shell) -> None:
    rpm = "infra/packages/blockerbugs-1.0.1-1.el7.noarch.rpm"
    shell.file(f"srv/cache/{rpm}", "")
    if place == "a link":
        name = {"yum3": "yum", "dnf4": "dnf", "dnf5": "libdnf5"}[manager]
        (shell.folder / "var/cache").mkdir(parents=True)
        (shell.folder / "var/cache" / name).symlink_to("../../srv/cache")
    else:
        config = "etc/yum.conf" if manager == "yum3" else "etc/dnf/dnf.conf"
        shell.file(config, f"[main]\n{'system_' if manager == 'dnf5' else ''}cachedir = /srv/cache/$basearch\n")
    host(shell, manager)
    shell.program("rpm", 'echo "$*" >>calls; case $1 in -qpl) test -f $2;; esac')
    done = shell.run(steps.no_migration(job(prod(), app=APP, target=nvr("1.0.1"))).script)
    assert done.returncode == 0, done.stdout
    calls = (shell.folder / "calls").read_text()
    assert rpm in calls
    assert "update" not in calls


@every
def test_the_words_are_those_that_every_package_manager_takes(manager: str) -> None:
    """dnf 5 takes a command's own options behind the command only."""
    for text in (yum.fetch(job()), steps.yum_update(job()).script, steps.downgrade(job()).script):
        words = shlex.split(text.replace(";", " "), comments=False)
        commands = [place for place, word in enumerate(words) if word in ("update", "downgrade")]
        assert commands
        assert all("--downloadonly" not in words[max(0, place - 4) : place] for place in commands)
    asked = [line for line in library().splitlines() if "--downloadonly" in line]
    assert asked
    assert all(" update --downloadonly " in line for line in asked)


# What the document says of them

DOCUMENT = (Path(__file__).parents[3] / "docs/package-managers.md").read_text(encoding="utf-8")
ROWS = [
    cells for row in re.findall(r"^\| (.*\(`[a-z-]+`\).*) \|$", DOCUMENT, re.M) if (cells := re.split(r" *\| *", row))
]


@pytest.mark.parametrize("cells", ROWS, ids=lambda cells: re.findall(r"\(`([a-z-]+)`\)", cells[0])[0])
def test_the_document_quotes_what_was_said(cells: list[str]) -> None:
    (name,) = re.findall(r"\(`([a-z-]+)`\)", cells[0])
    for manager, cell in zip(PROGRAMS, cells[1:], strict=False):
        if not cell:
            continue
        status, _, text = (SAID / manager / name).read_text().partition("\n")
        assert all(words in text for words in re.findall("`([^`]+)`", cell))
        assert status in cell.replace("*", "") or cell.startswith("exit 0 or 1")
        assert name.startswith("list") or "`" in cell


def test_the_document_has_a_row_for_every_package_manager() -> None:
    assert len(ROWS) > 10
