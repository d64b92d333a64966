"""What yum would change for prod beside what it has changed on stg."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tasks.journal.events import VERSION
from tasks.run.compared import reasons, unknown, unlike
from tasks.run.decide import Plan, decide
from tasks.run.which_build import signed
from tasks.sop.transaction import Change, Transaction
from tests.unit.builders import NEW, ONE, TWO, found, prod, request, stg, well

STG, PROD = stg(), prod(after="stg")
OWN = Change("blockerbugs", NEW.vr, "noarch", "update")
LIBRARY = Change("libbugs", "2.0-1", "noarch", "update")
OTHER = Change("libbugs", "2.1-1", "noarch", "update")
GONE = Change("oldlib", "1-1", "noarch", "remove")


def ran(*changes: Change, target: str = str(NEW), name: str = "stg", run: str = "0123abcd") -> str:
    rows = [{"does": c.does, "name": c.name, "evr": c.evr, "arch": c.arch} for c in changes]
    event = {"event": "transaction", "run": run, "set": name, "target": target, "changes": rows}
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
    assert unknown(different, STG, has) == []
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


@pytest.mark.parametrize("did", ["install", "downgrade", "reinstall"])
def test_the_same_package_is_the_same_whatever_was_there_before(did: str) -> None:
    assert why(plan(LIBRARY, journal=(ran(OWN, replace(LIBRARY, does=did)),)), of_prod="1.9-1") == []


def test_a_package_that_is_removed_on_both_need_not_have_been_the_same_version() -> None:
    assert why(plan(replace(GONE, evr="0.9-1"), journal=(ran(OWN, GONE),))) == []


def test_a_package_that_is_removed_here_and_installed_there_is_told_both_ways() -> None:
    planned = plan(replace(LIBRARY, does="remove"), journal=(ran(OWN, LIBRARY),))
    assert len(why(planned, of_prod="1.9-1", of_stg="2.0-1")) == 2


def test_v7_only_the_newest_run_of_the_build_counts() -> None:
    journal = (ran(OWN, OTHER, run="bbbbbbbb"), ran(OWN, LIBRARY, run="aaaaaaaa"))
    assert why(plan(OTHER, journal=journal), of_prod="1.9-1", of_stg="2.1-1") == []
    assert "(run bbbbbbbb)" in why(plan(journal=journal), of_prod="1.9-1")[0]


def test_v7_a_host_that_does_not_say_what_it_has_is_not_taken_for_one_that_has_nothing() -> None:
    different = unlike(plan(GONE, OTHER, journal=(ran(OWN, LIBRARY),)), STG, (ONE,))
    assert different
    assert reasons(different, STG, NEW, {}) == []
    assert unknown(different, STG, {}) == [
        "blockerbugs01.stg: whether what stg runs is there too is not known: libbugs, oldlib",
        "blockerbugs01: whether what stg runs is there too is not known: libbugs",
    ]


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
