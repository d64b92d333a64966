"""What stands in the way, by value: each reason as the operator reads it, and the line that helps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.errors import TryLater
from tasks.run import refusals
from tasks.run.refusals import Reason
from tasks.sop.model import Facts
from tests.unit.builders import NEW, OLD, ONE, TWO, found, prod, request, well

SET = prod(schema_status="alembic current")
PATIENCE = "  # when it has ended"


def told(reasons: list[Reason]) -> list[tuple[str, str | None]]:
    return [(reason.text, reason.cure) for reason in reasons]


# Somebody is at work


def at_work(procedure: str, *facts: Facts, **typed: Any) -> tuple[tuple[str, ...], str | None]:
    with pytest.raises(TryLater) as later:
        refusals.check_that_nobody_is_at_work(request(procedure, SET, **typed), found(SET, *facts))
    return later.value.problems, later.value.next_line


def test_d3_while_an_upgrade_db_or_a_sync_works_on_the_database_nothing_is_begun() -> None:
    assert at_work("start-httpd", well(busy=True), well(), hosts=[TWO]) == (
        ("blockerbugs01: an upgrade_db or sync of an earlier run still works on the database",),
        f"fab -H blockerbugs02 start-httpd{PATIENCE}",
    )


def test_d3_httpd_may_be_stopped_meanwhile() -> None:
    refusals.check_that_nobody_is_at_work(request("stop-httpd", SET), found(SET, well(busy=True)))


def test_d3_only_the_sync_host_works_on_the_database() -> None:
    refusals.check_that_nobody_is_at_work(request("sync", SET), found(SET, well(), well(busy=True)))


def test_y1_every_host_whose_yum_is_held_is_named_with_who_holds_it() -> None:
    assert at_work("minor-upgrade", well(busy=True, yum_holder="42 yum"), well(yum_holder="7 dnf")) == (
        (
            "blockerbugs01: an upgrade_db or sync of an earlier run still works on the database",
            "blockerbugs01: yum is held by 42 yum",
            "blockerbugs02: yum is held by 7 dnf",
        ),
        f"fab prod minor-upgrade{PATIENCE}",
    )


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(request("restart-httpd", SET), id="it is not installed with"),
        pytest.param(request("minor-upgrade", SET, hosts=[ONE]), id="that host is not meant"),
    ],
)
def test_y1_a_yum_that_is_held_is_nobodys_business_where(asked: Any) -> None:
    refusals.check_that_nobody_is_at_work(asked, found(SET, well(), well(yum_holder="42 yum")))


# What could not be found out


def unknown(procedure: str, *facts: Facts, **typed: Any) -> list[tuple[str, str | None]]:
    return told(refusals.unknown(request(procedure, SET, **typed), found(SET, *facts)))


def test_v2_what_could_not_be_found_out_on_any_host_is_told() -> None:
    assert unknown("stop-httpd", well(problems=("no df",)), well(problems=("no date", "no stat")), hosts=[ONE]) == [
        ("blockerbugs01: no df", None),
        ("blockerbugs02: no date", None),
        ("blockerbugs02: no stat", None),
    ]


def test_v2_packages_that_could_not_be_listed_matter_to_what_installs_and_on_the_hosts_that_are_meant() -> None:
    facts = well(no_list="yum cannot list"), well(no_list="yum cannot list")
    assert unknown("yum-update", *facts, hosts=[TWO]) == [("blockerbugs02: yum cannot list", None)]
    assert unknown("restart-httpd", *facts) == []


def test_v2_a_schema_that_could_not_be_asked_for_matters_to_what_needs_it_on_every_host() -> None:
    facts = well(), well(no_schema="no alembic")
    assert unknown("restart-httpd", *facts, hosts=[ONE]) == [("blockerbugs02: no alembic", None)]
    assert unknown("stop-httpd", *facts) == []


def test_d1_a_migration_that_could_not_be_proven_is_told_with_what_to_change() -> None:
    assert unknown("major-upgrade", well(no_schema="no alembic"), well()) == [
        (
            "blockerbugs01: no alembic: the migration result could not be verified afterwards; fix this, or remove "
            "schema_status from hosts.yml to trust upgrade_db's exit status",
            "fab prod status",
        )
    ]
    assert unknown("yum-update", well(no_schema="no alembic"), well()) == []
    assert unknown("major-upgrade", well(), well(no_schema="no alembic")) == []


def test_Y4_the_programs_that_are_missing_are_named_with_what_installs_them_once() -> None:
    facts = found(SET, well(lacks=("flock", "setsid", "curl", "reboot")), well(lacks=("reboot",)))
    assert told(refusals.missing(request("stop-httpd", SET), facts)) == [
        (
            "blockerbugs01: has no flock and no setsid and no curl, which the steps need",
            f"ssh -t {ONE.name} sudo yum -y install util-linux curl",
        )
    ]
    assert refusals.missing(request("stop-httpd", SET, hosts=[TWO]), facts) == []


# What stands in yum's way


def packages(*facts: Facts, procedure: str = "minor-upgrade", **keys: Any) -> list[tuple[str, str | None]]:
    host_set = prod(**keys)
    return told(refusals.packages(request(procedure, host_set, hosts=[ONE]), found(host_set, *facts), NEW))


NOT_INSTALLED = "and an update installs nothing new"


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"installed": None}, (f"blockerbugs01: blockerbugs is not installed, {NOT_INSTALLED}", None)),
        (
            {"installed": None, "rpm_says": ("database is locked", "again")},
            (f"blockerbugs01: blockerbugs is not installed (database is locked; again), {NOT_INSTALLED}", None),
        ),
        (
            {"free": 199},
            (
                "blockerbugs01: 199 MB free on / or /var, 200 are wanted",
                f"ssh -t {ONE.name} sudo yum clean packages",
            ),
        ),
        (
            {"installed": OLD, "unchecked_repos": frozenset({"infra"})},
            ("blockerbugs01: infra has gpgcheck=0, its packages' signatures would not be checked", None),
        ),
    ],
)
def test_what_stands_in_yums_way(facts: dict[str, Any], reason: tuple[str, str | None]) -> None:
    assert packages(well(**facts)) == [reason]


NO_OFFER = "blockerbugs01: no repository offers a build of blockerbugs: "


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({}, "is it excluded, or is the repository switched off or skipped?"),
        ({"yum_says": ("one", "two")}, "one; two"),
        ({"version_lock": "/etc/lock"}, "/etc/lock has a version lock on it"),
        ({"yum_says": ("one",), "version_lock": "/etc/lock"}, "one; /etc/lock has a version lock on it"),
    ],
)
def test_y3_a_build_that_no_repository_offers_is_told_with_what_yum_says(facts: dict[str, Any], why: str) -> None:
    line = f"ssh -t {ONE.name} sudo yum --enablerepo=testing list --showduplicates blockerbugs"
    assert packages(well(offered={}, **facts), enable_repo="testing") == [(NO_OFFER + why, line)]


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"free": 200}, id="just enough room"),
        pytest.param({"free": None}, id="nobody knows how much room"),
        pytest.param({"offered": None}, id="what is on offer was not asked for"),
        pytest.param({"offered": {}, "no_list": "no yum"}, id="what is on offer could not be listed, which is told"),
        pytest.param({"unchecked_repos": frozenset({"epel", None})}, id="another repository that is not checked"),
    ],
)
def test_nothing_stands_in_yums_way_where(facts: dict[str, Any]) -> None:
    assert packages(well(**facts)) == []


def test_an_update_does_not_go_back_and_a_rollback_does() -> None:
    newer = replace(well(), installed=replace(NEW, version="1.2.0"))
    sentence = "blockerbugs01: blockerbugs-1.2.0-1.el7 is installed, which is newer than blockerbugs-1.1.0-1.el7"
    assert packages(newer) == [(sentence, None)]
    assert packages(newer, procedure="rollback") == []
    assert packages(well(NEW)) == []


def test_y2_what_a_cut_off_transaction_has_left_is_told_host_by_host() -> None:
    facts = found(SET, well(unfinished=True), well(unfinished=True, duplicates=(OLD, NEW)))
    assert told(refusals.cut_off(request("minor-upgrade", SET), facts)) == [
        ("blockerbugs01: an rpm transaction was not finished", "fab prod mend-rpm"),
        ("blockerbugs02: an rpm transaction was not finished", "fab prod mend-rpm"),
        (
            "blockerbugs02: rpm's database has blockerbugs-1.0.0-1.el7 and blockerbugs-1.1.0-1.el7: a transaction was "
            "cut off",
            "fab prod mend-rpm",
        ),
    ]
    assert refusals.cut_off(request("minor-upgrade", SET, hosts=[ONE]), found(SET, well(), well(unfinished=True))) == []
