"""What the migrations of a build would do is read out of its RPM on the sync host, before anything is agreed to."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from tasks.fleet.machines import Machines
from tasks.fleet.outcome import Outcome
from tasks.inventory.model import App, Host
from tasks.run.decide import Plan
from tasks.run.foretold import read, refused_for, script, with_migrations
from tasks.run.look import Reached
from tasks.run.record import begin
from tasks.sop.migrations import ADDS, CHANGES, MOST, UNKNOWN
from tests.unit.builders import NEW, ONE, Shell, job, of, prod, well
from tests.unit.run.runs import a_plan, run_of

FOLDER = "/usr/share/blockerbugs/alembic/versions"
ADDS_A_COLUMN = "from alembic import op\nimport sqlalchemy as sa\ndef upgrade(): op.add_column('bug', sa.Column('n'))\n"
RPM = "/var/cache/yum/x86_64/7/infra/packages/blockerbugs-1.1.0-1.el7.noarch.rpm"


def text(words: str) -> str:
    return f"text\t{base64.b64encode(words.encode()).decode()}\n"


class Asked:
    """A sync host that answers so, and what it was asked."""

    def __init__(self, output: str, failure: str | None = None) -> None:
        self.outcome = Outcome(output, 0.1, failure)
        self.scripts: list[str] = []

    def ask(self, scripts: Mapping[Host, str], seconds: float, what: str) -> dict[Host, Outcome]:
        del seconds, what
        assert list(scripts) == [ONE]
        self.scripts += scripts.values()
        return {ONE: self.outcome}

    @property
    def reached(self) -> Reached:
        return Reached(prod(), cast(Machines, self))


class Lost(Asked):
    """It was lost since it was looked at: a host that is not in the answers was not reached."""

    def ask(self, scripts: Mapping[Host, str], seconds: float, what: str) -> dict[Host, Outcome]:
        return {}


def test_where_the_sync_host_is_lost_meanwhile_the_plan_says_that_the_migration_is_not_known() -> None:
    plan = with_migrations(a_plan(), Lost("").reached)
    assert plan.migrations is None
    assert plan.warnings[-1].endswith("would do is not known: it cannot be reached any more")


def foretold(plan: Plan, output: str, failure: str | None = None) -> Plan:
    return with_migrations(plan, Asked(output, failure).reached)


def test_a_plan_has_each_migration_that_comes_with_the_build_and_so_has_the_journal() -> None:
    one, other = f"brings\t{FOLDER}/2b.py\n{text(ADDS_A_COLUMN)}", f"brings\t{FOLDER}/3c.sql\n{text('DROP TABLE x')}"
    plan = foretold(a_plan(), one + other)
    assert plan.migrations
    assert [(one.name, one.verdict) for one in plan.migrations] == [("2b.py", ADDS), ("3c.sql", CHANGES)]
    written = begin(plan, "me").migrations
    assert written
    assert [(one.file, one.verdict, one.whole) for one in written] == [
        (f"{FOLDER}/2b.py", "adds", True),
        (f"{FOLDER}/3c.sql", "changes", False),
    ]


def test_a_build_that_brings_none_is_known_to_bring_none() -> None:
    assert foretold(a_plan(), "").migrations == ()


@pytest.mark.parametrize(
    ("output", "failure", "why"),
    [
        ("unread\tyum could not fetch it\n", None, "yum could not fetch it"),
        ("", "no answer in 120 s", "no answer in 120 s"),
    ],
)
def test_where_the_build_cannot_be_had_the_plan_says_that_it_is_not_known(
    output: str, failure: str | None, why: str
) -> None:
    plan = foretold(a_plan(), output, failure)
    assert plan.migrations is None
    assert plan.warnings[-1] == (
        f"blockerbugs01: what the migration of blockerbugs-1.1.0-1.el7 would do is not known: {why}"
    )
    assert begin(plan, "me").migrations is None


def test_files_whose_text_is_not_to_be_had_are_named_all_the_same() -> None:
    found = list(read(f"unread\tthere is no cpio to read the RPM with\nbrings\t{FOLDER}/2b.py\n"))
    assert [(one.name, one.verdict, one.why) for one in found] == [
        ("2b.py", UNKNOWN, ("there is no cpio to read the RPM with",))
    ]
    many = list(read("".join(f"brings\t/v/{n}.sql\n{text('SELECT 1') if n < MOST else ''}" for n in range(MOST + 1))))
    assert [one.verdict for one in many] == [ADDS] * MOST + [UNKNOWN]
    assert many[-1].why == ("only the first 20 are read",)


def test_what_is_no_base64_or_no_text_is_no_surprise() -> None:
    for odd in ("text\t*", "text\t/w==", "", "nonsense"):
        assert [one.why for one in read(f"brings\t/v/1.sql\n{odd}\n")] == [("its text cannot be read",)]


@pytest.mark.parametrize(
    "plan",
    [
        a_plan("minor-upgrade"),
        a_plan("stop-httpd"),
        a_plan("major-upgrade", well(NEW, answers=None), host_set=prod(app=App(migrations="none"))),
        replace(a_plan(), job=None),
    ],
)
def test_nobody_is_asked_where_nothing_is_migrated(plan: Plan) -> None:
    asked = Asked("")
    assert (with_migrations(plan, asked.reached), asked.scripts) == (plan, [])


def test_a_minor_upgrade_that_was_refused_for_a_migration_is_told_what_that_would_do() -> None:
    run = run_of(a_plan("minor-upgrade"), "no-migration", Outcome("", 1.0, "brings a schema migration"), well())
    said = f"brings\t{FOLDER}/2b.py\n{text(ADDS_A_COLUMN)}"
    assert [one.text for one in refused_for(run, Asked(said).reached)] == ["2b.py: only adds: the column bug.n"]
    assert refused_for(run, Asked("unread\tit is gone\n").reached) == ()
    other = run_of(a_plan("minor-upgrade"), "restart-httpd")
    assert refused_for(other, Asked(said).reached) == ()


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    found = Shell(tmp_path)
    for tool in ("head", "base64"):
        (found.bin / tool).unlink(missing_ok=True)
        (found.bin / tool).symlink_to(shutil.which(tool) or tool)
    found.program("rpm", f"echo {FOLDER}/1a.py; case $1 in -qpl) echo {FOLDER}/2b.py; echo {FOLDER}/3c.py;; esac")
    found.program("rpm2cpio", 'cat "$1"')
    found.program("cpio", f'cat >/dev/null; test "$4" = .{FOLDER}/2b.py && cat text')
    found.file("text", ADDS_A_COLUMN)
    return found


def test_the_host_fetches_the_build_and_shows_the_migrations_that_are_new_in_it(shell: Shell) -> None:
    fetches = "-y update --downloadonly blockerbugs-1.1.0-1.el7"
    shell.program("yum", f'case "$*" in "{fetches}") : >.{RPM};; *) exit 1;; esac')
    shell.file(f"{RPM}.tmp", "")
    found = list(read(shell.run(script(job(of(App(root="."), prod()), target=NEW))).stdout))
    assert [(one.name, one.verdict, one.why) for one in found] == [
        ("2b.py", ADDS, ("the column bug.n",)),
        ("3c.py", UNKNOWN, ("its text cannot be read",)),
    ]


def test_a_build_that_yum_cannot_fetch_and_a_host_without_cpio_are_told_of(shell: Shell) -> None:
    shell.program("yum", "exit 1")
    wanted = script(job(of(App(root="."), prod()), target=NEW))
    assert shell.run(wanted).stdout == "unread\tyum could not fetch it\n"
    shell.file(RPM, "")
    (shell.bin / "cpio").unlink()
    assert "unread\tthere is no cpio to read the RPM with\nbrings\t" in shell.run(wanted).stdout
