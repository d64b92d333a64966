"""How long a minor upgrade of many hosts takes, beside the sum of its hosts' times: `python -m tests.bench.rolled`.

Usage: rolled.py [--hosts 200] [--at-once 20] [--keys "rolling: 20"] [--rounds 1]. On the sandbox: no lab, no root.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from tests.many import many_hosts

from .measure import CommandFailed, run
from .peers import PROJECT

PROMISED = 1.15
FIRST = "yum-update"  # what begins on a batch; before it all hosts are looked at and download


def main(arguments: list[str] | None = None) -> int:
    """So many upgrades of a fresh fleet each; 1 if one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.rolled", description=__doc__)
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=20)
    parser.add_argument("--keys", default="", help="of hosts.yml, for the set; default: rolling: AT_ONCE")
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args(arguments)
    ratios = []
    for number in range(asked.rounds):
        with tempfile.TemporaryDirectory(prefix="rolled") as folder:
            try:
                took, summed = upgraded(Path(folder), asked.hosts, asked.keys or f"rolling: {asked.at_once}")
            except CommandFailed as error:
                print(f"rolled: {error}", file=sys.stderr)
                return 1
        ratios.append(took / (summed / asked.at_once))
        each = f"{summed / asked.hosts:.2f} s for each host"
        ideal = f"{summed / asked.at_once:.1f} s if {asked.at_once} are always at work"
        print(f"{number + 1}: {asked.hosts} hosts: {took:.1f} s; {each}, {ideal}: x {ratios[-1]:.2f}", flush=True)
    verdict = "kept" if median(ratios) <= PROMISED else "MISSED"
    print(f"  → to the sum of its hosts' times / {asked.at_once}: {median(ratios):.2f}, at most {PROMISED}: {verdict}")
    return 0


def upgraded(folder: Path, hosts: int, keys: str) -> tuple[float, float]:
    """Seconds from the first host's update to the last host's health, and the sum of what each host took of them."""
    with many_hosts(folder / "fleet", hosts, keys, pace=1.0) as home:
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "FABRIC_HOSTS_FILE": str(home / "hosts.yml"),
            "XDG_STATE_HOME": str(folder / "state"),
        }
        fab = [sys.executable, "-m", "fabric", "--ssh-config", str(home / "ssh_config")]
        run([*fab, "prod", "minor-upgrade", "--version", "1.0.1", "--yes"], environment, str(PROJECT))
        journal = folder / "state/blockerbugs-upgrade/journal.jsonl"
        return times([json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()])


def times(events: list[dict[str, Any]]) -> tuple[float, float]:
    """The same, out of a run's journal."""
    ended = [event for event in events if event["event"] == "ended"]
    first = next(at for at, event in enumerate(ended) if event["step"] == FIRST)
    parts = [host for event in ended[first:] for host in event["hosts"].values()]
    began = [datetime.fromisoformat(part["began"]).timestamp() for part in parts]
    ends = [start + part["seconds"] for start, part in zip(began, parts, strict=True)]
    return max(ends) - min(began), sum(part["seconds"] for part in parts)


if __name__ == "__main__":
    sys.exit(main())
