"""Hosts that are drained at two proxies, on any fleet: no request is lost, and no run that dies leaves one drained.

What each kind of fault does is in test_drain.py. Here a few boundaries at which the operator's machine dies, on the lab
one; `tox -e soak` (SOAK=1) does them all.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tasks.inventory.model import Balancer, Host, HostSet
from tasks.sop import model, workflows
from tasks.sop.nvr import parse
from tests.bench.measure import Prober, Sample

from .conftest import ONE, TWO, Fleet, two_sets, until
from .fleets import PROXIES
from .test_sweep import ENDS, MINOR, REST, SEED, SOAK, Boundary, goes_on, reached

PHASES = workflows.minor(
    model.Job(
        HostSet(
            name="prod",
            hosts=tuple(Host(name=name) for name in (ONE, TWO)),
            sync_host=ONE,
            balancer=Balancer(proxies=tuple(Host(name=name) for name in PROXIES), backend="blockerbugs"),
        ),
        tuple(Host(name=name) for name in (ONE, TWO)),
        parse("blockerbugs-1.0.1-1.el7"),
    )
)
BOUNDARIES: list[Boundary] = [(event, at) for at in range(1, len(PHASES) + 1) for event in ("phase", "ended")]


def number(step: str) -> int:
    """Of the first phase with this step."""
    return next(at for at, phase in enumerate(PHASES, 1) if phase.step.name == step)


def cases() -> list[object]:
    """How a run goes on that died at a boundary: each boundary one way or the other."""
    both = [(way, at) for at in BOUNDARIES for way in ("resume", "abort")]
    some = [("abort", ("ended", number("drain"))), *random.Random(SEED).sample(both, 4)]
    chosen = both if SOAK else list(dict.fromkeys(some))
    marks = {chosen[0]: [pytest.mark.smoke]}
    return [
        pytest.param(way, at, marks=marks.get((way, at), [REST]), id=f"{way}-{at[0]}-{at[1]}") for way, at in chosen
    ]


def is_ready_everywhere(fleet: Fleet) -> bool:
    """Does every proxy give requests to every server, and nobody think otherwise?"""
    words = {word for servers in fleet.machines.servers().values() for word in servers.values()}
    noted = [note for host in (*PROXIES, ONE) for note in (fleet.kept(host) / "drained").glob("*")]
    return words == {"UP"} and not noted


def page(fleet: Fleet) -> str:
    """prod's, through its first proxy."""
    line = next(line for line in (fleet.home / "hosts.yml").read_text().splitlines() if line.startswith("    url: "))
    return line.split('"')[1]


@pytest.mark.smoke
def test_a_drained_minor_upgrade_loses_no_request_and_leaves_nothing_drained(drained: Fleet) -> None:
    with Prober([page(drained)], rate=40) as users:
        ended = drained.types(MINOR)
    seen = users.tell(Sample(0, 0, 0, ""))
    assert ended.code == 0, ended.said
    assert (seen.failed, seen.requests > 40) == (0, True), seen.failures
    assert drained.at_rest("prod") == ENDS[MINOR]
    assert is_ready_everywhere(drained)


@pytest.mark.parametrize(("way", "boundary"), cases())
def test_n6_killed_at_a_boundary_of_a_drained_upgrade_no_server_is_left_drained(
    tmp_path: Path, way: str, boundary: Boundary
) -> None:
    with two_sets(tmp_path, stg_runs="1.0.1", patient=True, drained=True) as fleet:
        fleet.dies_when(MINOR, lambda: reached(tmp_path, boundary))
        if way == "resume":
            goes_on(fleet, MINOR)
        else:
            until(lambda: fleet.types("prod abort --yes").code != 75)  # a step that was begun is waited for
            assert "nothing to give up" in fleet.types("prod abort --yes").said
        until(lambda: is_ready_everywhere(fleet))
