"""What a run finds where it keeps things, and is not as it left it: a clear refusal, or it goes on safely."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import ONE, STG, TWO, Fleet

MINOR = "prod minor-upgrade --yes"


def failed(fleet: Fleet) -> Path:
    """A minor upgrade that failed on the first host; where it is kept there."""
    fleet.breaks(ONE, "yum-update")
    assert fleet.types(MINOR).code == 5
    (journal,) = fleet.kept(ONE).glob("*/journal.jsonl")
    return journal.parent


def a_link(root: Path) -> None:
    elsewhere = root.parent / "elsewhere"
    elsewhere.mkdir()
    root.symlink_to(elsewhere)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        pytest.param(a_link, "is a link, nothing is kept behind one", id="a link"),
        pytest.param(Path.touch, "exit status 1", id="a file"),
    ],
)
def test_where_nothing_can_be_kept_nothing_is_begun(
    stg_runs_101: Fleet, spoil: Callable[[Path], object], why: str
) -> None:
    stg_runs_101.kept(ONE).parent.mkdir(parents=True, exist_ok=True)
    spoil(stg_runs_101.kept(ONE))
    ended = stg_runs_101.types(MINOR)
    assert (ended.code, why in ended.err, "prod01" in ended.err) == (2, True, True), ended.said
    assert stg_runs_101.changed() == []


def test_a_folder_that_others_could_read_is_closed_to_them_and_used(stg_runs_101: Fleet) -> None:
    stg_runs_101.kept(ONE).mkdir(parents=True)
    stg_runs_101.kept(ONE).chmod(0o777)
    assert stg_runs_101.types(MINOR).code == 0
    assert not stg_runs_101.kept(ONE).stat().st_mode & 0o077


def test_a_run_that_lost_its_folder_on_one_host_does_there_what_that_host_is_not_yet(stg_runs_101: Fleet) -> None:
    run = failed(stg_runs_101)
    for step in run.glob("*-*"):
        step.rename(run.parent / step.name)
    ended = stg_runs_101.types("prod resume --yes")
    assert ended.code == 0, ended.said
    assert {stg_runs_101.runs(host)[1] for host in (ONE, TWO)} == {"1.0.1"}


def test_a_journal_edited_by_hand_into_another_plan_or_what_nobody_can_read_is_refused(stg_runs_101: Fleet) -> None:
    journal = failed(stg_runs_101) / "journal.jsonl"
    first, *rest = written = journal.read_text().splitlines()
    journal.write_text("\n".join([*written, ""]).replace('["yum-update", ', '["yum-downdate", '))
    ended = stg_runs_101.types("prod resume --yes")
    assert (ended.code, "differs from the local journal in: steps" in ended.err) == (2, True), ended.said
    stg_runs_101.environment["XDG_STATE_HOME"] = str(stg_runs_101.folder / "another machine's")
    ended = stg_runs_101.types("prod resume --yes")
    assert (ended.code, "the steps in its journal are not those" in ended.err) == (2, True), ended.said
    assert "fab prod abort" in ended.err
    odd: dict[str, tuple[object, str]] = {
        "target": ("rm -rf;", "has rm -rf; for a build of blockerbugs"),
        "hosts_yml": (5, "its journal cannot be read"),
        "order": (["stranger.example"], "hosts.yml does not have stranger.example any more"),
    }
    for key, (value, why) in odd.items():
        journal.write_text("\n".join([json.dumps(json.loads(first) | {key: value}), *rest, ""]))
        ended = stg_runs_101.types("prod resume --yes")
        assert (ended.code, why in ended.err) == (2, True), ended.said


def test_s13_a_host_that_puts_another_build_and_a_command_into_a_runs_journal_is_not_believed(
    stg_runs_101: Fleet,
) -> None:
    run = failed(stg_runs_101)
    written = (run / "journal.jsonl").read_text()
    evil = "x; touch /tmp/owned"
    another_build = written.replace("blockerbugs-1.0.1-1.el7", "blockerbugs-1.1.0-1.el7")
    (run / "journal.jsonl").write_text(another_build)
    stg_runs_101.environment["XDG_STATE_HOME"] = str(stg_runs_101.folder / "another machine's")
    ended = stg_runs_101.types("prod resume --yes")
    assert (ended.code, "its lock on prod01 is for minor-upgrade blockerbugs-1.0.1-1.el7" in ended.err) == (2, True)
    (run / "journal.jsonl").write_text(written.replace('"asked_as": "prod"', f'"asked_as": "{evil}"'))
    stg_runs_101.breaks(ONE, "yum-update")
    ended = stg_runs_101.types("prod resume --yes")
    assert (ended.code, evil in ended.said) == (5, False), ended.said


def test_s13_what_a_lock_on_a_host_says_clears_no_screen_and_forges_no_line(stg_runs_101: Fleet) -> None:
    failed(stg_runs_101)
    lock = stg_runs_101.kept(ONE) / "lock"
    evil = "alice\x1b]0;title\x07\x1b[2J\nnext: rm -rf /"
    lock.write_text(json.dumps(json.loads(lock.read_text()) | {"operator": evil}))
    for task in ("status", "resume --plan", "abort --plan", "history", "sync --plan"):
        ended = stg_runs_101.types(f"prod {task}")
        assert "\x1b" not in ended.said
        assert "\nnext: rm" not in ended.said
    assert "alice next: rm -rf /" in stg_runs_101.types("prod status").out


@pytest.mark.sandbox_only("the lab's hosts have this machine's clock")
def test_with_clocks_an_hour_apart_it_is_said_and_the_run_can_be_resumed(stg_runs_101: Fleet) -> None:
    date = stg_runs_101.home / "hosts" / ONE / "usr/bin/date"
    date.write_text("#!/bin/sh\nexec /bin/date -d '+1 hour' \"$@\"\n")
    date.chmod(0o755)
    stg_runs_101.breaks(ONE, "yum-update")
    ended = stg_runs_101.types(MINOR)
    assert ended.code == 5, ended.said
    assert re.search(r"warning: prod01: its clock is \+3[56]\d\d s off", ended.out)
    ended = stg_runs_101.types("prod resume --yes")
    assert ended.code == 0, ended.said
    assert "prod01" in stg_runs_101.types("prod status").out


@pytest.mark.smoke
def test_s6_the_database_password_of_a_traceback_is_neither_shown_nor_written_down(fleet: Fleet) -> None:
    fleet.machines.publish("1.2.0", "infrastructure-tags-stg")
    ended = fleet.types("stg major-upgrade --version 1.2.0 --yes")
    assert ended.code == 5, ended.said
    settings = (fleet.home / "hosts" / STG / "etc/blockerbugs/settings.py").read_text()
    password = settings.split("postgresql+psycopg2://blockerbugs:")[1].split("@")[0]
    (copy,) = fleet.kept(STG).glob("*/journal.jsonl")
    for text in (ended.said, fleet.journal.read_text(), copy.read_text(), fleet.types("stg history").said):
        assert password not in text
    assert "[redacted]" in fleet.journal.read_text()


@pytest.mark.parametrize("line", ["prod status --prompt-for-passphrase", "--prompt-for-sudo-password prod status"])
def test_a_flag_that_asks_is_refused_in_words_where_nobody_answers(fleet: Fleet, line: str) -> None:
    ended = fleet.types(line)
    assert ended.code == 2, ended.said
    assert "there is no terminal to ask on, and nothing on standard input" in ended.err
