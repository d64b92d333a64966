"""A set of 200 hosts, typed at: what is printed fits on a screen, and programs are told of every host."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tasks.sandbox import layout
from tests.many import many_hosts
from tests.warmed import start_fab

pytestmark = pytest.mark.sandbox_only("two hundred machines")
MANY = 200
PATIENCE_SECONDS = 600


def typed(home: Path, line: str) -> tuple[int, str, str]:
    environment = {**os.environ, "FABRIC_HOSTS_FILE": str(home / "hosts.yml")}
    words = ["--ssh-config", str(home / "ssh_config"), "prod", *line.split()]
    with start_fab(["-m", "fabric"], words, environment) as program:
        out, err = program.communicate("", PATIENCE_SECONDS)
    return program.returncode, out, err


def test_of_200_hosts_plan_and_status_fit_on_a_screen_and_json_has_every_host(tmp_path: Path) -> None:
    with many_hosts(tmp_path / "fleet", MANY, "rolling: 10") as home:
        layout.fill_disk(home, "web017.example", "/", free=300 * 1024)
        code, out, err = typed(home, "status --json minor-upgrade --json --plan --version 1.0.1")
    assert code == 2
    screens = [line for line in err.splitlines() if not line.startswith("waiting for ")]
    assert len(screens) <= 24, err
    assert any(line.startswith("all 200: installed 1.0.0-1.el7") for line in screens)
    assert any("free 300 MB (web017) to " in line for line in screens)
    assert "looking at web[001-200]" in screens
    row = next(line for line in screens if "per host" in line)
    assert " ".join(row.split()) == "3-62 per host in batches of 10 yum-update, restart-httpd, healthy"
    events = {event["event"]: event for event in map(json.loads, out.splitlines())}
    assert len(events["status"]["hosts"]) == len(events["plan"]["hosts"]) == MANY
    assert len(events["plan"]["phases"]) == 62
