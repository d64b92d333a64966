"""Who is asked for the schema: the set's sync host, and whoever has another build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import pytest

from tasks.fleet.machines import Machines
from tasks.fleet.outcome import Outcome
from tasks.inventory.model import Host
from tasks.run.look import Reached, ask_hosts, look
from tasks.sop.model import Schema
from tests.unit.builders import ONE, TWO, prod, stg

PROD = prod(schema_status="alembic current")


class Hosts:
    """Hosts that have these builds; what each was asked for the schema, they say by their build."""

    unreachable: Mapping[Host, Exception] = {}

    def __init__(self, lost: str = "", silent: str = "", **builds: str) -> None:
        self.lost, self.silent, self.builds = lost, silent, builds
        self.asked: list[str] = []

    def ask(self, scripts: Mapping[Host, str], seconds: float, what: str) -> dict[Host, Outcome]:
        del seconds, what
        self.asked += [f"{host.short}: schema" for host, script in scripts.items() if "alembic" in script]
        outcomes = {host: Outcome(self.says(host, script), 0.1) for host, script in scripts.items()}
        return outcomes | {h: replace(o, known=False) for h, o in outcomes.items() if h.short == self.lost}

    def says(self, host: Host, script: str) -> str:
        if host.short == self.silent and "alembic" in script:
            return ""
        build = self.builds.get(host.short, "1.0.0")
        schema = "aaa (head)" if build == "1.0.0" else "aaa"
        said = f"\nschema\t{schema}\nschema_ended\t0" if "alembic" in script else ""
        return f"rpm\tblockerbugs-{build}-1.el7{said}"

    @property
    def machines(self) -> Machines:
        return cast(Machines, self)


def test_the_sync_host_tells_the_schema_for_all_that_have_its_build() -> None:
    hosts = Hosts()
    found = ask_hosts(Reached(PROD, hosts.machines), repos=True)
    assert hosts.asked == ["blockerbugs01: schema"]
    assert [(facts.revision, facts.schema) for facts in found.values()] == [("aaa", Schema.CURRENT)] * 2


def test_a_host_with_another_build_is_asked_itself_whether_the_schema_is_its_own() -> None:
    hosts = Hosts(blockerbugs02="1.1.0")
    found = ask_hosts(Reached(PROD, hosts.machines), repos=True)
    assert hosts.asked == ["blockerbugs01: schema", "blockerbugs02: schema"]
    assert (found[ONE].schema, found[TWO].schema) == (Schema.CURRENT, Schema.PENDING)


def test_nobody_is_asked_for_a_schema_that_is_known() -> None:
    hosts = Hosts(blockerbugs02="1.1.0")
    found = ask_hosts(Reached(PROD, hosts.machines), repos=False, schema=False)
    assert hosts.asked == []
    assert {facts.schema for facts in found.values()} == {Schema.UNKNOWN}


def test_the_set_that_comes_before_is_looked_at_in_the_same_go() -> None:
    stage = stg(schema_status="alembic current")
    hosts = Hosts()
    found = look(Reached(PROD, hosts.machines), repos=True, stage=stage)
    assert set(found) == {*PROD.hosts, *stage.hosts}
    assert hosts.asked == ["blockerbugs01: schema", f"{stage.hosts[0].short}: schema"]


def test_where_the_sync_host_is_lost_the_others_tell_the_schema_themselves() -> None:
    hosts = Hosts(lost="blockerbugs01")
    found = ask_hosts(Reached(PROD, hosts.machines), repos=True)
    assert set(found) == {TWO}
    assert (found[TWO].revision, found[TWO].schema) == ("aaa", Schema.CURRENT)


@pytest.mark.parametrize("silent", ["blockerbugs01", "blockerbugs02"])
def test_a_host_that_gives_no_answer_about_the_schema_is_said_to_give_none(silent: str) -> None:
    hosts = Hosts(silent=silent, blockerbugs02="1.1.0")
    found = {host.short: facts for host, facts in ask_hosts(Reached(PROD, hosts.machines), repos=True).items()}
    assert (found[silent].schema, found[silent].no_schema) == (
        Schema.UNKNOWN,
        "schema_status gave no answer: alembic current",
    )


def test_a_set_without_a_way_to_ask_is_not_asked() -> None:
    hosts = Hosts(blockerbugs02="1.1.0")
    found = ask_hosts(Reached(prod(), hosts.machines), repos=True)
    assert hosts.asked == []
    assert {(facts.schema, facts.no_schema) for facts in found.values()} == {(Schema.UNKNOWN, None)}
