"""What became of the fleet: facts and events for tests, addresses and passwords for clients."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

from .programs import _control, _db
from .programs._files import read_json, read_state

if TYPE_CHECKING:
    from pathlib import Path


def facts(home: Path) -> dict[str, Any]:
    """{"hosts": {name: …}, "sets": {name: …}}: what is true now, without the proxies, also when no fleet runs."""
    fleet = read_json(home / "fleet.json")
    sets = {name: _set_facts(home, name) for name in fleet["sets"]}
    hosts = {}
    for name, host in fleet["hosts"].items():
        if host.get("proxy"):
            continue
        state = read_state(home, name)
        installed, httpd = state["installed"], state["httpd"]
        root = home / "hosts" / name
        hosts[name] = {
            "set": host["set"],
            "installed": installed and f"{installed['name']}-{installed['version']}-{installed['release']}",
            "httpd": httpd["running"],
            "serves": httpd["loaded"]["version"] if httpd["running"] else None,
            "schema": sets[host["set"]]["schema"],
            "cron": _starts_a_check(fleet["app"], root, state),
            "down": state["down"],
            "downloaded": sorted(f.name for f in root.glob("var/cache/yum/x86_64/7/*/packages/*.rpm")),
            "yum_lock": (root / "var/run/yum.pid").exists(),
            "unfinished": any(root.glob("var/lib/yum/transaction-all.*")),
        }
    return {"hosts": hosts, "sets": sets}


def _starts_a_check(app: dict[str, Any], root: Path, state: dict[str, Any]) -> bool:
    """Does cron's file or a timer do that on this host?"""
    if app["timer"]:
        return bool(state["timers"].get(app["timer"], {}).get("active"))
    return bool(app["cron"]) and (root / app["cron"].lstrip("/")).exists()


def _set_facts(home: Path, name: str) -> dict[str, Any]:
    """The schema revision, and how often (and where, and with what outcome) upgrade_db and sync were run."""
    file = home / "databases" / f"{name}.sqlite"
    with _db.opened(file) as db:
        runs = db.execute("SELECT host, program, outcome FROM run ORDER BY id").fetchall()
        columns = [row[1] for row in db.execute("PRAGMA table_info(bug)")]
    counts = {program: sum(1 for run in runs if run[1] == program) for program in ("upgrade_db", "sync")}
    return {"schema": _db.revision(file), "columns": columns, "runs": runs, **counts}


def events(home: Path) -> list[dict[str, Any]]:
    """Every start and end of a program on any host, in the order they happened."""
    try:
        # A line that is just being written may be there in part: what follows the last line feed is no event yet.
        *lines, _ = (home / "events.jsonl").read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return []
    return sorted((json.loads(line) for line in lines), key=lambda event: float(event["t"]))


def public_url(home: Path, set_name: str) -> str:
    """The address that users of a set would type: its balancer, or the one host it has."""
    fleet = read_json(home / "fleet.json")
    hosts = fleet["sets"][set_name]["hosts"]
    balanced = len(hosts) > 1 or any(host.get("proxy") for host in fleet["hosts"].values() if host["set"] == set_name)
    port = fleet["sets"][set_name]["port"] if balanced else fleet["hosts"][hosts[0]]["http"]
    return f"http://127.0.0.1:{port}{fleet['app']['path']}"


def haproxy(home: Path, proxy: str, command: str) -> str:
    """What a proxy's haproxy answers to a command, whatever fault waits at its socket. Raises NoFleet."""
    said: str = _control.ask(home, "haproxy", host=proxy, command=command)["said"]
    return said


def servers(home: Path, proxy: str) -> dict[str, str]:
    """The status of each server behind a proxy, in haproxy's word: UP, DRAIN, MAINT, DOWN, … Raises NoFleet."""
    rows = csv.DictReader(haproxy(home, proxy, "show stat -1 4 -1").removeprefix("# ").splitlines())
    return {row["svname"]: row["status"] for row in rows}


def node_url(home: Path, host: str) -> str:
    """The address of a host's own httpd, past the balancer."""
    fleet = read_json(home / "fleet.json")
    return f"http://127.0.0.1:{fleet['hosts'][host]['http']}{fleet['app']['path']}"


def sudo_password(home: Path, host: str) -> str:
    """What sudo on this host wants to hear, if it asks."""
    password: str = read_state(home, host)["sudo"]["password"]
    return password
