"""Each row of the table, typed both ways: `ssh -F FILE HOST true`, and `fab --ssh-config FILE stg status`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest

from .field import Field, lacks
from .page import PAGE, rows_of
from .row import Row
from .rows import ROWS
from .rows.ways import CIRCLE
from .typed import Ended, Typist


@pytest.fixture(scope="module")
def typist(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typist]:
    """Skipped where there is no sshd to try it with, but never where CI=true."""
    why = lacks()
    if why:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)
    with Field(tmp_path_factory.mktemp("parity") / "f") as field:
        somebody = Typist(field)
        yield somebody
        somebody.close()


@pytest.mark.parametrize("row", [pytest.param(row, id=row.words) for row in ROWS])
def test_parity(row: Row, typist: Typist) -> None:
    ssh, ours = typist.both(row)
    assert ssh.verdict == row.ssh, f"OpenSSH does not do what the row says:\n{ssh.said}"
    holds(row, ssh, ours)


def test_a_circle_of_jump_hosts_which_ssh_follows_without_end_is_refused(typist: Typist) -> None:
    holds(CIRCLE, None, typist.only_ours(CIRCLE))


def holds(row: Row, ssh: Ended | None, ours: Ended) -> None:
    """Ours ended as it has to, and said why."""
    assert ours.verdict == row.wanted, f"ssh: {ssh and ssh.verdict}, and we said:\n{ours.said}"
    assert not re.search("^Traceback", ours.said, re.M), ours.said
    if ours.verdict == "out":
        assert row.typed in ours.said, "the host is not named"
    assert re.search(row.says, ours.said), f"{row.says!r} is not said in:\n{ours.said}"
    assert not (row.never and re.search(row.never, ours.said)), f"{row.never!r} is said in:\n{ours.said}"


def test_every_row_has_words_of_its_own() -> None:
    words = [row.words for row in ROWS]
    assert sorted(words) == sorted(set(words))


@pytest.mark.smoke
def test_the_page_has_every_row() -> None:
    assert rows_of(PAGE.read_text(encoding="utf-8")) == [row.words for row in ROWS], "python -m tests.parity"
