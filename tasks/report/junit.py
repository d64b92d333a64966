"""For CI: JUnit XML, a suite for the run and a test case for each host and step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from ..errors import Refused, SopError
from ..run.observer import Report

if TYPE_CHECKING:
    from ..fleet.outcome import Outcome
    from ..run.decide import Plan
    from ..run.state import Run

LAST_LINES = 50  # of a step that failed


class JUnit(Report):
    """Writes `path` when the run has ended.

    Raises Refused, before anything is begun, if the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._suite = TestSuite("run")
        try:
            path.open("a").close()
        except OSError as error:
            raise Refused(f"--junit {path} cannot be written: {error.strerror}") from None

    def plan(self, plan: Plan) -> None:
        self._suite.name = f"{plan.request.host_set.name} {plan.request.procedure.name}"

    def recap(self, run: Run) -> None:
        self._suite.add_testcases(list(_cases(run)))

    def close(self, error: BaseException | None) -> None:
        """A run that came to no recap is one test case: passed with nothing to do, in error where it was refused."""
        if not len(self._suite):
            case = TestCase("preflight", self._suite.name)
            if error is not None:
                case.result = [Error(str(error) or type(error).__name__)]
            self._suite.add_testcase(case)
        xml = JUnitXml("blockerbugs-upgrade")
        xml.add_testsuite(self._suite)
        try:
            xml.write(str(self._path), pretty=True)
        except OSError as problem:
            raise SopError(f"--junit {self._path} could not be written: {problem.strerror}") from None


def _cases(run: Run) -> Iterator[TestCase]:
    for phase, results in run.outcomes:
        for host, outcome in results.items():
            case = TestCase(phase.step.name, host.name, round(outcome.seconds, 3))
            if outcome.failure:
                case.result = [_what_went_wrong(outcome)]
            yield case
    for host in run.plan.hosts:
        for step in run.missing_on(host):
            case = TestCase(step, host.name)
            case.result = [Skipped("not reached")]
            yield case


def _what_went_wrong(outcome: Outcome) -> Failure | Error:
    found: Failure | Error = (Failure if outcome.known else Error)(outcome.failure)
    found.text = "\n".join(outcome.output.splitlines()[-LAST_LINES:])
    return found
