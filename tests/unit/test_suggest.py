"""A word that was mistyped, and what the shell's TAB offers: with what fab and invoke are."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from invoke import Program

from tasks.collection import ON_HOSTS, groups, namespace
from tasks.program import contexts
from tests.warmed import start_fab

PROJECT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent  # Invoke completes for the name that it was called by: `python -m fabric` has none


def typed(line: str, tool: str = "fab", hosts_yml: Path | None = None) -> subprocess.CompletedProcess[str]:
    """What the tool's script does, in a fork of an interpreter that has imported it."""
    module = {"fab": "fabric", "invoke": "invoke"}[tool]
    script = (
        f"import sys; sys.argv[0] = {str(BIN / tool)!r}; from {module}.main import program; sys.exit(program.run())"
    )
    environment = {**os.environ, "FABRIC_HOSTS_FILE": str(hosts_yml or ""), "INVOKE_HOSTS_FILE": str(hosts_yml or "")}
    with start_fab(["-P", "-c", script], shlex.split(line), environment) as program:
        stdout, stderr = program.communicate()
    return subprocess.CompletedProcess(line, int(program.returncode), stdout, stderr)


@pytest.mark.parametrize(
    ("line", "said", "next_line"),
    [
        ("prod minr-upgrade", "did you mean minor-upgrade?", "next: fab prod minor-upgrade"),
        ("prdo status", "no host set prdo; did you mean prod?", "next: fab prod status"),
        ("-H prodd status", "did you mean prod?", "next: fab -H prod status"),
        (
            "prod minor-upgrade --versoin=1.0",
            "has no flag --versoin; did you mean --version?",
            "fab prod minor-upgrade --version=1.0",
        ),
        ("--hots prod status", "has no flag --hots; did you mean --hosts?", "next: fab --hosts prod status"),
        ("prod minor-upgrade --version", "minor-upgrade: --version wants a value", "--help minor-upgrade"),
        ("prod status --hosts", "status: --hosts wants a value", "--help status"),
        ("prod minor-upgrade --lock-wait abc", "--lock-wait wants a number, not 'abc'", "--help minor-upgrade"),
        ("sandbox.fault --step sync --times x", "--times wants a number, not 'x'", "--help sandbox.fault"),
        ("prod history --last=1.5", "--last wants a number, not '1.5'", "--help history"),
        ("--help majr-upgrade", "did you mean major-upgrade?", "next: fab --help major-upgrade"),
        ("prod", "prod: no task given\n", "fab prod status"),
        ("prod build", "prod: build is for no host set\n", "fab build"),
        ("build prod", "prod: build is for no host set\n", "fab build"),
        ("sandbox", "sandbox: no task given\n", "fab sandbox status"),
        ("sandbox --version 1", "sandbox: no task given in front of --version\n", "fab --help sandbox"),
        ("sandbox --plan", "sandbox: no task given in front of --plan\n", "fab --help sandbox"),
        ("prod --unverified why", "prod: no task given in front of --unverified\n", "fab --help prod"),
        ("prod --echo minr-upgrade", "did you mean minor-upgrade?", "next: fab prod --echo minor-upgrade"),
        ("sandbox minor", "did you mean minor-upgrade?", "next: fab sandbox minor-upgrade"),
        ("minor-upgrade prod", "prod: the host set comes before the task\n", "fab prod minor-upgrade"),
        ("prod history --last 0", "--last 0: at least one run has to be shown", "--help history"),
        ("prod upgrade", "did you mean minor-upgrade or major-upgrade or upgrade-db?", "--list"),
        ("prod update", "did you mean yum-update?", "--list"),
        ("prod migrate", "there is no task and no host set migrate; the host sets of /", "--list"),
        ("sandbox.status", "did you mean sandbox status?", "next: fab sandbox status"),
        ("prod.major-upgrade --plan", "did you mean prod major-upgrade?", "next: fab prod major-upgrade --plan"),
        ("--plan stg minor-upgrade prod minor-upgrade", "fab has no flag --plan\n", "next: fab --help"),
        ("sandbox fault --step sync", "did you mean sandbox.fault?", "--list"),
        ("sandbox history --limit 3", "history has no flag --limit\n", "--help history"),
        ("prod minor-upgrade -version 1", "has no flag -v\n", "--help minor-upgrade"),
        ("prod zzzzzz", "hosts.yml are stg, prod\n", "--list"),
    ],
)
def test_a_mistyped_word_is_refused_with_the_nearest_one_and_exit_2(line: str, said: str, next_line: str) -> None:
    ended = typed(line)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert ended.stderr.splitlines()[-1].endswith(next_line)


@pytest.fixture
def no_set(tmp_path: Path) -> Path:
    """A hosts.yml that can be read, and whose sets nobody can make out."""
    path = tmp_path / "hosts.yml"
    path.write_text("host_set:\n  test:\n    hosts: [a.invalid]\n    sync_host: a.invalid\n")
    return path


