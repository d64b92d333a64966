"""What fails on real machines: the migration, httpd, the database."""

from __future__ import annotations

import pytest

from . import observe, repo
from .conftest import Lab
from .layout import ONE, STG, TWO

pytestmark = pytest.mark.lab


def test_d1_a_migration_that_fails_half_way_leaves_httpd_down_and_no_password_anywhere(lab: Lab) -> None:
    repo.publish("1.2.0")
    ended = lab.types("stg major-upgrade --yes --verbose")  # types() looks for the password in what was said
    assert ended.code == 5
    assert 'relation "vote" does not exist' in ended.said
    assert "[redacted]" in ended.said
    assert lab.settings.database_password not in lab.journal()
    assert lab.on(STG, "systemctl is-active httpd || true").strip() == "inactive"
    assert observe.revision("stg") == "2b7f3"
    assert observe.times("stg", "sync") == 0


def test_h1_an_httpd_that_does_not_start_again_keeps_the_other_node_as_it_is(stg_runs_101: Lab) -> None:
    stg_runs_101.on(ONE, "echo Nonsense >/etc/httpd/conf.d/nonsense.conf")
    ended = stg_runs_101.types("prod minor-upgrade --yes")
    stg_runs_101.on(ONE, "rm /etc/httpd/conf.d/nonsense.conf")
    assert (ended.code, stg_runs_101.runs(TWO)) == (5, ("1.0.0", "1.0.0"))
    assert "blockerbugs01: restart-httpd:" in ended.said


def test_a_node_that_lost_its_settings_is_not_called_healthy(stg_runs_101: Lab) -> None:
    stg_runs_101.on(ONE, "setfacl -b /etc/blockerbugs/settings.py")
    ended = stg_runs_101.types("prod minor-upgrade --yes")
    assert (ended.code, stg_runs_101.runs(TWO)) == (5, ("1.0.0", "1.0.0"))
    assert "answers 500" in ended.said


def test_a_database_that_went_away_stops_a_major_upgrade_before_httpd_is_started(stg_runs_110: Lab) -> None:
    stg_runs_110.on(ONE, "sed -i s/blockerbugs_prod/nowhere/ /etc/blockerbugs/settings.py")
    ended = stg_runs_110.types("prod major-upgrade --yes")
    assert ended.code == 2
    assert observe.revision("prod") == "1a0c9"
