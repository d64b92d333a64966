"""Lay a fresh fleet down in a folder, change what its repos offer, and look at what became of it.

HOME/fleet.json            sets, hosts, ports, the application, pace, the balancer's timing, the control port's secret
HOME/state/HOST.json       what is installed and runs; layout.read_state, layout.write_state
HOME/hosts/HOST/           the host's root folder: etc, var, and usr/bin with its programs
HOME/hostkeys/HOST         its SSH host key
HOME/repos/HOST/REPO/      what this host sees of a repo's mirror
HOME/databases/SET.sqlite  the one database of a set
HOME/ssh_config, known_hosts, id_ed25519    how a client gets in
HOME/events.jsonl, faults.json              what was run; what goes wrong next
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

from . import _ssh_files, _tree
from .observe import events, facts, haproxy, node_url, public_url, servers, sudo_password
from .played import BLOCKERBUGS
from .programs import _db
from .programs._files import change_json, change_state, read_json, read_state, write_json, write_state
from .versions import package

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["SetSpec", "configure", "create", "events", "facts", "fill_disk", "haproxy", "node_url", "public_url",
           "publish", "read_state", "servers", "sudo_password", "withdraw", "write_state"]  # fmt: skip

REPOS = ("infrastructure-tags", "infrastructure-tags-stg")
OFFERED = ("1.0.0", "1.0.1", "1.1.0")
DISK = {
    "/": {"device": "/dev/mapper/vg0-root", "total": 10474496, "used": 3145728},
    "/var": {"device": "/dev/mapper/vg0-var", "total": 5232640, "used": 1048576},
}


@dataclass(frozen=True)
class SetSpec:
    """A host set: full host names, which of them runs upgrade_db and sync, the version it runs.

    sudo: passwordless, or asks. proxies: hosts that balance, with haproxy's admin socket; the users' address is the
    first one's. Without any, a set of several hosts has a balancer that is no host.
    """

    name: str
    hosts: tuple[str, ...]
    sync: str
    sudo: str = "passwordless"
    version: str = "1.0.0"
    proxies: tuple[str, ...] = ()


def create(home: Path, sets: Sequence[SetSpec], pace: float = 1.0, app: dict[str, Any] = BLOCKERBUGS) -> None:
    """Lay a fresh fleet down in `home`: every host on its set's version, httpd running, the schema fitting.

    pace: 1 for believable times, 0 for tests that want none. app: what runs there, as played.py makes it.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700)
    for folder in ("state", "hosts", "hostkeys", "repos", "databases"):
        shutil.rmtree(home / folder, ignore_errors=True)
        (home / folder).mkdir(mode=0o700)
    for file in ("events.jsonl", "faults.json"):
        (home / file).unlink(missing_ok=True)
    names = [host for spec in sets for host in (*spec.hosts, *spec.proxies)]
    ports = iter(_free_ports(1 + 2 * len(names) + len(sets)))
    fleet: dict[str, Any] = {"secret": secrets.token_hex(16), "control": next(ports), "pace": pace}
    fleet |= {"inter": 0.5, "fall": 2, "rise": 1, "app": app, "sets": {}, "hosts": {}}
    for spec in sets:
        fleet["sets"][spec.name] = {"hosts": spec.hosts, "sync": spec.sync, "port": next(ports)}
        for host in spec.hosts:
            fleet["hosts"][host] = {"set": spec.name, "ssh": next(ports), "http": next(ports)}
        for proxy in spec.proxies:
            http = next(ports) if proxy != spec.proxies[0] else fleet["sets"][spec.name]["port"]
            fleet["hosts"][proxy] = {"set": spec.name, "ssh": next(ports), "http": http, "proxy": True}
    write_json(home / "fleet.json", fleet)
    for spec in sets:
        _lay_set(home, spec, app)
    for version in OFFERED:
        publish(home, version)
    _ssh_files.write(home, {host: fleet["hosts"][host]["ssh"] for host in names})


def _lay_set(home: Path, spec: SetSpec, app: dict[str, Any]) -> None:
    installed = {**package(app, spec.version, "1.el7"), "repo": REPOS[0], "time": int(time.time())}
    _new_database(home / "databases" / f"{spec.name}.sqlite", installed["migrations"])
    settings = _tree.settings(spec.name, app["package"])
    for host in spec.hosts:
        _tree.lay(home / "hosts" / host, app, settings, syncs=host == spec.sync)
        for repo in REPOS:
            (home / "repos" / host / repo).mkdir(parents=True)
        timer = app["timer"] if host == spec.sync else None
        write_state(home, host, _state(spec, installed, timer))
    for proxy in spec.proxies:
        _tree.lay(home / "hosts" / proxy, app, settings_text=None)
        write_state(home, proxy, _state(spec, None))


