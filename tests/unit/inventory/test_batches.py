"""How hosts.yml cuts a set into batches, and what it refuses of the keys by which they are judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import Refused
from tasks.inventory.batches import cut, share
from tasks.inventory.model import HostSet
from tasks.inventory.remembered import read
from tests.unit.builders import said

TWO = ("a.example", "b.example")
PROMQL = {"url": "http://prometheus.example:9090", "query": "up", "threshold": 1}


def read_a_set(folder: Path, hosts: tuple[str, ...] = TWO, **keys: Any) -> HostSet:
    file = folder / "hosts.yml"
    file.write_text(yaml.safe_dump({"host_sets": {"prod": {"hosts": list(hosts), "sync_host": hosts[0], **keys}}}))
    return read(file).host_sets["prod"]


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"rolling": ["0%"]}, "host_sets.prod.rolling[0]: 0% of the hosts is none"),
        ({"rolling": [1, "101%"]}, "host_sets.prod.rolling[1]: a share is not more than 100%"),
        ({"rolling": [1, "ten"]}, "host_sets.prod.rolling[1]: a share is wanted"),
        ({"rolling": [0]}, "host_sets.prod.rolling[0]: a batch has one host or more"),
        ({"rolling": [True]}, "host_sets.prod.rolling[0]: a number of hosts is wanted"),
        ({"rolling": []}, "host_sets.prod.rolling: at least one is wanted"),
        ({"rolling": "10%"}, 'host_sets.prod.rolling: a share stands in a list, as [1, "50%"]'),
        ({"rolling": [1], "window": 2}, "host_sets.prod.window: the next host starts when one ends"),
        ({"rolling": 2, "window": 2}, "host_sets.prod.window: the next host starts when one ends"),
        ({"fail_budget": 3}, "host_sets.prod.fail_budget: a share is wanted"),
        ({"fail_budget": "200%"}, "host_sets.prod.fail_budget: a share is not more than 100%"),
        ({"judge": {"rollback": True}}, "host_sets.prod.judge: wants soak"),
        ({"soak": True}, "host_sets.prod.soak: a number is wanted, not true or false"),
        ({"soak": 60}, "host_sets.prod.judge: soak has nothing to judge by"),
        ({"soak": 60, "judge": {"promql": {"query": "up"}}}, "host_sets.prod.judge.promql.url: is missing"),
        ({"soak": 60, "judge": {"promql": {**PROMQL, "threshold": "high"}}}, "judge.promql.threshold: wants a number"),
        ({"soak": 60, "judge": {"promql": {**PROMQL, "url": "prometheus:9090"}}}, "judge.promql.url: is no address"),
        ({"soak": 60, "judge": {"promql": {**PROMQL, "query": ""}}}, "judge.promql.query: one line is wanted"),
        ({"soak": 60, "judge": {"rolback": True}}, "host_sets.prod.judge.rolback: unknown key; did you mean rollback?"),
    ],
    ids=str,
)
def test_S11_a_set_is_refused_with_the_keys_path_for(keys: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        read_a_set(tmp_path, **keys)
    assert told in said(refused.value)


@pytest.mark.parametrize("keys", [{"rolling": [1, "50%"]}, {"fail_budget": "5%"}], ids=str)
def test_S11_shares_of_one_host_are_refused(keys: dict[str, Any], tmp_path: Path) -> None:
    read_a_set(tmp_path, **keys)
    with pytest.raises(Refused) as refused:
        read_a_set(tmp_path, hosts=TWO[:1], **keys)
    assert f"host_sets.prod.{next(iter(keys))}: " in said(refused.value)
    assert "of one host: a set of one host has no shares" in said(refused.value)


def test_what_a_judge_goes_by_where_nothing_is_said_of_it(tmp_path: Path) -> None:
    judge = read_a_set(tmp_path, soak=60, judge={"promql": PROMQL}).judge
    assert judge
    assert (judge.rollback, judge.inconclusive, judge.tolerated, judge.latency) == (False, "ask", 0.005, 2.0)


def test_batches_grow_and_the_last_entry_repeats() -> None:
    assert cut((1, "10%", "25%"), 40) == [1, 4, 10, 10, 10, 5]
    assert cut(2, 5) == [2, 2, 1]
    assert cut(("10%",), 3) == [1, 1, 1]


@given(st.lists(st.one_of(st.integers(1, 50), st.integers(1, 100).map("{}%".format)), min_size=1), st.integers(1, 300))
def test_every_host_is_in_one_batch_and_no_batch_is_empty_or_larger_than_its_share(
    sizes: list[int | str], hosts: int
) -> None:
    batches = cut(tuple(sizes), hosts)
    assert sum(batches) == hosts
    for at, number in enumerate(batches):
        size = sizes[min(at, len(sizes) - 1)]
        assert 1 <= number <= (size if isinstance(size, int) else max(1, share(size) * hosts + 1e-6))
