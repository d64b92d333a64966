"""The backup, the migration and the sync: what is waited for, proven and written down."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tasks.inventory.model import App, Backup
from tasks.sop import steps
from tests.unit.builders import Shell, job, prod, step_in
from tests.wanted import wanted

ASKED = prod(schema_status="alembic current")  # its database can be asked for its schema


@wanted("flock", "util-linux")
@pytest.mark.parametrize("step", [steps.upgrade_db, steps.sync])
def test_O2_a_look_that_holds_the_databases_lock_for_a_moment_is_waited_for(step: Any, shell: Shell) -> None:
    shell.program("flock", f'exec {shutil.which("flock")} "$@"')
    shell.program("blockerbugs", "true")
    a_host_with_cron(shell)
    lock = shell.folder / "var/run/blockerbugs-upgrade.lock"
    with subprocess.Popen(["flock", lock, "sh", "-c", "echo held; sleep 1"], stdout=subprocess.PIPE) as look:
        assert look.stdout
        look.stdout.readline()
        assert step_in(shell, step(job(app=App(root=".")))) == (0, "")


def test_D5_a_backup_that_writes_nothing_has_failed(shell: Shell) -> None:
    dump = shell.folder / "dump"
    shell.file("dump", "yesterday's")
    quiet = prod(backup=Backup(command=f": >{dump}", file=str(dump)))
    code, said = step_in(shell, steps.backup(job(quiet)))
    assert code != 0
    assert f"the backup left nothing in {dump}" in said


def test_D5_yesterdays_backup_does_not_count(shell: Shell) -> None:
    dump = shell.folder / "dump"
    shell.file("dump", "yesterday's")
    assert step_in(shell, steps.backup(job(prod(backup=Backup(command="true", file=str(dump))))))[0] != 0


def test_D5_a_backup_that_fails_has_failed_whatever_it_left(shell: Shell) -> None:
    dump = shell.folder / "dump"
    broken = Backup(command=f"echo half >{dump}; false", file=str(dump))
    assert step_in(shell, steps.backup(job(prod(backup=broken))))[0] != 0


def test_a_backup_that_leaves_its_file_is_one(shell: Shell) -> None:
    dump = shell.folder / "dump"
    assert step_in(shell, steps.backup(job(prod(backup=Backup(command=f"echo all >{dump}", file=str(dump))))))[0] == 0


def a_host_with_cron(shell: Shell, sync_runs: bool = False) -> Path:
    """Its cron file is the one that is returned; does a sync run?"""
    shell.program("pgrep", f"exit {0 if sync_runs else 1}")
    shell.file("var/run/blockerbugs-upgrade.lock", "")
    shell.file("etc/cron.d/blockerbugs", "*/30 blockerbugs sync")
    return shell.folder / "etc/cron.d/blockerbugs"


@pytest.mark.parametrize(
    ("migration", "status", "code"),
    [
        pytest.param("true", "echo 'bbb (head)'", 0, id="succeeds and the schema is new"),
        pytest.param("true", "echo aaa", 1, id="D1 exits 0 and leaves the old schema"),
        pytest.param("true", "echo aaa; echo 'bbb (head)'", 1, id="D1 exits 0 and leaves a branch behind"),
        pytest.param("true", "echo 'bbb (head)'; echo 'aaa (effective head)'", 0, id="reaches two heads"),
        pytest.param("true", "echo 'bbb (head)'; exit 1", 1, id="D1 succeeds and the schema cannot be asked for"),
        pytest.param("exit 3", "echo 'bbb (head)'", 3, id="D1 fails"),
    ],
)
def test_a_migration_that(migration: str, status: str, code: int, shell: Shell) -> None:
    shell.program("blockerbugs", migration)
    shell.program("alembic", status)
    cron = a_host_with_cron(shell)
    assert step_in(shell, steps.upgrade_db(job(ASKED, app=App(root="."))))[0] == code
    assert cron.exists() == (code == 0)


@pytest.mark.parametrize("there", [True, False])
def test_c2_a_migration_waits_for_crons_sync_and_leaves_cron_as_it_was_where_that_does_not_end(
    there: bool, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.sop.steps.CRON_SECONDS", 1)
    shell.program("blockerbugs", "touch migrated")
    cron = a_host_with_cron(shell, sync_runs=True)
    if not there:
        cron.unlink()
    code, said = step_in(shell, steps.upgrade_db(job(app=App(root="."))))
    assert (code, said.splitlines()[-1]) == (1, "cron's sync still runs after 1 s")
    assert (cron.exists(), (shell.folder / "migrated").exists()) == (there, False)


@pytest.mark.parametrize(("ends", "how"), [("true", "done"), ("exit 1", "begun")])
def test_d1_the_build_that_is_written_down_is_the_one_that_migrates_not_that_of_before_the_wait(
    ends: str, how: str, shell: Shell
) -> None:
    shell.program("blockerbugs", ends)
    a_host_with_cron(shell)
    shell.program("pgrep", "test -e waited && exit 1; : >waited")
    shell.program("rpm", "test -e waited && printf blockerbugs-1.1.0-1.el7 || printf blockerbugs-1.0.0-1.el7")
    step_in(shell, steps.upgrade_db(job(app=App(root="."))))
    written = (shell.folder / "var/lib/blockerbugs-upgrade/migration").read_text()
    assert written == f"{how} blockerbugs-1.1.0-1.el7\n"


def test_c2_cron_is_away_while_the_database_is_migrated_and_back_afterwards(shell: Shell) -> None:
    shell.program("blockerbugs", "ls etc/cron.d >seen; cat var/lib/blockerbugs-upgrade/cron >>seen")
    cron = a_host_with_cron(shell)
    assert step_in(shell, steps.upgrade_db(job(app=App(root=".")))) == (0, "")
    assert (shell.folder / "seen").read_text() == "*/30 blockerbugs sync"
    assert cron.read_text() == "*/30 blockerbugs sync"
    assert [path.name for path in (shell.folder / "var/lib/blockerbugs-upgrade").iterdir()] == ["migration"]


def test_the_revision_that_a_migration_was_proven_to_reach_is_in_what_it_said(shell: Shell) -> None:
    shell.program("blockerbugs", "true")
    shell.program("alembic", "echo 'bbb (head)'")
    a_host_with_cron(shell)
    step = steps.upgrade_db(job(ASKED, app=App(root=".")))
    assert steps.proven_schema(step, step_in(shell, step)[1]) == "bbb"
    assert steps.proven_schema(steps.sync(job(ASKED)), "the database is at ccc") is None
    shell.program("alembic", "echo 'ccc (head)'; echo some words; echo 'bbb (head) (mergepoint)'")
    assert steps.proven_schema(step, step_in(shell, step)[1]) == "bbb,ccc"


@pytest.mark.parametrize(
    ("says", "why"),
    [
        pytest.param("echo aaa", "the database is not at the new schema: it is at aaa", id="it is at another"),
        pytest.param("true", "the database is not at the new schema: it has none", id="it has none"),
        pytest.param("echo INFO >&2; echo no route to host >&2; exit 1",
                     "the database cannot be asked for its schema (exit status 1: no route to host)", id="it is away"),
        pytest.param("echo some words",
                     "the database was asked for its schema, and answered with no revision: some words", id="words"),
    ],
)  # fmt: skip
def test_d1_a_database_that_cannot_be_asked_is_not_said_to_be_at_another_schema(
    says: str, why: str, shell: Shell
) -> None:
    shell.program("alembic", says)
    shell.program("blockerbugs", "true")
    a_host_with_cron(shell)
    assert step_in(shell, steps.upgrade_db(job(ASKED, app=App(root=".")))) == (1, why)


LOCKED = App(root=".", lock_timeout=0.4, lock_holders="cat holders")


def test_d6_a_migration_is_told_how_long_to_wait_for_a_lock_and_says_who_holds_it_while_it_waits(shell: Shell) -> None:
    a_host_with_cron(shell)
    shell.program("blockerbugs", 'echo "waits $PGOPTIONS $UPGRADE_LOCK_TIMEOUT"; sleep 0.7; exit 1')
    shell.file("holders", "4711 psql\n")
    code, said = step_in(shell, steps.upgrade_db(job(app=LOCKED)))
    assert (code, said.splitlines()) == (1, ["waits -c lock_timeout=400 400", "a lock is held by 4711 psql"])


def test_what_is_set_for_postgresql_already_stays_and_a_migration_that_meets_no_lock_says_nothing(shell: Shell) -> None:
    a_host_with_cron(shell)
    shell.program("blockerbugs", 'echo "waits $PGOPTIONS"; sleep 0.5')
    shell.file("holders", "")
    done = shell.run(steps.upgrade_db(job(app=LOCKED)).script, PGOPTIONS="-c work_mem=1MB")
    assert (done.returncode, done.stdout) == (0, "waits -c work_mem=1MB -c lock_timeout=400\n")


def test_d6_without_a_limit_who_holds_a_migration_up_is_told_all_the_same(shell: Shell) -> None:
    a_host_with_cron(shell)
    shell.program("blockerbugs", 'sleep 1.5; echo "waits${PGOPTIONS-}"')
    shell.file("holders", "4711 psql\n4712 cron\n")
    step = steps.upgrade_db(job(app=App(root=".", lock_holders="cat holders")))
    said = step_in(shell, step)[1].splitlines()
    assert said == ["a lock is held by 4711 psql", "a lock is held by 4712 cron", "waits"]


def test_the_plan_says_how_long_a_migration_waits_for_a_lock_and_how_that_is_typed() -> None:
    step = steps.upgrade_db(job(app=App(lock_timeout=5)), cron_paused=True)
    assert step.says == "migrate the database, once; give up after 5 s of waiting for a lock"
    assert step.shown == (
        '(export PGOPTIONS="${PGOPTIONS:+$PGOPTIONS }-c lock_timeout=5000" UPGRADE_LOCK_TIMEOUT=5000; '
        "blockerbugs upgrade_db)"
    )


def test_what_an_operator_types_for_a_migration_with_a_limit_sets_what_the_step_sets_and_nothing_stays(
    shell: Shell,
) -> None:
    shell.program("blockerbugs", 'echo "waits $PGOPTIONS $UPGRADE_LOCK_TIMEOUT"')
    shown = steps.upgrade_db(job(app=App(lock_timeout=5)), cron_paused=True).shown
    done = shell.run(f"{shown}; echo after $PGOPTIONS", PGOPTIONS="-c work_mem=1MB")
    assert done.stdout.splitlines() == ["waits -c work_mem=1MB -c lock_timeout=5000 5000", "after -c work_mem=1MB"]
