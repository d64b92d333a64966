"""The SOP's two upgrades from end to end, and what the users behind haproxy saw."""

from __future__ import annotations

import pytest

from tests.operator.fleets import until

from . import observe, repo
from .conftest import Lab
from .layout import NODES, ONE, STG, TWO

pytestmark = pytest.mark.lab


def test_a_minor_upgrade_goes_from_stg_to_prod_and_no_request_fails(lab: Lab) -> None:
    assert lab.types("stg minor-upgrade --version 1.0.1 --yes").code == 0
    ended = lab.types("prod minor-upgrade --yes")
    assert ended.code == 0
    assert ", 0 failed" in ended.said
    assert [lab.runs(node) for node in NODES] == [("1.0.1", "1.0.1")] * 3
    assert observe.times("prod", "upgrade_db") == 0


@pytest.mark.dnf5
def test_a_major_upgrade_migrates_the_shared_database_once(stg_runs_110: Lab) -> None:
    ended = stg_runs_110.types("prod major-upgrade --yes")
    assert ended.code == 0
    assert [stg_runs_110.runs(node) for node in (ONE, TWO)] == [("1.1.0", "1.1.0")] * 2
    assert observe.revision("prod") == "2b7f3"
    assert (observe.times("prod", "upgrade_db"), observe.times("prod", "sync")) == (1, 1)


def test_v5_the_second_time_there_is_nothing_to_do_and_httpd_is_left_alone(stg_runs_101: Lab) -> None:
    before = stg_runs_101.on(STG, "systemctl show -p MainPID httpd")
    ended = stg_runs_101.types("stg minor-upgrade --version 1.0.1 --yes")
    assert (ended.code, "nothing to do" in ended.said) == (0, True)
    assert stg_runs_101.on(STG, "systemctl show -p MainPID httpd") == before


def test_a_canary_is_one_host_of_prod(stg_runs_101: Lab) -> None:
    assert stg_runs_101.types("-H blockerbugs02 minor-upgrade --yes").code == 0
    assert [stg_runs_101.runs(node) for node in (ONE, TWO)] == [("1.0.0", "1.0.0"), ("1.0.1", "1.0.1")]


@pytest.mark.dnf5
def test_v1_prod_gets_the_build_that_stg_runs_also_when_a_newer_one_has_just_come(stg_runs_101: Lab) -> None:
    screen = stg_runs_101.terminal("prod minor-upgrade")
    screen.asks("Type prod to go on:")
    repo.publish("1.2.0")
    screen.answers("Type prod to go on:", "prod")
    assert screen.ends() == 0, screen.said
    assert [stg_runs_101.runs(node) for node in (ONE, TWO)] == [("1.0.1", "1.0.1")] * 2


def test_v1_a_build_that_only_the_stg_repo_has_reaches_stg_and_not_prod(lab: Lab) -> None:
    repo.withdraw("1.0.1")
    repo.publish("1.0.1", "infrastructure-tags-stg")
    assert lab.types("stg minor-upgrade --version 1.0.1 --yes").code == 0
    ended = lab.types("prod minor-upgrade --yes")
    assert (ended.code, lab.runs(STG), lab.runs(ONE)) == (2, ("1.0.1", "1.0.1"), ("1.0.0", "1.0.0"))
    assert "stg runs blockerbugs-1.0.1-1.el7, the repo offers" in ended.said


def test_v4_a_migration_that_a_minor_upgrade_would_need_is_noticed_beforehand(
    stg_runs_110: Lab,
) -> None:
    ended = stg_runs_110.types("prod minor-upgrade --yes")
    assert (ended.code, stg_runs_110.runs(ONE)) == (2, ("1.0.0", "1.0.0"))
    assert "use major-upgrade" in ended.said


def test_v4_a_migration_in_the_build_itself_stops_a_minor_upgrade_before_anything_is_installed(lab: Lab) -> None:
    ended = lab.types("stg minor-upgrade --version 1.1.0 --yes")
    assert (ended.code, lab.runs(STG)) == (2, ("1.0.0", "1.0.0"))
    assert "brings a schema migration" in ended.said


def test_mod_wsgi_loads_new_code_as_soon_as_it_is_installed_and_not_only_at_the_restart(lab: Lab) -> None:
    assert lab.types("stg yum-update --version 1.0.1 --yes").code == 0
    assert lab.runs(STG) == ("1.0.1", "1.0.1")


def test_c1_a_sync_that_cron_has_started_is_waited_for_with_httpd_up(lab: Lab) -> None:
    lab.on(STG, "sed -i 's/SYNC_SECONDS = .*/SYNC_SECONDS = 15/' /etc/blockerbugs/settings.py")
    lab.on(STG, "systemd-run --quiet --uid=blockerbugs blockerbugs sync")
    until(lambda: observe.times("stg", "sync") == 1)
    screen = lab.terminal("stg major-upgrade --yes")
    screen.asks("waiting for the sync")
    assert lab.runs(STG)[1] == "1.0.0"
    assert screen.ends() == 0, screen.said
    assert observe.sql("stg", "SELECT count(*) FROM job WHERE outcome IS NULL") == "0"
    assert observe.revision("stg") == "2b7f3"
