"""A fleet of many hosts in one process: the sandbox's own, but for their number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.sandbox import layout
from tests.warmed import start_fleet

_HOSTS_YML = """
app: {{root: "."}}
host_sets:
  prod:
    hosts:
{hosts}
    sync_host: web001
    schema_status: alembic current
    confirm: none
    health: {{version: "Blockerbugs {{version}}", deadline: 120, timeout: 60}}
    {keys}
"""


@contextmanager
def many_hosts(folder: Path, number: int, keys: str = "", pace: float = 0.0) -> Iterator[Path]:
    """web001 to webN on 1.0.0, as the set prod; gives the folder with hosts.yml and ssh_config.

    keys: more of hosts.yml's, for the set; pace: how long programs take, 1 for believable times.
    """
    names = [f"web{n:03}" for n in range(1, number + 1)]
    full = tuple(f"{name}.example" for name in names)
    layout.create(folder, [layout.SetSpec("prod", full, full[0])], pace=pace)
    hosts = "\n".join(f"      - {{name: {name}.example, aliases: [{name}]}}" for name in names)
    (folder / "hosts.yml").write_text(_HOSTS_YML.format(hosts=hosts, keys=keys), encoding="utf-8")
    with start_fleet(folder):
        yield folder
