"""What is known of the database where hosts.yml has no schema_status, as the shipped one has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import ONE, TWO, Fleet
from .fleets import begun

MAJOR = "prod major-upgrade --yes"


@pytest.fixture
def blind(stg_runs_110: Fleet) -> Fleet:
    """stg runs 1.1.0, and no set can be asked for its schema."""
    file = stg_runs_110.home / "hosts.yml"
    file.write_text(file.read_text().replace("    schema_status: alembic current\n", ""))
    return stg_runs_110


def becomes(fleet: Fleet, name: str, tmp_path: Path) -> None:
    """From now on somebody else types, on a machine that knows of nothing."""
    fleet.environment["XDG_STATE_HOME"] = str(tmp_path / name)


def test_d1_no_other_operator_starts_httpd_over_a_migration_that_failed(blind: Fleet, tmp_path: Path) -> None:
    blind.breaks(ONE, "upgrade-db")
    assert blind.types(MAJOR).code == 5
    becomes(blind, "bob", tmp_path)
    assert blind.types("prod abort --yes").code == 0
    ended = blind.types("prod start-httpd --yes")
    assert (ended.code, "the last upgrade_db, with blockerbugs-1.1.0-1.el7, did not succeed" in ended.err) == (2, True)
    assert ended.err.splitlines()[-1] == "next: fab prod upgrade-db"
    assert blind.types("prod upgrade-db --yes").code == 0
    assert blind.types("prod sync --yes").code == 0
    assert blind.types("prod start-httpd --yes").code == 0


def test_d2_who_began_a_migration_that_somebody_else_saw_through_is_not_told_that_it_failed(
    blind: Fleet, tmp_path: Path
) -> None:
    blind.breaks(ONE, "upgrade-db", "slow", seconds=4)
    blind.dies_in(MAJOR, "blockerbugs", "upgrade_db")
    becomes(blind, "bob", tmp_path)
    assert blind.types("prod resume --yes").code == 0
    blind.environment["XDG_STATE_HOME"] = str(blind.folder / "state")  # hers again
    ended = blind.types("prod restart-httpd --yes")
    assert ended.code == 0, ended.said
    assert begun(blind, "blockerbugs", "upgrade_db") == 1


def test_each_step_by_hand_names_the_one_after_it(blind: Fleet) -> None:
    for step, then in (
        ("stop-httpd", None),
        ("yum-update --version 1.1.0", "fab prod upgrade-db sync start-httpd"),
        ("upgrade-db", "fab prod sync start-httpd"),
        ("sync", "fab prod start-httpd"),
        ("start-httpd", None),
    ):
        ended = blind.types(f"prod {step} --yes")
        assert ended.code == 0, ended.said
        assert then is None or ended.out.splitlines()[-1] == f"next: {then}", ended.said


def test_after_a_migration_rollback_says_that_the_database_comes_first(blind: Fleet) -> None:
    assert blind.types(MAJOR).code == 0
    ended = blind.types("prod rollback --yes")
    assert (ended.code, "upgrade_db of blockerbugs-1.1.0-1.el7 has run" in ended.err) == (2, True), ended.said
    assert ended.err.splitlines()[-1] == "next: fab prod rollback --version 1.0.0-1.el7  # when it is restored"
    blind.machines.restore_database("prod")
    ended = blind.types("prod rollback --version 1.0.0-1.el7 --yes")
    assert ended.code == 0, ended.said
    assert blind.runs(TWO) == ("blockerbugs-1.0.0-1.el7", "1.0.0")
    assert blind.types("prod restart-httpd --yes").code == 0
