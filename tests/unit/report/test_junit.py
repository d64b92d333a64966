"""What CI reads after a run, with the library that others read such files with."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase

from tasks.errors import Refused, SopError
from tasks.fleet.outcome import Outcome
from tasks.report.junit import LAST_LINES, JUnit
from tasks.run.state import Run
from tests.unit.builders import ONE, TWO
from tests.unit.report.values import ended, planned


def read(path: Path, run: Run | None, error: BaseException | None = None) -> dict[tuple[str, str], TestCase]:
    """(step, host) → its test case, as the file has it after this run."""
    report = JUnit(path)
    report.plan(planned("major-upgrade"))
    if run:
        report.recap(run)
    report.close(error)
    (suite,) = JUnitXml.fromfile(str(path))
    assert suite.name == "prod major-upgrade"
    return {(case.name, case.classname): case for case in suite}


def test_a_run_that_went_well_has_a_passed_case_for_each_step_and_host(tmp_path: Path) -> None:
    run = ended(planned("major-upgrade"))
    cases = read(tmp_path / "run.xml", run)
    assert list(cases) == [(phase.step.name, host.name) for phase in run.plan.phases for host in phase.hosts]
    assert all(case.is_passed for case in cases.values())
    assert cases["download", ONE.name].time == 1.0


def test_a_failed_step_is_a_failure_with_its_last_lines_and_what_was_not_reached_is_skipped(
    tmp_path: Path,
) -> None:
    run = ended(planned("major-upgrade"), "exit status 1: no space")
    phase, results = run.outcomes[-1]
    said = "\n".join(f"line {number}" for number in range(200))
    run.outcomes[-1] = (phase, {ONE: Outcome(said, 2.5, results[ONE].failure), TWO: Outcome("", 1.0)})
    cases = read(tmp_path / "run.xml", run, Refused("prod stopped"))
    (failure,) = cases["stop-httpd", ONE.name].result
    assert isinstance(failure, Failure)
    assert failure.message == "exit status 1: no space"
    assert (failure.text or "").splitlines() == said.splitlines()[-LAST_LINES:]
    assert cases["stop-httpd", TWO.name].is_passed
    for step, host in (("yum-update", ONE), ("yum-update", TWO), ("upgrade-db", ONE), ("resume-cron", ONE)):
        (skipped,) = cases[step, host.name].result
        assert isinstance(skipped, Skipped)
        assert skipped.message == "not reached"
    assert ("upgrade-db", TWO.name) not in cases


def test_the_counts_are_the_run_s(tmp_path: Path) -> None:
    read(tmp_path / "run.xml", ended(planned("major-upgrade"), "exit status 1"))
    (suite,) = JUnitXml.fromfile(str(tmp_path / "run.xml"))
    assert (suite.failures, suite.errors, suite.skipped) == (1, 0, 14)


def test_a_step_of_which_nobody_knows_is_an_error(tmp_path: Path) -> None:
    run = ended(planned("major-upgrade"), "exit status 1")
    run.outcomes[-1] = (run.outcomes[-1][0], {ONE: Outcome("", 9.0, "the connection was lost", known=False)})
    (error,) = read(tmp_path / "run.xml", run)["stop-httpd", ONE.name].result
    assert isinstance(error, Error)


def test_a_run_that_was_refused_is_one_case_in_error(tmp_path: Path) -> None:
    ((key, case),) = read(tmp_path / "run.xml", None, Refused("prod01: disk full")).items()
    assert key == ("preflight", "prod major-upgrade")
    (error,) = case.result
    assert isinstance(error, Error)
    assert "prod01: disk full" in (error.message or "")


def test_a_run_with_nothing_to_do_is_one_case_that_passed(tmp_path: Path) -> None:
    (case,) = read(tmp_path / "run.xml", None).values()
    assert case.is_passed


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_begun(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be written"):
        JUnit(tmp_path / "nowhere" / "run.xml")


def test_w4_a_file_that_went_away_is_a_failure(tmp_path: Path) -> None:
    report = JUnit(tmp_path / "run.xml")
    (tmp_path / "run.xml").unlink()
    (tmp_path / "run.xml").mkdir()
    with pytest.raises(SopError, match="could not be written: Is a directory"):
        report.close(None)
    assert stat.S_ISDIR((tmp_path / "run.xml").stat().st_mode)
