"""The build is fetched, installed and proven to be there, with a yum that does as it likes."""

from __future__ import annotations

import pytest

from tasks.inventory.model import App
from tasks.sop import kept, steps
from tests.unit.builders import NEW, Shell, job, step_in


def test_the_build_and_the_schema_before_an_update_are_remembered(shell: Shell) -> None:
    shell.program("rpm", "printf blockerbugs-1.0.0-1.el7")
    script = kept.remember(App(root="."), NEW, "aaa")
    assert shell.run(script).returncode == 0
    previous = shell.folder / "var/lib/blockerbugs-upgrade/previous"
    assert previous.read_text() == "blockerbugs-1.0.0-1.el7 aaa\n"
    shell.program("rpm", f"printf {NEW}")
    assert shell.run(script).returncode == 0
    assert previous.read_text() == "blockerbugs-1.0.0-1.el7 aaa\n"  # it is installed: what was before it stays


def test_V2_a_yum_that_exits_0_and_changes_nothing_has_not_updated(shell: Shell) -> None:
    shell.program("yum", "echo No packages marked for update")
    shell.program("rpm", "printf blockerbugs-1.0.0-1.el7")
    code, said = step_in(shell, steps.yum_update(job(app=App(root="."))))
    assert code != 0
    assert said.endswith("installed is blockerbugs-1.0.0-1.el7, not blockerbugs-1.1.0-1.el7")


def test_a_yum_that_installs_the_build_has_updated(shell: Shell) -> None:
    shell.program("yum", 'echo "$@" >>calls')
    shell.program("rpm", "printf blockerbugs-1.1.0-1.el7")
    assert step_in(shell, steps.yum_update(job(app=App(root=".")))) == (0, "")
    assert (shell.folder / "calls").read_text() == "clean expire-cache\n-y update blockerbugs-1.1.0-1.el7\n"


def test_Y3_a_yum_that_fails_has_not_updated_whatever_is_installed(shell: Shell) -> None:
    shell.program("yum", "exit 1")
    shell.program("rpm", "printf blockerbugs-1.1.0-1.el7")
    assert step_in(shell, steps.yum_update(job(app=App(root="."))))[0] != 0


def test_what_was_downloaded_is_installed_from_the_cache(shell: Shell) -> None:
    shell.program("yum", 'echo "$@" >>calls')
    shell.program("rpm", "printf blockerbugs-1.1.0-1.el7")
    assert step_in(shell, steps.yum_update(job(app=App(root=".")), downloaded=True))[0] == 0
    assert (shell.folder / "calls").read_text() == "-y -C update blockerbugs-1.1.0-1.el7\n"


def test_what_is_not_in_the_cache_any_more_is_fetched_after_all(shell: Shell) -> None:
    shell.program("yum", 'echo "$@" >>calls; case "$*" in *-C*) exit 1;; esac')
    shell.program("rpm", "printf blockerbugs-1.1.0-1.el7")
    assert step_in(shell, steps.yum_update(job(app=App(root=".")), downloaded=True))[0] == 0
    assert (shell.folder / "calls").read_text().endswith("-y update blockerbugs-1.1.0-1.el7\n")


@pytest.mark.parametrize("said", ["Running transaction test", "Transaction check error:"])
def test_y3_a_transaction_that_fails_in_its_check_is_not_begun_again_with_the_network(said: str, shell: Shell) -> None:
    shell.program("yum", f'echo "$@" >>calls; case "$*" in *-C*) echo "{said}"; exit 1;; esac')
    shell.program("rpm", "printf blockerbugs-1.0.0-1.el7")
    assert step_in(shell, steps.yum_update(job(app=App(root=".")), downloaded=True))[0] != 0
    assert all(" -C " in call for call in (shell.folder / "calls").read_text().splitlines())


def test_a_download_that_failed_is_not_taken_for_done_because_yum_resolved_its_transaction(shell: Shell) -> None:
    """yum 3 says `--> Running transaction check` before it fetches anything; some of it exit with 1 either way."""
    said = "--> Running transaction check\nError downloading packages:\n  No more mirrors to try."
    shell.program("yum", f'case "$*" in *--version) echo 3.4.3;; *downloadonly*) echo "{said}"; exit 1;; esac')
    shell.program("rpm", "printf blockerbugs-1.0.0-1.el7")
    code, output = step_in(shell, steps.download(job(app=App(root="."))))[:2]
    assert (code, "was not downloaded" in output) == (1, True), output


