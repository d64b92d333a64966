"""A fleet and somebody at the keyboard: what an operator types, and what becomes of the hosts.

Which fleet it is, the sandbox or the lab's real machines, is `pytest --fleet`'s business; the tests do not know.
"""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tasks.sop.workflows import PROCEDURES
from tests.warm import Program, Started
from tests.warmed import PROJECT, start_fab

STG, ONE, TWO = "stg01.example", "prod01.example", "prod02.example"
PROXIES = ("proxy01.example", "proxy02.example")
HOSTS = {STG: "stg", ONE: "prod", TWO: "prod"}
STG_REPO = "infrastructure-tags-stg"
PATIENCE_SECONDS = 300  # for anything that must come, on however busy a machine
LONG = 600.0  # seconds; for a step that must still run, however long the others take: it ends with its host
UNBROKEN_MAJOR = {
    "runs": [("blockerbugs-1.1.0-1.el7", "1.1.0")] * 2,
    "cron": [True, False],
    "locked": [False, False],
    "database": ("2b7f3", 1, 1),
}
HOSTS_YML = """
app:
  root: "{root}"
host_sets:
  stg:
    hosts: [{{name: stg01.example, aliases: [stg01]}}]
    sync_host: stg01
    enable_repo: infrastructure-tags-stg
    reconnect: {reconnect}
    schema_status: alembic current
    health: {{version: "Blockerbugs {{version}}", deadline: {deadline}, timeout: {timeout}}}
  prod:
    hosts:
      - {{name: prod01.example, aliases: [prod01]}}
      - {{name: prod02.example, aliases: [prod02]}}
    sync_host: prod01
    schema_status: alembic current
    health: {{version: "Blockerbugs {{version}}", deadline: {deadline}, timeout: {timeout}}}
    balancer: {{interval: {interval}{drains}}}
    confirm: name
    reconnect: {reconnect}
    after: stg
    url: "{url}"
"""


# Each of these asks before it does anything.
_ASKS = (*PROCEDURES, "resume", "abort", "unlock")


def agreed(printed: str) -> str:
    """A line that was printed to be typed, from the set on, without what stands apart; every task told --yes."""
    words = shlex.split(printed.partition("  ")[0])
    words = words[next(at for at, word in enumerate(words) if word in ("-H", *HOSTS.values())) :]
    tasks = [at for at, word in enumerate(words) if word in _ASKS]
    for at in reversed(tasks):
        after = next((later for later in tasks if later > at), len(words))
        words.insert(after, "--yes")
    return shlex.join(words)


def printed(said: str) -> list[str]:
    """The lines that were printed to be typed at the end, in their order."""
    marks = ("next: ", "or: ", "then: ")
    return [line.strip().partition(": ")[2] for line in said.splitlines() if line.strip().startswith(marks)]


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, and what it said on both streams."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err


class Machines(Protocol):
    """What happens to the hosts past the tool, and what can be seen of them.

    home: hosts.yml, ssh_config, known_hosts, id_ed25519, and each host's root folder as hosts/NAME.
    """

    home: Path

    def facts(self) -> dict[str, Any]:
        """{"hosts": {name: installed, httpd, serves, cron, set}, "sets": {name: schema, upgrade_db, sync, runs}}."""

    def events(self) -> list[dict[str, Any]]:
        """Every start and end of a program on any host: t, host, argv, phase."""

    def breaks(self, host: str, step: str, kind: str, times: int = 1, seconds: float = 0.0) -> None:
        """Let a step go wrong so many times, in one of the sandbox's ways (tasks/sandbox/faults.py)."""

    def publish(self, version: str, repo: str, **holds: Any) -> None:
        """Offer a build in a repo."""

    def has(self, host: str, packages: dict[str, str]) -> None:
        """Beside the application a host has these, each in a version-release."""

    def has_timer(self, host: str, timer: str) -> None:
        """A timer that starts something by itself is on."""

    def timer_is_on(self, host: str, timer: str) -> bool:
        """Does it run?"""
        return False

    def withdraw(self, version: str, host: str | None = None) -> None:
        """Offer a build no longer in the repo that all sets use: to nobody, or not to one host."""

    def fill_disk(self, host: str, mount: str, free: int) -> None:
        """Leave this many kB free on / or /var."""

    def power_off(self, host: str) -> None:
        """At once, in the middle of whatever it does."""

    def boot(self, host: str) -> None:
        """What was off is on again, with what starts by itself there."""

    def start_httpd(self, host: str) -> None:
        """What puppet, ansible or a colleague may do at any time."""

    def let_sudo_ask(self) -> None:
        """Every host's sudo asks each time, for a password of its own, and caches nothing."""

    def sudo_password(self, host: str) -> str:
        """What it then wants to hear."""

    def restore_database(self, name: str) -> None:
        """The database of a set, as it was before the migration to 1.1.0."""

    def servers(self) -> dict[str, dict[str, str]]:
        """What prod's proxies say of each server in haproxy's word: {proxy: {server: UP, DRAIN, …}}."""

    def tells(self, proxy: str, command: str) -> None:
        """What anybody with the right may say at a proxy's socket."""

    def reload(self, proxy: str) -> None:
        """haproxy is reloaded there, and forgets what it was told."""


