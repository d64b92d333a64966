"""Connect to many hosts and do three steps on each, with the tool's own connections: `python -m tests.bench.many`.

Usage: many.py SSH_CONFIG HOST…. Ends with 1 and a line if a host failed.
"""

from __future__ import annotations

import sys

from fabric import Config

from tasks.fleet.machines import Machines
from tasks.inventory.model import Host


def main(ssh_config: str, names: list[str]) -> int:
    """Three steps, each on every host before the next begins."""
    hosts = [Host(name=name) for name in names]
    failed = 0
    with Machines(hosts, Config(runtime_ssh_path=ssh_config), lambda who, text, hidden, moot: "") as machines:
        for step in ("one", "two", "three"):
            outcomes = machines.ask(dict.fromkeys(hosts, f"echo {step}"), seconds=60)
            failed += sum(outcome.output != step for outcome in outcomes.values()) + len(hosts) - len(outcomes)
    print(f"{failed} of {3 * len(hosts)} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
