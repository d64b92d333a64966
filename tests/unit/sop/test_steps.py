"""What a step sends to a host, whatever hosts.yml says, and how httpd is proven to be what it should."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.inventory.model import App, Backup, Health, Host
from tasks.run import facts
from tasks.sop import steps, workflows
from tasks.sop.model import Job, Step
from tasks.sop.nvr import Nvr
from tasks.sop.shell import library
from tasks.sop.workflows import PROCEDURES
from tests.unit.builders import TWO, Shell, checked, full, job, prod, step_in

FULL = full()
IDLE = Host(name="idle.example", serves=False)


@pytest.mark.parametrize(
    ("step", "command"),
    [
        (steps.stop_httpd, "service httpd stop"),
        (steps.start_httpd, "service httpd start"),
        (steps.restart_httpd, "service httpd restart"),
        (steps.upgrade_db, "blockerbugs upgrade_db"),
        (steps.sync, "blockerbugs sync"),
        (steps.yum_update, "yum clean expire-cache && yum -y update blockerbugs-1.1.0-1.el7"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_commands_are_the_sops(step: Any, command: str) -> None:
    assert step(job()).command == command


def test_stg_takes_its_own_repo() -> None:
    assert "yum -y --enablerepo=infra-stg update " in steps.yum_update(job(FULL)).command


def every_step(the_job: Job) -> list[Step]:
    phases = [phase for procedure in PROCEDURES.values() for phase in procedure.phases(the_job)]
    return list({phase.step.name: phase.step for phase in phases}.values())


@pytest.mark.parametrize("step", every_step(job(FULL)), ids=lambda step: step.name)
def test_S9_signatures_are_never_switched_off(step: Step) -> None:
    assert "nogpgcheck" not in step.script + library()
    assert "gpgcheck=0" not in step.script + library()


_evil = st.sampled_from(["; touch evil", "$(touch evil)", "`touch evil`", "'", '"', "&", "|", "*", " ", "\\", "#", "("])
_text = st.lists(_evil | st.sampled_from(["a", "-", "/", "%s"]), max_size=4).map("".join)
_part = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+~^]{0,5}", fullmatch=True)


@st.composite
def hostile_jobs(draw: st.DrawFn) -> Job:
    """Values that their grammars accept, as bad as they come."""
    app = App(
        package=draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,5}", fullmatch=True)),
        service=draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,5}", fullmatch=True)),
        settings=f"/{draw(_text)}",
        cron=f"/{draw(_text)}",
    )
    host_set = prod(
        enable_repo=draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,5}", fullmatch=True)),
        schema_status="alembic current",
        backup=Backup(command="pg_dump", file=f"/{draw(_text)}"),
        health=Health(
            path=f"/{draw(_text)}".replace(" ", ""),
            version=draw(st.sampled_from([None, f"{draw(_text)}{{version}}{draw(_text)}"])),
        ),
    )
    return job(host_set, app=app, target=Nvr(app.package, draw(_part), draw(_part)))


def understood(script: str) -> None:
    checked = subprocess.run(["sh", "-n"], input=script, capture_output=True, text=True, check=False)
    assert not checked.returncode, f"{checked.stderr}\n{script}"


@settings(max_examples=20)
@given(hostile_jobs())
def test_S5_every_script_is_quoted_so_that_a_shell_understands_it(the_job: Job) -> None:
    scripts = [step.script for step in every_step(the_job)]
    for script in [*scripts, facts.script(the_job.host_set)]:
        understood(script)
    for step in every_step(the_job):
        assert shlex.split(step.command)


@settings(max_examples=25)
@given(version=_part, release=_part)
def test_S5_a_version_reaches_yum_as_one_word(version: str, release: str) -> None:
    target = Nvr("blockerbugs", version, release)
    words = shlex.split(steps.yum_update(job(target=target)).command)
    assert (words[0], words[-1]) == ("yum", f"blockerbugs-{version}-{release}")


@pytest.mark.parametrize("root", ["/srv/my fleet", "/srv/$(touch evil)", "/srv/;touch evil;", "/srv/'", "/srv/\nx"])
def test_S5_a_root_that_a_shell_would_take_apart_is_refused(root: str) -> None:
    with pytest.raises(ValidationError, match="root"):
        checked(App, root=root)


def test_a_comment_behind_a_command_of_hosts_yml_hides_nothing_of_ours() -> None:
    commented = replace(
        job(),
        host_set=prod(
            schema_status="alembic current # as stg has it", backup=Backup(command="pg_dump # all of it", file="/dump")
        ),
    )
    for step in (steps.backup, steps.no_migration, steps.upgrade_db):
        understood(step(commented).script)
    understood(facts.script(commented.host_set))


# The scripts, in a real shell


@pytest.mark.parametrize("step", [steps.start_httpd, steps.restart_httpd])
def test_H1_an_httpd_that_exits_0_and_does_not_run_has_not_started(step: Any, shell: Shell) -> None:
    shell.program("service", "true")
    shell.program("systemctl", "echo failed; exit 3")
    assert step_in(shell, step(job()))[0] != 0
    shell.program("systemctl", "echo active")
    assert step_in(shell, step(job()))[0] == 0


@pytest.mark.parametrize(("answered", "asked"), [(0, 2), (28, 1)])
def test_the_page_is_asked_for_between_an_update_and_a_restart_whatever_it_answers(
    answered: int, asked: int, shell: Shell
) -> None:
    shell.program("rpm", "printf blockerbugs-1.1.0-1.el7")
    shell.program("curl", f"echo asked >>asked; exit {answered}")
    update = next(phase.step for phase in workflows.minor(job()) if phase.step.name == "yum-update")
    assert shell.run(update.proof).returncode == 0
    assert len((shell.folder / "asked").read_text().splitlines()) == asked


def test_nobody_is_asked_for_a_page_while_httpd_is_down_for_a_major_upgrade() -> None:
    assert not any("page_" in phase.step.script for phase in workflows.major(job()) if phase.step.name == "yum-update")


def test_an_httpd_that_still_runs_has_not_been_stopped(shell: Shell) -> None:
    shell.program("service", "true")
    shell.program("systemctl", "exit 0")
    assert step_in(shell, steps.stop_httpd(job())) == (1, "it is still running")
    shell.program("systemctl", "exit 3")
    assert step_in(shell, steps.stop_httpd(job())) == (0, "")


@pytest.mark.parametrize("step", [steps.stop_httpd, steps.start_httpd, steps.still_stopped])
def test_w2_where_systemctl_cannot_tell_httpd_neither_runs_nor_is_down(step: Any, shell: Shell) -> None:
    shell.program("service", "true")
    shell.program("systemctl", "echo Failed to connect to bus >&2; exit 1")
    assert step_in(shell, step(job())) == (1, "systemctl cannot tell whether httpd runs: Failed to connect to bus")


def test_a_proof_is_not_asked_after_a_command_that_failed(shell: Shell) -> None:
    assert step_in(shell, Step("x", "x", "false", 1.0, proof="echo proved")) == (1, "")


def test_the_other_host_is_never_named_in_a_script() -> None:
    assert not any(TWO.name in step.script for step in every_step(job(FULL)))
