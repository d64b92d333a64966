"""Connect to many hosts and do three steps on each, with the tool's own connections: `python -m tests.bench.many`.

Usage: many.py SSH_CONFIG HOSTS_YML. Ends with 1 and a line if a host failed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fabric import Config

from tasks.inventory.remembered import read


def main(ssh_config: str, hosts_yml: str) -> int:
    """Three steps, each on every host before the next begins."""
    (host_set,) = read(Path(hosts_yml)).host_sets.values()
    from tasks.fleet.machines import Machines  # as a line does it: with pydantic only where the file is new

    hosts = host_set.hosts
    failed = 0
    with Machines(hosts, Config(runtime_ssh_path=ssh_config), lambda who, text, hidden, moot: "") as machines:
        for step in ("one", "two", "three"):
            outcomes = machines.ask(dict.fromkeys(hosts, f"echo {step}"), seconds=60)
            failed += sum(outcome.output != step for outcome in outcomes.values()) + len(hosts) - len(outcomes)
    print(f"{failed} of {3 * len(hosts)} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
