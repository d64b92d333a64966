"""dnf, rpm and the repos: signatures, mirrors, locks, transactions that fail."""

from __future__ import annotations

import pytest

from . import repo
from .conftest import Lab
from .layout import DNF, NODES, ONE, STG, TWO

pytestmark = pytest.mark.lab
only_dnf5 = pytest.mark.skipif(DNF != 5, reason="only dnf 5 has it")

OLD = ("1.0.0", "1.0.0")


def test_s9_a_repo_with_gpgcheck_0_is_refused(stg_runs_101: Lab) -> None:
    stg_runs_101.on(TWO, "sed -i s/gpgcheck=1/gpgcheck=0/ /etc/yum.repos.d/infrastructure-tags.repo")
    ended = stg_runs_101.types("prod minor-upgrade --yes")
    assert (ended.code, stg_runs_101.runs(ONE), stg_runs_101.runs(TWO)) == (2, OLD, OLD)
    assert "blockerbugs02: infrastructure-tags has gpgcheck=0" in ended.said


@pytest.mark.smoke
@pytest.mark.dnf5
def test_s9_an_unsigned_build_is_never_installed_and_httpd_serves_on(lab: Lab) -> None:
    repo.publish("unsigned/1.0.1")
    ended = lab.types("stg minor-upgrade --version 1.0.1 --yes")
    assert (ended.code, lab.runs(STG)) == (1, OLD)
    assert "not signed" in ended.said


@pytest.mark.dnf5
def test_s9_an_unsigned_build_is_refused_before_a_major_upgrade_stops_httpd(lab: Lab) -> None:
    repo.publish("unsigned/1.0.1")
    ended = lab.types("stg major-upgrade --version 1.0.1 --yes")
    assert (ended.code, lab.runs(STG)) == (1, OLD)
    assert "not signed" in ended.said
    assert "stop-httpd on" not in ended.said


def test_s9_a_build_signed_with_an_unknown_key_is_never_installed(lab: Lab) -> None:
    lab.on(STG, "rpm -e --allmatches gpg-pubkey; echo nothing >/etc/pki/rpm-gpg/RPM-GPG-KEY-lab")
    ended = lab.types("stg major-upgrade --yes")
    assert (ended.code, lab.runs(STG)) == (1, OLD)


@pytest.mark.dnf5
def test_a_repository_that_cannot_be_reached_is_not_taken_for_nothing_to_do(lab: Lab) -> None:
    lab.on(STG, "sed -i '/^skip_if/d' /etc/dnf/dnf.conf; echo skip_if_unavailable=True >>/etc/dnf/dnf.conf")
    lab.on(STG, "sed -i 's|http://hub.lab/|http://hub.lab:9/|' /etc/yum.repos.d/*.repo")
    ended = lab.types("stg minor-upgrade --yes")
    assert (ended.code, lab.runs(STG)) == (2, OLD)
    assert "no repository offers a build of blockerbugs: " in ended.said
    assert "Could not connect to server" in ended.said or "Couldn't connect to server" in ended.said


@pytest.mark.dnf5
def test_a_repository_that_hosts_yml_names_and_yum_does_not_know_is_named(lab: Lab) -> None:
    lab.on(STG, "rm /etc/yum.repos.d/infrastructure-tags-stg.repo")
    ended = lab.types("stg minor-upgrade --yes")
    assert (ended.code, lab.runs(STG)) == (2, OLD)
    assert "infrastructure-tags-stg" in ended.said.partition("yum cannot list blockerbugs: ")[2].partition("\n")[0]


@pytest.mark.dnf5
@only_dnf5
def test_a_version_lock_is_told_in_the_plan_and_is_the_reason_that_nothing_was_downloaded(lab: Lab) -> None:
    lab.on(STG, "yum -q versionlock add blockerbugs")
    ended = lab.types("stg minor-upgrade --version 1.0.1 --yes")
    assert (ended.code, lab.runs(STG)) == (1, OLD)
    assert "/etc/dnf/versionlock.toml has a version lock on blockerbugs" in ended.said
    assert "matches only packages excluded by versionlock" in ended.said


@pytest.mark.dnf5
def test_a_build_goes_back_to_the_one_before(lab: Lab) -> None:
    assert lab.types("stg minor-upgrade --version 1.0.1 --yes").code == 0
    ended = lab.types("stg rollback --yes")
    assert (ended.code, lab.runs(STG)) == (0, OLD)


def test_v2_yum_that_succeeds_and_changes_nothing_is_no_success(lab: Lab) -> None:
    lab.on(STG, "echo tsflags=test >>/etc/dnf/dnf.conf")
    ended = lab.types("stg minor-upgrade --version 1.0.1 --yes")
    assert (ended.code, lab.runs(STG)) == (5, OLD)
    assert "installed is blockerbugs-1.0.0-1.el7.noarch, not blockerbugs-1.0.1-1.el7" in ended.said


