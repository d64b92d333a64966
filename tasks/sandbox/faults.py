"""Make things go wrong: on a named host, at a named step, a number of times."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from . import _tree
from .programs import _control
from .programs._faults import BUILD_KINDS, HTTPD_KINDS, MIGRATION_KINDS, PROGRAM_KINDS, PROXY_KINDS, faults_file
from .programs._files import change_json, change_state, locked, read_json, read_state, write_json

STEPS = ("preflight", "schema", "download", "yum-update", "downgrade", "stop-httpd", "start-httpd", "restart-httpd",
         "upgrade-db", "sync", "healthy", "new-build")  # fmt: skip
PROXY_STEPS = ("drain", "undrain")
KINDS = PROGRAM_KINDS | HTTPD_KINDS


def inject(home: Path, host: str, step: str, kind: str, times: int = 1, seconds: float = 0.0) -> None:
    """Let `step` on `host` go wrong `times` times. ValueError for a word that is not known.

    `restart`: the host restarts, and what is enabled comes back with it.
    On a proxy `drain` and `undrain` are what is said to haproxy's socket: `set server … state`. `reload`: haproxy is
    reloaded `seconds` later, and forgets; `denied`: the socket is one of level operator.
    `new-build`: from `seconds` after httpd's start on, any build but the one that runs now answers 5 % of its requests
    with 500 (`errors`), or takes 90 ms longer for each answer (`slower`), until the fault is cleared.
    `locked`: `upgrade-db` meets a session that holds a lock for `seconds`, and gives up after PGOPTIONS' lock_timeout.
    seconds: how long `slow` takes, how long `unavailable` answers 503 after this moment or httpd's start, how long
    `drip` waits after each byte. A `healthy` fault of httpd (`health` is the same) is seen by everybody who asks while
    it waits; a run of curl uses one time up; `unavailable` ends by itself.
    """
    step = "healthy" if step == "health" else step
    hosts = read_json(home / "fleet.json")["hosts"]
    if host not in hosts:
        raise ValueError(f"no host {host!r} in this sandbox: one of {', '.join(hosts)}")
    proxy = hosts[host].get("proxy", False)
    steps = PROXY_STEPS if proxy else STEPS
    if step not in steps:
        what = f"no step {step!r} on {host}" if step else "--step is wanted"
        at_the_proxy = "" if proxy else f"; at the proxy: {', '.join(PROXY_STEPS)}"
        raise ValueError(f"{what}: one of {', '.join(steps)}{at_the_proxy}")
    own = {"healthy": KINDS, "new-build": BUILD_KINDS, "upgrade-db": MIGRATION_KINDS}
    kinds = PROXY_KINDS if proxy else own.get(step, PROGRAM_KINDS)
    if kind not in kinds:
        raise ValueError(f"no fault {kind!r} at step {step!r}: one of {', '.join(sorted(kinds))}")
    fault = {
        "host": host,
        "step": "health" if step == "healthy" else step,
        "kind": kind,
        "times": times,
        "seconds": seconds,
        "at": time.time(),
    }
    if step == "new-build":
        fault["unless"] = read_state(home, host)["httpd"]["loaded"]["version"]
    file = Path(faults_file(home))
    with locked(file):
        write_json(file, [*(read_json(file) if file.exists() else []), fault])


def clear(home: Path) -> None:
    """Switch every waiting fault off. A host that is down stays down: see revive."""
    file = Path(faults_file(home))
    if file.exists():
        change_json(file, lambda every: every.clear())


def down(home: Path, host: str) -> None:
    """Take a host's power away now: connections cut, no sshd, no httpd, until revive."""
    _machine_room(home, "down", host)


def revive(home: Path, host: str) -> None:
    """Boot a host that is down: sshd listens, and httpd, which is enabled at boot, runs with what is installed."""
    _machine_room(home, "revive", host)


def reload(home: Path, proxy: str) -> None:
    """Reload a proxy's haproxy now: it forgets what it was told at its socket."""
    _control.ask(home, "reload", host=proxy)


def _machine_room(home: Path, op: str, host: str) -> None:
    """Let the running fleet do it; without one, only the state is changed."""
    try:
        _control.ask(home, op, host=host)
    except _control.NoFleet:
        if op == "down":
            change_state(home, host, lambda state: _power(state, False))
        elif op == "revive" and read_state(home, host)["down"]:
            boot(home, host)


def boot(home: Path, host: str) -> None:
    """The state and the files of a host that comes up: httpd runs where it is enabled, and it is another boot."""
    change_state(home, host, lambda state: _power(state, True))
    _tree.new_boot(home / "hosts" / host)


def _power(state: dict[str, Any], on: bool) -> None:
    """The state of a host after a power cut, or after a boot."""
    state["down"] = not on
    enabled = state["httpd"].get("enabled", True)
    state["httpd"].update(running=on and enabled, failed=False, pid=0)
    if on:
        state["httpd"].update(loaded=state["installed"], since=time.time())
        for timer in state["timers"].values():
            timer["active"] = timer["enabled"]
