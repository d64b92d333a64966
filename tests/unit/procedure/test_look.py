"""Who is asked for the schema: the set's sync host, and whoever has another build."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from tasks.fleet.connection import Outcome
from tasks.fleet.hosts import App, Host
from tasks.fleet.machines import Machines
from tasks.procedure.look import ask_hosts, look
from tests.unit.builders import ONE, TWO, prod, stg

PROD = prod(schema_status="alembic current")


class Hosts:
    """Hosts that have these builds; what each was asked for the schema, they say by their build."""

    unreachable: Mapping[Host, Exception] = {}

    def __init__(self, **builds: str) -> None:
        self.builds = builds
        self.asked: list[str] = []

    def do(self, scripts: Mapping[Host, str], at_once: int, seconds: float) -> dict[Host, Outcome]:
        del at_once, seconds
        self.asked += [f"{host.short}: schema" for host, script in scripts.items() if "alembic" in script]
        return {host: Outcome(self.says(host, script), 0.1) for host, script in scripts.items()}

    def says(self, host: Host, script: str) -> str:
        build = self.builds.get(host.short, "1.0.0")
        schema = "\nschema\taaa (head)" if build == "1.0.0" else "\nschema\taaa"
        return f"installed\tblockerbugs-{build}-1.el7" + (schema if "alembic" in script else "")

    @property
    def machines(self) -> Machines:
        return cast(Machines, self)


def test_the_sync_host_tells_the_schema_for_all_that_have_its_build() -> None:
    hosts = Hosts()
    found = ask_hosts(hosts.machines, App(), PROD, repos=True)
    assert hosts.asked == ["blockerbugs01: schema"]
    assert [(facts.revision, facts.at_head) for facts in found.values()] == [("aaa", True)] * 2


def test_a_host_with_another_build_is_asked_itself_whether_the_schema_is_its_own() -> None:
    hosts = Hosts(blockerbugs02="1.1.0")
    found = ask_hosts(hosts.machines, App(), PROD, repos=True)
    assert hosts.asked == ["blockerbugs01: schema", "blockerbugs02: schema"]
    assert (found[ONE].at_head, found[TWO].at_head) == (True, False)


def test_nobody_is_asked_for_a_schema_that_is_known() -> None:
    hosts = Hosts(blockerbugs02="1.1.0")
    found = ask_hosts(hosts.machines, App(), PROD, repos=False, schema=False)
    assert hosts.asked == []
    assert {facts.at_head for facts in found.values()} == {None}


def test_the_set_that_comes_before_is_looked_at_in_the_same_go() -> None:
    stage = stg(schema_status="alembic current")
    hosts = Hosts()
    found = look(hosts.machines, App(), PROD, repos=True, stage=stage)
    assert set(found) == {*PROD.hosts, *stage.hosts}
    assert hosts.asked == ["blockerbugs01: schema", f"{stage.hosts[0].short}: schema"]
