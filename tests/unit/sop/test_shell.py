"""The functions that hosts are sent, in each sh that a host may have; HOST_SH=/bin/bash runs all other tests so."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tasks.fleet import detached
from tasks.fleet.detached import RunFolder, call
from tasks.inventory.model import App, Health
from tasks.run.answers import read
from tasks.run.facts import script
from tasks.sop import health, kept, steps
from tasks.sop.model import Schema
from tasks.sop.shell import library
from tests.unit.builders import OLD, Shell, job, prod
from tests.wanted import wanted

APP = App(root=".")
FILES = sorted(
    path for path in Path(__file__).parents[3].glob("tasks/**/*.sh") if path.parent.name in ("shell", "fleet")
)


@pytest.fixture(params=[sh for sh in ("dash", "bash", "ksh", "busybox") if shutil.which(sh)])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Shell:
    shell = Shell(tmp_path, shutil.which(request.param))
    shell.program("pgrep", "exit 1")
    return shell


def test_the_functions_are_sourced_without_a_word_and_do_nothing(host: Shell) -> None:
    before = sorted(host.folder.rglob("*"))
    done = host.run(":")
    assert (done.returncode, done.stdout) == (0, "")
    assert sorted(host.folder.rglob("*")) == before


def test_each_function_has_a_line_that_says_what_it_does_and_a_name_of_its_own() -> None:
    assert FILES
    text = "".join(path.read_text(encoding="utf-8") for path in FILES)
    names = re.findall(r"^([a-z_]+)\(\)", text, re.M)
    assert len(names) == len(set(names))
    told = re.findall(r"^# ([a-z_]+)(?= [A-Z…]|:)", text, re.M)
    assert set(names) - set(told) == set()


def test_every_function_is_sent_and_no_comment() -> None:
    sent = library()
    for path in FILES:
        assert all(f"\n{name}() " in f"\n{sent}" for name in re.findall(r"^([a-z_]+)\(\)", path.read_text(), re.M))
    assert "#" not in "".join(line[:1] for line in sent.splitlines())


def test_a_function_is_called_with_arguments_that_no_sh_takes_for_its_own(host: Shell) -> None:
    words = ["a b", "'", '"', "$(touch evil)", "`touch evil`", "\\", "*", "", "two\nlines", "# none"]
    done = host.run(f"show() {{ printf '<%s>' \"$@\"; }}\n{call('show', *words)}")
    assert done.stdout == "".join(f"<{word}>" for word in words)
    assert not (host.folder / "evil").exists()


def test_the_facts_are_found(host: Shell) -> None:
    here = prod(app=APP, schema_status="alembic current", health=Health(version="Blockerbugs {version}"))
    host.program("rpm", "echo 'blockerbugs-1.0.0-1.el7 (none)'")
    host.program("alembic", "echo INFO >&2; echo 'bbb (head)'; echo 'aaa (effective head)'")
    host.program("curl", "echo 'Blockerbugs 1.0.0'; echo 200")
    host.program("systemctl", "echo active")
    found = read(here, host.run(script(here)).stdout)
    assert (found.installed, found.revision, found.schema) == (OLD, "aaa,bbb", Schema.CURRENT)
    assert (found.service, found.answers, found.version, found.problems) == ("active", 200, "1.0.0", ())


def test_a_lock_is_taken_once_and_given_back(host: Shell) -> None:
    host.file("var/lib/here", "")
    taken = kept.take(APP, "0123abcd", '{"run": "0123abcd"}', ['{"event": "begin"}'])
    assert host.run(taken).stdout == "last\t\ntaken\tyes\n"
    assert host.run(kept.take(APP, "deadbeef", '{"run": "deadbeef"}', [])).stdout == 'holder\t{"run": "0123abcd"}\n'
    assert host.run(kept.nobody_else(APP, "deadbeef", "prod01.example")).returncode == detached.HELD
    host.run(kept.release(APP, "0123abcd", "alice", ['{"event": "end"}']))
    assert host.run(kept.nobody_else(APP, "deadbeef", "prod01.example")).returncode == 0
    copy = kept.said(host.run(kept.journal_of(APP, "0123abcd")).stdout)
    assert copy == ['{"event": "begin"}', '{"event": "end"}']
    assert len(kept.said(host.run(kept.history(APP, 5)).stdout)) == 2


def test_cron_is_paused_for_a_migration_and_stays_paused_where_that_was_begun_and_failed(host: Shell) -> None:
    host.program("rpm", "echo blockerbugs-1.0.0-1.el7")
    cron = host.folder / "etc/cron.d/blockerbugs"
    here = kept.with_cron_paused(APP, 5)
    for then, back in (("true", True), ("false", True), (f"{kept.migration_begins(APP)}; false", False)):
        host.file("etc/cron.d/blockerbugs", "*/30 sync")
        host.run(f"{here}\ntest ! -e etc/cron.d/blockerbugs || echo not away\n{then}")
        assert cron.exists() is back


def test_a_page_is_waited_for(host: Shell) -> None:
    host.program("curl", "if test -e asked; then echo Blockerbugs 1.1.0; echo 200; else : >asked; echo; echo 503; fi")
    done = host.run(health.poll(APP, Health(version="Blockerbugs {version}", deadline=30), "1.1.0"))
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        ["waiting for 200 1.1.0, answers 503", "answers 200 1.1.0"],
    )


@wanted("setsid", "util-linux")
def test_a_step_is_carried_out_once_and_may_call_the_functions(host: Shell) -> None:
    run_folder = RunFolder("./keep", "0123abcd", "alice")
    step = detached.carry_out(run_folder, "01-x", "say one '#'; echo x >>ran; exit 3")
    for _ in range(2):
        done = host.run(step)
        assert (done.returncode, done.stdout) == (3, "one\t#\n\n")
    assert (host.folder / "ran").read_text() == "x\n"


@wanted("setsid", "util-linux")
def test_a_download_gives_way_to_who_is_served_and_an_update_does_not(host: Shell) -> None:
    host.program("yum", 'case " $* " in *" --downloadonly "*) nice >download ;; *" -C "*) nice >update ;; esac')
    for name, step in {"01-x": steps.download(job(app=APP)), "02-x": steps.yum_update(job(app=APP), True)}.items():
        host.run(detached.carry_out(RunFolder("./keep", "0123abcd", "alice"), name, step.script))
    download, update = (int((host.folder / name).read_text()) for name in ("download", "update"))
    assert update == os.nice(0)
    assert download in {10, update + 10}  # renice may take it as it stands, or add it


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="tox -e lint has it")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_shellcheck_has_nothing_to_say(path: Path) -> None:
    done = subprocess.run(["shellcheck", path], capture_output=True, text=True, check=False)
    assert done.stdout == ""