class Fleet:
    """Two host sets, stg with one host and prod with two, all on 1.0.0; 1.0.1 and 1.1.0 are in the repo."""

    def __init__(self, machines: Machines, folder: Path) -> None:
        self.machines = machines
        self.home = home = machines.home
        self.folder = folder  # the operator's own
        self._clients: list[Started | subprocess.Popen[str]] = []
        self.environment = {**os.environ, "FABRIC_HOSTS_FILE": str(home / "hosts.yml"), "PYTHONPATH": str(PROJECT)}

    def types(self, line: str, answers: str = "", tool: str = "fabric") -> Ended:
        """What happens when somebody types `fab LINE`, without a terminal."""
        program = start_fab(["-m", tool], [*self.ssh(tool), *shlex.split(line)], self.environment)
        with program:
            try:
                out, err = program.communicate(answers, PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                program.kill()
                raise
        assert not re.search("^Traceback|unexpected: ", out + err, re.M), err
        return Ended(program.returncode, self.plainly(out), self.plainly(err))

    def plainly(self, said: str) -> str:
        """Without what a line to type repeats of how `fab` was typed here, which is long and always the same."""
        typed = f"FABRIC_HOSTS_FILE={self.environment['FABRIC_HOSTS_FILE']} fab"
        return said.replace(f"{typed} {' '.join(self.ssh())}", "fab").replace(typed, "fab")

    def begins(self, line: str, state: str = "state") -> Started | subprocess.Popen[str]:
        """`fab LINE`, typed on a machine with that state folder; it runs on its own."""
        environment = {**self.environment, "XDG_STATE_HOME": str(self.folder / state)}
        words = [*self.ssh(), *line.split()]
        client = start_fab(["-m", "fabric"], words, environment, stdin=subprocess.DEVNULL, session=True)
        self._clients.append(client)
        return client

    def kill_clients(self) -> None:
        """Those that still run: a test that failed may have left some, stopped ones too."""
        for client in self._clients:
            client.kill()

    def dies_in(self, line: str, *words: str) -> None:
        """Somebody types `fab LINE`, and their machine loses its power as soon as a program with these words begins."""
        self.dies_when(line, lambda: bool(self.moments(*words)))

    def dies_when(self, line: str, now: Callable[[], bool], seconds: float = 0.0) -> None:
        """So many seconds after it is so; where it is over before that, it has ended by itself."""
        client = self.begins(line)
        with client:
            until(lambda: now() or client.poll() is not None)
            with suppress(subprocess.TimeoutExpired):
                client.wait(seconds)
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
        facts = self.machines.facts()
        database, hosts = facts["sets"][name], facts["hosts"]
        members = [host for host, found in hosts.items() if found["set"] == name]
        return {
            "runs": [(hosts[host]["installed"], hosts[host]["serves"]) for host in members],
            "cron": [hosts[host]["cron"] for host in members],
            "locked": [(self.kept(host) / "lock").exists() for host in members],
            "database": (database["schema"], database["upgrade_db"], database["sync"]),
        }

    def ssh(self, tool: str = "fabric") -> list[str]:
        return ["--ssh-config", str(self.home / "ssh_config")] if tool == "fabric" else []

    def host(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.machines.facts()["hosts"][name]
        return found

    def set(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.machines.facts()["sets"][name]
        return found

    def runs(self, name: str) -> tuple[str, str]:
        """What is installed on a host, and what its httpd serves."""
        found = self.host(name)
        return found["installed"], found["serves"]

    def breaks(self, host: str, step: str, kind: str = "fail", **more: Any) -> None:
        self.machines.breaks(host, step, kind, **more)

    def changed(self) -> list[list[str]]:
        """Every command that was begun on any host and changes something."""
        changing = {"update", "start", "stop", "restart", "upgrade_db", "sync", "downgrade"}
        begun = [event["argv"] for event in self.machines.events() if _begun(event)]
        looks = {"--downloadonly", "--assumeno"}
        return [argv for argv in begun if changing & set(argv) and not looks & set(argv)]

    def moments(self, *words: str) -> list[tuple[float, str, str]]:
        """(when, host, start or end) of every program whose words contain these."""
        return [
            (event["t"], event["host"], event["phase"])
            for event in self.machines.events()
            if set(words) <= set(event["argv"])
        ]


def until(true: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, f"not true after {seconds} s"
        time.sleep(0.02)


def begun(fleet: Fleet, *words: str) -> int:
    """How often a program with these words was begun."""
    return len([moment for moment in fleet.moments(*words) if moment[2] == "start"])


def holder(fleet: Fleet) -> str:
    """The run that holds prod."""
    text: str = json.loads((fleet.kept(ONE) / "lock").read_text())["run"]
    return text


@contextmanager
def asked(fleet: Fleet, line: str, question: str) -> Iterator[tuple[subprocess.Popen[str], Callable[[str], int]]]:
    """`fab LINE`, typed by somebody who is being asked the question now; and how to answer it."""
    keyboard, stdin = pty.openpty()
    process = Program(
        [sys.executable, "-m", "fabric", *fleet.ssh(), *line.split()],
        stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=PROJECT, env=fleet.environment,
    )  # fmt: skip
    assert process.stderr
    with process:
        said = ""
        while question not in said:
            letter = process.stderr.read(1)
            assert letter, said
            said += letter
        yield process, lambda text: os.write(keyboard, f"{text}\n".encode())
        process.kill()
    os.close(keyboard)
    os.close(stdin)


def _begun(event: dict[str, Any]) -> bool:
    return bool(event["phase"] == "start")
