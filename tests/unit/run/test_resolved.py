"""The transaction of a plan: what the look has asked for already, and what has to be asked for by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from tasks.fleet.machines import Machines
from tasks.fleet.outcome import Outcome
from tasks.inventory.model import Host
from tasks.run.decide import Plan, decide
from tasks.run.look import Reached
from tasks.run.resolved import resolved
from tasks.sop.nvr import Nvr
from tasks.sop.transaction import Change, Transaction
from tests.unit.builders import NEW, OLD, ONE, TWO, found, prod, request, well

from . import test_compared as compared

SET = prod(minor_version="1.1.0")


def brings(build: Nvr) -> Transaction:
    return Transaction((Change("blockerbugs", build.vr, "noarch", "update"),))


class Hosts:
    """Hosts that say this of a transaction when they are asked; lost is not heard."""

    def __init__(self, says: str = "", lost: str = "") -> None:
        self.says, self.lost = says, lost
        self.asked: dict[str, str] = {}

    def ask(self, scripts: Mapping[Host, str], seconds: float, what: str) -> dict[Host, Outcome]:
        del seconds, what
        self.asked |= {host.short: script for host, script in scripts.items()}
        return {host: Outcome(self.says, 0.1, known=host.short != self.lost) for host in scripts}

    def resolve(self, plan: Plan) -> Plan:
        return resolved(Reached(SET, cast(Machines, self)), plan)


def planned(procedure: str = "minor-upgrade", first: Any = None, **second: Any) -> Plan:
    return decide(request(procedure, SET), found(SET, first or well(would=brings(NEW)), well(**second)))


def test_what_the_look_has_brought_is_not_asked_for_again() -> None:
    hosts = Hosts()
    plan = hosts.resolve(planned(would=brings(NEW)))
    assert (hosts.asked, plan.facts[TWO].would) == ({}, brings(NEW))


def test_a_host_whose_yum_would_bring_another_build_is_asked_for_the_one_that_was_decided_on() -> None:
    hosts = Hosts("would\tUpgrading:\nwould\t blockerbugs noarch 1.1.0-1.el7 infra 1 k\ntouches\tloaded blockerbugs")
    plan = hosts.resolve(planned(would=brings(OLD)))
    assert list(hosts.asked) == ["blockerbugs02"]
    assert "update blockerbugs-1.1.0-1.el7" in hosts.asked["blockerbugs02"]
    assert plan.facts[TWO].would == Transaction(brings(NEW).changes, (("blockerbugs", "loaded"),))


def test_a_rollback_asks_for_a_downgrade() -> None:
    back = well(NEW, previous=OLD, previous_schema="aaa")
    hosts = Hosts()
    hosts.resolve(decide(request("rollback", SET), found(SET, back)))
    assert all("downgrade blockerbugs-1.0.0-1.el7" in script for script in hosts.asked.values())
    assert len(hosts.asked) == 2


def test_what_installs_nothing_asks_for_nothing() -> None:
    hosts = Hosts()
    plan = planned("restart-httpd")
    assert hosts.resolve(plan) == plan
    assert hosts.asked == {}


def test_a_host_that_has_the_build_is_not_asked() -> None:
    hosts = Hosts()
    hosts.resolve(planned(installed=NEW, version="1.0.0"))
    assert hosts.asked == {}


def test_yum_that_does_not_say_what_it_would_change_is_a_warning_with_its_own_words() -> None:
    plan = Hosts("would\tError: Unable to find a match: bugs-library >= 2").resolve(planned(first=well()))
    words = "yum does not say what it would change for blockerbugs-1.1.0-1.el7"
    because = "Error: Unable to find a match: bugs-library >= 2"
    assert plan.warnings[1:] == tuple(f"{host.short}: {words}: {because}" for host in (ONE, TWO))


def test_a_host_that_is_lost_meanwhile_is_a_warning_too() -> None:
    plan = Hosts(lost="blockerbugs02").resolve(planned())
    assert [text.partition(":")[0] for text in plan.warnings[1:]] == ["blockerbugs02"]


def test_rpm_that_does_not_answer_is_not_taken_for_packages_that_are_not_there() -> None:
    known = "is not known: libbugs"
    for says, told in (("", [known]), ("blockerbugs\t0:1.1.0-1.el7\nlibbugs\t(none):2.1-1\n", [])):
        reached = Reached(compared.PROD, cast(Machines, Hosts(says)))
        plan = resolved(reached, compared.plan(compared.OTHER), compared.STG)
        assert [text[-len(known) :] for text in plan.warnings if known in text] == told
