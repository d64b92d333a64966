"""What yum says that it would change, in its own words (said/README.md), and what is made of that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.inventory.model import App
from tasks.run import answers
from tasks.run.facts import script, would
from tasks.sop import transaction
from tasks.sop.model import Facts
from tasks.sop.transaction import Change, Transaction
from tests.unit.builders import NEW, Shell, nvr, stg

from .test_package_managers import SAID, Host, every

SET = stg(app=App(root="."))
LONG = "a-very-long-name-of-a-package-that-does-not-fit-into-80-columns"
ALL = (
    Change(LONG, "3:1.2.3.4.5.6.7-1.el7", "noarch", "install"),
    Change("blockerbugs", "1.2.0-1.el7", "noarch", "update"),
    Change("bugs-library", "2.0-1.el7", "noarch", "update"),
)


def said(manager: str, name: str) -> list[str]:
    return (SAID / manager / name).read_text().splitlines()[1:]


def looked(shell: Shell, wanted: str = "blockerbugs") -> Facts:
    done = shell.run(script(SET, schema=False, wanted=wanted))
    assert done.returncode == 0, done.stdout
    return answers.read(SET, done.stdout, schema=False)


def host(shell: Shell, manager: str) -> Host:
    """It has the one library that comes along already, in another version, and httpd runs."""
    there = Host(shell, manager)
    shell.file("said-would", "\n".join(said(manager, "would")) + "\n")
    cases = (
        "*shell*) cat >typed; cat said-would;;",
        "*--assumeno*) cat said-would; exit 1;;",
        "*) cat said-yum;;",
    )
    body = f'echo "$*" >>calls; case "$*" in {" ".join(cases)} esac'
    shell.program(there.program, body)
    shell.program("systemctl", 'case "$1" in show) echo MainPID=$PPID;; *) echo active;; esac')
    shell.program("pgrep", "exit 1")
    rpm = {
        "-ql -- bugs-library": "echo /usr/lib64/libbugs.so",
        "-q --scripts -- bugs-library": "echo systemctl try-restart httpd.service",
        "-q --qf*": "echo 'blockerbugs-1.0.0-1.el7 (none)'",
    }
    of_rpm = " ".join(f'"{words}") {does};;'.replace('*"', '"*') for words, does in rpm.items())
    shell.program("rpm", f'case "$*" in {of_rpm} *) exit 1;; esac')
    return there


@every
def test_what_yum_resolves_is_read_from_its_table_and_all_that_comes_along_is_in_it(manager: str) -> None:
    found = transaction.read(said(manager, "would"))
    assert (found.changes, found.says) == (ALL, "")
    assert [change.name for change in found.beside("blockerbugs")] == [LONG, "bugs-library"]
    assert found.brings(nvr("1.2.0"))
    assert not found.brings(NEW)


@every
def test_the_same_is_read_from_what_it_says_while_it_does_it(manager: str) -> None:
    if manager == "yum3":
        pytest.skip("there is no recording of one that runs")
    assert transaction.read(said(manager, "update")).changes == (
        Change("blockerbugs", "1.0.1-1.el7", "noarch", "update"),
    )


@every
def test_where_nothing_would_be_changed_yums_own_words_are_kept(manager: str) -> None:
    found = transaction.read(said(manager, "update-nothing"))
    assert found.changes == ()
    assert "othing to do" in found.says or "No packages marked for update" in found.says


@every
def test_the_look_asks_for_the_builds_on_offer_and_the_transaction_at_once(manager: str, shell: Shell) -> None:
    host(shell, manager)
    found = looked(shell)
    assert found.offered
    assert found.would
    assert found.would.changes == ALL
    assert found.would.effects("bugs-library") == ["restarts"]
    assert found.would.effects(LONG) == []


def test_dnf_4_answers_both_questions_in_one_start(shell: Shell) -> None:
    host(shell, "dnf4")
    looked(shell)
    assert (shell.folder / "calls").read_text() == "--refresh --setopt=showdupesfromrepos=1 shell\n"
    assert (shell.folder / "typed").read_text() == "list blockerbugs\nupdate blockerbugs\nts list\n"


def test_dnf_4_that_cannot_list_the_package_is_heard_out_of_its_shell_too(shell: Shell) -> None:
    host(shell, "dnf4")
    shell.file("said-would", "> Error: No matching Packages to list\n> > Error: No packages marked for upgrade.\n> \n")
    found = looked(shell)
    assert found.no_list == "yum cannot list blockerbugs: Error: No matching Packages to list"
    assert found.would
    assert found.would.says == "Error: No packages marked for upgrade."


@every
def test_a_look_that_wants_no_build_asks_for_no_transaction(manager: str, shell: Shell) -> None:
    host(shell, manager)
    assert looked(shell, wanted="").would is None
    assert "assumeno" not in (shell.folder / "calls").read_text()


@every
def test_one_build_is_asked_for_by_itself_out_of_the_cache(manager: str, shell: Shell) -> None:
    host(shell, manager)
    done = shell.run(would(SET, "downgrade", nvr("1.2.0")))
    assert (shell.folder / "calls").read_text() == "--cacheonly --assumeno downgrade blockerbugs-1.2.0-1.el7\n"
    assert "touches\trestarts bugs-library" in done.stdout


def test_nothing_is_asked_where_yum_would_wait_for_who_holds_it(shell: Shell) -> None:
    host(shell, "yum3")
    shell.file("var/run/yum.pid", "1\n")
    shell.program("kill", "exit 0")
    done = shell.run(f"kill() {{ return 0; }}\n{would(SET, 'update', NEW)}")
    assert done.stdout == ""


def test_a_library_that_the_service_has_loaded_is_found(shell: Shell) -> None:
    host(shell, "yum3")
    libc = "awk '/libc/ {print $6; exit}' /proc/self/maps"
    shell.program("rpm", f'case "$*" in "-ql -- bugs-library") {libc};; *) exit 1;; esac')
    rows = "would\tUpdating:\nwould\t blockerbugs noarch 2 infra 1 k\nwould\t bugs-library noarch 2 infra 1 k\n"
    shell.program("systemctl", "echo MainPID=$PPID")
    done = shell.run(f"printf '{rows}' | would_touch blockerbugs httpd")
    assert done.stdout.splitlines()[-1] == "touches\tloaded bugs-library"


@pytest.mark.parametrize("name", ["--pipe=touch${IFS}owned", "--eval=%{lua:os.exit()}", "-qf", "foo;touch", "*"])
def test_s15_a_package_that_a_repository_names_like_an_option_never_gets_to_rpm(name: str, shell: Shell) -> None:
    shell.program("rpm", 'echo "$*" >>asked; exit 1')
    shell.program("systemctl", "exit 1")
    rows = [f"would\t {one} x86_64 1-1 infra 1 k" for one in (name, "_lib-c++.so")]
    shell.file("rows", "\n".join(["would\tInstalling dependencies:", *rows, ""]))
    shell.run("would_touch blockerbugs httpd <rows")
    assert (shell.folder / "asked").read_text() == "-ql -- _lib-c++.so\n"


OBSOLETES = {
    "yum3": ["Installing:", " mod_new x86_64 2.0-1 infra 10 k", "     replacing  mod_wsgi.x86_64 4.7-1.el9", ""],
    "dnf4": [
        "Installing dependencies:",
        " mod_new x86_64 2.0-1 infra 10 k",
        "     replacing  mod_wsgi.x86_64 4.7-1.el9",
    ],
    "dnf5": [
        "Installing:",
        " mod_new x86_64 0:2.0-1 infra 1 KiB",
        "   replacing mod_wsgi x86_64 0:4.7-1.el9 <unknown> 1 KiB",
    ],
}


@every
def test_v7_a_package_that_one_of_another_name_replaces_is_removed(manager: str, shell: Shell) -> None:
    rows = [*OBSOLETES[manager], " other noarch 1-1 infra 1 k"]
    new, other = Change("mod_new", "2.0-1", "x86_64", "install"), Change("other", "1-1", "noarch", "install")
    assert transaction.read(rows).changes == (new, Change("mod_wsgi", "4.7-1.el9", "x86_64", "remove"), other)
    shell.program("rpm", 'case "$*" in "-q --scripts -- mod_wsgi") echo restart httpd;; esac')
    shell.program("systemctl", "exit 1")
    shell.file("rows", "".join(f"would\t{row}\n" for row in rows))
    said = shell.run("would_touch blockerbugs httpd <rows").stdout
    assert "touches\trestarts mod_wsgi" in said


def test_a_package_that_gets_another_architecture_is_not_removed_but_one_that_yum_says_it_removes_is() -> None:
    became = ["Upgrading:", " foo x86_64 0:2-1 infra 1 KiB", "   replacing foo noarch 0:1-1 <unknown> 1 KiB"]
    assert [change.does for change in transaction.read(became).changes] == ["update"]
    other = [*became, "Removing:", " foo i686 0:1-1 infra 1 KiB"]
    assert [change.text for change in transaction.read(other).changes] == ["remove foo 1-1", "update foo 2-1"]


def test_a_package_that_another_replaces_and_that_has_a_new_version_all_the_same_is_not_removed() -> None:
    rows = [*OBSOLETES["dnf4"], "Upgrading:", " mod_wsgi x86_64 5.0-1 infra 10 k"]
    assert [change.does for change in transaction.read(rows).changes] == ["install", "update"]


def test_what_a_host_says_of_packages_that_are_not_in_the_table_is_left_out() -> None:
    found = transaction.read(["Upgrading:", " foo noarch 1-1 infra 1 k"], ["loaded foo", "loaded bar", ""])
    assert found.touches == (("foo", "loaded"),)


@given(st.lists(st.text(max_size=60), max_size=20), st.lists(st.text(max_size=20), max_size=3))
def test_s13_whatever_a_host_says_is_read_without_an_error_and_cleaned(lines: list[str], touches: list[str]) -> None:
    found = transaction.read(lines, touches)
    assert isinstance(found, Transaction)
    assert all(text.isprintable() for change in found.changes for text in (change.name, change.evr, change.arch))
