"""`./run tox` and what the machine lacks, with an apt-get and a tox that only note how they were called."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGING = ("cc", "krb5-config", "rpmbuild", "git")
OF_HOSTS = ("flock", "pgrep", "ssh", "sshd", "prometheus-alertmanager", "nagios4")
OWN = f"py3{sys.version_info.minor}"  # the environment of the Python that `tests` has


class Machine:
    """A checkout with its .venv made, and a PATH that holds nothing but `programs`."""

    def __init__(self, where: Path) -> None:
        self.where = where
        self.notes = where / "notes"
        self.path = where / "bin"
        self.path.mkdir()
        (where / "tests").mkdir()
        for name in ("run", "pyproject.toml", "tests/__init__.py", "tests/system_packages.py"):
            shutil.copy(ROOT / name, where / name)
        self.has("sudo", 'while case $1 in -*) ;; *) false ;; esac; do shift; done\nexec "$@"\n')
        (where / ".venv").mkdir()
        (where / ".venv/pyvenv.cfg").write_text("version = {}.{}.{}\n".format(*sys.version_info))
        for name in ("tox", "pip", "python"):
            self._script(where / ".venv" / "bin" / name, f'echo {name} "$@" skips=$TOX_SKIP_ENV >> {self.notes}\n')

    def has(self, name: str, script: str = "") -> None:
        """Put a program there."""
        self._script(self.path / name, script or f'echo {name} "$@" >> {self.notes}\n')

    def brings(self, name: str) -> None:
        """pip has put a program there."""
        self._script(self.where / ".venv/bin" / name, "exit 1\n")

    def _script(self, path: Path, script: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}")
        path.chmod(0o755)

    def types(self, line: str, answer: str | None = None, **environment: str) -> str:
        """What `./run LINE` says, without a terminal, or on one where `answer` is typed."""
        ours, theirs = pty.openpty()
        try:
            if answer is not None:
                os.write(ours, f"{answer}\n".encode())
            ended = subprocess.run(
                [sys.executable, str(self.where / "run"), *line.split()],
                stdin=theirs if answer is not None else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env={"PATH": str(self.path), "HOME": str(self.where), **environment},
                check=True,
            )
        finally:
            os.close(ours)
            os.close(theirs)
        return ended.stdout

    def did(self) -> list[str]:
        """How apt-get, dnf and tox were called, in order; not what made .venv."""
        lines = self.notes.read_text().splitlines()
        return [line for line in lines if line.split()[0] in ("apt-get", "dnf", "tox")]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_in_ci_what_is_missing_is_installed_unasked_before_tox(machine: Machine) -> None:
    machine.has("apt-get")
    machine.types("tox", CI="true")
    update, install, tox = machine.did()
    assert update == "apt-get update -qq"
    assert install.startswith("apt-get install -y gcc ")
    assert {"libkrb5-dev", "rpm", "git", "openssh-client", "procps"} <= set(install.split())
    assert tox == f"tox skips={OWN}"


def test_on_a_terminal_the_command_is_shown_and_yes_runs_it(machine: Machine) -> None:
    machine.has("apt-get")
    said = machine.types("tox", answer="y")
    assert "apt-get install -y gcc" in said
    assert "[y/N]" in said
    assert machine.did()[-1] == f"tox skips={OWN}"
    assert len(machine.did()) == 3


@pytest.mark.parametrize("answer", ["n", "", None])
def test_without_a_yes_nothing_is_installed_and_what_needs_it_is_left_out(machine: Machine, answer: str | None) -> None:
    machine.has("apt-get")
    said = machine.types("tox", answer=answer)
    assert "apt-get install -y gcc" in said
    assert "left out: packaging, parity, the tests of tests that want these" in said
    assert machine.did() == [f"tox skips={OWN}|packaging|parity"]


def test_what_is_there_already_is_not_named(machine: Machine) -> None:
    machine.has("apt-get")
    for name in (*PACKAGING[1:], *OF_HOSTS[1:], "ssh-keygen"):
        machine.has(name)
    said = machine.types("tox")
    assert "install -y gcc" in said
    assert "util-linux" in said
    assert "rpm" not in said
    assert "openssh" not in said


def test_tests_are_run_without_what_only_some_of_them_want(machine: Machine) -> None:
    machine.has("apt-get")
    for name in (*PACKAGING, *OF_HOSTS[1:]):
        machine.has(name)
    said = machine.types("tox -e tests,lint")
    assert "lacks what tox -e tests wants; what helps: " in said
    assert "apt-get install -y util-linux\n" in said
    assert "left out: the tests of tests that want these" in said
    assert machine.did() == ["tox -e tests,lint skips="]


@pytest.mark.parametrize("line", ["tox -- -m smoke", "tox run-parallel", "tox run -- tests/unit"])
def test_words_for_pytest_or_for_tox_leave_it_at_all_environments(machine: Machine, line: str) -> None:
    machine.has("apt-get")
    assert "lacks what tox -e packaging,parity,tests wants" in machine.types(line)
    assert machine.did() == [f"{line} skips={OWN}|packaging|parity"]


def test_an_environment_of_another_python_is_made_anew(machine: Machine) -> None:
    settings = machine.where / ".venv/pyvenv.cfg"
    settings.write_text("version = 3.10.4\n")
    with pytest.raises(subprocess.CalledProcessError):  # nobody has a tox for it
        machine.types("tox -e lint", PIP_NO_INDEX="1", PIP_CONFIG_FILE=os.devnull)
    assert "version = {}.{}.{}".format(*sys.version_info) in settings.read_text()


def test_what_is_installed_is_said_in_words_that_name_no_folder_of_ours(machine: Machine) -> None:
    for name in ("fab", "invoke"):
        machine.brings(name)
    assert f"installing what this project needs into {machine.where / '.venv'}\n" in machine.types("fab status")
    assert f"installing what tox needs into {machine.where / '.venv'}\n" in machine.types("tox -e lint")


def test_another_environment_wants_nothing(machine: Machine) -> None:
    assert "lacks" not in machine.types("tox -e lint,types")
    assert machine.did() == ["tox -e lint,types skips="]


@pytest.mark.parametrize("line", ["tox -e packaging", "tox -e lint,packaging -- -x"])
def test_an_environment_that_is_named_is_looked_at(machine: Machine, line: str) -> None:
    assert "left out: packaging" in machine.types(line)


def test_fedora_and_machines_of_neither_kind_are_told_their_names(machine: Machine) -> None:
    said = machine.types("tox", TOX_SKIP_ENV="types")
    assert "what helps, as root: apt-get update -qq && apt-get install -y gcc " in said
    assert "; or dnf install -y gcc " in said
    assert machine.did() == [f"tox skips=types|{OWN}|packaging|parity"]
    machine.has("dnf")
    machine.types("tox", CI="true")
    assert any("krb5-devel rpm-build git" in line for line in machine.did())


def test_what_is_installed_is_compiled_once_also_where_python_keeps_nothing(machine: Machine) -> None:
    machine._script(machine.where / ".venv/bin/fab", "true\n")
    machine.types("fab --list", PYTHONDONTWRITEBYTECODE="1")
    machine.types("fab --list", PYTHONDONTWRITEBYTECODE="1")
    compiled = [line for line in machine.notes.read_text().splitlines() if "compileall" in line]
    assert len(compiled) == 1
    assert f"{machine.where}/tasks" in compiled[0]
