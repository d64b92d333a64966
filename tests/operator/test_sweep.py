"""N6: the client is killed at every boundary of a run and at random moments; resume reaches the end all the same.

A dozen kills and three rounds of two operators at once here, one of them on the lab in CI; `tox -e soak` (SOAK=1)
does every boundary, a hundred random moments and fifty rounds.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tasks.inventory.model import Host, HostSet
from tasks.journal.coding import read
from tasks.sop import model, workflows
from tasks.sop.nvr import parse

from .conftest import ONE, TWO, Fleet, two_sets

SOAK = bool(os.environ.get("SOAK"))
SEED = 20201124
MAJOR, MINOR = "prod major-upgrade --yes", "prod minor-upgrade --yes"
LONGEST = 1.0  # seconds after a line of the journal: longer than most steps take, so that their middle is hit
REST = pytest.mark.sandbox_only("one of each is enough where each takes half a minute")
ENDS = {
    MAJOR: {
        "runs": [("blockerbugs-1.1.0-1.el7", "1.1.0")] * 2,
        "cron": [True, False],
        "locked": [False, False],
        "database": ("2b7f3", 1, 1),
    },
    MINOR: {
        "runs": [("blockerbugs-1.0.1-1.el7", "1.0.1")] * 2,
        "cron": [True, False],
        "locked": [False, False],
        "database": ("1a0c9", 0, 0),
    },
}


Boundary = tuple[str, int | None]  # an event of the journal, and the number of the phase it is about


def boundaries(workflow: model.Workflow) -> list[Boundary]:
    """Every line of the journal that a run of this workflow is sure to write."""
    hosts = tuple(Host(name=name) for name in (ONE, TWO))
    prod = HostSet(name="prod", hosts=hosts, sync_host=ONE)
    phases = workflow(model.Job(prod, hosts, parse("blockerbugs-1.1.0-1.el7")))
    each = [(event, number) for number in range(1, len(phases) + 1) for event in ("phase", "ended")]
    return [("begin", None), *each, ("watched", None), ("end", None)]


BOUNDARIES = [
    (line, at) for line, flow in ((MAJOR, workflows.major), (MINOR, workflows.minor)) for at in boundaries(flow)
]


def some(number: int) -> list[tuple[str, Boundary]]:
    """So many boundaries of each upgrade."""
    dice = random.Random(SEED)
    each = [dice.sample([case for case in BOUNDARIES if case[0] == line], number) for line in (MAJOR, MINOR)]
    return BOUNDARIES if SOAK else [case for cases in each for case in cases]


def few_on_the_lab(cases: Sequence[tuple[object, ...]], in_ci: str = "") -> list[object]:
    """The first of each upgrade on whatever fleet there is, CI's lab too if that is `in_ci`; all on the sandbox."""
    chosen = {case[0]: case for case in reversed(cases)}
    marks = {case: [pytest.mark.smoke] if line == in_ci else [] for line, case in chosen.items()}
    return [pytest.param(*case, marks=marks.get(case, [REST])) for case in cases]


def name(value: object) -> str:
    """How a case is called: `major-upgrade-ended-4`, `minor-upgrade-3.21`."""
    if isinstance(value, str):
        return value.split()[1]
    return "-".join(str(part) for part in value if part is not None) if isinstance(value, tuple) else str(value)


def moments(number: int) -> list[tuple[str, Boundary | None, float]]:
    """Some time after some line of the journal, or after the start: whatever pace the machine has, all of it is hit."""
    dice = random.Random(SEED)
    starts = [*BOUNDARIES, (MAJOR, None), (MINOR, None)]
    return [(*dice.choice(starts), round(dice.uniform(0, LONGEST), 2)) for _ in range(100 if SOAK else number)]


def verified(line: str) -> str:
    """What stg runs, so that prod may have it."""
    return "1.1.0" if line == MAJOR else "1.0.1"


def reached(tmp_path: Path, boundary: Boundary) -> bool:
    """Is this line in the journal of the one who is to die?"""
    journal = tmp_path / "state/blockerbugs-upgrade/journal.jsonl"
    events = read(journal.read_text().splitlines()) if journal.exists() else []
    return any((event.raw["event"], event.raw.get("number")) == boundary for event in events)


def goes_on(fleet: Fleet, line: str) -> None:
    """Another operator, on another machine, resumes; where no run had begun yet, the upgrade is typed again."""
    ended = fleet.types("prod resume --yes")
    assert ended.code == 0, ended.said
    if "nothing to resume" in ended.out:
        ended = fleet.types(line)
        assert ended.code == 0, ended.said
    assert fleet.at_rest("prod") == ENDS[line], ended.said


def never_both_down(fleet: Fleet) -> bool:
    """Whether no two nodes were restarted at the same time."""
    restarts = {
        host: [t for t, where, _ in fleet.moments("service", "restart") if where == host] for host in (ONE, TWO)
    }
    return max(restarts[ONE]) < min(restarts[TWO]) or max(restarts[TWO]) < min(restarts[ONE])


@pytest.mark.parametrize(("line", "boundary"), few_on_the_lab(some(3), in_ci=MAJOR), ids=name)
def test_n6_killed_at_a_boundary_and_resumed_a_run_ends_like_an_unbroken_one(
    tmp_path: Path, line: str, boundary: Boundary
) -> None:
    with two_sets(tmp_path, stg_runs=verified(line), patient=True) as fleet:
        fleet.dies_when(line, lambda: reached(tmp_path, boundary))
        goes_on(fleet, line)
        assert line == MAJOR or never_both_down(fleet)


@pytest.mark.parametrize(("line", "after", "seconds"), few_on_the_lab(moments(6)), ids=name)
def test_n6_killed_at_any_moment_and_resumed_a_run_ends_like_an_unbroken_one(
    tmp_path: Path, line: str, after: Boundary | None, seconds: float
) -> None:
    with two_sets(tmp_path, stg_runs=verified(line), patient=True) as fleet:
        fleet.dies_when(line, lambda: after is None or reached(tmp_path, after), seconds)
        goes_on(fleet, line)
        assert line == MAJOR or never_both_down(fleet)


@pytest.mark.parametrize("number", [0, *(pytest.param(n, marks=REST) for n in range(1, 50 if SOAK else 3))])
def test_o1_of_two_operators_in_the_same_instant_exactly_one_runs(tmp_path: Path, number: int) -> None:
    with two_sets(tmp_path, stg_runs="1.1.0", patient=True) as fleet:
        both = [fleet.begins(MAJOR, state) for state in ("alice", "bob")]
        said = ["".join(client.communicate()) for client in both]
        codes = sorted(client.returncode for client in both)
        # The other is locked out, or finds yum held by the first one's look, or comes when all is done.
        refused = codes == [0, 3] or (codes == [0, 75] and any("not now, nothing was changed" in text for text in said))
        assert refused or (codes == [0, 0] and any("nothing to do" in text for text in said)), said
        assert fleet.at_rest("prod") == ENDS[MAJOR]
