"""rpm: `rpm -q [--qf FORMAT] PACKAGE…`, `rpm -ql PACKAGE`, `rpm -qpl FILE`."""

from __future__ import annotations

import os

from . import _files as _files_of_host
from ._ends import Quit
from ._host import Host, complain, not_known, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FORMAT = "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\\n"


def run(host: Host, args: list[str]) -> None:
    """Say what is installed; the exit status is the number of packages that are not."""
    wanted, form, query, files, rest = [], FORMAT, False, "", list(args)
    while rest:
        word = rest.pop(0)
        if word in ("--qf", "--queryformat"):
            form = rest.pop(0) if rest else ""
        elif word.startswith(("--qf=", "--queryformat=")):
            form = word.partition("=")[2]
        elif word in ("-q", "--query"):
            query = True
        elif word in ("-ql", "-qpl"):
            query, files = True, word
        elif word.startswith("-"):
            raise not_known("rpm", args)
        else:
            wanted.append(word)
    if not query:
        raise not_known("rpm", args)
    if not wanted:
        complain("rpm: no arguments given for query")
        raise Quit(1)
    if files == "-qpl":
        raise Quit(_list_files(host, wanted))
    missing = 0
    for name in wanted:
        installed = host.state()["installed"]
        if installed is None or name not in _names(installed):
            say(f"package {name} is not installed")
            missing += 1
        else:
            say("\n".join(_files(installed)) + "\n" if files else _filled(form, installed), end="")
    raise Quit(missing)


def _list_files(host: Host, paths: list[str]) -> int:
    """What is in these packages; the number of those that cannot be read."""
    missing = 0
    for path in paths:
        try:
            package = _files_of_host.read_json(os.path.join(host.root, path))
        except FileNotFoundError:
            complain(f"error: open of {path} failed: No such file or directory")
            missing += 1
        else:
            say("\n".join(_files(package)))
    return missing


def _files(package: dict[str, Any]) -> list[str]:
    """The files of a build: its programs, the page, and one for each migration."""
    files: list[str] = package["files"]
    return files


def _names(installed: dict[str, Any]) -> set[str]:
    """The ways to name the installed package."""
    name, version, release = installed["name"], installed["version"], installed["release"]
    return {name, f"{name}-{version}", f"{name}-{version}-{release}", f"{name}-{version}-{release}.noarch"}


def _filled(form: str, installed: dict[str, Any]) -> str:
    """The format with the package's values in it, and its escapes carried out."""
    values = {
        "NAME": installed["name"],
        "VERSION": installed["version"],
        "RELEASE": installed["release"],
        "ARCH": "noarch",
        "EPOCH": "(none)",
        "INSTALLTIME": str(installed["time"]),
    }
    for tag, value in values.items():
        form = form.replace(f"%{{{tag}}}", value)
    return form.replace("\\n", "\n").replace("\\t", "\t").replace("%%", "%")
