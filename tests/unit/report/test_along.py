"""What yum changes beside the build, in sentences: hosts that are alike once, and only so much of it."""

from __future__ import annotations

from tasks.report import along
from tasks.run.decide import Plan, decide
from tasks.sop.transaction import Change, Transaction
from tests.unit.builders import NEW, ONE, TWO, found, prod, request, well

OWN = Change("blockerbugs", NEW.vr, "noarch", "update")
LIBRARY = Change("libbugs", "2.0-1.el7", "x86_64", "update")


def plan(*of_hosts: Transaction | None) -> Plan:
    host_set = prod()
    return decide(request("minor-upgrade", host_set), found(host_set, *(well(would=one) for one in of_hosts)))


def test_hosts_that_are_alike_are_told_once() -> None:
    assert list(along.sentences(plan(Transaction((OWN, LIBRARY))))) == [
        "blockerbugs01, blockerbugs02: yum also changes 1 package:",
        "  update libbugs 2.0-1.el7",
    ]
    assert list(along.sentences(plan(Transaction((OWN,)), Transaction((LIBRARY, OWN))))) == [
        "blockerbugs01: yum changes nothing beside blockerbugs",
        "blockerbugs02: yum also changes 1 package:",
        "  update libbugs 2.0-1.el7",
    ]


def test_what_it_does_to_the_service_stands_behind_it_and_a_word_that_is_not_known_does_not() -> None:
    touches = (("libbugs", "loaded"), ("libbugs", "restarts"), ("libbugs", "rm -rf"))
    (text,) = along.of_host(plan(Transaction((OWN, LIBRARY), touches)), ONE) or ()
    assert text == "update libbugs 2.0-1.el7 (httpd has it loaded, its scripts restart httpd)"


def test_more_than_a_screen_of_it_is_counted() -> None:
    many = tuple(Change(f"lib{number:02}", "1-1", "noarch", "install") for number in range(25))
    told = list(along.sentences(plan(Transaction((OWN, *many)))))
    assert (len(told), told[-1]) == (22, "  and 5 more; --json names all of them")


def test_nothing_is_said_of_a_host_of_which_it_is_not_known() -> None:
    unknown = plan(None, Transaction((LIBRARY,)))
    assert list(along.sentences(unknown)) == []
    assert [along.of_host(unknown, host) for host in (ONE, TWO)] == [None, None]
