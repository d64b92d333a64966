"""What became of the lab's machines, looked at past the tool: podman, the pages, the databases."""

from __future__ import annotations

import csv
import urllib.error
import urllib.request
from dataclasses import dataclass

from .files import Settings
from .layout import HUB, NODES, PORTS, Machine
from .podman import run_in


@dataclass(frozen=True)
class Node:
    """installed: NVR; httpd: systemd's word; serves: the version its page shows, or its HTTP status, or `-`."""

    installed: str
    httpd: str
    serves: str


def node(machine: Machine, settings: Settings) -> Node:
    """What one host of a set runs."""
    said = run_in(machine, "sh", "-c", "rpm -q --qf '%{NVR}\\n' blockerbugs; systemctl is-active httpd || true")
    installed, httpd = said.split()[-2:]
    return Node(installed, httpd, _serves(f"http://{machine.address(settings.network)}/blockerbugs/"))


def revision(host_set: str) -> str:
    """The schema of a set's database."""
    return sql(host_set, "SELECT version_num FROM alembic_version")


def times(host_set: str, job: str) -> int:
    """How often `upgrade_db` or `sync` was begun on a set's database since the last reset."""
    return int(sql(host_set, f"SELECT count(*) FROM job WHERE name = '{job}'"))


def haproxy(proxy: Machine, command: str) -> str:
    """What a proxy's haproxy answers to a command."""
    return run_in(proxy, "python3", "-c", _ASK, command)


def servers(host_set: str, proxy: Machine) -> dict[str, str]:
    """The status of each server of a set at a proxy, in haproxy's word: UP, DRAIN, MAINT, DOWN, …"""
    rows = csv.DictReader(haproxy(proxy, f"show stat {host_set} 4 -1").removeprefix("# ").strip().splitlines())
    return {row["svname"]: row["status"] for row in rows}


def sql(host_set: str, query: str) -> str:
    """The one value that a query of a set's database gives."""
    psql = f"cd /; runuser -u postgres -- psql -qAtX blockerbugs_{host_set}"
    return run_in(HUB, "sh", "-c", psql, given=query).strip()


def table(settings: Settings) -> list[str]:
    """Everything at a glance."""
    lines = [f"{'host':<24}{'address':<14}{'installed':<28}{'httpd':<10}serves"]
    for machine in NODES:
        found = node(machine, settings)
        address = machine.address(settings.network)
        lines.append(f"{machine.name:<24}{address:<14}{found.installed:<28}{found.httpd:<10}{found.serves}")
    return lines + [f"{name}: {settings.url(name)} (schema {revision(name)})" for name in PORTS]


_ASK = """
import socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect("/run/haproxy/admin.sock")
line.sendall(sys.argv[1].encode() + b"\\n")
print(line.makefile().read())
"""


def _serves(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            page: str = answer.read().decode()
            return page.rpartition("Blockerbugs ")[2].partition("<")[0]
    except urllib.error.HTTPError as error:
        return str(error.code)
    except OSError:
        return "-"