def test_v3_a_stale_mirror_of_one_host_is_noticed_before_anything_is_changed(lab: Lab) -> None:
    repo.withdraw("1.0.1")
    repo.freeze(TWO)
    repo.publish("1.0.1")
    assert lab.types("stg minor-upgrade --version 1.0.1 --yes").code == 0
    ended = lab.types("prod minor-upgrade --yes")
    assert (ended.code, lab.runs(ONE)) == (2, OLD)
    assert "blockerbugs02: stg runs blockerbugs-1.0.1-1.el7, the repo offers blockerbugs-1.0.0-1.el7, " in ended.said


def test_v3_hosts_that_are_offered_different_builds_are_refused(lab: Lab) -> None:
    repo.freeze(TWO)
    repo.publish("1.2.0")
    ended = lab.types("prod major-upgrade --unverified rehearsal --yes")
    assert (ended.code, lab.runs(ONE)) == (2, OLD)
    assert "a mirror is stale, or a tag has just moved" in ended.said


def test_v1_a_build_that_was_withdrawn_after_the_question_is_not_replaced_by_another(stg_runs_101: Lab) -> None:
    screen = stg_runs_101.terminal("prod minor-upgrade")
    screen.asks("Type prod to go on:")
    repo.withdraw("1.0.1")
    screen.answers("Type prod to go on:", "prod")
    assert screen.ends() == 1, screen.said
    assert [stg_runs_101.runs(node) for node in (ONE, TWO)] == [OLD] * 2


@pytest.mark.smoke
def test_y1_a_held_yum_lock_means_later_and_says_who_holds_it(lab: Lab) -> None:
    lab.on(STG, "systemd-run --quiet --unit=holder sleep 600")
    lab.on(STG, "systemctl show -p MainPID --value holder >/var/cache/dnf/metadata_lock.pid")
    ended = lab.types("stg minor-upgrade --version 1.0.1 --yes")
    lab.on(STG, "systemctl stop holder || true")
    assert (ended.code, lab.runs(STG)) == (75, OLD)
    assert "sleep 600" in ended.said


@pytest.mark.dnf5
@only_dnf5
def test_y1_who_holds_dnf_5_is_named_though_no_pid_stands_in_its_lock(lab: Lab) -> None:
    # It waits to be told yes or no.
    lab.on(STG, "systemd-run --quiet --unit=holder sh -c 'sleep 600 | yum update blockerbugs-1.0.1'")
    lab.on(STG, "until grep -q POSIX.*WRITE /proc/locks; do sleep 0.1; done")
    ended = lab.types("stg minor-upgrade --version 1.0.1 --yes")
    lab.on(STG, "systemctl stop holder || true")
    assert (ended.code, lab.runs(STG)) == (75, OLD)
    assert "yum update blockerbugs-1.0.1" in ended.said


@pytest.mark.dnf5
def test_y2_two_builds_in_rpms_database_are_refused_and_the_line_that_is_printed_mends_it(lab: Lab) -> None:
    lab.on(STG, "rpm -i --justdb --force --nodeps --nosignature /srv/rpms/blockerbugs-1.0.1-*.rpm")
    ended = lab.types("stg major-upgrade --yes")
    assert ended.code == 2
    assert "rpm's database has blockerbugs-1.0.0-1.el7 and blockerbugs-1.0.1-1.el7: a transaction was cut" in ended.said
    assert ended.said.endswith(" stg mend-rpm\n"), ended.said
    assert lab.types("stg mend-rpm --yes").code == 0
    assert lab.on(STG, "rpm -q blockerbugs") == "blockerbugs-1.0.1-1.el7.noarch\n"
    assert lab.types("stg major-upgrade --version 1.0.1 --yes").code == 0


@pytest.mark.dnf5
def test_what_yum_3_would_call_unfinished_is_nothing_to_dnf(lab: Lab) -> None:
    lab.on(STG, "mkdir -p /var/lib/yum; touch /var/lib/yum/transaction-all.2026-11-22.00:00.00")
    assert lab.types("stg minor-upgrade --version 1.0.1 --yes").code == 0


def test_y3_a_transaction_that_fails_on_one_host_keeps_the_database_as_it_is(stg_runs_110: Lab) -> None:
    # A folder where the package has a file: rpm finds out in the middle of the transaction.
    stg_runs_110.on(TWO, "rm /usr/bin/blockerbugs; mkdir -p /usr/bin/blockerbugs/in-the-way")
    ended = stg_runs_110.types("prod major-upgrade --yes")
    stg_runs_110.on(TWO, "rm -r /usr/bin/blockerbugs")
    assert ended.code == 5
    assert "upgrade-db on" not in ended.said
    assert "httpd is not running on blockerbugs01, blockerbugs02" in ended.said


def test_s9_signatures_are_checked_by_every_repo_of_the_lab(lab: Lab) -> None:
    for node in NODES:
        assert "gpgcheck=0" not in lab.on(node, "cat /etc/yum.repos.d/*.repo /etc/dnf/dnf.conf")
