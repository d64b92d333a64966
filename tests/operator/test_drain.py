"""Hosts are drained at the proxies before they are restarted, and put back whatever way a run ends."""

from __future__ import annotations

from .conftest import ONE, TWO, Fleet
from .fleets import PROXIES

UP = {proxy: {"prod01": "UP", "prod02": "UP"} for proxy in PROXIES}


def notes(fleet: Fleet) -> list[str]:
    """What is noted as drained, on any machine."""
    kept = fleet.home.glob("hosts/*/var/lib/blockerbugs-upgrade/drained/*")
    return [f"{path.parents[4].name}: {path.name}" for path in kept]


def test_a_minor_upgrade_drains_each_host_at_every_proxy_and_puts_it_back(drained: Fleet) -> None:
    ended = drained.types("prod minor-upgrade --yes")
    assert ended.code == 0, ended.said
    assert [drained.runs(host) for host in (ONE, TWO)] == [("blockerbugs-1.0.1-1.el7", "1.0.1")] * 2
    assert drained.machines.servers() == UP
    assert notes(drained) == []
