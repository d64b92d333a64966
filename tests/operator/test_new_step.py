"""A step that somebody adds to the SOP, in real runs: nobody has to think of the rest (CONTRIBUTING.md says where it
is added). It is added in this file's own `fab`, not in the product.
"""

from __future__ import annotations

import json
import shlex

import pytest

from tests.warmed import start_fab

from .conftest import HOSTS, ONE, TWO, Ended, Fleet
from .fleets import PATIENCE_SECONDS, UNBROKEN_MAJOR, agreed, printed

# `fab`, with one more step before httpd is started; it fails while the host is cold.
LONGER = """
import sys
from dataclasses import replace
from tasks import entry, steps
from tasks.flags import SHOWING, task
from tasks.sop import workflows
from tasks.sop.model import Phase, Procedure, Step

def step(job):
    return Step("warm-cache", "fill the cache", "test ! -e cold && echo it is warm | tee -a warm", seconds=60)

def phases(job):
    made = workflows.major(job)
    at = [phase.step.name for phase in made].index("start-httpd")
    return [*made[:at], Phase(step(job), job.sync, 1), *made[at:]]

alone = Procedure("warm-cache", workflows.alone_on_the_sync_host(step), once=True)
workflows.PROCEDURES |= {"warm-cache": alone, "major-upgrade": replace(workflows.MAJOR, phases=phases)}

@task("plan", "yes", *SHOWING)
def warm_cache(context, **typed):
    \"\"\"Fill the cache, once.\"\"\"
    entry.start(context, "warm-cache", **typed)

steps.warm_cache = warm_cache
sys.argv[0] = "fab"
from fabric.main import program
program.run()
"""
pytestmark = pytest.mark.sandbox_only("the step is added in a `fab` of this machine's")


def types(fleet: Fleet, line: str) -> Ended:
    """What happens when somebody who has the longer SOP types `fab LINE`."""
    with start_fab(["-c", LONGER], [*fleet.ssh(), *shlex.split(line)], fleet.environment) as program:
        out, err = program.communicate(None, PATIENCE_SECONDS)
    assert "Traceback" not in out + err, err
    return Ended(program.returncode, fleet.plainly(out), fleet.plainly(err))


def phases(fleet: Fleet) -> dict[str, list[str]]:
    """Step → the hosts on which the journal has that it was begun."""
    lines = (json.loads(line) for line in fleet.journal.read_text().splitlines() if line)
    return {event["step"]: event["hosts"] for event in lines if event["event"] == "phase"}


def warmed(fleet: Fleet) -> list[str]:
    """The hosts on which the step was done, once for each time."""
    folders = {host: fleet.home / "hosts" / host for host in HOSTS}
    said = {host: folder / "warm" for host, folder in folders.items() if (folder / "warm").exists()}
    return [host for host, file in said.items() for _ in file.read_text().splitlines()]


def test_it_is_planned_done_once_on_the_sync_host_shown_and_written_down(stg_runs_110: Fleet) -> None:
    ended = types(stg_runs_110, "prod major-upgrade --yes")
    assert ended.code == 0, ended.said
    assert (stg_runs_110.at_rest("prod"), warmed(stg_runs_110)) == (UNBROKEN_MAJOR, [ONE])
    assert "warm-cache" in ended.out
    assert phases(stg_runs_110)["warm-cache"] == [ONE]
    assert list(phases(stg_runs_110)).index("warm-cache") == list(phases(stg_runs_110)).index("start-httpd") - 1


def test_w1_a_run_that_stopped_there_is_ended_by_the_chain_that_is_typed_by_hand(stg_runs_110: Fleet) -> None:
    cold = stg_runs_110.home / "hosts" / ONE / "cold"
    cold.touch()
    ended = types(stg_runs_110, "prod major-upgrade --yes")
    assert ended.code == 5, ended.said
    resume, abort, *_, by_hand = printed(ended.err)
    assert "warm-cache to resume-cron" in resume
    assert by_hand.startswith("fab prod warm-cache start-httpd")
    assert types(stg_runs_110, agreed(abort)).code == 0
    status = types(stg_runs_110, "prod status")
    assert "fab prod sync warm-cache start-httpd" in status.said
    cold.unlink()
    _, _, *tasks = by_hand.partition("  ")[0].split()
    ended = types(stg_runs_110, " ".join(["prod", *(f"{task} --yes" for task in tasks)]))
    assert ended.code == 0, ended.said
    assert (stg_runs_110.at_rest("prod"), warmed(stg_runs_110)) == (UNBROKEN_MAJOR, [ONE])


def test_a_run_that_stopped_there_is_resumed_there(stg_runs_110: Fleet) -> None:
    cold = stg_runs_110.home / "hosts" / ONE / "cold"
    cold.touch()
    assert types(stg_runs_110, "prod major-upgrade --yes").code == 5
    cold.unlink()
    ended = types(stg_runs_110, "prod resume --yes")
    assert ended.code == 0, ended.said
    assert (stg_runs_110.at_rest("prod"), warmed(stg_runs_110)) == (UNBROKEN_MAJOR, [ONE])
    assert len(stg_runs_110.moments("blockerbugs", "sync")) == 2  # began and ended once: it was not done again


def test_a_run_that_stopped_there_is_refused_by_a_fab_that_does_not_know_the_step(stg_runs_110: Fleet) -> None:
    (stg_runs_110.home / "hosts" / ONE / "cold").touch()
    assert types(stg_runs_110, "prod major-upgrade --yes").code == 5
    ended = stg_runs_110.types("prod resume --yes")
    assert ended.code == 2, ended.said
    assert "the steps in its journal are not those that this version runs" in ended.err


def test_it_is_listed_completed_and_explained(fleet: Fleet) -> None:
    assert "warm-cache" in types(fleet, "--list").out
    assert "warm-cache" in types(fleet, "--complete -- 'fab prod warm'").out.split()
    assert types(fleet, "--help warm-cache").code == 0
    assert "warm-cache" in types(fleet, "prod major-upgrade --version 1.1.0 --unverified new --plan").out
    assert TWO not in warmed(fleet)
