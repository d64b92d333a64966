"""rpm: `rpm -q [--qf FORMAT] PACKAGE…`."""

from __future__ import annotations

from ._host import PACKAGE, Host, Quit, complain, say

FORMAT = "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\\n"


def run(host: Host, args: list[str]) -> None:
    """Say what is installed; the exit status is the number of packages that are not."""
    wanted, form, query, rest = [], FORMAT, False, list(args)
    while rest:
        word = rest.pop(0)
        if word in ("--qf", "--queryformat"):
            form = rest.pop(0) if rest else ""
        elif word.startswith(("--qf=", "--queryformat=")):
            form = word.partition("=")[2]
        elif word in ("-q", "--query"):
            query = True
        elif word.startswith("-"):
            complain(f"rpm: {word}: unknown option")
            raise Quit(1)
        else:
            wanted.append(word)
    if not query:
        complain("RPM version 4.11.3: only queries are known here (rpm -q)")
        raise Quit(1)
    if not wanted:
        complain("rpm: no arguments given for query")
        raise Quit(1)
    missing = 0
    for name in wanted:
        installed = host.state()["installed"]
        if installed is None or name not in _names(installed):
            say(f"package {name} is not installed")
            missing += 1
        else:
            say(_filled(form, installed), end="")
    raise Quit(missing)


def _names(installed: dict[str, str]) -> set[str]:
    """The ways to name the installed package."""
    name, version, release = PACKAGE, installed["version"], installed["release"]
    return {name, f"{name}-{version}", f"{name}-{version}-{release}", f"{name}-{version}-{release}.noarch"}


def _filled(form: str, installed: dict[str, str]) -> str:
    """The format with the package's values in it, and its escapes carried out."""
    values = {
        "NAME": PACKAGE,
        "VERSION": installed["version"],
        "RELEASE": installed["release"],
        "ARCH": "noarch",
        "EPOCH": "(none)",
        "INSTALLTIME": str(installed["time"]),
    }
    for tag, value in values.items():
        form = form.replace(f"%{{{tag}}}", value)
    return form.replace("\\n", "\n").replace("\\t", "\t").replace("%%", "%")
