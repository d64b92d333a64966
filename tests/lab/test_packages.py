"""dnf, rpm and the repos: signatures, mirrors, locks, transactions that fail."""

from __future__ import annotations

import pytest

from . import repo
from .conftest import Lab
from .layout import NODES, ONE, STG, TWO

pytestmark = pytest.mark.lab

OLD = ("1.0.0", "1.0.0")


def test_s9_a_repo_with_gpgcheck_0_is_refused(stg_runs_101: Lab) -> None:
    stg_runs_101.on(TWO, "sed -i s/gpgcheck=1/gpgcheck=0/ /etc/yum.repos.d/infrastructure-tags.repo")
    ended = stg_runs_101.types("prod minor-upgrade --yes")
    assert (ended.code, stg_runs_101.runs(ONE), stg_runs_101.runs(TWO)) == (2, OLD, OLD)
    assert "blockerbugs02: infrastructure-tags has gpgcheck=0" in ended.said


@pytest.mark.smoke
def test_s9_an_unsigned_build_is_never_installed_and_httpd_serves_on(lab: Lab) -> None:
    repo.publish("unsigned/1.0.1")
    ended = lab.types("stg minor-upgrade --version 1.0.1 --yes")
    assert (ended.code, lab.runs(STG)) == (1, OLD)
    assert "not signed" in ended.said


def test_s9_a_build_signed_with_an_unknown_key_is_never_installed(lab: Lab) -> None:
    lab.on(STG, "rpm -e --allmatches gpg-pubkey; echo nothing >/etc/pki/rpm-gpg/RPM-GPG-KEY-lab")
    ended = lab.types("stg major-upgrade --yes")
    assert (ended.code, lab.runs(STG)) == (1, OLD)


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


def test_y2_an_unfinished_transaction_is_refused(lab: Lab) -> None:
    lab.on(STG, "mkdir -p /var/lib/yum; touch /var/lib/yum/transaction-all.2026-11-22.00:00.00")
    ended = lab.types("stg minor-upgrade --version 1.0.1 --yes")
    assert (ended.code, lab.runs(STG)) == (2, OLD)
    assert "transaction was not finished" in ended.said


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
