"""What the sandbox plays: an application out of hosts.yml, as the programs on its hosts find it in fleet.json."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from .programs.main import PROGRAMS
from .versions import FIRST, migration_file

if TYPE_CHECKING:
    from ..inventory.model import HostSet

ALEMBIC = "/usr/share/{package}/alembic/versions/{revision}_{words}.py"
BLOCKERBUGS: dict[str, Any] = {
    "package": "blockerbugs",
    "service": "httpd",
    "migrate": ["blockerbugs", "upgrade_db"],
    "check": ["blockerbugs", "sync"],
    "schema_status": ["alembic", "current"],
    "settings": "/etc/blockerbugs/settings.py",
    "cron": "/etc/cron.d/blockerbugs",
    "timer": None,
    "file": ALEMBIC,
    "alembic": True,
    "backend": "blockerbugs",
    "path": "/blockerbugs/",
    "port": 80,
    "status": 200,
    "version": "Blockerbugs {version}",
}
# What a migration's file is called: the first that app.migrations finds is what the RPMs have.
FILES = (
    ALEMBIC,
    "/usr/share/{package}/migrations/{number:04}_{words}.py",
    "/usr/share/{package}/migrations/{number:04}.sql",
    "/usr/share/{package}/migrations/{number:04}_{words}.sql",
    "/usr/share/{package}/migrations/{number:04}-{words}.sql",
    "/usr/share/{package}/migrations/V{number}__{words}.sql",
    "/usr/share/{package}/db/migrate/{number:014}_{words}.rb",
)
# What the shell does itself, what starts another program, and what the steps need as it is on this machine.
NOT_ITS_OWN = frozenset({
    *PROGRAMS, ".", ":", "bash", "cd", "chronic", "chroot", "command", "dash", "docker", "env", "eval", "exec", "exit",
    "export", "false", "flock", "for", "if", "ionice", "ksh", "nice", "nohup", "podman", "runuser", "setpriv", "sh",
    "source", "ssh", "su", "systemd-run", "test", "time", "timeout", "true", "umask", "until", "while", "xargs", "zsh",
    "awk", "base64", "cat", "chmod", "cp", "cut", "date", "echo", "expr", "find", "grep", "head", "id", "kill", "ls",
    "mkdir", "mkfifo", "mv", "printf", "ps", "readlink", "rm", "sed", "sleep", "sort", "stat", "tail", "tee", "touch",
    "tr", "uniq", "wc",
})  # fmt: skip
_QUOTED = re.compile(r"'[^']*'|\"[^\"$`\\]*\"")
_SHELLS = re.compile(r"[|&;<>()$`\\*?\[\]{}~#!]")


def words(command: str) -> list[str]:
    """The program and its arguments. Raises ValueError with why the sandbox cannot play the command.

    A program that is named by its full path has a dot in front: a host lives in a folder, which is where it begins.
    """
    if found := _SHELLS.search(_QUOTED.sub("", command)):
        raise ValueError(f"{found[0]} is the shell's")
    first, *rest = shlex.split(command) or [""]
    name = first.rpartition("/")[2]
    if "=" in first:
        raise ValueError("it begins with a variable")
    if "/" in first and (not first.startswith("/") or not command.startswith("/") or ".." in first):
        raise ValueError(f"{first} is no full path")
    if not name or name in NOT_ITS_OWN:
        raise ValueError(f"{name or 'nothing'} is not the application's own")
    return [f".{first}" if "/" in first else first, *rest]


def on_its_hosts(command: str) -> str:
    """The command as it is typed on the sandbox's hosts."""
    return f".{command}" if command.startswith("/") else command


def played(host_set: HostSet) -> tuple[dict[str, Any], dict[str, str]]:
    """The application of a set, and what of it cannot be played: the key in the set, and why not."""
    app, health, wrong = host_set.app, host_set.health, dict[str, str]()
    commands = {"app.migrate": app.migrate, "app.check": app.check, "schema_status": host_set.schema_status}
    said: dict[str, Any] = {"package": app.package, "service": app.service.removesuffix(".service")}
    for place, command in commands.items():
        try:
            said[place.removeprefix("app.")] = words(command) if command else None
        except ValueError as error:
            wrong[place] = f"the sandbox plays one program of the application's own, with arguments: {error}"
    for key, file in (("settings", app.settings), ("cron", app.cron)):
        said[key] = file
        if file and ".." in file:
            wrong[f"app.{key}"] = "the sandbox's hosts live in folders, which .. would lead out of"
    said |= {"timer": app.timer, "backend": app.package.replace("+", "_")}
    said["file"] = _file(app.migrations if app.migrate else None, app.package)
    said["alembic"] = said["file"] == ALEMBIC
    if not said["file"]:
        shapes = " or ".join(migration_file(shape, app.package, 1, FIRST) for shape in FILES)
        wrong["app.migrations"] = f"the sandbox has no migration that it would find; one is called {shapes}"
    if not 200 <= health.status < 400:
        wrong["health.status"] = "the sandbox's haproxy takes 200 to 399 for well, and nothing else"
    return said | {key: getattr(health, key) for key in ("path", "port", "status", "version")}, wrong


def _file(pattern: str | None, package: str) -> str | None:
    """What a migration's file is called, so that the pattern finds it; None where nothing here would be found."""
    found = (shape for shape in FILES if re.search(pattern or "", migration_file(shape, package, 1, FIRST)))
    return next(found, None)
