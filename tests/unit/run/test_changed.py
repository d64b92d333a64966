"""What of hosts.yml may change while a run is half-way, by value."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from tasks.inventory.model import App, Backup, Balancer, Health, Host, HostSet, Limits
from tasks.run.changed import fixed, loose, made_another_run, warnings
from tests.unit.builders import ONE, TWO, prod

BEFORE = prod(backup=Backup(command="pg_dump", file="/dump"), schema_status="alembic current")


def of_version_0_1(host_set: HostSet) -> dict[str, str]:
    """What version 0.1 wrote down: a digest for each top key, also where that does not matter."""
    parts = {
        **host_set.app.model_dump(mode="json"),
        **host_set.model_dump(mode="json", exclude={"app": True, "notify": True, "around": True, "limits": {"sudo"}}),
    }
    return {key: hashlib.sha256(json.dumps(value).encode()).hexdigest()[:12] for key, value in parts.items()}


def now(**changes: Any) -> HostSet:
    return BEFORE.model_copy(update=changes)


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("service", {"app": App(service="nginx")}),
        ("migrations", {"app": App(migrations="/sql/")}),
        ("check", {"app": App(check="none")}),
        ("root", {"app": App(root="/srv")}),
        ("hosts", {"hosts": (TWO, ONE)}),
        ("hosts", {"hosts": (ONE, TWO.model_copy(update={"serves": False}))}),
        ("sync_host", {"sync_host": TWO.name}),
        ("order", {"order": "serial"}),
        ("rolling", {"rolling": 2}),
        ("enable_repo", {"enable_repo": "testing"}),
        ("schema_status", {"schema_status": None}),
        ("health.version", {"health": Health(version="Blockerbugs {version}")}),
        ("health.path", {"health": Health(path="/")}),
        ("backup.command", {"backup": Backup(command="pg_dump -Fc", file="/dump")}),
    ],
)
def test_what_changes_commands_hosts_or_their_order_makes_it_another_run(key: str, changes: dict[str, Any]) -> None:
    assert made_another_run(fixed(BEFORE), now(**changes)) == [key]
    assert made_another_run(of_version_0_1(BEFORE), now(**changes)) == [key.split(".")[0]]


@pytest.mark.parametrize(
    ("sentence", "changes"),
    [
        ('owner was "Fedora QA Devel", is "ops"', {"owner": "ops"}),
        ("free_space was 200, is 1", {"app": App(free_space=1)}),
        ("health.deadline was 60.0, is 300.0", {"health": Health(deadline=300.0)}),
        ("limits.yum was 1800.0, is 10.0", {"limits": Limits(yum=10.0)}),
        ("balancer was null, is gone", {"balancer": Balancer()}),
        ("aliases of blockerbugs02.iad2.example was", {"hosts": (ONE, TWO.model_copy(update={"aliases": ("b2",)}))}),
        ("backup.restore was null, is", {"backup": Backup(command="pg_dump", file="/dump", restore="pg_restore")}),
        ("at_once was 32, is 2", {"at_once": 2}),
    ],
)
def test_what_changes_nothing_that_is_done_is_a_warning_with_the_old_and_the_new_value(
    sentence: str, changes: dict[str, Any]
) -> None:
    after = now(**changes)
    assert made_another_run(fixed(BEFORE), after) == []
    assert sentence in " ".join(warnings(loose(BEFORE), after))


def test_nothing_has_changed_where_nothing_has() -> None:
    assert (made_another_run(fixed(BEFORE), BEFORE), warnings(loose(BEFORE), BEFORE)) == ([], [])
    assert (made_another_run(of_version_0_1(BEFORE), BEFORE), warnings({}, BEFORE)) == ([], [])


def test_a_key_that_came_or_went_since_is_said_to_be_gone_or_not_there() -> None:
    without = {key: value for key, value in loose(BEFORE).items() if key != "owner"}
    sentence = "hosts.yml has changed since the run began:"
    ours = BEFORE.model_copy(update={"owner": "us"})
    assert warnings(without, ours) == [f'{sentence} owner was not there, is "us"']
    assert warnings({**loose(BEFORE), "shoes": "44"}, BEFORE) == [f"{sentence} shoes was 44, is gone"]


def test_a_key_that_a_later_version_has_added_is_no_change_where_it_is_at_its_default() -> None:
    without = {key: value for key, value in loose(BEFORE).items() if key not in ("lock_timeout", "owner", "soak")}
    assert warnings(without, BEFORE) == []


def test_a_command_that_may_hold_a_password_is_told_by_a_digest() -> None:
    asks = BEFORE.app.model_copy(update={"lock_holders": "PGPASSWORD=hunter2 psql"})
    after = BEFORE.model_copy(update={"app": asks})
    said = " ".join([*loose(after).values(), *warnings(loose(BEFORE), after)])
    assert ("lock_holders" in said, "hunter2" in said) == (True, False)


def test_a_key_that_a_later_version_has_added_does_not_make_a_run_of_before_another_one() -> None:
    before = {key: value for key, value in fixed(BEFORE).items() if key not in ("migrate", "check", "timer")}
    assert made_another_run(before, BEFORE) == []
    assert made_another_run(before, now(app=App(service="nginx"))) == ["service"]


def test_who_is_told_is_no_part_of_it_and_is_not_written_down() -> None:
    told = now(notify=("mailto://user:hunter2@example.org",))
    assert (fixed(told), loose(told)) == (fixed(BEFORE), loose(BEFORE))


def test_every_other_key_of_hosts_yml_is_either_fixed_or_warned_of() -> None:
    keys = {key.split(".")[0].split(" of ")[0] for key in {**fixed(BEFORE), **loose(BEFORE)}}
    assert {*App.model_fields, *HostSet.model_fields} - keys == {"app", "name", "notify", "around"}
    assert set(Host.model_fields) - keys == {"name", "serves"}
