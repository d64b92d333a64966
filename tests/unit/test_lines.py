from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks import lines
from tasks.errors import Refused
from tests.unit.builders import said


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    lines.typed("fab", [], {}, [])
    lines.reached_by(None)


def test_a_line_to_type_keeps_the_hosts_file_and_the_ssh_config_that_were_typed() -> None:
    lines.typed(
        "fab", ["--ssh-config", "my config"], {"FABRIC_HOSTS_FILE": "mine.yml", "HOME": "/root"}, ["stg", "prod"]
    )
    assert lines.again("next: fab prod resume") == (
        "next: FABRIC_HOSTS_FILE=mine.yml fab --ssh-config 'my config' prod resume"
    )
    assert said(Refused("no", next_line="fab -H stg01 status")).splitlines()[-1] == (
        "next: FABRIC_HOSTS_FILE=mine.yml fab --ssh-config 'my config' -H stg01 status"
    )


def test_what_is_no_line_for_these_hosts_stays_as_it_is() -> None:
    lines.typed("fab", ["--ssh-config", "x"], {"FABRIC_HOSTS_FILE": "mine.yml"}, ["stg"])
    for text in ("another fab (process 5)", "fab prod", "fab stg-old status", "/usr/bin/fab stg", "fab --help status"):
        assert lines.again(text) == text


def test_a_line_that_is_whole_stays_so() -> None:
    for flags in ([], ["--ssh-config", "x"]):
        lines.typed("fab", flags, {"FABRIC_HOSTS_FILE": "mine.yml"}, ["stg"])
        whole = lines.again("fab stg status, or fab stg abort")
        assert whole.count("FABRIC_HOSTS_FILE=mine.yml fab") == 2
        assert lines.again(whole) == whole


def test_invokes_lines_do_not_get_flags_that_only_fab_has() -> None:
    lines.typed("fab", ["--ssh-config", "x"], {"INVOKE_HOSTS_FILE": "mine.yml"}, ["stg"])
    assert lines.again("invoke stg status") == "INVOKE_HOSTS_FILE=mine.yml invoke stg status"


def test_where_nothing_was_typed_before_the_tasks_nothing_is_added() -> None:
    lines.typed("fab", [], {"HOME": "/root"}, ["stg"])
    assert lines.again("fab stg status") == "fab stg status"


def test_on_a_narrow_terminal_what_explains_a_line_stands_below_it_and_can_be_pasted_with_it() -> None:
    text = (
        "fab prod resume  # takes over the run; alice's client starts no further steps\n  or: fab prod abort  # ends it"
    )
    assert lines.fitted(text, 40).splitlines() == [
        "fab prod resume",
        "      # takes over the run; alice's",
        "      # client starts no further steps",
        "  or: fab prod abort  # ends it",
    ]
    assert lines.fitted(text, 120) == text
    long = "git -C /a/very/long/folder/of/somebody status"
    assert lines.fitted(long, 20) == long  # there is nothing but what is typed


def test_a_line_that_only_says_why_stays_a_comment_on_a_narrow_terminal() -> None:
    refused = lines.Line("", "", "rollback would be refused: prod02: cannot be reached").shown(20)
    assert lines.fitted(refused, 40).splitlines() == [
        "      # rollback would be refused:",
        "      # prod02: cannot be reached",
    ]


def test_the_line_that_was_typed_is_told_again_with_what_was_wrong_in_it_mended() -> None:
    typed = ["fab", "-H", "prodd,stg", "status", "--junit=/tmp"]
    lines.typed("fab", [], {"FABRIC_HOSTS_FILE": "mine.yml"}, ["stg"], typed)
    assert lines.mended("prodd", "prod") == "FABRIC_HOSTS_FILE=mine.yml fab -H prod,stg status --junit=/tmp"
    assert lines.mended("/tmp", "/tmp/x.xml") == "FABRIC_HOSTS_FILE=mine.yml fab -H prodd,stg status --junit=/tmp/x.xml"
    assert lines.mended("rod", "x") is None
    assert lines.same("--prompt-for-sudo-password", does="from a terminal") == (
        "FABRIC_HOSTS_FILE=mine.yml fab --prompt-for-sudo-password -H prodd,stg status --junit=/tmp  # from a terminal"
    )


def test_where_no_line_was_typed_none_is_told_again() -> None:
    assert (lines.same(does="from a terminal"), lines.mended("a", "b")) == (None, None)


def test_a_line_for_ssh_keeps_the_file_of_ssh_config() -> None:
    assert lines.ssh("prod01.example", "sudo true") == "ssh -t prod01.example sudo true"
    lines.reached_by("my config")
    assert lines.ssh("prod01.example", "sudo true") == "ssh -F 'my config' -t prod01.example sudo true"
    assert lines.ssh("prod01.example", flags="") == "ssh -F 'my config' prod01.example"


def test_where_path_has_no_fab_a_line_is_typed_with_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(lines.RUN.parent)
    assert lines.runs("fab sandbox.reset") == "./run fab sandbox.reset"
    monkeypatch.chdir(tmp_path)
    assert lines.runs("fab sandbox.reset") == f"{lines.RUN} fab sandbox.reset"
    (tmp_path / "fab").write_text("#!/bin/sh\n")
    (tmp_path / "fab").chmod(0o755)
    assert lines.runs("fab sandbox.reset") == "fab sandbox.reset"


def test_what_was_typed_before_the_tasks_stands_before_run() -> None:
    lines.typed("fab", ["--ssh-config", "x"], {"FABRIC_HOSTS_FILE": "mine.yml"}, ["stg"])
    whole = lines.again("next: ./run fab stg status")
    assert whole == "next: FABRIC_HOSTS_FILE=mine.yml ./run fab --ssh-config x stg status"
    assert lines.again(whole) == whole
    lines.typed("fab", [], {"FABRIC_HOSTS_FILE": "mine.yml"}, ["stg"])
    assert lines.again(lines.again("./run fab stg status")) == "FABRIC_HOSTS_FILE=mine.yml ./run fab stg status"
