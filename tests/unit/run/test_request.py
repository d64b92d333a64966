"""What is refused before any host is reached."""

from __future__ import annotations

import pytest

from tasks.errors import Refused
from tasks.inventory.model import Host
from tasks.run.request import check_request, predecessor
from tests.unit.builders import ONE, TWO, fleet, of, prod, request, stg

STG = stg()
PROD = prod(after="stg")


def test_a_major_upgrade_of_one_host_of_several_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        check_request(request("major-upgrade", hosts=[TWO]))
    assert refused.value.problems == (
        "blockerbugs02 alone: a major upgrade is for all of prod, which shares one database",
    )
    assert refused.value.next_line == "fab prod major-upgrade"


@pytest.mark.parametrize("procedure", ["major-upgrade", "minor-upgrade", "upgrade-db", "stop-httpd", "yum-update"])
def test_a_set_of_one_may_have_anything(procedure: str) -> None:
    check_request(request(procedure, STG))


@pytest.mark.parametrize("procedure", ["upgrade-db", "sync"])
def test_D3_what_works_on_the_database_is_refused_on_another_than_the_sync_host(procedure: str) -> None:
    check_request(request(procedure, hosts=[ONE]))
    with pytest.raises(Refused) as refused:
        check_request(request(procedure, hosts=[TWO]))
    assert refused.value.problems == (
        f"blockerbugs02: {procedure} works on the shared database, on the sync host blockerbugs01 only",
    )
    assert refused.value.next_line == f"fab prod {procedure}"


def test_S5_a_hostile_version_is_refused_before_any_host_is_reached() -> None:
    with pytest.raises(Refused, match="is no version"):
        check_request(request("minor-upgrade", version="1.0; rm -rf /"))


def test_the_packages_own_name_may_stand_before_the_version() -> None:
    check_request(request("minor-upgrade", version="blockerbugs-1.0.0-1.el7"))
    kittens = of(PROD.app.model_copy(update={"package": "kittens"}), PROD)
    check_request(request("minor-upgrade", kittens, version="kittens-1.0.0-1.el7"))
    with pytest.raises(Refused):
        check_request(request("minor-upgrade", kittens, version="blockerbugs-1.0.0-1.el7"))


@pytest.mark.parametrize("why", ["", " \t"])
def test_who_goes_on_unverified_has_to_say_why(why: str) -> None:
    with pytest.raises(Refused) as refused:
        check_request(request("minor-upgrade", PROD, unverified=why))
    assert refused.value.problems == ("--unverified without a reason",)
    assert refused.value.next_line == "fab --help minor-upgrade"
    check_request(request("minor-upgrade", PROD, unverified="stg burnt down"))


IDLE = Host(name="idle.example", serves=False)


def test_httpd_is_not_stopped_where_none_runs() -> None:
    with pytest.raises(Refused) as refused:
        check_request(request("stop-httpd", prod(hosts=(ONE, TWO, IDLE)), hosts=[IDLE]))
    assert refused.value.problems == ("idle.example serves nothing (hosts.yml: serves: false)",)


def test_a_host_that_serves_nobody_may_be_updated_and_may_sync() -> None:
    syncs = prod(hosts=(ONE, IDLE), sync_host=IDLE.name)
    check_request(request("minor-upgrade", syncs, hosts=[IDLE]))
    check_request(request("sync", syncs, hosts=[IDLE]))
    check_request(request("stop-httpd", syncs))


def test_a_rollback_waits_for_no_other_set() -> None:
    assert predecessor(request("rollback", PROD), fleet(STG, PROD)) is None
    assert predecessor(request("minor-upgrade", PROD), fleet(STG, PROD)) == STG
