"""A fleet whose batches are judged, and builds that are bad in one way or another."""

from __future__ import annotations

import json
from typing import Any

import yaml

from tasks.sandbox import layout

from .fleets import ONE, TWO, Fleet

MINOR = "prod minor-upgrade --version 1.0.1 --yes"


def judge(fleet: Fleet, own_pages: bool = True, **keys: Any) -> None:
    """Have prod's hosts watched past the balancer, and these keys in its hosts.yml."""
    file = fleet.home / "hosts.yml"
    text = yaml.safe_load(file.read_text())
    prod = text["host_sets"]["prod"]
    for host in prod["hosts"] if own_pages else ():
        host["url"] = layout.node_url(fleet.home, host["name"])
    prod.update(keys)
    file.write_text(yaml.safe_dump(text))


def is_bad(fleet: Fleet, kind: str, *hosts: str, seconds: float = 0.0) -> None:
    """Every build but the one that runs now, on both hosts or on these; seconds: so long after httpd's start."""
    for host in hosts or (ONE, TWO):
        fleet.breaks(host, "new-build", kind, seconds=seconds)


def verdicts(fleet: Fleet) -> list[dict[str, Any]]:
    """What the journal's copy on the sync host says of each batch that was judged, whoever carried the run out."""
    lines = [line for file in fleet.kept(ONE).glob("*/journal.jsonl") for line in file.read_text().split("\n")]
    events = [json.loads(line) for line in lines if '"event": "judged"' in line]
    return sorted(events, key=lambda event: str(event["time"]))
