"""The sandbox as another application's: what of hosts.yml it plays, and what its programs make of that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.inventory.remembered import read
from tasks.sandbox import faults, layout, like
from tasks.sandbox.played import BLOCKERBUGS, played, words
from tests.kittens import hosts_yml
from tests.warmed import start_fleet

from .conftest import ONE, TWO, client

SETS = """
{app}
host_sets:
  one: {{hosts: [a.example], sync_host: a.example, {more}}}
  {other}
"""


def of(folder: Path, app: str = "", more: str = "") -> tuple[dict[str, Any], dict[str, str]]:
    """What is played of a set with these keys."""
    file = folder / "hosts.yml"
    file.write_text(SETS.format(app=app and f"app: {app}", more=more, other=""))
    return played(read(file).host_sets["one"])


@pytest.fixture(scope="module")
def kittens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("kittens")
    (folder / "kittens.yml").write_text(hosts_yml())
    app, wrong = played(read(folder / "kittens.yml").host_sets["kittens"])
    assert not wrong
    layout.create(folder / "fleet", [layout.SetSpec("test", (ONE, TWO), ONE)], pace=0, app=app)
    with start_fleet(folder / "fleet"):
        yield folder / "fleet"


def said(home: Path, command: str, host: str = ONE) -> str:
    return str(client(home)(host, f"{{ {command}\n}} 2>&1").stdout)


def test_the_sandbox_s_own_hosts_yml_is_the_application_it_has_by_itself(tmp_path: Path) -> None:
    file = tmp_path / "hosts.yml"
    file.write_text(like.hosts_yml(like.make(like.Like()), dict.fromkeys(("url",), "http://a.example/")))
    file.write_text(re.sub(r'"\{url of .*\}"', "http://a.example/", file.read_text()))
    assert played(read(file).host_sets["sandbox"]) == (BLOCKERBUGS, {})


@pytest.mark.parametrize(
    ("command", "split"),
    [
        ("cats-manage migrate", ["cats-manage", "migrate"]),
        ("cats-manage 'a; b' \"c d\"", ["cats-manage", "a; b", "c d"]),
        ("/srv/cats/bin/python manage.py migrate", ["./srv/cats/bin/python", "manage.py", "migrate"]),
        ("alembic -c /etc/cats.ini current", ["alembic", "-c", "/etc/cats.ini", "current"]),
    ],
)
def test_a_program_with_its_arguments_is_played(command: str, split: list[str]) -> None:
    assert words(command) == split


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("cats migrate | tee log", "| is the shell's"),
        ("cats migrate && cats check", "& is the shell's"),
        ('cats "$HOME"', "$ is the shell's"),
        ("cats 'migrate", "No closing quotation"),
        ("runuser -u cats -- cats migrate", "runuser is not the application's own"),
        ("/usr/bin/yum -y update", "yum is not the application's own"),
        ("systemctl start cats", "systemctl is not the application's own"),
        ("A=b cats migrate", "it begins with a variable"),
        ("bin/cats migrate", "bin/cats is no full path"),
        ("/srv/../../cats migrate", "/srv/../../cats is no full path"),
        (" ", "nothing is not the application's own"),
    ],
)
def test_any_other_command_is_not_played_and_it_is_said_why(command: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(why)}$"):
        words(command)


@pytest.mark.parametrize(
    "pattern", ["/versions/[^/]*[.]py$", "^/usr/share/cats/migrations/[0-9]{4}[.]sql$", "/V1__", "/db/migrate/"]
)
def test_the_builds_have_migrations_that_hosts_yml_finds(pattern: str, tmp_path: Path) -> None:
    app, wrong = of(tmp_path, f"{{package: cats, migrations: '{pattern}'}}")
    layout.create(tmp_path / "fleet", [layout.SetSpec("test", (ONE,), ONE)], app=app)
    installed = layout.read_state(tmp_path / "fleet", ONE)["installed"]
    assert (wrong, bool(re.search(pattern, installed["files"][-1]))) == ({}, True)


@pytest.mark.parametrize(
    ("app", "more", "key"),
    [
        ("{package: cats, migrations: nowhere}", "", "app.migrations"),
        ("{package: cats, settings: /etc/../../cats}", "", "app.settings"),
        ("{package: cats, cron: /../cats}", "", "app.cron"),
        ("{package: cats, check: cats | cats}", "", "app.check"),
        ("", "schema_status: psql -c x | head", "schema_status"),
        ("", "health: {status: 401}", "health.status"),
    ],
)
def test_what_cannot_be_played_is_named_by_its_key(app: str, more: str, key: str, tmp_path: Path) -> None:
    assert list(of(tmp_path, app, more)[1]) == [key]


def test_an_application_that_nothing_migrates_has_one_schema_in_all_its_builds(tmp_path: Path) -> None:
    app, _ = of(tmp_path, "{package: cats, migrate: none, check: none, cron: none, settings: none, migrations: none}")
    layout.create(tmp_path / "fleet", [layout.SetSpec("test", (ONE,), ONE, version="1.1.0")], app=app)
    assert layout.facts(tmp_path / "fleet")["sets"]["test"]["schema"] == "1a0c9"
    assert not list((tmp_path / "fleet/hosts").glob("*/etc/cron.d/*"))


@pytest.mark.parametrize(
    ("app", "other", "means"),
    [
        ("", "", "one"),
        ("app: {package: cats}", "two: {hosts: [b.example], sync_host: b.example}", "one"),
        ("", "two: {hosts: [b.example], sync_host: b.example, app: {package: cats}}", "sandbox"),
        ("app: 1", "", "sandbox"),
        ("{", "", "sandbox"),
        ("app: [", "", "sandbox"),
    ],
)
def test_hosts_yml_means_its_first_set_where_that_is_another_application_or_the_only_one(
    app: str, other: str, means: str, tmp_path: Path
) -> None:
    file = tmp_path / "hosts.yml"
    file.write_text(SETS.format(app=app, more="", other=other))
    assert like.implied(file)[0].name == means
    assert like.implied(tmp_path / "nonesuch")[0] == like.Like()


def test_the_commands_of_another_application_do_what_blockerbugs_own_do(kittens: Path) -> None:
    assert said(kittens, "kittens-manage schema") == "1a0c9 (head)\n"
    assert said(kittens, "kittens-manage check") == "2 rows are well\n"
    assert said(kittens, "kittens-manage") == "usage: kittens-manage {migrate,check,schema}\n"
    assert "Kittens 1.0.0" in said(kittens, "curl -s http://localhost:8000/")
    assert "Connection refused" in said(kittens, "curl -sS http://localhost/")
    assert said(kittens, "systemctl is-active kittens; systemctl is-active httpd") == "active\nunknown\n"
    assert "blockerbugs: not found" in said(kittens, "blockerbugs sync")


def test_a_program_that_is_named_by_its_full_path_is_there_on_its_host(tmp_path: Path) -> None:
    app, _ = of(tmp_path, "{package: cats, migrate: /srv/cats/bin/manage migrate, check: /srv/cats/bin/manage check}")
    layout.create(tmp_path / "fleet", [layout.SetSpec("test", (ONE,), ONE)], pace=0, app=app)
    with start_fleet(tmp_path / "fleet"):
        assert "2 rows are well" in said(tmp_path / "fleet", "./srv/cats/bin/manage check")
        assert "/srv/cats/bin/manage\n" in said(tmp_path / "fleet", "rpm -ql cats")
    assert layout.facts(tmp_path / "fleet")["sets"]["test"]["runs"] == [(ONE, "sync", "ok")]


def test_a_check_that_runs_is_found_by_its_own_words(kittens: Path) -> None:
    faults.inject(kittens, ONE, "sync", "slow", seconds=5)
    waits = r"until pgrep -f '[k]ittens\-manage\ check'; do sleep 0.05; done"
    assert said(kittens, f"kittens-manage check >/dev/null & {waits}; wait").strip().isdigit()


def test_a_timer_is_stopped_and_disabled_and_begins_again_after_a_boot_only_where_it_is_enabled(kittens: Path) -> None:
    ask = "systemctl is-active kittens-check.timer; systemctl is-enabled kittens-check.timer"
    assert said(kittens, ask) == "active\nenabled\n"
    assert said(kittens, ask, TWO) == "unknown\nsystemctl: not known here: is-enabled kittens-check.timer\n"
    assert said(kittens, "systemctl show -p Unit kittens-check.timer") == "Unit=kittens-check.service\n"
    assert said(kittens, f"systemctl stop kittens-check.timer; {ask}") == "inactive\nenabled\n"
    faults.down(kittens, ONE)
    faults.revive(kittens, ONE)
    assert said(kittens, ask) == "active\nenabled\n"
    assert said(kittens, f"systemctl -q disable --now kittens-check.timer; {ask}") == "inactive\ndisabled\n"
    faults.down(kittens, ONE)
    faults.revive(kittens, ONE)
    assert said(kittens, ask) == "inactive\ndisabled\n"
    assert "Created symlink" in said(kittens, "systemctl enable --now kittens-check.timer")
    assert said(kittens, ask) == "active\nenabled\n"
