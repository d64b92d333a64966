"""Values the tests begin with: a fleet of two, what is found on it, what is asked for, and a host's shell."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from tasks.errors import SopError
from tasks.inventory.model import App, Backup, Balancer, Health, Host, HostSet, Inventory
from tasks.inventory.remembered import as_json, from_json
from tasks.journal.coding import read
from tasks.journal.events import Event
from tasks.run.request import Request
from tasks.sop.model import Facts, Job, Schema, Step
from tasks.sop.nvr import Nvr, parse
from tasks.sop.shell import library
from tasks.sop.workflows import PROCEDURES

Kind = TypeVar("Kind")


def checked(kind: type[Kind], **keys: Any) -> Kind:
    """A value of one of hosts.yml's classes, of the keys that could stand there. Raises pydantic's ValidationError."""
    strict = getattr(import_module(kind.__module__.replace("tasks.inventory", "tasks.strict")), kind.__name__)
    value: Kind = from_json(as_json(strict.model_validate(_written(keys))))
    return value


def _written(value: Any) -> Any:
    """The keys of hosts.yml that say these values."""
    if hasattr(value, "model_fields_set"):
        return {key: _written(one) for key, one in vars(value).items() if key in value.model_fields_set}
    if isinstance(value, dict):
        return {key: _written(one) for key, one in value.items()}
    return [_written(one) for one in value] if isinstance(value, tuple | list) else value


def nvr(text: str) -> Nvr:
    """`1.0.0` and `1.0.0-2.el7` will do."""
    found = parse(f"blockerbugs-{text}" if "-" in text else f"blockerbugs-{text}-1.el7")
    assert found
    return found


OLD, NEW, NEWER = nvr("1.0.0"), nvr("1.1.0"), nvr("1.2.0")

ONE = Host(name="blockerbugs01.iad2.example", aliases=("blockerbugs01",))
TWO = Host(name="blockerbugs02.iad2.example", aliases=("blockerbugs02",))


def prod(**keys: Any) -> HostSet:
    """Two hosts, the first of them syncs."""
    given = {"name": "prod", "hosts": (ONE, TWO), "sync_host": ONE.name, **keys}
    return checked(HostSet, **given)


def of(app: App, host_set: HostSet) -> HostSet:
    """The same set of another application."""
    return host_set.model_copy(update={"app": app})


def stg(**keys: Any) -> HostSet:
    """One host."""
    host = Host(name="blockerbugs01.stg.iad2.example", aliases=("blockerbugs01.stg",))
    return checked(HostSet, **{"name": "stg", "hosts": (host,), "sync_host": host.name, **keys})


def full() -> HostSet:
    """prod with everything that makes a step more, or a step's command longer."""
    return prod(
        enable_repo="infra-stg",
        schema_status="alembic current",
        backup=Backup(command="pg_dump >/var/tmp/dump", file="/var/tmp/dump"),
        balancer=Balancer(),
        health=Health(version="Blockerbugs {version}"),
    )


def fleet(*sets: HostSet) -> Inventory:
    """The inventory of these sets; of stg and prod, if none is given."""
    return Inventory(host_sets={one.name: one for one in sets or (stg(), prod(after="stg"))})


# A host that runs the old build and is well, and whose repo has the new one.
WELL = Facts(
    installed=OLD,
    offered={OLD: "infra", NEW: "infra"},
    service="active",
    answers=200,
    version=OLD.version,
    revision="aaa",
    schema=Schema.CURRENT,
    free=5000,
    settings="c0ffee",
)


def well(build: Nvr = OLD, **changes: Any) -> Facts:
    """A healthy host with this build, but for the changes."""
    return replace(WELL, **{"installed": build, "version": build.version, **changes})


def found(host_set: HostSet, *facts: Facts) -> dict[Host, Facts]:
    """These facts, host by host (the last for all that remain); cron is where it belongs."""
    row = [*facts, *[facts[-1]] * (len(host_set.hosts) - len(facts))]
    return {host: replace(one, cron=host == host_set.sync) for host, one in zip(host_set.hosts, row, strict=True)}


def event(name: str, **keys: Any) -> Event:
    """An event of the journal with these keys; the others are empty."""
    (entry,) = read([json.dumps({"event": name, **keys})])
    assert entry.event, name
    return entry.event


def said(error: SopError) -> str:
    """What Invoke prints on stderr."""
    return error.message or ""


def request(procedure: str, host_set: HostSet | None = None, hosts: Iterable[Host] = (), **more: Any) -> Request:
    """`fab prod PROCEDURE`, or `fab -H HOST PROCEDURE` where hosts are given."""
    host_set = host_set or prod()
    meant = tuple(hosts) or host_set.hosts
    asked_as = host_set.name if len(meant) == len(host_set.hosts) else f"-H {meant[0].short}"
    return Request(PROCEDURES[procedure], host_set, meant, asked_as, **more)


def job(host_set: HostSet | None = None, **keys: Any) -> Job:
    """The new build for a whole set; app: another application than the set's."""
    host_set = host_set or prod()
    if app := keys.pop("app", None):
        host_set = of(app, host_set)
    return Job(**{"host_set": host_set, "hosts": host_set.hosts, "target": NEW, **keys})


POSIX = (
    *(
        "awk",
        "base64",
        "cat",
        "chmod",
        "cut",
        "date",
        "df",
        "env",
        "false",
        "find",
        "grep",
        "head",
        "readlink",
        "renice",
        "kill",
        "ln",
        "ls",
        "mkdir",
        "mv",
        "nice",
    ),
    *(
        "od",
        "rm",
        "sed",
        "setsid",
        "sh",
        "sha256sum",
        "sleep",
        "sort",
        "stty",
        "tail",
        "test",
        "timeout",
        "tr",
        "true",
        "uniq",
        "wc",
    ),
)


class Shell:
    """A real sh in a folder of its own, that finds POSIX tools and the programs a test has written, no others.

    sh: the program that is `sh` there; /bin/sh, or what HOST_SH says (bash is in its POSIX mode then).
    """

    def __init__(self, folder: Path, sh: str | None = None) -> None:
        sh = sh or os.environ.get("HOST_SH", "/bin/sh")
        self.folder = folder
        self.library = library()
        self.bin = folder / "bin"
        self.bin.mkdir()
        for tool in POSIX:
            real = shutil.which(tool)
            if real:
                (self.bin / tool).symlink_to(sh if tool == "sh" else real)

    def program(self, name: str, body: str) -> None:
        """`name` is from now on this shell script."""
        (self.bin / name).unlink(missing_ok=True)
        (self.bin / name).write_text(f"#!/bin/sh\n{body}\n")
        (self.bin / name).chmod(0o755)

    def file(self, name: str, text: str) -> None:
        """A file of the host; the folder is its root."""
        path = self.folder / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def command(self, script: str) -> list[str]:
        """What runs `script` where the functions are known, as in a host's root shell."""
        return [str(self.bin / "sh"), "-c", f'library={shlex.quote(self.library)}\neval "$library"\n{script}']

    def run(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """What becomes of `script`; its two outputs come as one, as they do over SSH."""
        return subprocess.run(
            self.command(script),
            cwd=self.folder,
            env={"PATH": str(self.bin), "TMPDIR": os.environ.get("TMPDIR", "/tmp"), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )


def step_in(shell: Shell, step: Step) -> tuple[int, str]:
    """Do the step on this host; its exit status, and what it printed."""
    done = shell.run(step.script)
    return done.returncode, done.stdout.strip()
