"""How a run ended, by value: what became of its steps comes in, what the operator is told comes out."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tasks.errors import HalfWay, Interrupted, Locked, Refused, SopError, TakenOver
from tasks.fleet import detached
from tasks.fleet.outcome import Outcome
from tasks.inventory.model import Backup, Host
from tasks.journal.coding import read
from tasks.run.ending import ending, saved, what_is_down
from tasks.run.state import Run
from tasks.sop.model import Facts
from tests.unit.builders import NEW, OLD, ONE, TWO, prod, well

from .runs import AFTER, FAILED, NOT_KNOWN, WENT_WELL, a_plan, run_of

LOCK = json.dumps({"run": "0a1b2c3d", "operator": "bob@desk", "since": "2026-11-26T05:00:00+00:00", "doing": "sync"})
LOCKED = Outcome(f"some words\n{LOCK}\n", 1.0, "another run holds the set", exited=detached.HELD)
DUMP = Backup(command="pg_dump", file="/var/tmp/dump")


def end(run: Run) -> SopError:
    error = ending(run)
    assert error
    return error


def told(run: Run) -> tuple[type[SopError], tuple[str, ...]]:
    error = end(run)
    return type(error), error.problems


# All was done


@pytest.mark.parametrize("procedure", ["minor-upgrade", "major-upgrade", "restart-httpd"])
def test_a_run_after_which_the_world_is_as_promised_ended_well(procedure: str) -> None:
    plan = a_plan(procedure)
    assert ending(run_of(plan, "", FAILED, well(plan.target or OLD))) is None


def test_a_host_that_does_not_answer_after_the_last_step_is_no_good_end() -> None:
    run = run_of(a_plan("minor-upgrade"), "", FAILED, well(NEW))
    del run.afterwards[TWO]
    assert told(run) == (HalfWay, ("blockerbugs02: does not answer any more",))
    assert end(run).next_line == "fab prod status"


def test_a_host_that_has_another_build_after_the_last_step_is_no_good_end() -> None:
    run = run_of(a_plan("minor-upgrade"), "", FAILED, well(NEW), well(OLD))
    assert told(run) == (HalfWay, ("blockerbugs02: has blockerbugs-1.0.0-1.el7, not blockerbugs-1.1.0-1.el7",))


def test_a_host_that_is_ill_after_it_was_seen_to_serve_is_no_good_end() -> None:
    run = run_of(a_plan("restart-httpd"), "", FAILED, well(), well(answers=503))
    assert told(run) == (HalfWay, ("blockerbugs02: is not healthy any more",))


def test_a_host_that_nobody_was_to_see_serve_may_be_down_in_the_end() -> None:
    assert ending(run_of(a_plan("stop-httpd"), "", FAILED, well(service="inactive", answers=None))) is None


def test_a_host_that_serves_nobody_need_not_answer() -> None:
    syncs = Host(name="blockerbugs03.iad2.example", aliases=("blockerbugs03",), serves=False)
    plan = a_plan("minor-upgrade", host_set=prod(hosts=(ONE, TWO, syncs), schema_status="alembic current"))
    run = run_of(plan, "", FAILED, well(NEW), well(NEW), well(NEW, service="inactive", answers=None))
    assert ending(run) is None


def test_only_the_hosts_that_the_run_was_for_are_looked_at_in_the_end() -> None:
    plan = a_plan("minor-upgrade", hosts=[ONE])
    assert ending(run_of(plan, "", FAILED, well(NEW), well(OLD, answers=503))) is None


@pytest.mark.parametrize(
    "afterwards",
    [
        pytest.param(well(NEW, cron=False), id="its file is not there"),
        pytest.param(well(NEW, cron=True, paused="0123abcd"), id="it is still paused"),
    ],
)
def test_c3_cron_that_a_run_has_paused_and_that_is_not_back_is_no_good_end(afterwards: Facts) -> None:
    run = run_of(a_plan(), "", FAILED, well(NEW))
    run.afterwards[ONE] = afterwards
    assert told(run) == (HalfWay, ("blockerbugs01: cron's sync is not back in /etc/cron.d/blockerbugs",))


def test_c3_cron_that_was_never_there_need_not_come_back() -> None:
    run = run_of(a_plan(), "", FAILED, well(NEW))
    run.plan = replace(run.plan, facts={host: replace(facts, cron=False) for host, facts in run.plan.facts.items()})
    run.afterwards[ONE] = well(NEW, cron=False)
    assert ending(run) is None


def test_c3_cron_that_an_earlier_run_had_paused_has_to_be_back() -> None:
    run = run_of(a_plan(), "", FAILED, well(NEW))
    facts = run.plan.facts
    run.plan = replace(run.plan, facts={**facts, ONE: replace(facts[ONE], cron=False, paused="beefbeef")})
    run.afterwards[ONE] = well(NEW, cron=False)
    assert told(run)[1] == ("blockerbugs01: cron's sync is not back in /etc/cron.d/blockerbugs",)


def test_c3_cron_that_is_away_is_nothing_to_a_run_that_did_not_pause_it() -> None:
    run = run_of(a_plan("minor-upgrade"), "", FAILED, well(NEW))
    run.afterwards[ONE] = well(NEW, cron=False)
    assert ending(run) is None


def test_c3_of_a_sync_host_that_is_lost_only_that_is_said() -> None:
    run = run_of(a_plan(), "", FAILED, well(NEW))
    del run.afterwards[ONE]
    assert told(run)[1] == ("blockerbugs01: does not answer any more",)


# Something failed


def test_a_run_that_stopped_half_way_says_why_what_is_down_and_whom_to_call() -> None:
    run = run_of(a_plan(host_set=prod(owner="ops", contact="#ops on IRC", schema_status="x")), "upgrade-db")
    assert told(run) == (
        HalfWay,
        (
            "blockerbugs01: upgrade-db: exit status 1",
            "httpd is not running on blockerbugs01, blockerbugs02",
            "if it needs a person: ops, #ops on IRC",
        ),
    )
    assert (end(run).next_line or "").startswith("fab prod resume  ")


def test_every_host_that_failed_is_named_and_so_is_one_that_is_lost() -> None:
    run = run_of(a_plan(), "yum-update")
    del run.afterwards[TWO]
    assert told(run)[1][:4] == (
        "blockerbugs01: yum-update: exit status 1",
        "blockerbugs02: yum-update: exit status 1",
        "blockerbugs02: cannot be reached any more, its state is not known",
        "httpd is not running on blockerbugs01",
    )


def test_several_hosts_that_are_lost_are_named_in_one_line() -> None:
    run = run_of(a_plan(), "yum-update")
    run.afterwards, run.looked = {}, True
    assert "blockerbugs01, blockerbugs02: cannot be reached any more, its state is not known" in told(run)[1]


def test_a_failure_before_anything_was_changed_says_that_nothing_was_begun() -> None:
    run = run_of(a_plan(), "download", {TWO: FAILED}, well())
    assert told(run) == (
        SopError,
        ("blockerbugs02: download: exit status 1", "no step that changes prod was begun"),
    )
    assert end(run).next_line == "fab prod major-upgrade --version 1.1.0-1.el7"


def test_V4_a_build_with_a_migration_is_refused_with_the_procedure_that_is_made_for_it() -> None:
    run = run_of(a_plan("minor-upgrade"), "no-migration", {ONE: FAILED}, well())
    assert told(run) == (Refused, ("blockerbugs01: no-migration: exit status 1",))
    assert end(run).next_line == "fab prod major-upgrade --version 1.1.0-1.el7"


def test_a_run_that_was_left_between_two_steps_was_interrupted_after_the_last() -> None:
    run = run_of(a_plan(), "yum-update", WENT_WELL)
    kind, problems = told(run)
    assert (kind, problems) == (
        Interrupted,
        ("after yum-update", "httpd is not running on blockerbugs01, blockerbugs02"),
    )
    assert (end(run).next_line or "").startswith("fab prod resume  ")


# Another run has a host


def test_o1_a_host_that_another_run_has_locked_is_named_with_that_run() -> None:
    run = run_of(a_plan("minor-upgrade"), "download", {TWO: LOCKED}, well())
    kind, (problem,) = told(run)
    assert kind is Locked
    assert problem.startswith("blockerbugs02: download: another run has locked this host: bob@desk, since ")
    assert problem.endswith(": sync, run 0a1b2c3d")
    assert end(run).next_line == "fab prod status"


def test_o1_a_lock_that_cannot_be_read_is_told_by_what_the_host_said() -> None:
    run = run_of(a_plan("minor-upgrade"), "download", {TWO: replace(LOCKED, output="")}, well())
    assert told(run) == (Locked, ("blockerbugs02: download: another run holds the set",))


def test_o1_a_run_that_was_half_way_when_the_sync_host_was_locked_has_nothing_to_resume() -> None:
    run = run_of(a_plan(), "upgrade-db", {ONE: LOCKED})
    assert (told(run)[0], end(run).next_line) == (HalfWay, "fab prod status")


def test_o1_a_run_that_was_half_way_when_another_host_was_locked_can_be_resumed() -> None:
    run = run_of(a_plan(), "yum-update", {TWO: LOCKED})
    assert told(run)[0] is HalfWay
    assert (end(run).next_line or "").startswith("fab prod resume  ")


def test_s13_a_gate_that_refuses_the_next_host_of_a_resumed_run_is_no_refusal_and_keeps_the_lock() -> None:
    run = run_of(a_plan("minor-upgrade"), "no-migration", {TWO: FAILED})
    assert (told(run)[0], run.half_way) == (Refused, False)
    run.touched = True
    assert (told(run)[0], run.half_way) == (HalfWay, True)
    assert (end(run).next_line or "").startswith("fab prod resume  ")


def test_only_what_a_lock_ends_is_read_as_one() -> None:
    run = run_of(a_plan(), "upgrade-db", {ONE: Outcome(LOCK, 1.0, "exit status 1", exited=1)})
    assert told(run)[1][0] == "blockerbugs01: upgrade-db: exit status 1"


def test_o2_who_is_taken_over_before_anything_was_done_late_is_told_by_whom() -> None:
    taken = Outcome("words\nbob@desk (0a1b2c3d)", 0.1, "taken over", exited=detached.TAKEN_OVER)
    run = run_of(a_plan(), "upgrade-db", {ONE: taken})
    assert told(run) == (TakenOver, ("prod: bob@desk took over run 0123abcd and will resume or abort it",))


def test_o2_what_was_done_late_is_told_with_its_hosts() -> None:
    taken = Outcome("bob@desk (0a1b2c3d)", 0.1, "taken over", exited=detached.TAKEN_OVER)
    three = Host(name="blockerbugs03.iad2.example", aliases=("blockerbugs03",))
    plan = a_plan(host_set=prod(hosts=(ONE, TWO, three), schema_status="x"))
    run = run_of(plan, "stop-httpd", {ONE: taken})
    assert told(run)[1][1:] == (
        "stop-httpd was done on blockerbugs02, blockerbugs03",
        "httpd is not running on blockerbugs01, blockerbugs02, blockerbugs03",
    )


# What is told besides


def test_of_httpd_that_runs_everywhere_nothing_is_told() -> None:
    assert what_is_down(run_of(a_plan("minor-upgrade"), "healthy", FAILED, well(NEW, answers=503))) == []


def test_c3_cron_that_a_failed_step_has_left_paused_is_told_with_what_lets_it_sync_again() -> None:
    facts = well(service="inactive", paused="0123abcd")
    run = run_of(a_plan("upgrade-db", well(service="inactive")), "upgrade-db", FAILED, facts)
    sentence = (
        "blockerbugs01: cron's sync is paused: fab prod abort lets it sync again, and so does an upgrade-db that "
        "succeeds"
    )
    assert sentence in told(run)[1]
    run.afterwards[ONE] = replace(run.afterwards[ONE], paused=None)
    assert sentence not in told(run)[1]
    del run.afterwards[ONE]
    assert sentence not in told(run)[1]


def test_c3_a_run_that_can_be_resumed_need_not_say_that_cron_is_paused() -> None:
    run = run_of(a_plan(), "upgrade-db", FAILED, replace(AFTER, paused="0123abcd"))
    assert not any("cron" in problem for problem in told(run)[1])


def backed_up(failing: str, how: Outcome = FAILED) -> Run:
    return run_of(a_plan(host_set=prod(backup=DUMP, schema_status="x")), failing, how)


def test_where_the_database_was_saved_to_is_told() -> None:
    assert saved(backed_up("upgrade-db")) == ["the database as it was before is in /var/tmp/dump on blockerbugs01"]
    assert "the database as it was before is in /var/tmp/dump on blockerbugs01" in told(backed_up("upgrade-db"))[1]


def test_the_size_of_the_last_backup_is_told_where_it_is_known() -> None:
    run = backed_up("upgrade-db")
    sizes = [{"event": "backup", "size": size} for size in (1, 2, 4096)]
    run.journal.entries += read(map(json.dumps, [{"event": "resume"}, *sizes, {"event": "phase"}]))
    assert saved(run) == ["the database as it was before is in /var/tmp/dump on blockerbugs01, 4096 bytes"]
    run.journal.entries += read([json.dumps({"event": "backup", "size": 0})])
    assert saved(run) == ["the database as it was before is in /var/tmp/dump on blockerbugs01"]


def test_a_backup_that_failed_or_was_not_wanted_saved_nothing() -> None:
    assert saved(backed_up("backup")) == []
    assert saved(backed_up("backup", NOT_KNOWN)) == []
    assert saved(run_of(a_plan(), "upgrade-db")) == []
