"""What is typed beside a run, and after one whose sync host is lost; how lines to type stand."""

from __future__ import annotations

import pytest

from tasks.inventory.model import Host
from tasks.journal.events import BAD, Judged
from tasks.lines import Line, below
from tasks.run.advice import beside_a_run
from tests.unit.builders import ONE, TWO, prod

from .runs import NOT_KNOWN, a_plan, run_of
from .test_advice import ways

# The sync host is lost


def test_o4_without_the_sync_host_an_upgrade_is_forgotten_everywhere_or_waited_for() -> None:
    three = Host(name="blockerbugs03.iad2.example", aliases=("blockerbugs03",))
    run = run_of(a_plan(host_set=prod(hosts=(ONE, TWO, three), schema_status="x")), "upgrade-db")
    del run.afterwards[ONE]
    ended = "sudo touch /var/lib/blockerbugs-upgrade/0123abcd/ended only if blockerbugs01 is permanently gone"
    assert ways(run) == [
        f"next: ssh -t {TWO.name} {ended}",
        f"then: ssh -t {three.name} {ended}",
        "then: fab prod major-upgrade --version 1.1.0-1.el7 after you set sync_host: blockerbugs02 and remove "
        "blockerbugs01 in hosts.yml",
        "or: fab prod resume when blockerbugs01 is back",
    ]


def test_o4_without_the_sync_host_a_step_by_itself_waits_for_it() -> None:
    run = run_of(a_plan("stop-httpd"), "stop-httpd", NOT_KNOWN)
    del run.afterwards[ONE]
    assert ways(run) == ["next: fab prod resume when blockerbugs01 is back"]


def test_where_no_host_can_be_looked_at_resume_and_abort_are_told_all_the_same() -> None:
    run = run_of(a_plan(), "upgrade-db")
    run.afterwards, run.looked = {}, True
    assert [line.split()[3] for line in ways(run)[:2]] == ["resume", "abort"]


# Beside a run, and how lines stand


def test_j2_beside_a_run_that_a_bad_verdict_has_stopped_the_way_back_stands_first() -> None:
    verdict = Judged("prod", 4, (ONE.name,), BAD, ("slow",), 20.0, stops=True, back=(), measured=())
    _, abort, resume = beside_a_run(prod(), "bob@desk", False, verdict)
    assert (abort.typed, resume.typed) == ("fab prod abort", "fab prod resume")
    assert resume.does.startswith("in spite of the verdict: ")


@pytest.mark.parametrize(
    ("runs", "resume", "abort"),
    [
        (True, "attaches to the running step; takes over the run", "after the step ends"),
        (False, "takes over the run", "ends it, and frees the set"),
    ],
)
def test_o1_beside_a_run_each_way_out_says_what_it_would_do(runs: bool, resume: str, abort: str) -> None:
    assert beside_a_run(prod(), "bob@desk", runs) == [
        Line("next", "fab prod status", "is it still at work?"),
        Line("or", "fab prod resume", f"{resume}; bob@desk's client starts no further steps"),
        Line("or", "fab prod abort", abort),
    ]


def test_what_a_line_does_stands_behind_the_shells_comment_sign() -> None:
    lines = [Line("next", "fab prod status", "look"), Line("or", "fab prod resume"), Line("then", "fab x", "do")]
    assert below(lines) == "fab prod status  # look\n  or: fab prod resume\nthen: fab x            # do"
    assert below([]) == ""


def test_a_very_long_line_does_not_push_the_others_away() -> None:
    thirty, longer = "x" * 30, "y" * 31
    assert below([Line("next", thirty, "a"), Line("or", "z", "b")]) == f"{thirty}  # a\n  or: {'z':30}  # b"
    assert below([Line("next", longer, "a"), Line("or", "z", "b")]) == f"{longer}  # a\n  or: z  # b"
