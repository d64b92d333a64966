"""A second application, by hosts.yml alone: another RPM and service, on a host that has Blockerbugs too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kittens import hosts_yml
from tests.operator.fleets import until

from .conftest import Lab
from .layout import HUB, STG
from .podman import run_in

pytestmark = pytest.mark.lab

_OFFER = """
cp /srv/rpms/kittens-*.rpm /var/www/html/repo/infrastructure-tags/
createrepo_c -q --update /var/www/html/repo/infrastructure-tags
cd /
runuser -u postgres -- psql -qX -c 'DROP DATABASE IF EXISTS kittens WITH (FORCE)' \
    -c 'CREATE DATABASE kittens OWNER blockerbugs'
"""
_INSTALL = """
mkdir -p /etc/kittens
cat >/etc/kittens/dsn
rpm --install /srv/rpms/kittens-1.0.0-*.rpm
kittens-manage migrate
systemctl daemon-reload
systemctl -q enable --now kittens.service kittens-check.timer
"""
_REMOVE = """
systemctl -q disable --now kittens.service kittens-check.timer
rpm --erase kittens
rm -rf /etc/kittens /var/lib/kittens-upgrade /run/kittens-upgrade.lock
"""


@pytest.fixture
def kittens(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """1.0.0 serves on stg's host, beside Blockerbugs; the repo has 2.0.0, with a migration."""
    file = tmp_path / "kittens.yml"
    file.write_text(hosts_yml(), encoding="utf-8")
    lab.environment["FABRIC_HOSTS_FILE"] = str(file)
    run_in(HUB, "sh", "-ec", _OFFER)
    password = lab.settings.database_password
    run_in(STG, "sh", "-ec", _INSTALL, given=f"postgresql://blockerbugs:{password}@{HUB.name}/kittens\n")
    until(lambda: bool(serves()))
    yield lab
    run_in(STG, "sh", "-c", _REMOVE)


def serves() -> str:
    return run_in(STG, "sh", "-c", "curl -s http://localhost:8000/ || true").strip()


def timer() -> str:
    return run_in(STG, "sh", "-c", "systemctl is-active kittens-check.timer; systemctl is-enabled kittens-check.timer")


@pytest.mark.smoke
@pytest.mark.dnf5
def test_a_second_application_is_upgraded_by_hosts_yml_alone_and_the_first_one_notices_nothing(kittens: Lab) -> None:
    assert serves() == "Minka, Tom\nKittens 1.0.0"
    ended = kittens.types("kittens major-upgrade")
    assert ended.code == 0, ended.said
    assert serves() == "Minka, Tom\nKittens 2.0.0"
    assert timer().split() == ["active", "enabled"]
    assert not re.search(r"(?<!stop-)(?<!start-)(?<!restart-)httpd", ended.said), ended.said
    assert run_in(STG, "sh", "-c", "rpm -q blockerbugs; ls /var/lib/blockerbugs-upgrade 2>&1 || true").startswith(
        "blockerbugs-1.0.0-1.el7"
    )


def test_c1_an_abort_gives_the_timer_back(kittens: Lab) -> None:
    kittens.on(STG, "mv /usr/bin/gunicorn /usr/bin/gunicorn.away")
    try:
        failed = kittens.types("kittens major-upgrade")
        assert (failed.code, "kittens-check.timer's sync" in failed.said) == (5, True), failed.said
        assert kittens.types("kittens abort --yes").code == 0
    finally:
        kittens.on(STG, "mv /usr/bin/gunicorn.away /usr/bin/gunicorn")
    assert timer().split() == ["active", "enabled"]


def test_v4_a_minor_upgrade_is_refused_where_the_build_brings_a_migration_of_its_own_kind(kittens: Lab) -> None:
    ended = kittens.types("kittens minor-upgrade")
    assert (ended.code, "/usr/share/kittens/migrations/0002.sql" in ended.said) == (2, True), ended.said
    what = "migration 0002.sql: changes what is there: renames the column kitten.name to full_name"
    assert what in ended.said, ended.said
    assert serves() == "Minka, Tom\nKittens 1.0.0"
