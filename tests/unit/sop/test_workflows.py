"""Which steps a workflow has, on which hosts, and in which order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.inventory.model import Backup, Balancer, Host, HostSet
from tasks.sop import workflows
from tasks.sop.model import Phase
from tasks.sop.workflows import PROCEDURES, RESTART_TOGETHER
from tests.unit.builders import ONE, full, job, prod

FULL = full()
IDLE = Host(name="idle.example", serves=False)


def told(phases: list[Phase]) -> list[str]:
    return [f"{phase.step.name}: {' '.join(host.short[-2:] for host in phase.hosts)}" for phase in phases]


def test_a_minor_upgrade_is_one_host_after_the_other_once_all_have_the_build() -> None:
    assert told(workflows.minor(job())) == [
        "download: 01 02",
        "no-migration: 01 02",
        "yum-update: 01",
        "restart-httpd: 01",
        "healthy: 01",
        "yum-update: 02",
        "restart-httpd: 02",
        "healthy: 02",
    ]


@pytest.mark.parametrize(("rolling", "at_a_time"), [(1, 1), (2, 2), ((1, "50%"), 2)])
def test_where_hosts_are_drained_so_many_download_at_a_time_as_are_drained_together(
    rolling: Any, at_a_time: int
) -> None:
    hosts = tuple(Host(name=f"web{number}.example") for number in range(5))
    away = Balancer(proxies=(Host(name="proxy.example"),), backend="bb")
    for balancer, expected in ((away, at_a_time), (Balancer(), 32)):
        first = workflows.minor(job(prod(hosts=hosts, sync_host="web0.example", rolling=rolling, balancer=balancer)))[0]
        assert (first.step.name, first.at_once) == ("download", expected)


def test_after_each_host_the_balancer_is_waited_for() -> None:
    waits = [phase.let_return for phase in workflows.minor(job(FULL)) if phase.step.name == "healthy"]
    assert waits == [FULL.balancer] * 2


def test_a_host_that_serves_nothing_is_updated_and_not_restarted() -> None:
    assert told(workflows.minor(job(prod(hosts=(ONE, IDLE)))))[5:] == ["yum-update: le"]


def test_a_minor_upgrade_may_take_more_hosts_at_a_time() -> None:
    assert told(workflows.minor(job(prod(rolling=2)))) == [
        "download: 01 02",
        "no-migration: 01 02",
        "yum-update: 01 02",
        "restart-httpd: 01 02",
        "healthy: 01 02",
    ]


def test_a_major_upgrade_is_the_sops_five_steps_and_ours_around_them() -> None:
    assert told(workflows.major(job(FULL))) == [
        "download: 01 02",
        "backup: 01",
        "pause-cron: 01",
        "stop-httpd: 01 02",
        "yum-update: 01 02",
        "still-stopped: 01 02",
        "upgrade-db: 01",
        "still-down: 01 02",
        "sync: 01",
        "start-httpd: 01 02",
        "healthy: 01 02",
        "resume-cron: 01",
    ]


def test_without_a_backup_command_there_is_no_backup() -> None:
    assert "backup: 01" not in told(workflows.major(job()))


def test_a_database_that_is_migrated_is_not_migrated_again() -> None:
    assert "upgrade-db: 01" not in told(workflows.major(job(migrated=True)))


def test_a_restart_takes_one_host_after_the_other_and_waits_for_the_balancer() -> None:
    phases = workflows.restart_rolling(job(FULL))
    assert told(phases) == ["restart-httpd: 01", "healthy: 01", "restart-httpd: 02", "healthy: 02"]
    assert [phase.let_return for phase in phases] == [None, FULL.balancer] * 2


def test_serially_is_one_at_a_time() -> None:
    assert {phase.at_once for phase in workflows.major(job(serial=True))} == {1}
    assert {phase.at_once for phase in workflows.major(job(prod(order="serial")))} == {1}


def test_no_more_hosts_at_once_than_the_set_allows() -> None:
    assert {phase.at_once for phase in workflows.major(job(prod(at_once=5))) if phase.hosts != (ONE,)} == {5}


@st.composite
def host_sets(draw: st.DrawFn) -> HostSet:
    serves = [True, *draw(st.lists(st.booleans(), max_size=6))]
    hosts = tuple(Host(name=f"h{number}.example", serves=one) for number, one in enumerate(serves))
    return prod(
        hosts=hosts,
        sync_host=draw(st.sampled_from(hosts)).name,
        order=draw(st.sampled_from(["parallel", "serial"])),
        at_once=draw(st.integers(1, 8)),
        rolling=draw(st.integers(1, 8)),
        schema_status=draw(st.sampled_from([None, "alembic current"])),
        backup=draw(st.sampled_from([None, Backup(command="pg_dump", file="/d")])),
    )


@given(host_sets(), st.sampled_from([*PROCEDURES.values(), RESTART_TOGETHER]), st.booleans(), st.booleans())
def test_D3_what_works_on_the_database_runs_once_on_the_sync_host_whatever_is_asked_for(
    host_set: HostSet, procedure: Any, serial: bool, migrated: bool
) -> None:
    phases = procedure.phases(job(host_set, serial=serial, migrated=migrated))
    for name in ("upgrade-db", "sync", "backup"):
        ran = [phase for phase in phases if phase.step.name == name]
        assert [(phase.hosts, phase.at_once) for phase in ran] in ([], [((host_set.sync,), 1)])


@given(host_sets(), st.booleans())
def test_D1_in_a_major_upgrade_every_httpd_is_down_from_before_the_update_until_after_the_sync(
    host_set: HostSet, serial: bool
) -> None:
    phases = workflows.major(job(host_set, serial=serial))
    order = [phase.step.name for phase in phases]
    wanted = ["stop-httpd", "yum-update", "upgrade-db", "sync", "start-httpd"]
    assert [name for name in order if name in wanted] == wanted
    assert phases[order.index("stop-httpd")].hosts == phases[order.index("start-httpd")].hosts == host_set.serving


@given(host_sets(), st.sampled_from(list(PROCEDURES.values())))
def test_no_phase_is_without_hosts_and_no_host_is_twice_in_one(host_set: HostSet, procedure: Any) -> None:
    for phase in procedure.phases(job(host_set)):
        assert phase.hosts
        assert len(set(phase.hosts)) == len(phase.hosts)


@given(host_sets())
def test_a_minor_upgrade_never_restarts_a_host_before_those_in_front_of_it_are_healthy(host_set: HostSet) -> None:
    order = [
        phase.step.name for phase in workflows.minor(job(host_set)) if phase.step.name in ("restart-httpd", "healthy")
    ]
    assert order == ["restart-httpd", "healthy"] * (len(order) // 2)


# The commands