@pytest.mark.parametrize("line", ["test status", "--help test"])
def test_S11_a_set_that_nobody_knows_is_told_with_what_is_wrong_with_hosts_yml(line: str, no_set: Path) -> None:
    ended = typed(line, hosts_yml=no_set)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"{no_set}: host_set: unknown key; did you mean host_sets?" in ended.stderr
    assert ended.stderr.splitlines()[-1] == f"next: ${{EDITOR:-vi}} {no_set}"


@pytest.mark.parametrize(
    ("tool", "line"), [("fab", "--list"), ("fab", "--help status"), ("invoke", "show-config --key ansible")]
)
def test_S11_what_needs_no_host_works_with_a_hosts_yml_that_has_mistakes(tool: str, line: str, no_set: Path) -> None:
    ended = typed(line, tool, no_set)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("line", ["--list", ""])
def test_S11_the_list_says_that_the_named_hosts_yml_is_not_there_and_names_no_sets_of_another_one(
    line: str, tmp_path: Path
) -> None:
    ended = typed(line, hosts_yml=tmp_path / "nothere.yml")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (
        f"\nHost sets: sandbox (two hosts on this machine, for a rehearsal); {tmp_path}/nothere.yml does not exist\n"
        in (ended.stdout)
    )
    assert "as in: fab SET status\n" in ended.stdout


@pytest.mark.parametrize("line", ["--help prod", "prod --help", "--help sandbox", "sandbox --help"])
def test_the_help_of_a_host_set_shows_what_can_be_typed_behind_it(line: str) -> None:
    name, ended = line.replace("--help", "").strip(), typed(line)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert f"Usage: fab {name} TASK, as in: fab {name} status\n" in ended.stdout
    shown = re.findall("^  ([a-z.-]+) ", ended.stdout, re.M)
    on_hosts = [task for title in ON_HOSTS for task in groups[title]]
    assert shown == [*on_hosts, *(groups["Sandbox"] if name == "sandbox" else [])]


@pytest.mark.parametrize("tool", ["fab", "invoke"])
def test_the_program_alone_shows_the_tasks_as_list_does_and_how_to_begin(tool: str) -> None:
    ended = typed("", tool)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(typed("--list", tool).stdout)
    assert f"Begin with: {tool} sandbox minor-upgrade" in ended.stdout
    assert [line for line in ended.stdout.splitlines() if len(line) > 80] == []


def test_a_host_without_a_task_is_refused_as_a_set_is() -> None:
    ended = typed("-H prod01")
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (2, "next: fab -H prod01 status")


@pytest.mark.parametrize("name", ["minor-upgrade", "sandbox.fault"])
def test_the_help_of_a_task_says_what_every_flag_is_for(name: str) -> None:
    shown = " ".join(typed(f"--help {name}").stdout.split())
    assert [text for text in namespace[name].help.values() if text not in shown] == []


@pytest.mark.parametrize("name", sorted(namespace.task_names))
def test_the_flags_of_every_task_are_explained_in_80_columns(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (context,) = (context for context in contexts(namespace) if context.name == name)
    explained = context.help_tuples()
    assert [flag for flag, text in explained if not text] == []
    Program().print_columns(explained or [("", "")])
    assert [line for line in capsys.readouterr().out.splitlines() if len(line) > 80] == []


def test_invoke_says_so_too() -> None:
    assert "did you mean build?" in typed("biuld", "invoke").stderr


@pytest.mark.parametrize(
    ("line", "offered", "not_offered"),
    [
        ("fab -H", {"prod", "blockerbugs01", "blockerbugs02.iad2.fedoraproject.org", "sandbox01"}, {"minor-upgrade"}),
        ("fab -H blockerbugs01.s", {"blockerbugs01.stg", "blockerbugs01.sandbox"}, {"blockerbugs02", "prod"}),
        ("fab --hosts prod", {"prod", "minor-upgrade"}, {"blockerbugs01"}),
        ("fab prod", {"minor-upgrade", "stg", "sandbox.reset"}, {"blockerbugs01"}),
        ("fab prod minor-upgrade --v", {"--verbose", "--version"}, {"--hosts"}),
        ("fab --ho", {"--hosts"}, {"minor-upgrade"}),
    ],
)
def test_the_shell_is_offered_sets_hosts_tasks_and_flags(line: str, offered: set[str], not_offered: set[str]) -> None:
    ended = typed(f"--complete -- {line}")
    words = set(ended.stdout.split())
    assert ended.returncode == 0
    assert offered <= words
    assert not not_offered & words


def test_bash_completes_a_host_after_dash_H() -> None:
    """The script that `fab --print-completion-script bash` prints, in a real bash."""
    press_tab = (
        f"PATH={shlex.quote(str(BIN))}:$PATH; source <(fab --print-completion-script bash); "
        'COMP_WORDS=(fab -H blockerbugs02); _complete_fab fab blockerbugs02 -H; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    bash = shutil.which("bash")
    assert bash
    shown = subprocess.run([bash, "-c", press_tab], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert "blockerbugs02.iad2" in shown.stdout.split(), shown.stderr
