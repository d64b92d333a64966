"""The build to go back to, by value, and whether the schema fits it; or every reason against it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.inventory.model import Backup
from tasks.run.which_build import earlier_build
from tasks.sop.model import Facts, Schema
from tasks.sop.nvr import Nvr, parse
from tests.unit.builders import NEW, NEWER, OLD, found, nvr, prod, request, well

from .test_which_build import texts

# What to go back to

UP = well(NEW, previous=OLD, previous_schema="aaa")


def back(*facts: Facts, version: str | None = None, **keys: Any) -> tuple[Nvr | None, list[tuple[str, str | None]]]:
    """The build to go back to, and the reasons against it; keys: of hosts.yml."""
    host_set = prod(**{"schema_status": "alembic current", **keys})
    build, reasons = earlier_build(request("rollback", host_set, version=version), found(host_set, *facts))
    return build, [(reason.text, reason.cure) for reason in reasons]


def test_rollback_goes_back_to_the_build_that_was_recorded() -> None:
    assert back(UP) == (OLD, [])
    assert back(UP, replace(UP, previous=None)) == (OLD, [])


def test_rollback_knows_the_epoch_of_the_recorded_build_from_what_is_on_offer() -> None:
    earlier, now = (parse(str(one), epoch="1") for one in (OLD, NEW))
    assert earlier
    build, _ = back(replace(UP, installed=now, offered={NEW: "r", earlier: "r"}))
    assert build
    assert build.epoch == 1


def test_a_recorded_build_that_is_not_on_offer_any_more_is_refused_where_it_is_not_there() -> None:
    gone = replace(UP, offered={NEW: "r"})
    assert back(gone, replace(gone, installed=OLD)) == (
        OLD,
        [("blockerbugs01: blockerbugs-1.0.0-1.el7 is not on offer any more", None)],
    )
    assert texts(back(replace(UP, offered=None))) == [
        f"{host}: blockerbugs-1.0.0-1.el7 is not on offer any more" for host in ("blockerbugs01", "blockerbugs02")
    ]


def test_a_build_that_is_typed_may_be_recorded_or_on_offer() -> None:
    earlier = nvr("0.9.0")
    assert back(replace(UP, offered=None), version="1.0.0")[0] == OLD
    assert back(replace(UP, previous=None, offered={earlier: "r", OLD: "r"}), version="0.9.0")[0] == earlier
    assert back(replace(UP, offered={}), replace(UP, offered={earlier: "r"}), version="0.9.0")[0] == earlier
    assert back(UP, version="blockerbugs-1.0.0")[0] == OLD


WHICH = "cannot tell which build to roll back to (recorded: "


@pytest.mark.parametrize(
    ("facts", "version", "why", "offers_one"),
    [
        pytest.param([replace(UP, previous=None)], None, f"{WHICH}none): give --version", True, id="none was recorded"),
        pytest.param(
            [replace(UP, previous=None, offered={NEW: "infra"})],
            None,
            f"{WHICH}none), and the repo offers none that is older",
            False,
            id="none was recorded, and none is on offer",
        ),
        pytest.param(
            [UP, replace(UP, previous=nvr("0.9.0"))],
            None,
            f"{WHICH}blockerbugs-0.9.0-1.el7, blockerbugs-1.0.0-1.el7): give --version",
            True,
            id="two were recorded",
        ),
        pytest.param(
            [UP],
            "0.8",
            "0.8 is not on offer, the repo offers blockerbugs-1.0.0-1.el7, blockerbugs-1.1.0-1.el7",
            True,
            id="another was typed",
        ),
    ],
)
def test_without_a_build_to_go_back_to_one_has_to_be_typed(
    facts: list[Facts], version: str | None, why: str, offers_one: bool
) -> None:
    line = "fab prod rollback --version 1.0.0-1.el7" if offers_one else None
    assert back(*facts, version=version) == (None, [(f"prod: {why}", line)])


def test_a_build_that_is_newer_than_the_one_that_runs_is_no_way_back() -> None:
    assert back(replace(UP, previous=NEWER), replace(UP, previous=NEWER, installed=NEWER)) == (
        None,
        [
            (
                "blockerbugs01: blockerbugs-1.2.0-1.el7 is newer than blockerbugs-1.1.0-1.el7, which runs: that is an "
                "upgrade",
                "fab prod status",
            )
        ],
    )
    newer_on_the_second = replace(UP, previous=NEWER, installed=NEWER), replace(UP, previous=NEWER)
    assert back(*newer_on_the_second)[1][0][0].startswith("blockerbugs02: blockerbugs-1.2.0-1.el7 is newer")


def test_hosts_on_which_nothing_is_installed_are_not_compared() -> None:
    assert back(replace(UP, installed=None)) == (OLD, [])


# Does the schema fit the build before?


TYPED = "fab prod rollback --version 1.0.0-1.el7"


def test_D1_after_a_migration_the_database_has_to_be_restored_first() -> None:
    migrated = replace(UP, revision="bbb")
    text = "blockerbugs01: the database is at bbb, blockerbugs-1.0.0-1.el7 wants aaa: restore it first"
    assert back(migrated) == (OLD, [(text, f"{TYPED}  # when it is restored")])
    saved = Backup(command="pg_dump", file="/var/tmp/dump", restore="pg_restore /var/tmp/dump")
    assert texts(back(migrated, backup=saved)) == [f"{text} from /var/tmp/dump: pg_restore /var/tmp/dump"]


def test_D1_where_the_database_is_back_and_the_new_build_wants_another_its_name_has_to_be_typed() -> None:
    restored = replace(UP, schema=Schema.PENDING)
    sentence = "prod: a schema migration separates the builds: name the build with --version"
    assert back(restored) == (OLD, [(sentence, TYPED)])
    assert back(restored, version="1.0.0") == (OLD, [])


def test_D1_a_database_of_which_no_revision_is_known_fits_nothing() -> None:
    unknown = replace(UP, revision=None, previous_schema=None)
    assert texts(back(unknown)) == [
        "blockerbugs01: the database is at an unknown revision, blockerbugs-1.0.0-1.el7 wants one that was not "
        "recorded: restore it first"
    ]


def test_a_sync_host_that_has_the_build_already_and_its_schema_is_proof_enough() -> None:
    there = well(OLD, previous=None, revision="ccc")
    assert back(there, UP) == (OLD, [])
    assert texts(back(replace(there, schema=Schema.PENDING), UP)) == [
        "prod: cannot verify that blockerbugs-1.0.0-1.el7 works with the current schema"
    ]


CANNOT = "prod: cannot verify that blockerbugs-1.0.0-1.el7 works with the current schema"
BLIND = replace(UP, revision=None, schema=Schema.UNKNOWN)


@pytest.mark.parametrize(
    ("facts", "typed", "reason"),
    [
        pytest.param(BLIND, {}, (CANNOT, TYPED), id="nobody can look: the build has to be typed"),
        pytest.param(BLIND, {"version": "1.0.0"}, None, id="nobody can look, and it was"),
    ],
)
def test_where_hosts_yml_names_no_schema_status(facts: Facts, typed: dict[str, Any], reason: Any) -> None:
    assert back(facts, schema_status=None, **typed) == (OLD, [reason] if reason else [])


def test_d2_without_schema_status_a_migration_that_this_build_has_done_is_known_all_the_same() -> None:
    migrated = replace(BLIND, migrated_with=NEW, migrated=True)
    text = (
        "blockerbugs01: upgrade_db of blockerbugs-1.1.0-1.el7 has run; blockerbugs-1.0.0-1.el7 needs the old schema: "
        "restore the database first"
    )
    assert back(migrated, schema_status=None) == (OLD, [(text, f"{TYPED}  # when it is restored")])
    assert back(migrated, schema_status=None, backup=Backup(command="x", file="/var/tmp/dump"))[1][0][0] == (
        f"{text} from /var/tmp/dump"
    )
    by_another = replace(migrated, migrated_with=OLD)
    assert back(by_another, schema_status=None) == (OLD, [(CANNOT, TYPED)])


def test_a_typed_build_that_is_not_the_recorded_one_leads_to_the_recorded_one() -> None:
    earlier = nvr("0.9.0")
    offers = replace(UP, offered={earlier: "r", OLD: "r"})
    text = "prod: cannot verify that blockerbugs-0.9.0-1.el7 works with the current schema"
    assert back(offers, version="0.9.0") == (earlier, [(text, "fab prod rollback")])
    assert back(replace(offers, previous=None), version="0.9.0") == (earlier, [(text, "fab prod status")])
