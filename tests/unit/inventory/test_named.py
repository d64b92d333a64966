from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import Refused
from tasks.inventory.named import find
from tests.unit.builders import ONE, TWO, fleet, prod, said

INVENTORY = fleet()


@pytest.mark.parametrize("name", [ONE.name, *ONE.aliases])
def test_one_host_of_a_set_is_meant_by_any_of_its_names(name: str) -> None:
    target = find(name, INVENTORY, "minor-upgrade")
    assert (target.host_set.name, target.hosts) == ("prod", (ONE,))


def test_the_target_says_again_how_it_was_asked_for() -> None:
    assert find("prod", INVENTORY, "x").asked_as == "prod"
    assert find(TWO.name, INVENTORY, "x").asked_as == "-H blockerbugs02"


def test_the_only_host_of_a_set_is_the_set() -> None:
    assert find("blockerbugs01.stg", INVENTORY, "x").asked_as == "stg"


def test_without_hosts_the_refusal_shows_the_line_to_type() -> None:
    with pytest.raises(Refused) as refused:
        find(None, INVENTORY, "minor-upgrade")
    assert refused.value.next_line == "fab stg minor-upgrade"


def test_a_name_nearly_right_is_answered_with_the_right_one() -> None:
    with pytest.raises(Refused) as refused:
        find("blokerbugs02", INVENTORY, "status")
    assert refused.value.next_line == "fab -H blockerbugs02 status"


def test_a_proxy_is_no_host_that_anything_is_done_on() -> None:
    drained = fleet(prod(balancer={"proxies": ["proxy01.example"], "backend": "bb"}))
    with pytest.raises(Refused, match=r"proxy01\.example is a proxy of prod: name the set, or a host"):
        find("proxy01.example", drained, "drain")


def test_a_machine_that_nobody_knows_leads_to_no_set_that_is_hardly_alike() -> None:
    with pytest.raises(Refused) as refused:
        find("sandboxproxy", INVENTORY, "drain", ["sandbox"])
    assert refused.value.next_line == "fab --list"


def test_a_name_nobody_has_is_answered_with_all_sets() -> None:
    with pytest.raises(Refused, match="the sets are stg, prod, sandbox"):
        find("xyz", INVENTORY, "status", ["sandbox"])


@given(
    st.text() | st.sampled_from(["prod; rm -rf /", "$(reboot)", "-oProxyCommand=x", "pr\u043ed", "a\nb", "p" * 10_000])
)
def test_S5_a_name_of_any_kind_is_refused_in_a_short_line_without_anything_hostile(name: str) -> None:
    if name in INVENTORY.names():
        return
    with pytest.raises(Refused) as refused:
        find(name, INVENTORY, "status")
    assert all(line.isascii() and line.isprintable() and len(line) < 500 for line in said(refused.value).splitlines())
    known = {f"fab -H {known} status" for known in (*INVENTORY.names(), "sandbox")}
    assert refused.value.next_line in known | {"fab --list"}
