"""The operator's fleet as the embedded sandbox: real SSH, the sandbox's own programs on the hosts."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tasks.sandbox import faults, layout
from tests.warmed import start_fleet

from .fleets import HOSTS_YML, ONE, PROXIES, STG, STG_REPO, TWO


class SandboxMachines:
    """The hosts that lie in `home`."""

    def __init__(self, home: Path, proxies: tuple[str, ...] = ()) -> None:
        self.home, self.proxies = home, proxies

    def facts(self) -> dict[str, Any]:
        return layout.facts(self.home)

    def events(self) -> list[dict[str, Any]]:
        return layout.events(self.home)

    def breaks(self, host: str, step: str, kind: str, times: int = 1, seconds: float = 0.0) -> None:
        faults.inject(self.home, host, step, kind, times, seconds)

    def publish(self, version: str, repo: str, **holds: Any) -> None:
        layout.publish(self.home, version, repo=repo, **holds)

    def has(self, host: str, packages: dict[str, str]) -> None:
        state = layout.read_state(self.home, host)
        layout.write_state(self.home, host, state | {"others": packages})

    def has_timer(self, host: str, timer: str) -> None:
        state = layout.read_state(self.home, host)
        timers = {**state.get("timers", {}), timer: {"active": True, "enabled": True}}
        layout.write_state(self.home, host, state | {"timers": timers})

    def timer_is_on(self, host: str, timer: str) -> bool:
        return bool(layout.read_state(self.home, host)["timers"][timer]["active"])

    def withdraw(self, version: str, host: str | None = None) -> None:
        layout.withdraw(self.home, version, host=host)

    def fill_disk(self, host: str, mount: str, free: int) -> None:
        layout.fill_disk(self.home, host, mount, free=free)

    def power_off(self, host: str) -> None:
        faults.down(self.home, host)

    def boot(self, host: str) -> None:
        faults.revive(self.home, host)

    def start_httpd(self, host: str) -> None:
        folder = self.home / "hosts" / host
        subprocess.run([folder / "usr/bin/service", "httpd", "start"], check=True, capture_output=True, cwd=folder)

    def let_sudo_ask(self) -> None:
        for host in (STG, ONE, TWO, *self.proxies):
            state = layout.read_state(self.home, host)
            state["sudo"]["mode"] = "asks"
            layout.write_state(self.home, host, state)

    def sudo_password(self, host: str) -> str:
        return layout.sudo_password(self.home, host)

    def restore_database(self, name: str) -> None:
        with closing(sqlite3.connect(self.home / f"databases/{name}.sqlite")) as db:
            db.execute("ALTER TABLE bug RENAME COLUMN title TO summary")
            db.execute("UPDATE alembic_version SET version_num = '1a0c9'")
            db.commit()

    def servers(self) -> dict[str, dict[str, str]]:
        return {proxy: layout.servers(self.home, proxy) for proxy in self.proxies}

    def tells(self, proxy: str, command: str) -> None:
        layout.haproxy(self.home, proxy, command)

    def reload(self, proxy: str) -> None:
        faults.reload(self.home, proxy)


@contextmanager
def sandbox_machines(folder: Path, stg_runs: str, drained: bool) -> Iterator[SandboxMachines]:
    """A fresh fleet in `folder`, running; with two proxies where hosts are drained."""
    home = folder / "fleet"
    stg = layout.SetSpec("stg", (STG,), STG, version=stg_runs)
    proxies = PROXIES if drained else ()
    prod = layout.SetSpec("prod", (ONE, TWO), ONE, proxies=proxies)
    layout.create(home, [stg, prod], pace=0)
    layout.configure(home, inter=0.1)
    for version in ("1.0.0", "1.0.1", "1.1.0"):
        layout.publish(home, version, repo=STG_REPO)
    url = layout.public_url(home, "prod")
    drains = f", proxies: [{', '.join(PROXIES)}], backend: blockerbugs, sessions: 5" if drained else ""
    text = HOSTS_YML.format(root=".", url=url, interval=0.1, drains=drains, deadline=2, timeout=1, reconnect=3)
    (home / "hosts.yml").write_text(text, encoding="utf-8")
    with start_fleet(home):
        yield SandboxMachines(home, proxies)
