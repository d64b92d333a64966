"""rpm 4.11: `rpm -q [--qf FORMAT] PACKAGE…`, `rpm -ql PACKAGE`, `rpm -q --scripts PACKAGE`; of a FILE with `-qp`."""

from __future__ import annotations

import os
from _sha1 import sha1  # type: ignore[import-not-found]  # has no stub, see _light

from . import _files as _files_of_host
from . import _others
from ._ends import Quit
from ._host import Host, complain, not_known, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KEY = "d1d3f1ba352c64e5"
FORMAT = "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\\n"


def run(host: Host, args: list[str]) -> None:
    """Say what is installed, or is in these files; the exit status is the number of packages that are not."""
    wanted, form, query, rest = list[str](), FORMAT, "", list(args)
    while rest:
        word = rest.pop(0)
        if word in ("--qf", "--queryformat"):
            form = rest.pop(0) if rest else ""
        elif word.startswith(("--qf=", "--queryformat=")):
            form = word.partition("=")[2]
        elif word == "--query" or word in ("-q", "-ql", "-qp", "-qpl"):
            query = word.replace("--query", "-q")
        elif word == "-p":
            query = f"{query}p"
        elif word == "--scripts":
            form = ""
        elif word == "--":
            wanted, rest = wanted + rest, []
        elif word.startswith("-"):
            raise not_known("rpm", args)
        else:
            wanted.append(word)
    if not query:
        raise not_known("rpm", args)
    if not wanted:
        complain("rpm: no arguments given for query")
        raise Quit(1)
    _check(form)
    find = _in_a_file if "p" in query else _installed
    raise Quit(sum(_tell(find(host, name), form, query) for name in wanted))


def _tell(package: dict[str, Any] | None, form: str, query: str) -> int:
    """Say what is asked of one; 1 where it is not there."""
    if package:
        say("\n".join(_files(package)) + "\n" if "l" in query else _filled(form, package), end="")
    return 0 if package else 1


def _installed(host: Host, name: str) -> dict[str, Any] | None:
    installed, others = host.state()["installed"], _others.installed(host)
    if installed is not None and name in _names(installed):
        return dict(installed)
    if name in others:
        version, _, release = others[name].partition("-")
        return {"name": name, "version": version, "release": release, "files": [f"/usr/lib64/{name}.so"], "time": 0}
    say(f"package {name} is not installed")
    return None


def _in_a_file(host: Host, path: str) -> dict[str, Any] | None:
    try:
        package: dict[str, Any] = _files_of_host.read_json(os.path.join(host.root, path))
    except FileNotFoundError:
        complain(f"error: open of {path} failed: No such file or directory")
        return None
    return package


def _files(package: dict[str, Any]) -> list[str]:
    """The files of a build: its programs, the page, and one for each migration."""
    files: list[str] = package["files"]
    return files


def _names(installed: dict[str, Any]) -> set[str]:
    """The ways to name the installed package."""
    name, version, release = installed["name"], installed["version"], installed["release"]
    return {name, f"{name}-{version}", f"{name}-{version}-{release}", f"{name}-{version}-{release}.noarch"}


TAGS = ("NAME", "VERSION", "RELEASE", "ARCH", "EPOCH", "INSTALLTIME", "SHA1HEADER", "RSAHEADER:pgpsig")


def _check(form: str) -> None:
    """A tag that this rpm does not know is an error, with which it ends well."""
    for tag in (part.partition("}")[0] for part in form.split("%{")[1:]):
        if tag not in TAGS:
            complain(f'error: incorrect format: unknown tag: "{tag.partition(":")[0]}"')
            raise Quit(0)


def _filled(form: str, package: dict[str, Any]) -> str:
    """The format with the package's values in it, and its escapes carried out."""
    build = f"{package['version']}-{package['release']} {package.get('built', '')}"
    values = {
        "NAME": package["name"],
        "VERSION": package["version"],
        "RELEASE": package["release"],
        "ARCH": "noarch",
        "EPOCH": "(none)",
        "INSTALLTIME": str(package.get("time", "(none)")),
        "SHA1HEADER": sha1(build.encode()).hexdigest(),
        "RSAHEADER:pgpsig": f"RSA/SHA256, Mon 06 Jan 2020 12:00:00 PM UTC, Key ID {package.get('key', KEY)}",
    }
    for tag, value in values.items():
        form = form.replace(f"%{{{tag}}}", value)
    return form.replace("\\n", "\n").replace("\\t", "\t").replace("%%", "%")