def _state(spec: SetSpec, installed: dict[str, Any] | None, timer: str | None = None) -> dict[str, Any]:
    """A host's state at first; one without the package has no httpd."""
    runs = installed is not None
    httpd = {"enabled": runs, "running": runs, "failed": False, "since": time.time(), "pid": 0, "loaded": installed}
    sudo = {"mode": spec.sudo, "password": secrets.token_urlsafe(9)}
    timers = {timer: {"active": True, "enabled": True}} if timer else {}
    return {"installed": installed, "httpd": httpd, "sudo": sudo, "disk": DISK, "down": False, "timers": timers}


def _new_database(file: Path, chain: list[dict[str, Any]]) -> None:
    with _db.opened(file) as db:
        db.execute("CREATE TABLE alembic_version (version_num TEXT NOT NULL)")
        db.execute("INSERT INTO alembic_version VALUES ('')")
        db.execute("CREATE TABLE run (id INTEGER PRIMARY KEY, host TEXT, program TEXT, began REAL, outcome TEXT)")
    for migration in chain:
        _db.migrate(file, migration)


def publish(
    home: Path, version: str, release: str = "1.el7", repo: str = REPOS[0], host: str | None = None, **holds: Any
) -> None:
    """Offer a version in a repo, to one host or to all. KeyError for a version that does not exist.

    holds: what this RPM of it has beside: needs, the packages (name → version-release) that have to come along;
    built, which build of it this is; key, the id of the key that it is signed with.
    """
    app = read_json(home / "fleet.json")["app"]
    for mirror in _mirrors(home, repo, host):
        mirror.mkdir(parents=True, exist_ok=True)
        rpm = package(app, version, release) | holds
        write_json(mirror / f"{app['package']}-{version}-{release}.noarch.rpm", rpm)


def withdraw(home: Path, version: str, release: str = "1.el7", repo: str = REPOS[0], host: str | None = None) -> None:
    """Offer it no longer; metadata that a host has cached still lists it."""
    name = read_json(home / "fleet.json")["app"]["package"]
    for mirror in _mirrors(home, repo, host):
        (mirror / f"{name}-{version}-{release}.noarch.rpm").unlink(missing_ok=True)


def _mirrors(home: Path, repo: str, host: str | None) -> list[Path]:
    hosts = [home / "repos" / host] if host else sorted((home / "repos").iterdir())
    return [mirror / repo for mirror in hosts]


def configure(home: Path, **values: float) -> None:
    """Change pace, inter, fall or rise; a running fleet sees the pace at once, the rest at its next start."""
    change_json(home / "fleet.json", lambda fleet: fleet.update(values))


def fill_disk(home: Path, host: str, mount: str, free: int = 0) -> None:
    """Leave this many 1024-byte blocks free on `/` or `/var` of a host."""

    def fill(state: dict[str, Any]) -> None:
        state["disk"][mount]["used"] = state["disk"][mount]["total"] - free

    change_state(home, host, fill)


_BLOCK, _BLOCKS = 500, 40
_LOWEST = 10000  # all of it below the range that systems give to outgoing connections


def _free_ports(number: int) -> list[int]:
    """Ports that are free now. OSError if there are not so many.

    Each process has a block of its own and goes round in it: a fleet that was laid down and is not started yet does
    not hold its ports, and two at the same time must not choose the same ones.
    """
    found: list[int] = []
    for port in islice(_ports(), _BLOCK):
        if len(found) == number:
            return found
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found.append(port)
    raise OSError(f"fewer than {number} free ports beside the {_BLOCK} that this process has looked at")


@cache
def _ports() -> Iterator[int]:
    """The ports of this process's block, round and round."""
    claim = _claimed(os.getpid())
    first = claim.getsockname()[1] + 1

    def ports() -> Iterator[int]:
        with claim:  # held as long as somebody may come for another port
            yield from cycle(range(first, first + _BLOCK - 1))

    return ports()


def _claimed(begin: int) -> socket.socket:
    """The first port of a block that no other process has; looks from block `begin` on. OSError if there is none."""
    for number in range(begin, begin + _BLOCKS):
        claim = socket.socket()
        try:
            claim.bind(("127.0.0.1", _LOWEST + number % _BLOCKS * _BLOCK))
        except OSError:
            claim.close()
        else:
            return claim
    raise OSError(f"each of the {_BLOCKS} blocks of ports from {_LOWEST} on is in use")