RPM = "/var/cache/yum/x86_64/7/infra/packages/blockerbugs-1.1.0-1.el7.noarch.rpm"


def test_Y3_a_transaction_that_fails_is_not_begun_again(shell: Shell) -> None:
    shell.program("yum", 'echo "$@" >>calls; case "$*" in *--downloadonly*) ;; *update*) exit 1;; esac')
    shell.program("rpm", "printf blockerbugs-1.0.0-1.el7")
    assert step_in(shell, steps.yum_update(job(app=App(root=".")), downloaded=True))[0] != 0
    calls = (shell.folder / "calls").read_text().splitlines()
    assert calls == ["-y -C update blockerbugs-1.1.0-1.el7", "-y -C update --downloadonly blockerbugs-1.1.0-1.el7"]


@pytest.mark.parametrize(
    ("installed", "file", "code"),
    [
        pytest.param("1.0.0", RPM, 0, id="the file is there"),
        pytest.param("1.0.0", RPM.replace("/yum/", "/dnf/"), 0, id="the file is there, where dnf has it"),
        pytest.param("1.0.0", RPM.replace("1.1.0", "1.2.0"), 1, id="another build's file is there"),
        pytest.param("1.1.0", "/var/none", 0, id="the build is installed already"),
        pytest.param("1.0.0", "/var/none", 1, id="nothing is there"),
    ],
)
def test_a_download_by_yum_3_is_judged_by_its_file_not_by_its_exit_status_when(
    installed: str, file: str, code: int, shell: Shell
) -> None:
    shell.program("yum", "case $1 in --version) echo 3.4.3;; clean) ;; *) exit 1;; esac")
    shell.program("rpm", f"printf blockerbugs-{installed}-1.el7")
    shell.file(file, "")
    assert step_in(shell, steps.download(job(app=App(root="."))))[0] == code


def test_S9_a_download_that_dnf_calls_a_failure_is_one_although_the_file_is_there(shell: Shell) -> None:
    shell.program("yum", "case $1 in --version) echo 4.14.0;; clean) ;; *) echo GPG check FAILED; exit 1;; esac")
    shell.program("rpm", "printf blockerbugs-1.0.0-1.el7")
    shell.file(RPM, "")
    assert step_in(shell, steps.download(job(app=App(root="."))))[0] != 0


VERSIONS = "/usr/share/blockerbugs/alembic/versions"


@pytest.mark.parametrize(
    ("brings", "code"),
    [
        pytest.param("", 0, id="V4 no new one"),
        pytest.param(f"{VERSIONS}/2b.py", 1, id="V4 a new one"),
        pytest.param(f"{VERSIONS}/2b.pyc", 0, id="V4 a compiled file, which alone is none"),
        pytest.param("/usr/lib/python/site-packages/blockerbugs/web.py", 0, id="V4 other code"),
    ],
)
def test_a_minor_upgrade_goes_on_with_a_build_that_brings(brings: str, code: int, shell: Shell) -> None:
    shell.program("rpm", f"echo {VERSIONS}/1a.py; case $1 in -qpl) test -f $2 && printf '%s\\n' {brings};; esac")
    shell.file(RPM, "")
    ended, said = step_in(shell, steps.no_migration(job(app=App(root="."))))
    assert (ended, brings in said) == (code, code == 1 or not brings)


@pytest.mark.parametrize(
    ("fetching", "why"),
    [
        pytest.param(f": >.{RPM}", f"brings a schema migration: {VERSIONS}/2b.py", id="is fetched again"),
        pytest.param("exit 1", "cannot be had any more", id="and cannot be fetched"),
    ],
)
def test_V4_a_build_that_has_left_the_cache_since_it_was_downloaded(fetching: str, why: str, shell: Shell) -> None:
    shell.program("rpm", f"case $1 in -qpl) echo {VERSIONS}/2b.py;; -q) printf blockerbugs-1.0.0-1.el7;; esac")
    shell.program("yum", f'case "$*" in *--downloadonly*) {fetching};; esac')
    shell.file(f"{RPM}.tmp", "")
    code, said = step_in(shell, steps.no_migration(job(app=App(root="."))))
    assert (code, why in said) == (1, True), said
