"""A real PostgreSQL with a session that holds a lock on what a migration changes; a real RPM that says what that is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.operator.fleets import agreed, printed, until

from . import observe, repo
from .conftest import Lab
from .layout import HUB, STG

pytestmark = pytest.mark.lab

# As hosts.yml shows it, for a database that is on another machine: its address is in the application's settings.
_ADDRESS = "sed -n 's/.*\"postgresql+psycopg2\\(.*\\)\"/postgresql\\1/p' /etc/blockerbugs/settings.py"
_HOLDERS = (
    "select distinct concat_ws(' ', a.pid, a.usename, a.application_name, a.state) from pg_stat_activity w, "
    "unnest(pg_blocking_pids(w.pid)) b, pg_stat_activity a where a.pid = b and w.datname = current_database()"
)
_REPORT = "LOCK TABLE bug IN ACCESS SHARE MODE; SELECT pg_sleep(600)"


@pytest.fixture
def lab(lab: Lab, tmp_path: Path) -> Lab:
    """Migrations wait for a lock for two seconds."""
    app = {"lock_timeout": 2, "lock_holders": f'psql -AtX "$({_ADDRESS})" -c "{_HOLDERS}"'}
    there = Path(lab.environment["FABRIC_HOSTS_FILE"]).read_text(encoding="utf-8")
    file = tmp_path / "hosts.yml"
    file.write_text(f"app: {json.dumps(app)}\n{there}", encoding="utf-8")
    lab.environment["FABRIC_HOSTS_FILE"] = str(file)
    return lab


@contextmanager
def a_report_that_reads(lab: Lab) -> Iterator[None]:
    """A session in a transaction that has read the table, and goes on and on."""
    address = f"postgresql://blockerbugs:{lab.settings.database_password}@{HUB.name}/blockerbugs_stg"
    asks = f'PGAPPNAME=nightly-report psql -qX "{address}" -c "BEGIN" -c "{_REPORT}"'
    lab.on(HUB, f"setsid sh -c '{asks}' >/dev/null 2>&1 </dev/null &")
    until(lambda: there() == "1")
    try:
        yield
    finally:
        observe.sql(
            "stg",
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'nightly-report'",
        )
        until(lambda: there() == "0")


def there() -> str:
    return observe.sql(
        "stg",
        "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity USING (pid) "
        "WHERE relation = 'bug'::regclass AND application_name = 'nightly-report'",
    )


def refused_by_the_lock(lab: Lab) -> list[str]:
    """The lines to type after a major upgrade that met the report."""
    ended = lab.types("stg major-upgrade --yes")
    assert ended.code == 5, ended.said
    assert "the migration gave up on a lock after 2 s: held by " in ended.said, ended.said
    assert "blockerbugs nightly-report" in ended.said, ended.said
    assert "nothing was migrated: the database is at 1a0c9, as before" in ended.said, ended.said
    assert (observe.revision("stg"), observe.times("stg", "sync")) == ("1a0c9", 0)
    assert '"event": "blocked"' in lab.journal()
    return printed(ended.said)


@pytest.mark.smoke
def test_d6_a_migration_that_meets_a_lock_gives_up_and_resume_migrates_when_that_is_gone(lab: Lab) -> None:
    with a_report_that_reads(lab):
        resume = refused_by_the_lock(lab)[0]
    ended = lab.types(agreed(resume))
    assert ended.code == 0, ended.said
    assert (observe.revision("stg"), lab.runs(STG)) == ("2b7f3", ("1.1.0", "1.1.0"))


def test_d6_while_the_lock_is_held_httpd_is_started_again_on_the_build_before(lab: Lab) -> None:
    with a_report_that_reads(lab):
        for line in [line for line in refused_by_the_lock(lab) if "abort" in line or "rollback" in line]:
            ended = lab.types(agreed(line))
            assert ended.code == 0, ended.said
        assert lab.runs(STG) == ("1.0.0", "1.0.0")


@pytest.mark.dnf5
def test_what_a_migration_would_do_is_read_out_of_the_rpm_that_yum_has_fetched(lab: Lab) -> None:
    said = lab.types("stg major-upgrade --plan").said
    assert "migration v1_1_0.py: changes what is there: renames the column bug.summary to title" in said, said
    repo.publish("1.2.0")
    said = lab.types("stg major-upgrade --plan").said
    assert "migration v1_2_0.py: changes what is there: changes rows of bug; the column bug.votes" in said, said
    assert lab.runs(STG) == ("1.0.0", "1.0.0")
