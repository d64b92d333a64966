"""The front page: what `fab --list` shows."""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from invoke import Collection

from tasks.collection import ON_HOSTS, groups, namespace
from tasks.run import record

PROJECT = Path(__file__).parents[2]


def test_S11_a_set_with_the_name_of_a_task_is_refused_and_hides_none(tmp_path: Path) -> None:
    own = tmp_path / "hosts.yml"
    sets = "".join(f"  {name}: {{hosts: [{name}.x], sync_host: {name}.x}}\n" for name in ("sync", "sandbox", "qa"))
    own.write_text(f"host_sets:\n{sets}")
    environment = {**os.environ, "FABRIC_HOSTS_FILE": str(own)}

    def fab(*words: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "fabric", *words]
        return subprocess.run(line, cwd=PROJECT, capture_output=True, text=True, check=False, env=environment)

    assert "The application's own check, once." in fab("--list").stdout
    refused = fab("qa", "status")
    assert refused.returncode == 2
    assert "host_sets.sync: there is a task of that name" in refused.stderr
    assert "host_sets.sandbox: there is a task of that name" in refused.stderr


@pytest.mark.parametrize("name", sorted(namespace.task_names))
def test_every_line_of_the_list_is_a_sentence_that_fits(name: str) -> None:
    line = (namespace[name].__doc__ or "").splitlines()[0]
    assert line.endswith(".")
    assert len(line) <= 60


@pytest.mark.parametrize("name", [name for title in ON_HOSTS for name in groups[title]])
def test_what_is_said_of_a_task_is_true_of_every_application(name: str) -> None:
    short, *more = (inspect.getdoc(namespace[name]) or "").splitlines()
    text = re.sub(r"\bstart-httpd\b|\bstop-httpd\b", "", " ".join(more))
    assert not re.search("httpd|blockerbugs|upgrade_db", short)
    own = re.findall(r"Blockerbugs: ([^.]*)\. hosts\.yml names another application's\.", text)
    for command in own:
        text = text.replace(command, "")
    assert not re.search("httpd|blockerbugs|upgrade_db", text)


@pytest.mark.parametrize("name", sorted(namespace.task_names))
def test_the_help_of_every_task_fits_80_columns(name: str) -> None:
    text = inspect.getdoc(namespace[name]) or ""  # shown two columns to the right
    assert [line for line in text.splitlines() if len(line) > 78] == []


@pytest.mark.parametrize("tool", ["fabric", "invoke"])
def test_the_list_needs_neither_ssh_nor_schema_nor_sandbox(tool: str) -> None:
    heavy = {"pydantic", "rich", "asyncssh", "koji", "tasks.fleet.connection", "tasks.run.flow"}
    look = f"atexit.register(lambda: print(sorted({heavy!r} & set(sys.modules))))"
    run = f"import sys, atexit; {look}; sys.argv[1:] = ['--list']; from {tool}.main import program; program.run()"
    shown = subprocess.run([sys.executable, "-c", run], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert shown.stdout.splitlines()[-1] == "[]", shown.stderr
    assert "minor-upgrade" in shown.stdout


@pytest.mark.parametrize("name", ["minor-upgrade", "prod", "sandbox.up"])
def test_invoke_has_the_very_tasks_that_were_made_and_spends_no_time_on_copies(name: str) -> None:
    fabfile = ModuleType("fabfile")  # the real one arms the handlers of signals
    fabfile.namespace = namespace  # type: ignore[attr-defined]
    assert Collection.from_module(fabfile)[name] is namespace[name]


def test_fab_and_invoke_show_the_same_tasks_each_under_its_own_name() -> None:
    first, second = (
        subprocess.run([sys.executable, "-m", tool, "--list"], cwd=PROJECT, capture_output=True, text=True, check=False)
        for tool in ("fabric", "invoke")
    )
    used = ("Usage: fab SET TASK", "Usage: invoke SET TASK")
    assert (first.stdout.startswith(used[0]), second.stdout.startswith(used[1])) == (True, True)
    assert first.stdout.partition("\n\n")[2] == second.stdout.partition("\n\n")[2] != ""


def test_no_folder_of_ours_hides_a_package_of_the_same_name_from_invoke() -> None:
    """Invoke puts tasks/ on the path, and tasks/koji is not koji's client."""
    folders = ("ansible", "koji", "around", "report")
    ours = f"print([name for name in {folders} if (found := find_spec(name)) and 'tasks' in str(found)])"
    run = f"import atexit, sys; from importlib.util import find_spec; atexit.register(lambda: {ours}); " + (
        "sys.argv[1:] = ['--list']; from invoke.main import program; program.run()"
    )
    shown = subprocess.run([sys.executable, "-c", run], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert shown.stdout.splitlines()[-1] == "[]", shown.stderr


@pytest.mark.parametrize("typed", ["wait-tag --help", "koji-build -h", "build --help"])
def test_help_behind_a_task_is_its_help_also_where_the_task_needs_a_word(typed: str) -> None:
    line = [sys.executable, "-m", "invoke", *typed.split()]
    shown = subprocess.run(line, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert shown.stdout.startswith(f"Usage: invoke {typed.split()[0]} [--options]\n"), shown.stderr


def test_the_help_of_a_task_on_hosts_begins_with_the_line_that_can_be_typed_and_shows_which_flags_want_a_value() -> (
    None
):
    line = [sys.executable, "-m", "fabric", "--help", "minor-upgrade"]
    shown = subprocess.run(line, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert shown.stdout.startswith("Usage: fab SET minor-upgrade [--options]\n"), shown.stderr
    assert "  --lock-wait=N         Seconds" in shown.stdout


def test_the_version_that_runs_write_down_is_the_projects() -> None:
    assert f'\nversion = "{record.TOOL}"\n' in (PROJECT / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    ("forbidden", "limit", "kept"),
    [("", "ulimit -f unlimited", True), ("1", "true", False), ("", "ulimit -f 200000", False)],
    ids=["kept", "Python is told not to", "files may be cut off"],
)
def test_what_a_line_has_compiled_the_next_one_finds_unless_it_must_not_be_kept_or_may_not_be_whole(
    tmp_path: Path, forbidden: str, limit: str, kept: bool
) -> None:
    shutil.copytree(PROJECT / "tasks", tmp_path / "tasks", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("fabfile.py", "hosts.yml"):
        shutil.copy(PROJECT / name, tmp_path / name)
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": forbidden}
    line = ["sh", "-c", f'{limit} && exec "$0" -m fabric --list', sys.executable]
    subprocess.run(line, cwd=tmp_path, capture_output=True, check=True, env=environment)
    assert bool(list(tmp_path.glob("tasks/__pycache__/collection.*.pyc"))) == kept
