"""What was asked for and could not be written is never exit 0; a reader that has gone is no failure."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import IO

import pytest
from invoke.exceptions import Exit

from tasks.errors import Code, HalfWay, SopError
from tasks.report import Shown, opened

FULL = "/dev/full"
pytestmark = pytest.mark.skipif(not Path(FULL).exists(), reason="this system has no disk that is always full")


@pytest.fixture
def full() -> Iterator[IO[str]]:
    with open(FULL, "w", encoding="utf-8") as stream:  # noqa: PTH123
        yield stream
        with suppress(OSError):
            stream.flush()


@pytest.fixture
def left() -> Iterator[IO[str]]:
    """A pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        yield stream
        with suppress(OSError):
            stream.flush()


@pytest.mark.parametrize("shown", [Shown(json=True), Shown()], ids=["--json", "for people"])
def test_w4_output_on_a_full_disk_is_a_failure(shown: Shown, full: IO[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", full)
    with (
        pytest.raises(SopError, match="could not be written: No space left on device") as lost,
        opened(shown) as report,
    ):
        report.note("prod: all is well")
    assert lost.value.exit_code == Code.FAILED


@pytest.mark.parametrize("shown", [Shown(json=True), Shown()], ids=["--json", "for people"])
def test_w4_a_plan_on_a_full_disk_is_a_failure_and_no_plan(
    shown: Shown, full: IO[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def plans() -> None:
        with opened(shown) as report:
            report.note("prod: minor upgrade")
            raise Exit(code=int(Code.REFUSED))  # as `entry.start` does where the plan shows changes

    monkeypatch.setattr(sys, "stdout", full)
    with pytest.raises(SopError) as lost:
        plans()
    assert lost.value.exit_code == Code.FAILED


def test_w4_how_a_run_ended_is_not_hidden_by_what_was_lost(full: IO[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", full)
    monkeypatch.setattr(sys, "stderr", people := StringIO())
    with pytest.raises(HalfWay), opened(Shown(json=True)):
        raise HalfWay("prod01: it broke", next_line="fab prod resume")
    assert "warning: what --json tells could not be written: No space left on device" in people.getvalue()


def test_w4_every_report_is_written_though_another_is_lost(
    full: IO[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", full)
    with pytest.raises(SopError), opened(Shown(json=True, junit=str(tmp_path / "run.xml"))) as report:
        report.note("prod: all is well")
    assert "preflight" in (tmp_path / "run.xml").read_text()


@pytest.mark.parametrize("shown", [Shown(json=True), Shown()], ids=["--json", "for people"])
def test_a_reader_that_has_gone_is_no_failure(shown: Shown, left: IO[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", left)
    with opened(shown) as report:
        report.note("prod: all is well")


@pytest.mark.parametrize("shown", [Shown(json=True), Shown()], ids=["--json", "for people"])
def test_a_stdout_that_was_closed_is_no_failure(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with opened(shown) as report:
        report.note("prod: all is well")
