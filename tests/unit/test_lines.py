from __future__ import annotations

from collections.abc import Iterator

import pytest

from tasks import lines
from tasks.errors import Refused
from tests.unit.builders import said


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    lines.typed("fab", [], {}, [])


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
