"""A fleet and somebody at the keyboard: what an operator types, and what becomes of the hosts."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tasks.sandbox import faults, layout
from tasks.sandbox import fleet as sandbox

PROJECT = Path(__file__).parents[2]
STG, ONE, TWO = "stg01.example", "prod01.example", "prod02.example"
HOSTS_YML = """
app:
  root: "."
host_sets:
  stg:
    hosts: [{{name: stg01.example, aliases: [stg01]}}]
    sync_host: stg01
    enable_repo: infrastructure-tags-stg
    reconnect: 3
    schema_status: alembic current
    health: {{version: "Blockerbugs {{version}}", deadline: 2, timeout: 1}}
  prod:
    hosts:
      - {{name: prod01.example, aliases: [prod01]}}
      - {{name: prod02.example, aliases: [prod02]}}
    sync_host: prod01
    schema_status: alembic current
    health: {{version: "Blockerbugs {{version}}", deadline: 2, timeout: 1}}
    balancer: {{interval: 0.1}}
    confirm: name
    reconnect: 3
    after: stg
    url: "{url}"
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, and what it said on both streams."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err


class Fleet:
    """Two host sets, stg with one host and prod with two, all on 1.0.0; 1.0.1 and 1.1.0 are in the repo."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {**os.environ, "FABRIC_HOSTS_FILE": str(home / "hosts.yml"), "PYTHONPATH": str(PROJECT)}

    def types(self, line: str, answers: str = "", tool: str = "fabric") -> Ended:
        """What happens when somebody types `fab LINE`, without a terminal."""
        ended = subprocess.run(
            [sys.executable, "-m", tool, *self.ssh(tool), *shlex.split(line)],
            input=answers,
            capture_output=True,
            text=True,
            cwd=PROJECT,
            env=self.environment,
            timeout=300,
            check=False,
        )
        assert not re.search("^Traceback", ended.stdout + ended.stderr, re.M), ended.stderr
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def begins(self, line: str, state: str = "state") -> subprocess.Popen[str]:
        """`fab LINE`, typed on a machine with that state folder; it runs on its own, and is the test's to end."""
        environment = {**self.environment, "XDG_STATE_HOME": str(self.home.parent / state)}
        command = [sys.executable, "-m", "fabric", *self.ssh(), *line.split()]
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=PROJECT, env=environment, start_new_session=True,
        )  # fmt: skip

    def dies_in(self, line: str, *words: str) -> None:
        """Somebody types `fab LINE`, and their machine loses its power as soon as a program with these words begins."""
        self.dies_when(line, lambda: bool(self.moments(*words)))

    def dies_when(self, line: str, now: Callable[[], bool]) -> None:
        client = self.begins(line)
        with client:
            until(lambda: now() or client.poll() is not None)
            client.kill()
            client.communicate()

    @property
    def journal(self) -> Path:
        """The operator's own."""
        return Path(self.environment["XDG_STATE_HOME"]) / "blockerbugs-upgrade/journal.jsonl"

    def kept(self, host: str) -> Path:
        """What runs leave on a host."""
        return self.home / "hosts" / host / "var/lib/blockerbugs-upgrade"

    def at_rest(self, name: str) -> dict[str, Any]:
        """What must be the same after every run that reached its end, however it got there."""
        hosts = layout.facts(self.home)["sets"][name]
        members = [host for host, found in layout.facts(self.home)["hosts"].items() if found["set"] == name]
        return {
            "runs": [self.runs(host) for host in members],
            "cron": [self.host(host)["cron"] for host in members],
            "locked": [(self.kept(host) / "lock").exists() for host in members],
            "database": (hosts["schema"], hosts["upgrade_db"], hosts["sync"]),
        }

    def ssh(self, tool: str = "fabric") -> list[str]:
        return ["--ssh-config", str(self.home / "ssh_config")] if tool == "fabric" else []

    def host(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = layout.facts(self.home)["hosts"][name]
        return found

    def set(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = layout.facts(self.home)["sets"][name]
        return found

    def runs(self, name: str) -> tuple[str, str]:
        """What is installed on a host, and what its httpd serves."""
        return self.host(name)["installed"], self.host(name)["serves"]

    def breaks(self, host: str, step: str, kind: str = "fail", **more: Any) -> None:
        faults.inject(self.home, host, step, kind, **more)

    def starts_httpd_by_hand(self, host: str) -> None:
        """What puppet, ansible or a colleague may do at any time."""
        program = self.home / "hosts" / host / "usr/bin/service"
        subprocess.run([program, "httpd", "start"], check=True, capture_output=True, cwd=self.home / "hosts" / host)

    def changed(self) -> list[list[str]]:
        """Every command that was begun on any host and changes something."""
        changing = {"update", "start", "stop", "restart", "upgrade_db", "sync", "downgrade"}
        begun = [event["argv"] for event in layout.events(self.home) if _begun(event)]
        return [argv for argv in begun if changing & set(argv) and "--downloadonly" not in argv]

    def moments(self, *words: str) -> list[tuple[float, str, str]]:
        """(when, host, start or end) of every program whose words contain these."""
        return [
            (event["t"], event["host"], event["phase"])
            for event in layout.events(self.home)
            if set(words) <= set(event["argv"])
        ]


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, f"not true after {seconds} s"
        time.sleep(0.02)


def _begun(event: dict[str, Any]) -> bool:
    return bool(event["phase"] == "start")


@contextmanager
def two_sets(tmp_path: Path, stg_runs: str = "1.0.0", patient: bool = False) -> Iterator[Fleet]:
    """patient: where no host is ever to be found ill, it may take the time that a busy machine takes."""
    home = tmp_path / "fleet"
    stg = layout.SetSpec("stg", (STG,), STG, version=stg_runs)
    layout.create(home, [stg, layout.SetSpec("prod", (ONE, TWO), ONE)], pace=0)
    layout.configure(home, inter=0.1)
    for version in ("1.0.0", "1.0.1", "1.1.0"):
        layout.publish(home, version, repo="infrastructure-tags-stg")
    text = HOSTS_YML.format(url=layout.public_url(home, "prod"))
    text = text.replace("deadline: 2, timeout: 1", "deadline: 60, timeout: 20") if patient else text
    (home / "hosts.yml").write_text(text, encoding="utf-8")
    with sandbox.start(home):
        yield Fleet(home)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Both sets on 1.0.0."""
    with two_sets(tmp_path) as both:
        yield both


@pytest.fixture
def stg_runs_101(tmp_path: Path) -> Iterator[Fleet]:
    """stg runs 1.0.1 and is healthy: what a minor upgrade of prod asks for."""
    with two_sets(tmp_path, stg_runs="1.0.1") as both:
        yield both


@pytest.fixture
def stg_runs_110(tmp_path: Path) -> Iterator[Fleet]:
    """stg runs 1.1.0 and is healthy: what a major upgrade of prod asks for."""
    with two_sets(tmp_path, stg_runs="1.1.0") as both:
        yield both
