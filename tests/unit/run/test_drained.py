"""A drained minor upgrade that is killed anywhere, and resumed or aborted: no server is left drained, none is restarted
that is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tasks.inventory.model import Balancer, Host
from tasks.run.decide import Plan, decide
from tasks.run.remaining import Remaining, everything, of
from tasks.sop.balanced import Balanced, Server
from tasks.sop.model import Effect, Facts, Phase
from tests.unit.builders import NEW, OLD, ONE, TWO, prod, request, well

P1, P2 = Host(name="proxy01.example", aliases=("p1",)), Host(name="proxy02.example", aliases=("p2",))
PROXIES = (P1, P2)
SET = prod(balancer=Balancer(proxies=PROXIES, backend="bb"))
SERVERS = {ONE: "blockerbugs01", TWO: "blockerbugs02"}
RUN = "0123abcd"


@dataclass
class World:
    """What the hosts and the proxies are like, and what each has kept of the run."""

    installed: dict[Host, bool] = field(default_factory=lambda: dict.fromkeys(SERVERS, False))
    serves_new: dict[Host, bool] = field(default_factory=lambda: dict.fromkeys(SERVERS, False))
    drained: dict[Host, set[str]] = field(default_factory=lambda: {proxy: set() for proxy in PROXIES})
    noted: dict[Host, set[str]] = field(default_factory=lambda: {proxy: set() for proxy in PROXIES})
    kept: dict[Host, dict[str, str]] = field(default_factory=lambda: {host: {} for host in (*SERVERS, *PROXIES)})
    bare_restarts: list[Host] = field(default_factory=list)

    def facts(self) -> dict[Host, Facts]:
        found = {
            host: well(NEW if self.installed[host] else OLD, version=(NEW if self.serves_new[host] else OLD).version)
            for host in SERVERS
        }
        return found | {proxy: self.of_a_proxy(proxy) for proxy in PROXIES}

    def of_a_proxy(self, proxy: Host) -> Facts:
        words = {name: "drain" if name in self.drained[proxy] else "ready" for name in SERVERS.values()}
        servers = [Server(name, word, 0, True, "UP" if word == "ready" else "DRAIN") for name, word in words.items()]
        return Facts(
            balanced=Balanced(tuple(servers)), drained=tuple((RUN, f"bb,{name}") for name in sorted(self.noted[proxy]))
        )

    def put_back(self) -> None:
        """What whoever ends the run does."""
        for proxy in PROXIES:
            self.drained[proxy] -= self.noted[proxy]
            self.noted[proxy].clear()

    def reload(self, proxy: Host) -> None:
        self.drained[proxy].clear()

    def does(self, phase: Phase, host: Host, name: str) -> None:
        """A step on a host, to its end."""
        step, servers = phase.step, {SERVERS[one] for one in phase.step.away}
        if step.name == "drain":
            self.noted[host] |= servers
            self.drained[host] |= servers
        elif step.name == "still-drained":
            self.drained[host] |= self.noted[host]
        elif step.name == "undrain":
            back = {name for name in self.noted[host] if not step.still(self.of_a_proxy(host))}
            self.drained[host] -= back
            self.noted[host] -= back
        elif step.name == "yum-update":
            self.installed[host] = True
        elif step.httpd == Effect.BOUNCE:
            if any(SERVERS[host] not in self.drained[proxy] for proxy in PROXIES):
                self.bare_restarts.append(host)
            self.serves_new[host] = True
        if not step.looks:
            self.kept[host][name] = "0"

    @property
    def at_rest(self) -> bool:
        empty = not any([*self.drained.values(), *self.noted.values()])
        return empty and all(self.serves_new.values()) and all(self.installed.values())


def the_plan(world: World) -> Plan:
    facts = world.facts()
    offered = {host: Facts(**{**vars(facts[host]), "offered": {OLD: "r", NEW: "r"}}) for host in SERVERS}
    return decide(request("minor-upgrade", SET, version=NEW.version), facts | offered)


def acts(plan: Plan, rows: list[Remaining]) -> Iterator[tuple[Phase, Host, str]]:
    for phase, row in zip(plan.phases, rows, strict=True):
        for host, name in row.names.items():
            yield phase, host, name


def broken(at: int, half: str) -> tuple[Plan, World]:
    """The world after so many acts of a run; half: what became of the one that was the last (died, runs)."""
    world = World()
    plan = the_plan(world)
    for number, (phase, host, name) in enumerate(acts(plan, everything(plan))):
        if number < at:
            world.does(phase, host, name)
        elif number == at and half and not phase.step.looks:
            if phase.step.name == "drain":  # noted first
                world.noted[host] |= {SERVERS[one] for one in phase.step.away}
            world.kept[host][name] = half
    return plan, world


def resumed(plan: Plan, world: World) -> None:
    for phase, host, name in acts(plan, of(plan, world.kept, world.facts())):
        world.does(phase, host, name)


ACTS = len(list(acts(the_plan(World()), everything(the_plan(World())))))


def test_the_plan_of_a_drained_minor_upgrade_is_as_it_is_written_down() -> None:
    names = [phase.step.name for phase in the_plan(World()).phases]
    batch = ["drain", "yum-update", "still-drained", "restart-httpd", "healthy", "undrain"]
    assert names == ["download", "no-migration", *batch, *batch]
    assert [phase.hosts for phase in the_plan(World()).phases[2:4]] == [PROXIES, (ONE,)]


@pytest.mark.parametrize("half", ["", "died", "runs"])
@pytest.mark.parametrize("at", range(ACTS + 1))
def test_b4_killed_anywhere_and_resumed_no_server_is_left_drained_and_none_is_restarted_undrained(
    at: int, half: str
) -> None:
    plan, world = broken(at, half)
    resumed(plan, world)
    assert world.at_rest, world
    assert world.bare_restarts == []


@pytest.mark.parametrize("at", range(ACTS + 1))
def test_b4_stopped_anywhere_what_was_drained_is_put_back_and_is_drained_again_on_a_resume(at: int) -> None:
    plan, world = broken(at, "")
    world.put_back()
    assert not any(world.drained.values())
    resumed(plan, world)
    assert world.at_rest, world
    assert world.bare_restarts == []


@pytest.mark.parametrize("proxy", PROXIES)
@pytest.mark.parametrize("at", range(ACTS + 1))
def test_b4_killed_anywhere_and_resumed_after_a_proxy_was_reloaded(at: int, proxy: Host) -> None:
    plan, world = broken(at, "")
    world.reload(proxy)
    resumed(plan, world)
    assert world.at_rest, world
    assert world.bare_restarts == []


@pytest.mark.parametrize("until", ["restart-httpd", "healthy"])
def test_b4_ended_after_the_restart_and_put_back_a_resume_looks_for_no_drain_that_nobody_needs(until: str) -> None:
    plan, world = broken(ACTS, "")
    last = next(number for number, phase in zip(plan.numbers, plan.phases, strict=True) if phase.step.name == until)
    for host, kept in world.kept.items():
        world.kept[host] = {name: state for name, state in kept.items() if int(name.split("-")[0]) <= last}
    world.put_back()
    rows = dict(zip(plan.numbers, of(plan, world.kept, world.facts()), strict=True))
    left = [name for number, row in rows.items() if number <= last for name in row.names.values()]
    assert [name for name in left if "drain" in name] == []


def test_b4_a_drain_that_nothing_is_left_to_do_under_is_not_done_again() -> None:
    plan, world = broken(ACTS, "")
    drain = plan.phases.index(next(phase for phase in plan.phases if phase.step.name == "drain"))
    for proxy in PROXIES:
        kept = world.kept[proxy]
        kept |= {name: "1" for name in kept if name.endswith("-drain")}
    assert dict(of(plan, world.kept, world.facts())[drain].names) == {}


@pytest.mark.parametrize("first", range(ACTS + 1))
def test_b4_killed_twice(first: int) -> None:
    for second in range(ACTS + 1):
        plan, world = broken(first, "died")
        for number, (phase, host, name) in enumerate(acts(plan, of(plan, world.kept, world.facts()))):
            if number < second:
                world.does(phase, host, name)
        resumed(plan, world)
        assert world.at_rest, (second, world)
        assert world.bare_restarts == []


@pytest.mark.parametrize("half", ["", "died"])
@pytest.mark.parametrize("at", range(ACTS + 1))
def test_a_resume_looks_at_every_proxy_right_before_a_restart_that_is_left(at: int, half: str) -> None:
    plan, world = broken(at, half)
    rows = of(plan, world.kept, world.facts())
    for before, (phase, row) in enumerate(zip(plan.phases[1:], rows[1:], strict=True)):
        if phase.step.httpd == Effect.BOUNCE and row.names:
            assert (plan.phases[before].step.name, tuple(rows[before].names)) == ("still-drained", PROXIES)
