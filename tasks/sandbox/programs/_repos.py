"""yum's view of the repositories: .repo files, cached metadata, downloaded packages."""

from __future__ import annotations

import os
import time

from ._ends import Quit
from ._files import listed, read_json, write_json
from ._host import Host, complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

GLOB = set("*?[")
DEFAULT_EXPIRE = 6 * 3600.0


class Repo:
    """One section of a .repo file, with its cache under var/cache/yum."""

    def __init__(self, host: Host, name: str, options: dict[str, str]) -> None:
        self.host = host
        self.name = name
        self.options = options
        self.cache = os.path.join(host.root, "var/cache/yum/x86_64/7", name)
        self.metadata, self.cookie = (os.path.join(self.cache, file) for file in ("repomd.json", "cachecookie"))
        # What this host sees of the mirror: a folder of its own, so that a mirror can be stale for one host.
        self.remote = os.path.join(host.home, "repos", host.name, name)

    def packages(self, cached_only: bool) -> list[dict[str, Any]]:
        """What the repo offers, out of the cache while that has not expired. Leaves with Quit without metadata."""
        if not (os.path.exists(self.metadata) and (cached_only or self._fresh())):
            if cached_only or not os.path.isdir(self.remote):
                no_metadata(self, "Not Found" if not cached_only else "")
            os.makedirs(self.cache, exist_ok=True)
            write_json(self.metadata, [read_json(rpm) for rpm in listed(self.remote, end=".rpm")])
            open(self.cookie, "w").close()
        offered: list[dict[str, Any]] = read_json(self.metadata)
        return [{**package, "repo": self.name} for package in offered]

    def _fresh(self) -> bool:
        """Whether the cached metadata has not expired."""
        return os.path.exists(self.cookie) and time.time() - os.stat(self.cookie).st_mtime < self._expire()

    def _expire(self) -> float:
        value = self.options.get("metadata_expire", "")
        factor = {"m": 60, "h": 3600, "d": 86400}.get(value[-1:], 1)
        number = value.rstrip("mhds")
        return float(number) * factor if number.replace(".", "").isdigit() else DEFAULT_EXPIRE

    def package_file(self, package: dict[str, Any]) -> str:
        """Where a downloaded package is kept."""
        return os.path.join(self.cache, "packages", f"{nvra(package)}.rpm")

    def download(self, package: dict[str, Any], cached_only: bool) -> str | None:
        """Have the package in the cache; gives the reason when that is impossible."""
        target, source = self.package_file(package), os.path.join(self.remote, f"{nvra(package)}.rpm")
        if os.path.exists(target):
            return None
        if cached_only:
            inside = target.removeprefix(self.host.root)
            return f"Caching enabled but no local cache of {inside} from {self.name}/7/x86_64"
        if not os.path.exists(source):
            return "[Errno 256] No more mirrors to try."
        os.makedirs(os.path.dirname(target), exist_ok=True)
        write_json(target, read_json(source))
        return None


def nvra(package: dict[str, Any]) -> str:
    """name-version-release.arch."""
    return f"{package['name']}-{package['version']}-{package['release']}.noarch"


def enabled(host: Host, switches: list[tuple[bool, str]]) -> list[Repo]:
    """The enabled repos after --enablerepo (True) and --disablerepo (False), in the order of the command line."""
    configured = _configured(listed(os.path.join(host.root, "etc/yum.repos.d"), end=".repo"))
    on = {name: options.get("enabled", "1") == "1" for name, options in configured.items()}
    for wanted, pattern in switches:
        for glob in pattern.split(","):
            hits = _matching(glob, on)
            if not hits and wanted and not GLOB & set(glob):
                complain(f"\n\nError getting repository data for {glob}, repository not found")
                raise Quit(1)
            on.update(dict.fromkeys(hits, wanted))
    repos = [Repo(host, name, options) for name, options in configured.items() if on[name]]
    if not repos:
        complain('There are no enabled repos.\n Run "yum repolist all" to see the repos you have.')
        raise Quit(1)
    return repos


def _configured(files: list[str]) -> dict[str, dict[str, str]]:
    """The sections of .repo files: lines of `name = value`, the later one wins; configparser imports for too long."""
    sections: dict[str, dict[str, str]] = {}
    for path in files:
        options: dict[str, str] = {}
        with open(path, encoding="utf-8") as file:
            for line in map(str.strip, file):
                name, equals, value = line.partition("=")
                if line[:1] == "[" and line[-1:] == "]":
                    options = sections.setdefault(line[1:-1], {})
                elif equals and line[:1] not in "#;":
                    options[name.strip()] = value.strip()
    return sections


def _matching(glob: str, names: Collection[str]) -> list[str]:
    if not GLOB & set(glob):
        return [name for name in names if name == glob]
    from fnmatch import fnmatchcase

    return [name for name in names if fnmatchcase(name, glob)]


def no_metadata(repo: Repo, why: str) -> None:
    """yum's words when a repo has no metadata; always leaves with Quit."""
    address = f"{repo.options.get('baseurl', 'file:///').rstrip('/')}/repodata/repomd.xml"
    if why:
        code = {"Not Found": 404, "Service Unavailable": 503}[why]
        complain(f"{address}: [Errno 14] HTTPS Error {code} - {why}\nTrying other mirror.")
    complain(
        f"\n\n One of the configured repositories failed ({repo.options.get('name', repo.name)}),\n"
        " and yum doesn't have enough cached data to continue. At this point the only\n"
        " safe thing yum can do is fail.\n"
    )
    if why:
        complain(f"failure: repodata/repomd.xml from {repo.name}: [Errno 256] No more mirrors to try.")
        complain(f"{address}: [Errno 14] HTTPS Error {code} - {why}")
    else:
        complain(
            f"Cannot retrieve repository metadata (repomd.xml) for repository: {repo.name}/7/x86_64. "
            "Please verify its path and try again"
        )
    raise Quit(1)
