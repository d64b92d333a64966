"""The sandbox made of another application by hosts.yml alone: docs/application.md's kittens."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.sandbox import layout
from tests.kittens import hosts_yml
from tests.warmed import start_fab

from .fleets import PATIENCE_SECONDS, Ended

pytestmark = pytest.mark.sandbox_only("it is the sandbox that is made of it")
ONE, TWO = "blockerbugs01.sandbox", "blockerbugs02.sandbox"
BEGUN = ("service kittens stop", "kittens-manage migrate", "kittens-manage check", "kittens-manage schema",
         "systemctl -q disable --now kittens-check.timer", "systemctl -q enable --now kittens-check.timer")  # fmt: skip
TWO_SETS = """
host_sets:
  stg: {hosts: [a.example], sync_host: a.example}
  cats:
    app: {package: cats, service: cats, migrate: /srv/cats/bin/manage migrate, check: none, migrations: none}
    hosts: [b.example]
    sync_host: b.example
"""


def typed(line: str, file: Path | None = None) -> Ended:
    """`fab LINE`, with this hosts.yml in force."""
    environment = {**os.environ, **({"FABRIC_HOSTS_FILE": str(file)} if file else {})}
    with start_fab(["-m", "fabric"], line.split(), environment, stdin=subprocess.DEVNULL) as program:
        out, err = program.communicate(timeout=PATIENCE_SECONDS)
    assert "Traceback" not in err, err
    return Ended(program.returncode, out, err)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "kittens.yml"
    path.write_text(hosts_yml(), encoding="utf-8")
    return path


@pytest.fixture
def home(fence: Path) -> Path:
    return fence / "state/blockerbugs-upgrade/sandbox"


@pytest.fixture
def up(file: Path, home: Path) -> Iterator[Path]:
    """It is up, made of kittens: 1.0.0 serves on both hosts."""
    assert typed("sandbox.reset", file).code == 0
    layout.configure(home, pace=0, inter=0.1)
    assert typed("sandbox.up", file).code == 0
    yield file
    assert typed("sandbox.down", file).code == 0


def at_rest(home: Path) -> dict[str, Any]:
    """What runs on the hosts, what is served, the schema, and where a check starts by itself."""
    facts = layout.facts(home)
    hosts = [facts["hosts"][name] for name in (ONE, TWO)]
    return {
        "installed": {host["installed"] for host in hosts},
        "serves": {host["serves"] for host in hosts},
        "schema": facts["sets"]["sandbox"]["schema"],
        "timer": [host["cron"] for host in hosts],
    }


def well(version: str, schema: str) -> dict[str, Any]:
    return {"installed": {f"kittens-{version}-1.el7"}, "serves": {version}, "schema": schema, "timer": [True, False]}


def test_both_upgrades_of_another_application_are_rehearsed_by_its_hosts_yml_alone(up: Path, home: Path) -> None:
    shown = typed("sandbox status", up).out
    assert shown.startswith("sandbox, this machine, like kittens in kittens.yml: kittens, "), shown
    minor = typed("sandbox minor-upgrade", up)
    assert (minor.code, at_rest(home)) == (0, well("1.0.1", "1a0c9")), minor.said
    refused = typed("sandbox minor-upgrade --version 1.1.0", up)
    assert (refused.code, "/usr/share/kittens/migrations/0002.sql" in refused.said) == (2, True), refused.said
    major = typed("sandbox major-upgrade", up)
    assert (major.code, at_rest(home)) == (0, well("1.1.0", "2b7f3")), major.said
    begun = [event["argv"] for event in layout.events(home) if event["phase"] == "start"]
    assert [words for words in BEGUN if words.split() not in begun] == []
    root = home / "hosts" / ONE
    assert (root / "etc/kittens/dsn").exists()
    assert (root / "var/lib/kittens-upgrade").exists()
    assert not [path for path in root.rglob("*blockerbugs*") if path.is_file()]


def test_a_failed_migration_of_it_is_resumed_and_a_minor_upgrade_goes_back(up: Path, home: Path) -> None:
    assert typed("sandbox minor-upgrade", up).code == 0
    back = typed("sandbox rollback", up)
    assert (back.code, at_rest(home)) == (0, well("1.0.0", "1a0c9")), back.said
    assert typed("sandbox.fault --step upgrade-db", up).code == 0
    failed = typed("sandbox major-upgrade", up)
    assert (failed.code, at_rest(home)["timer"], at_rest(home)["serves"]) == (5, [False, False], {None}), failed.said
    resumed = typed("sandbox resume", up)
    assert (resumed.code, at_rest(home)) == (0, well("1.1.0", "2b7f3")), resumed.said


def test_a_sandbox_of_another_application_than_hosts_yml_has_is_not_used_by_mistake(file: Path, home: Path) -> None:
    assert typed("sandbox.reset").code == 0
    for line in ("sandbox status", "sandbox.up", "sandbox.fault --clear"):
        ended = typed(line, file)
        assert (ended.code, "like Blockerbugs, not like kittens in kittens.yml" in ended.err) == (2, True), ended.err
        assert f"next: FABRIC_HOSTS_FILE={file} fab sandbox.reset" in ended.err
    assert "kittens-1.0.0-1.el7 on both hosts" in typed("sandbox.reset", file).out
    assert typed("sandbox.fault --clear", file).code == 0
    assert "blockerbugs-1.0.0-1.el7 on both hosts" in typed("sandbox.reset").out


def test_a_reset_says_which_keys_of_the_set_it_does_not_play(tmp_path: Path, home: Path) -> None:
    file = tmp_path / "two.yml"
    file.write_text(
        TWO_SETS.rstrip("\n") + "\n    around: [{begin: echo}]\n    gpgcheck: false\n    contact: somebody\n"
    )
    said = typed("sandbox.reset --like cats", file).out
    assert said.endswith("; it is made like cats in two.yml, but does not play its around, gpgcheck\n"), said


def test_the_set_that_is_named_is_the_one_until_another_is(tmp_path: Path, home: Path) -> None:
    file = tmp_path / "two.yml"
    file.write_text(TWO_SETS)
    assert "blockerbugs-1.0.0-1.el7" in typed("sandbox.reset", file).out
    refused = typed("sandbox.up --like cats", file)
    assert (refused.code, "fab sandbox.reset --like cats" in refused.err) == (2, True), refused.err
    for line, of in (("sandbox.reset --like cats", file), ("sandbox.reset", file), ("sandbox.reset", None)):
        said = typed(line, of).out
        assert "cats-1.0.0-1.el7 on both hosts" in said
        assert said.endswith("; it is made like cats in two.yml\n")
    places = ("etc/cats/settings.py", "etc/cron.d/cats", "srv/cats/bin/manage")
    assert [(home / "hosts" / ONE / place).exists() for place in places] == [
        True,
        True,
        False,
    ]  # programs come with `up`
    file.unlink()
    gone = typed("sandbox.reset")
    assert (gone.code, "next: fab sandbox.reset --like sandbox" in gone.err) == (2, True), gone.err
    assert "blockerbugs-1.0.0-1.el7" in typed("sandbox.reset --like sandbox").out


def test_what_the_sandbox_cannot_play_is_refused_with_its_key_and_nothing_is_changed(file: Path, home: Path) -> None:
    assert typed("sandbox.reset").code == 0
    before = (home / "fleet.json").read_bytes()
    text = hosts_yml().replace("kittens-manage migrate", "runuser -u kittens -- kittens-manage migrate")
    file.write_text(text.replace("schema_status: kittens-manage schema", "schema_status: psql | head -1"))
    ended = typed("sandbox.reset", file)
    assert (ended.code, "next: " in ended.err) == (2, True)
    assert "app.migrate: the sandbox plays one program of the application's own" in ended.err
    assert "runuser is not the application's own" in ended.err
    assert "host_sets.kittens.schema_status: " in ended.err
    assert (home / "fleet.json").read_bytes() == before
    unknown = typed("sandbox.reset --like kitten", file)
    assert (unknown.code, "fab sandbox.reset --like kittens" in unknown.err) == (2, True), unknown.err
