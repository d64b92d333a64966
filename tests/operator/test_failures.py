"""What happens when a step fails: who is not touched any more, what is said, what to type next."""

from __future__ import annotations

import pytest

from .conftest import ONE, STG, TWO, Fleet


def test_v2_an_update_that_exits_0_and_changes_nothing_is_a_failure(fleet: Fleet) -> None:
    fleet.breaks(STG, "yum-update", "nothing")
    ended = fleet.types("stg minor-upgrade --version 1.0.1 --yes")
    assert ended.code == 5, ended.said
    assert "installed is blockerbugs-1.0.0-1.el7" in ended.err
    assert fleet.moments("service", "restart") == []


def test_y3_when_yum_fails_on_one_host_of_a_minor_upgrade_the_other_is_not_touched(stg_runs_101: Fleet) -> None:
    stg_runs_101.breaks(ONE, "yum-update")
    ended = stg_runs_101.types("prod minor-upgrade --yes")
    assert ended.code == 5, ended.said
    assert [host for _, host, _ in stg_runs_101.moments("yum", "-C", "update") if host == TWO] == []
    assert "next: fab prod resume" in ended.err
    assert "then: fab prod minor-upgrade --version 1.0.1-1.el7  # the same again" in ended.err


def test_y3_when_yum_fails_on_one_host_of_a_major_upgrade_nothing_is_migrated(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(TWO, "yum-update")
    ended = stg_runs_110.types("prod major-upgrade --yes")
    assert ended.code == 5, ended.said
    assert stg_runs_110.set("prod")["upgrade_db"] == 0
    assert stg_runs_110.host(ONE)["installed"] == "blockerbugs-1.1.0-1.el7"
    recap = {line.split()[0]: line.split()[1:] for line in ended.out.splitlines() if line}
    assert recap["yum-update"][1:] == ["s", "FAILED"]
    assert recap["upgrade-db"] == ["not", "reached", "-"]
    assert "httpd is not running on prod01, prod02" in ended.err


def test_after_yum_was_mended_and_the_run_given_up_the_same_line_goes_on_from_where_it_was(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(TWO, "yum-update")
    stg_runs_110.types("prod major-upgrade --yes")
    assert stg_runs_110.types("prod abort --yes").code == 0
    ended = stg_runs_110.types("prod major-upgrade --version 1.1.0-1.el7 --yes")
    assert ended.code == 0, ended.said
    assert stg_runs_110.set("prod")["upgrade_db"] == 1
    assert {stg_runs_110.runs(host)[1] for host in (ONE, TWO)} == {"1.1.0"}


def test_d1_after_a_failed_migration_httpd_stays_down_everywhere(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db")
    ended = stg_runs_110.types("prod major-upgrade --yes")
    assert ended.code == 5, ended.said
    assert {stg_runs_110.host(host)["httpd"] for host in (ONE, TWO)} == {False}
    assert "fab prod upgrade-db sync start-httpd  # by hand" in ended.err
    assert "Fedora QA Devel, #fedora-qa" in ended.err


def test_d1_httpd_is_not_started_over_a_failed_migration_by_a_step_either(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db")
    stg_runs_110.types("prod major-upgrade --yes")
    assert stg_runs_110.types("prod start-httpd --yes").code == 3
    assert stg_runs_110.types("prod abort --yes").code == 0
    ended = stg_runs_110.types("prod start-httpd --yes")
    assert (ended.code, "next: fab prod upgrade-db" in ended.err) == (2, True), ended.said
    for step in ("upgrade-db", "sync", "start-httpd"):
        assert stg_runs_110.types(f"prod {step} --yes").code == 0
    assert {stg_runs_110.runs(host)[1] for host in (ONE, TWO)} == {"1.1.0"}


def test_d4_when_sync_fails_httpd_is_not_started_and_the_choice_is_the_operators(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "sync")
    ended = stg_runs_110.types("prod major-upgrade --yes")
    assert ended.code == 5, ended.said
    assert {stg_runs_110.host(host)["httpd"] for host in (ONE, TWO)} == {False}
    assert "fab prod sync start-httpd  # by hand" in ended.err
    assert stg_runs_110.types("prod abort --yes").code == 0
    assert stg_runs_110.types("prod start-httpd --yes").code == 0


def test_h2_a_node_that_answers_with_the_old_build_is_not_healthy(stg_runs_101: Fleet) -> None:
    stg_runs_101.breaks(ONE, "restart-httpd", "nothing")
    ended = stg_runs_101.types("prod minor-upgrade --yes")
    assert ended.code == 5, ended.said
    assert "answers 200 1.0.0" in ended.err
    assert stg_runs_101.runs(TWO) == ("blockerbugs-1.0.0-1.el7", "1.0.0")


def test_h3_a_node_that_is_unavailable_for_a_moment_is_waited_for(fleet: Fleet) -> None:
    fleet.breaks(STG, "health", "unavailable", seconds=1.0)
    ended = fleet.types("stg restart-httpd --yes")
    assert ended.code == 0, ended.said


@pytest.mark.parametrize("kind", ["slow", "loop", "drip"])
def test_h4_a_health_check_that_does_not_end_is_not_waited_for_forever(fleet: Fleet, kind: str) -> None:
    fleet.breaks(STG, "health", kind, times=1000, seconds=30)
    ended = fleet.types("stg restart-httpd --yes")
    assert ended.code == 5, ended.said
    assert "wanted 200" in ended.err


def test_a_failed_download_stops_before_anything_is_stopped(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(TWO, "download")
    ended = stg_runs_110.types("prod major-upgrade --yes")
    assert ended.code == 1, ended.said
    assert {stg_runs_110.host(host)["httpd"] for host in (ONE, TWO)} == {True}
    assert "no step that changes prod was begun" in ended.err


def test_n5_a_host_that_dies_in_a_major_upgrade_stops_it_before_the_migration(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(TWO, "yum-update", "down")
    ended = stg_runs_110.types("prod major-upgrade --yes")
    assert ended.code == 5, ended.said
    assert stg_runs_110.set("prod")["upgrade_db"] == 0
    assert "prod02: cannot be reached any more" in ended.err
    assert "httpd is not running on prod01\n" in ended.err
    assert "httpd was stopped on prod02; whether it runs again is not known" in ended.err


def test_n5_a_host_that_dies_in_a_minor_upgrade_leaves_the_other_serving(stg_runs_101: Fleet) -> None:
    stg_runs_101.breaks(ONE, "restart-httpd", "down")
    ended = stg_runs_101.types("prod minor-upgrade --yes")
    assert ended.code == 5, ended.said
    assert stg_runs_101.runs(TWO) == ("blockerbugs-1.0.0-1.el7", "1.0.0")


def test_n2_when_the_line_drops_the_step_is_found_again_and_followed_to_its_end(fleet: Fleet) -> None:
    fleet.breaks(STG, "yum-update", "drop")
    ended = fleet.types("stg minor-upgrade --version 1.0.1 --yes")
    assert ended.code == 0, ended.said
    assert len([m for m in fleet.moments("yum", "update", "-y") if m[2] == "start"]) == 2  # the download, the update
