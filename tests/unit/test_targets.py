from __future__ import annotations

import pytest
from fabric import Config, Connection
from invoke import Config as InvokeConfig
from invoke import Context

from tasks.errors import Refused
from tasks.inventory.named import find
from tasks.targets import choose, named
from tests.unit.builders import fleet

INVENTORY = fleet()
NOTHING_CHOSEN = {"target": {"set": "", "used": False}}


def typed(dash_h: str | None = None) -> Context:
    """What a task is handed: a Context, or after -H a Connection that is not open."""
    if dash_h:
        return Connection(dash_h, config=Config(overrides=NOTHING_CHOSEN))  # type: ignore[no-any-return]
    return Context(InvokeConfig(overrides=NOTHING_CHOSEN))


def test_fab_prod_and_fab_dash_h_prod_mean_the_same() -> None:
    context = typed()
    choose(context, "prod")
    assert find(named(context), INVENTORY, "x") == find(named(typed("prod")), INVENTORY, "x")


def test_nothing_said_means_no_hosts() -> None:
    assert named(typed()) is None


def test_two_sets_on_one_line_are_refused_with_the_two_lines_to_type() -> None:
    context = typed()
    choose(context, "stg")
    with pytest.raises(Refused) as refused:
        choose(context, "prod")
    assert refused.value.next_line == "fab stg status\nthen: fab prod status"


def test_a_second_set_is_fine_after_a_task_has_used_the_first() -> None:
    context = typed()
    choose(context, "stg")
    context.config.target.used = True
    choose(context, "prod")
    assert named(context) == "prod"


def test_the_same_set_twice_is_fine() -> None:
    context = typed()
    choose(context, "stg")
    choose(context, "stg")
    assert named(context) == "stg"


def test_dash_h_and_another_set_on_one_line_are_refused() -> None:
    with pytest.raises(Refused, match="-H stg and the set prod on one line"):
        choose(typed("stg"), "prod")


def test_dash_h_and_the_same_set_are_fine() -> None:
    context = typed("prod")
    choose(context, "prod")
    assert named(context) == "prod"
