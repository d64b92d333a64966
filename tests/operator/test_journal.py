"""What stays written down of a run, for those who look at it later: docs/journal.md."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from .conftest import ONE, PROJECT, TWO, Ended, Fleet, shared_sets

Event = dict[str, Any]
MAJOR, MINOR = "prod major-upgrade --yes", "prod minor-upgrade --yes"
ON_EVERY_LINE = {"time", "run", "event"}
NOBODY = "http://127.0.0.1:1/"


def documented() -> dict[str, set[str]]:
    """Event → the keys that docs/journal.md gives it, nested ones too."""
    text = (PROJECT / "docs/journal.md").read_text(encoding="utf-8")
    _, *parts = re.split("^## ", text, flags=re.M)
    rows = {part.split("\n", 1)[0]: re.findall(r"^\| ([\w.*\[\]]+) \|", part, re.M) for part in parts}
    found = {name: {key.rpartition(".")[2] for key in keys} - {"*", "key"} for name, keys in rows.items()}
    return {name: {key.rstrip("[]") for key in keys} for name, keys in found.items()}


def keys(event: Event) -> set[str]:
    nested = [*(event["hosts"].values() if isinstance(event.get("hosts"), dict) else [])]
    nested += [one for value in event.values() if isinstance(value, list) for one in value]
    return {*event, *(key for one in nested if isinstance(one, dict) for key in one)} - ON_EVERY_LINE


def local(fleet: Fleet) -> list[Event]:
    return [json.loads(line) for line in fleet.journal.read_text().splitlines() if line]  # a resume tries the room


def copy(fleet: Fleet) -> list[Event]:
    (journal,) = fleet.kept(ONE).glob("*/journal.jsonl")
    return [json.loads(line) for line in journal.read_text().splitlines()]


def only(events: list[Event], name: str) -> list[Event]:
    return [event for event in events if event["event"] == name]


def saves_the_database(fleet: Fleet) -> None:
    """prod has a backup command from now on, which saves to `dump` in its home."""
    dump = str(fleet.home / "dump")
    file = fleet.home / "hosts.yml"
    backup = f"after: stg\n    backup: {{command: 'alembic current > {dump}', file: {dump}}}"
    file.write_text(file.read_text().replace("after: stg", backup))


@pytest.fixture(scope="module")
def major(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Fleet, Ended]]:
    """A major upgrade of prod that went well, after a backup; one node has a URL at which nobody answers."""
    with shared_sets(tmp_path_factory, stg_runs="1.1.0") as fleet:
        saves_the_database(fleet)
        file = fleet.home / "hosts.yml"
        plain = "{name: prod02.example, "
        assert plain in file.read_text()
        file.write_text(file.read_text().replace(plain, f"{plain}url: '{NOBODY}', "))
        ended = fleet.types(MAJOR)
        assert ended.code == 0, ended.said
        yield fleet, ended


def test_every_line_of_a_major_upgrade_has_the_keys_that_the_document_gives_it(major: tuple[Fleet, Ended]) -> None:
    events, wanted = local(major[0]), documented()
    told = {"begin", "phase", "ended", "transaction", "backup", "watched", "end"}
    assert {event["event"] for event in events} == told
    for event in events:
        unseen = {"began", "seconds"} if not (event.get("outages") or event.get("slow")) else set()
        assert keys(event) | unseen >= wanted[event["event"]] >= keys(event), event
        assert datetime.fromisoformat(event["time"]).tzinfo


def test_the_journal_tells_what_was_before_and_what_is_now(major: tuple[Fleet, Ended]) -> None:
    events = local(major[0])
    (begin,), (end,), (backup,) = (only(events, name) for name in ("begin", "end", "backup"))
    assert (begin["journal"], begin["schema"], end["schema"]) == (2, "1a0c9", "2b7f3")
    assert begin["hosts"] == {ONE: "blockerbugs-1.0.0-1.el7", TWO: "blockerbugs-1.0.0-1.el7"}
    assert end["hosts"] == {ONE: "blockerbugs-1.1.0-1.el7", TWO: "blockerbugs-1.1.0-1.el7"}
    assert (end["how"], end["code"]) == ("done", 0)
    assert 0 < end["httpd_down"] < end["seconds"]
    assert (backup["file"], backup["size"]) == (str(major[0].home / "dump"), len("1a0c9 (head)\n"))


def test_the_journal_has_every_outage_that_the_users_saw(major: tuple[Fleet, Ended]) -> None:
    users, _ = only(local(major[0]), "watched")
    assert users["failed"] > 0
    assert max(outage["seconds"] for outage in users["outages"]) == users["longest"]
    assert all(datetime.fromisoformat(outage["began"]).tzinfo for outage in users["outages"])


def test_the_journal_has_what_was_seen_of_a_node_beside_what_the_users_saw(major: tuple[Fleet, Ended]) -> None:
    users, node = only(local(major[0]), "watched")
    assert (users["host"], node["host"], node["url"]) == (None, "prod02.example", NOBODY)
    assert 0 < node["requests"] == node["failed"]
    assert "prod02: " in major[1].out
    assert "none from this machine succeeded" in major[1].out


def test_the_copy_on_the_sync_host_has_the_same_lines_without_what_the_hosts_said(major: tuple[Fleet, Ended]) -> None:
    events = local(major[0])
    said = [outcome.pop("output") for event in only(events, "ended") for outcome in event["hosts"].values()]
    assert any("Complete!" in lines for lines in said)
    assert copy(major[0]) == events


def test_a_minor_upgrade_leaves_no_moment_without_httpd_and_says_what_was_waited_for(stg_runs_101: Fleet) -> None:
    stg_runs_101.breaks(ONE, "restart-httpd", "slow", seconds=1.0)
    assert stg_runs_101.types(MINOR).code == 0
    events = local(stg_runs_101)
    assert only(events, "end")[0]["httpd_down"] == 0
    waited = only(events, "waited")[0]
    assert keys(waited) == documented()["waited"]
    assert "for the balancer to see the host back" in waited["why"]


def test_a_step_that_failed_is_told_with_its_sentence(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db")
    assert stg_runs_110.types(MAJOR).code == 5
    last = only(local(stg_runs_110), "ended")[-1]
    outcome = last["hosts"][ONE]
    assert (last["step"], last["failed"], outcome["state"]) == ("upgrade-db", True, "failed")
    assert outcome["failure"].startswith("exit status 1: ")
    assert "[redacted]" in "\n".join(outcome["output"])


def test_a_run_that_was_resumed_counts_its_downtime_from_the_first_stop(stg_runs_110: Fleet) -> None:
    stg_runs_110.breaks(ONE, "upgrade-db")
    assert stg_runs_110.types(MAJOR).code == 5
    assert stg_runs_110.types("prod resume --yes").code == 0
    events = local(stg_runs_110)
    first, last = only(events, "end")
    (resumed,) = only(events, "resume")
    assert keys(resumed) == documented()["resume"]
    assert last["httpd_down"] > last["seconds"] > 0
    assert last["httpd_down"] > first["httpd_down"] > 0
