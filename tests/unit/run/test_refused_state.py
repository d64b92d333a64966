"""What the state of a set forbids, by value: each reason as the operator reads it, and the line that helps."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

import pytest

from tasks.inventory.model import Host
from tasks.run import refusals
from tasks.sop.model import UNREACHED, Facts, Schema
from tests.unit.builders import NEW, OLD, ONE, TWO, found, prod, request, stg, well

from .test_refusals import told

SET = prod(schema_status="alembic current")
DOWN = well(NEW, service="inactive", answers=None)
THREE = Host(name="blockerbugs03.iad2.example", aliases=("blockerbugs03",))


# The state that the set is in


def state(procedure: str, *facts: Facts, **typed: Any) -> list[tuple[str, str | None]]:
    host_set = typed.pop("host_set", SET)
    return told(refusals.state(request(procedure, host_set, **typed), found(host_set, *facts)))


PENDING = "a schema migration is pending for blockerbugs-1.1.0-1.el7"


@pytest.mark.parametrize(
    ("procedure", "use"),
    [("minor-upgrade", "major-upgrade"), ("start-httpd", "upgrade-db"), ("sync", "upgrade-db")],
)
def test_D1_a_migration_that_is_wanted_comes_first(procedure: str, use: str) -> None:
    behind = replace(DOWN, schema=Schema.PENDING, revision="aaa")
    line = f"fab prod {use}"
    assert state(procedure, DOWN, behind) == [(f"blockerbugs02: {PENDING} (the database is at aaa): use {use}", line)]
    assert state(procedure, replace(behind, revision=None)) == [
        (f"blockerbugs01: {PENDING} (the database is at no revision): use {use}", line)
    ]


@pytest.mark.parametrize("procedure", ["start-httpd", "restart-httpd", "sync"])
@pytest.mark.parametrize(
    "sync", [well(NEW), replace(DOWN, installed=OLD), UNREACHED], ids=["it runs", "another build", "nobody can tell"]
)
def test_D1_where_upgrade_db_would_be_refused_the_upgrade_that_stops_httpd_first_is_named(
    sync: Facts, procedure: str
) -> None:
    behind = replace(DOWN, schema=Schema.PENDING, revision="aaa")
    assert state(procedure, sync, behind)[0] == (
        f"blockerbugs02: {PENDING} (the database is at aaa): use major-upgrade",
        "fab prod major-upgrade --version 1.1.0-1.el7",
    )


def test_D1_a_migration_that_did_not_succeed_comes_first_where_the_database_cannot_be_asked() -> None:
    failed = replace(DOWN, schema=Schema.UNKNOWN, migrated_with=NEW)
    assert state("start-httpd", failed) == [
        (
            "blockerbugs01: the last upgrade_db, with blockerbugs-1.1.0-1.el7, did not succeed: use upgrade-db",
            "fab prod upgrade-db",
        )
    ]
    assert state("start-httpd", replace(failed, migrated=True)) == []
    assert state("stop-httpd", failed) == []


def test_D1_the_database_is_not_changed_under_an_httpd_that_runs_or_by_one_of_two_builds() -> None:
    busy = found(SET, well(NEW), well(OLD))
    assert told(refusals.state(request("upgrade-db", SET), busy)) == [
        (
            "blockerbugs01, blockerbugs02: httpd is running, the database must not change under it",
            "fab prod stop-httpd",
        ),
        ("the hosts have different builds: blockerbugs-1.0.0-1.el7, blockerbugs-1.1.0-1.el7", "fab prod yum-update"),
    ]
    assert state("upgrade-db", DOWN, replace(DOWN, service="failed")) == []


def test_D1_where_nobody_can_tell_whether_httpd_runs_the_database_is_not_changed_and_no_stop_is_said_to_help() -> None:
    told_of = "httpd may be running, the database must not change under it"
    assert state("upgrade-db", DOWN, replace(DOWN, service="unknown")) == [(f"blockerbugs02: {told_of}", None)]
    assert state("upgrade-db", replace(DOWN, service="activating"), replace(DOWN, service="unknown")) == [
        (f"blockerbugs01, blockerbugs02: {told_of}", "fab prod stop-httpd")
    ]


ALSO = (
    "blockerbugs02: also has /etc/cron.d/blockerbugs: the run pauses cron only on blockerbugs01, so this host could "
    "sync during the migration"
)


@pytest.mark.parametrize("procedure", ["major-upgrade", "upgrade-db"])
def test_C2_cron_on_another_host_would_sync_during_the_migration(procedure: str) -> None:
    facts = {ONE: replace(DOWN, cron=True), TWO: replace(DOWN, cron=True)}
    line = "sudo ls -l /etc/cron.d/blockerbugs  # take it away, or name that host as sync_host in hosts.yml"
    assert told(refusals.state(request(procedure, SET), facts)) == [(ALSO, f"ssh -t {TWO.name} {line}")]
    assert refusals.state(request("minor-upgrade", SET), {**facts, ONE: well(cron=True), TWO: well(cron=True)}) == []


def test_C2_a_timer_on_another_host_is_told_with_the_line_that_stops_it() -> None:
    host_set = prod(app={"timer": "kittens.timer"}, schema_status="x")
    facts = {ONE: replace(DOWN, cron=True), TWO: replace(DOWN, cron=True)}
    ((text, line),) = told(refusals.state(request("upgrade-db", host_set), facts))
    assert text == ALSO.replace("/etc/cron.d/blockerbugs", "kittens.timer").replace(
        "pauses cron", "pauses kittens.timer"
    )
    away = "sudo systemctl disable --now kittens.timer"
    assert line == f"ssh -t {TWO.name} {away}  # or name that host as sync_host in hosts.yml"


def test_C2_a_path_of_cron_s_with_blanks_is_one_word_on_the_host() -> None:
    host_set = prod(app={"cron": "/etc/cron.d/our sync"}, schema_status="x")
    facts = {ONE: replace(DOWN, cron=True), TWO: replace(DOWN, cron=True)}
    ((_, line),) = told(refusals.state(request("upgrade-db", host_set), facts))
    assert shlex.split(" ".join(shlex.split(str(line).partition("  # ")[0])[3:])) == [
        "sudo",
        "ls",
        "-l",
        "/etc/cron.d/our sync",
    ]


def test_H1_the_last_host_that_serves_is_not_taken_out() -> None:
    three = prod(hosts=(ONE, TWO, THREE), schema_status="x")
    ill = well(answers=503)
    assert state("restart-httpd", well(), ill, ill, host_set=three, hosts=[ONE]) == [
        (
            "blockerbugs02, blockerbugs03: not healthy: taking blockerbugs01 out of service leaves no healthy host",
            "fab prod restart-httpd  # handles unhealthy hosts first",
        )
    ]
    assert state("restart-httpd", well(), ill, well(), host_set=three, hosts=[ONE]) == []
    assert state("restart-httpd", well(), ill, ill, host_set=three) == []
    assert state("stop-httpd", well(), ill, ill, host_set=three, hosts=[ONE]) == []


def drain(*facts: Facts, hosts: tuple[Host, ...] = (ONE,)) -> str | None:
    """The line that is typed where draining these leaves no host that is well."""
    ((text, line),) = state("drain", *facts, host_set=prod(hosts=(ONE, TWO, THREE), schema_status="x"), hosts=hosts)
    assert (
        text == "blockerbugs02, blockerbugs03: not healthy: taking blockerbugs01 out of service leaves no healthy host"
    )
    return line


def test_H1_a_drain_that_leaves_no_healthy_host_names_what_makes_the_others_well() -> None:
    ill = well(answers=503)
    assert drain(well(), ill, DOWN) == "fab -H blockerbugs03 start-httpd"
    assert drain(well(), DOWN, DOWN) == "fab -H blockerbugs02,blockerbugs03 start-httpd"
    assert drain(well(), ill, replace(DOWN, service="unknown")) is None
    assert drain(well(), ill, UNREACHED) is None
    assert drain(well(), replace(DOWN, schema=Schema.PENDING)) is None  # it would not be started


# What stg knows of a migration, and settings


def ahead(there: Facts, here: Facts, procedure: str = "minor-upgrade") -> list[tuple[str, str | None]]:
    facts = found(SET, here) | found(stg(), there)
    return told(refusals.migration_ahead(request(procedure, SET), facts, NEW, stg()))


def test_V4_a_build_that_stg_runs_on_another_schema_brings_a_migration() -> None:
    there = well(NEW, revision="bbb")
    assert ahead(there, well()) == [
        (
            "blockerbugs01: a schema migration is pending: blockerbugs-1.1.0-1.el7 runs on bbb in stg, the database "
            "here is at aaa: use major-upgrade",
            "fab prod major-upgrade --version 1.1.0-1.el7",
        )
    ]
    assert ahead(there, well(), "major-upgrade") == []
    assert ahead(replace(there, revision="aaa"), well()) == []
    assert ahead(replace(there, revision=None), well()) == []
    assert ahead(there, well(revision=None)) == []
    assert ahead(replace(there, installed=OLD), well()) == []
    asked, facts = request("minor-upgrade", SET), found(SET, well()) | found(stg(), there)
    assert refusals.migration_ahead(asked, facts, NEW, None) == []
    assert refusals.migration_ahead(asked, facts, None, stg()) == []


def test_settings_that_are_not_the_same_everywhere_or_not_pushed_are_told() -> None:
    asked = request("minor-upgrade", SET, unsettled=("the template was edited",))
    differs = "/etc/blockerbugs/settings.py differs between blockerbugs01 and blockerbugs02"
    assert refusals.unsettled(asked, found(SET, well(), well(settings="other"))) == [differs, "the template was edited"]
    assert refusals.unsettled(asked, found(SET, well())) == ["the template was edited"]
    assert refusals.unsettled(request("sync", SET), found(SET, well(), UNREACHED)) == []
