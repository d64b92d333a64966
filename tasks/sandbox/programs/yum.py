"""yum 3.4: clean expire-cache, list, update and downgrade of the one package this fleet has."""

from __future__ import annotations

import os
from _functools import cmp_to_key  # type: ignore[import-not-found]  # has no stub, see _light

from . import _evr, _repos, _yumlock, _yumtext, _yumtx
from ._ends import Quit
from ._files import listed, remove
from ._host import Host, complain, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SWITCHES = {
    "-y": "yes",
    "--assumeyes": "yes",
    "--assumeno": "no",
    "-q": "quiet",
    "--quiet": "quiet",
    "-C": "cached",
    "--cacheonly": "cached",
    "--downloadonly": "download",
    "--showduplicates": "duplicates",
    "--noplugins": "",
}
VALUES = ("--enablerepo", "--disablerepo", "--setopt", "--color", "--disableplugin", "-d", "-e", "-x")


class Asked:
    """What the command line says."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.on: set[str] = set()
        self.repos: list[tuple[bool, str]] = []


def run(host: Host, args: list[str]) -> None:
    """`yum [options] clean|list|update|downgrade …`."""
    if args == ["--version"]:
        say("3.4.3\n  Installed: rpm-4.11.3-48.el7_9.x86_64\n  Installed: yum-3.4.3-168.el7.noarch")
        return
    asked = _asked(args)
    command, *rest = asked.words or [""]
    commands = {"clean": _clean, "list": _list, "update": _update, "upgrade": _update, "downgrade": _update}
    if command not in commands:
        complain(
            f"No such command: {command}. Please use /usr/bin/yum --help"
            if command
            else "You need to give some command"
        )
        raise Quit(1)
    if "quiet" not in asked.on:
        say("Loaded plugins: fastestmirror")
    with _yumlock.held(host):
        commands[command](host, asked, rest)


def _asked(args: list[str]) -> Asked:
    """Options may stand anywhere, as optparse has them."""
    asked, rest = Asked(), list(args)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if word in SWITCHES:
            asked.on.add(SWITCHES[word])
        elif name in VALUES:
            value = value if equals else (rest.pop(0) if rest else "")
            if name in ("--enablerepo", "--disablerepo"):
                asked.repos.append((name == "--enablerepo", value))
        elif word.startswith("-"):
            bunch = [f"-{letter}" for letter in word[1:]]
            if word.startswith("--") or not set(bunch) <= set(SWITCHES):
                complain(f"Command line error: no such option: {word}")
                raise Quit(1)
            asked.on |= {SWITCHES[flag] for flag in bunch}
        else:
            asked.words.append(word)
    return asked


def _clean(host: Host, asked: Asked, rest: list[str]) -> None:
    """`clean expire-cache`: the cached metadata stays, but is asked for again at the next use."""
    if rest not in (["expire-cache"], ["all"]):
        complain(f"Error: invalid clean argument: {' '.join(rest)!r}")
        raise Quit(1)
    repos = _repos.enabled(host, asked.repos)
    if "quiet" not in asked.on:
        say(f"Cleaning repos: {' '.join(repo.name for repo in repos)}")
    expired = 0
    for repo in repos:
        expired += os.path.exists(repo.cookie)
        remove(repo.cookie)
        if rest == ["all"]:
            for file in [repo.metadata, *listed(os.path.join(repo.cache, "packages"), end=".rpm")]:
                remove(file)
    if "quiet" not in asked.on:
        say(f"{expired} metadata files removed")


def offers(host: Host, asked: Asked) -> list[dict[str, Any]]:
    """Every package that the enabled repos offer, oldest first; the same one in two repos counts once."""
    found: dict[str, dict[str, Any]] = {}
    for repo in _repos.enabled(host, asked.repos):
        for package in repo.packages("cached" in asked.on):
            found.setdefault(_repos.nvra(package), package)
    return sorted(found.values(), key=cmp_to_key(_evr.compare_evr))


def _list(host: Host, asked: Asked, rest: list[str]) -> None:
    """`list [installed|available|all] [PACKAGE…]`."""
    what = rest.pop(0) if rest and rest[0] in ("installed", "available", "all") else "all"
    host.obey("preflight", lambda: _unreachable(host, asked), "Error: No matching Packages to list")
    available = offers(host, asked) if what != "installed" else []
    exact = [p for p in available if f"{p['name']}-{p['version']}-{p['release']}" in rest]
    wanted = not rest or bool({host.package, f"{host.package}.noarch", "*", f"{host.package}*"} & set(rest) or exact)
    installed = host.state()["installed"] if wanted else None
    available = exact or available
    if "duplicates" not in asked.on:
        available = [p for p in available[-1:] if installed is None or _evr.compare_evr(p, installed) > 0]
    shown = False
    if installed is not None and what != "available":
        _yumtext.list_packages("Installed Packages", [_row(installed, "@")])
        shown = True
    if wanted and available and what != "installed":
        _yumtext.list_packages("Available Packages", [_row(p) for p in available])
        shown = True
    if not shown:
        complain("Error: No matching Packages to list")
        raise Quit(1)


def _row(package: dict[str, Any], sign: str = "") -> tuple[str, str, str]:
    return f"{package['name']}.noarch", f"{package['version']}-{package['release']}", f"{sign}{package['repo']}"


def _unreachable(host: Host, asked: Asked) -> None:
    _repos.no_metadata(_repos.enabled(host, asked.repos)[-1], "Service Unavailable")


def _update(host: Host, asked: Asked, rest: list[str]) -> None:
    """`update [PACKAGE…]` and `downgrade PACKAGE`."""
    verb = "downgrade" if asked.words[0] == "downgrade" else "update"
    step = "download" if "download" in asked.on else "yum-update" if verb == "update" else "downgrade"
    change = _yumtx.Change(host, asked.on, verb)
    if "no" not in asked.on:  # it only looks
        host.obey(step, change.fail_download if step == "download" else change.fail_later, _yumtx.NO_UPDATE)
    change.run(rest or [host.package], _repos.enabled(host, asked.repos), offers(host, asked))
