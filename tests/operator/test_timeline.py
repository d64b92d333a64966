"""The page of a run: written from the journal, of runs that went well and of others."""

from __future__ import annotations

from pathlib import Path

from tests.operator.conftest import ONE, TWO, Fleet


def page(fleet: Fleet, line: str) -> str:
    ended = fleet.types(line)
    assert ended.code == 0, ended.said
    written, picture = map(Path, ended.out.splitlines())
    assert picture.read_text().startswith("<svg")
    return written.read_text()


def test_the_page_of_a_major_upgrade_has_its_hosts_commands_output_and_outage(stg_runs_110: Fleet) -> None:
    assert stg_runs_110.types("prod major-upgrade --yes").code == 0
    shown = page(stg_runs_110, "prod report")
    assert "prod: major upgrade to blockerbugs-1.1.0-1.el7" in shown
    assert "Done (exit code 0)" in shown
    assert ONE in shown
    assert TWO in shown
    assert "service httpd stop" in shown
    assert "blockerbugs upgrade_db" in shown
    assert "httpd was down" in shown
    assert "the page did not answer" in shown
    assert "not reached" not in shown


def test_the_page_of_a_failed_migration_shows_what_failed_and_no_secret(stg_runs_110: Fleet, tmp_path: Path) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db")
    assert stg_runs_110.types("prod major-upgrade --yes").code == 5
    shown = page(stg_runs_110, f"prod report --out {tmp_path / 'ticket.html'}")
    assert "Stopped half-way (exit code 5)" in shown
    assert "not reached" in shown
    assert "postgresql+psycopg2://blockerbugs:[redacted]@" in shown


def test_who_resumes_a_colleagues_run_has_all_of_it_on_the_page(stg_runs_110: Fleet, tmp_path: Path) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db")
    assert stg_runs_110.types("prod major-upgrade --yes").code == 5
    stg_runs_110.environment["XDG_STATE_HOME"] = str(tmp_path / "bob")
    assert stg_runs_110.types("prod resume --yes").code == 0
    shown = page(stg_runs_110, "prod report")
    assert "prod: major upgrade to blockerbugs-1.1.0-1.el7" in shown
    assert "Done (exit code 0)" in shown
    assert "service httpd stop" in shown
    assert len(stg_runs_110.types("prod history").out.splitlines()) == 2


def test_a_report_reaches_no_host_and_needs_no_set(fleet: Fleet) -> None:
    assert fleet.types("stg stop-httpd --yes").code == 0
    looked = len(fleet.moments())
    assert "stg: stop-httpd" in page(fleet, "report")
    assert len(fleet.moments()) == looked


def test_where_nothing_was_run_there_is_nothing_to_report(fleet: Fleet) -> None:
    ended = fleet.types("prod report")
    assert ended.code == 2
    assert "the journal has no run of prod" in ended.err
