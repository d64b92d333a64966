"""What yum would change for prod beside what it has changed on stg."""

from __future__ import annotations

import json
from dataclasses import replace

from tasks.journal.events import VERSION
from tasks.run.compared import reasons, unlike
from tasks.run.decide import Plan, decide
from tasks.run.which_build import signed
from tasks.sop.transaction import Change, Transaction
from tests.unit.builders import NEW, ONE, TWO, found, prod, request, stg, well

STG, PROD = stg(), prod(after="stg")
OWN = Change("blockerbugs", NEW.vr, "noarch", "update")
LIBRARY = Change("libbugs", "2.0-1", "noarch", "update")
OTHER = Change("libbugs", "2.1-1", "noarch", "update")
GONE = Change("oldlib", "1-1", "noarch", "remove")


def ran(*changes: Change, target: str = str(NEW), name: str = "stg") -> str:
    rows = [{"does": c.does, "name": c.name, "evr": c.evr, "arch": c.arch} for c in changes]
    event = {"event": "transaction", "run": "0123abcd", "set": name, "target": target, "changes": rows}
    return json.dumps({**event, "hosts": [], "v": VERSION})


def plan(*would: Change, journal: tuple[str, ...] = (ran(OWN),)) -> Plan:
    facts = found(PROD, well(would=Transaction(tuple(sorted((OWN, *would))))))
    facts |= {STG.sync: well(NEW, ran=journal)}
    return decide(request("minor-upgrade", PROD), facts, STG)


def why(planned: Plan, of_prod: str = "", of_stg: str = "") -> list[str]:
    different = unlike(planned, STG, planned.hosts)
    assert different
    has = {host: frozenset({("libbugs", of_prod)}) if of_prod else frozenset() for host in (ONE, TWO)}
    has |= {STG.sync: frozenset({("libbugs", of_stg)}) if of_stg else frozenset()}
    return [reason.text.partition(": --unverified")[0] for reason in reasons(different, STG, NEW, has)]


def test_the_same_packages_are_no_reason() -> None:
    assert why(plan()) == []
    assert why(plan(LIBRARY, journal=(ran(OWN, LIBRARY),))) == []


def test_v7_a_package_that_comes_along_here_only_is_a_reason_unless_stg_has_it_already() -> None:
    both = "blockerbugs01, blockerbugs02: yum would update libbugs 2.0-1, which stg does not have"
    assert why(plan(LIBRARY)) == [both]
    assert why(plan(LIBRARY), of_stg="1.9-1") == [both]
    assert why(plan(LIBRARY), of_stg="2.0-1") == []


def test_v7_a_package_that_came_along_there_only_is_a_reason_unless_it_is_here_already() -> None:
    planned = plan(journal=(ran(OWN, LIBRARY),))
    told = (
        f"blockerbugs01, blockerbugs02: yum would not update libbugs 2.0-1, as it did on stg for {NEW} (run 0123abcd)"
    )
    assert why(planned) == [told]
    assert why(planned, of_prod="2.0-1") == []


def test_another_version_of_the_same_package_is_told_both_ways() -> None:
    assert len(why(plan(OTHER, journal=(ran(OWN, LIBRARY),)), of_stg="2.0-1")) == 2


def test_a_package_that_is_removed_here_only_is_a_reason_while_stg_has_it() -> None:
    different = unlike(plan(GONE), STG, (ONE,))
    assert different
    there = {STG.sync: frozenset({("oldlib", "1-1")})}
    assert [reason.text[:41] for reason in reasons(different, STG, NEW, there)] == [
        "blockerbugs01: yum would remove oldlib 1-"
    ]
    assert reasons(different, STG, NEW, {STG.sync: frozenset()}) == []


def test_what_another_run_or_another_set_has_changed_is_no_record_of_this_build() -> None:
    for journal in ((), ("{",), (ran(OWN, target="blockerbugs-1.0.0-1.el7"),), (ran(OWN, name="qa"),)):
        planned = plan(journal=journal)
        assert unlike(planned, STG, planned.hosts) is None


def test_a_host_whose_transaction_is_not_known_is_not_compared() -> None:
    planned = plan(LIBRARY)
    facts = {**planned.facts, TWO: replace(planned.facts[TWO], would=None)}
    different = unlike(replace(planned, facts=facts), STG, (ONE, TWO))
    assert different
    assert list(different.new) == [ONE]


def test_v6_hosts_of_stg_that_have_different_builds_of_one_name_are_a_reason() -> None:
    two = prod(name="stg")
    words, why = signed(two, found(two, well(NEW, signed=("KEY:a",)), well(NEW, signed=("KEY:b",))))
    assert words == ()
    assert why[0].text.startswith("stg: its hosts have different builds of the same name")
    assert signed(two, found(two, well(NEW, signed=("KEY:a",)))) == (("KEY:a",), [])
    assert signed(None, {}) == ((), [])
