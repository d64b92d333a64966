"""yum's view of the repositories: .repo files, cached metadata, downloaded packages."""

from __future__ import annotations

import time
from configparser import ConfigParser
from fnmatch import fnmatchcase
from pathlib import Path

from ._files import read_json, write_json
from ._host import PACKAGE, Host, Quit, complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DEFAULT_EXPIRE = 6 * 3600.0


class Repo:
    """One section of a .repo file, with its cache under var/cache/yum."""

    def __init__(self, host: Host, name: str, options: dict[str, str]) -> None:
        self.host = host
        self.name = name
        self.options = options
        self.cache = Path(host.root) / "var/cache/yum/x86_64/7" / name
        # What this host sees of the mirror: a folder of its own, so that a mirror can be stale for one host.
        self.remote = Path(host.home) / "repos" / host.name / name

    def packages(self, cached_only: bool) -> list[dict[str, Any]]:
        """What the repo offers, out of the cache while that has not expired. Leaves with Quit without metadata."""
        metadata, cookie = self.cache / "repomd.json", self.cache / "cachecookie"
        fresh = cookie.exists() and time.time() - cookie.stat().st_mtime < self._expire()
        if not (metadata.exists() and (fresh or cached_only)):
            if cached_only or not self.remote.is_dir():
                no_metadata(self, "Not Found" if not cached_only else "")
            self.cache.mkdir(parents=True, exist_ok=True)
            offered = [read_json(rpm) for rpm in sorted(self.remote.glob("*.rpm"))]
            write_json(metadata, offered)
            cookie.touch()
        listed: list[dict[str, Any]] = read_json(metadata)
        return [{**package, "repo": self.name} for package in listed]

    def _expire(self) -> float:
        value = self.options.get("metadata_expire", "")
        factor = {"m": 60, "h": 3600, "d": 86400}.get(value[-1:], 1)
        number = value.rstrip("mhds")
        return float(number) * factor if number.replace(".", "").isdigit() else DEFAULT_EXPIRE

    def package_file(self, package: dict[str, Any]) -> Path:
        """Where a downloaded package is kept."""
        return self.cache / "packages" / f"{nvra(package)}.rpm"

    def download(self, package: dict[str, Any], cached_only: bool) -> str | None:
        """Have the package in the cache; gives the reason when that is impossible."""
        target, source = self.package_file(package), self.remote / f"{nvra(package)}.rpm"
        if target.exists():
            return None
        if cached_only:
            return (
                f"Caching enabled but no local cache of /{target.relative_to(self.host.root)} from {self.name}/7/x86_64"
            )
        if not source.exists():
            return "[Errno 256] No more mirrors to try."
        target.parent.mkdir(parents=True, exist_ok=True)
        write_json(target, read_json(source))
        return None


def nvra(package: dict[str, Any]) -> str:
    """name-version-release.arch."""
    return f"{PACKAGE}-{package['version']}-{package['release']}.noarch"


def enabled(host: Host, switches: list[tuple[bool, str]]) -> list[Repo]:
    """The enabled repos after --enablerepo (True) and --disablerepo (False), in the order of the command line."""
    parser = ConfigParser(interpolation=None, strict=False)
    parser.read(sorted((Path(host.root) / "etc/yum.repos.d").glob("*.repo")), encoding="utf-8")
    on = {name: parser[name].get("enabled", "1") == "1" for name in parser.sections()}
    for wanted, pattern in switches:
        for glob in pattern.split(","):
            hits = [name for name in on if fnmatchcase(name, glob)]
            if not hits and wanted and not set("*?[") & set(glob):
                complain(f"\n\nError getting repository data for {glob}, repository not found")
                raise Quit(1)
            on.update(dict.fromkeys(hits, wanted))
    repos = [Repo(host, name, dict(parser[name])) for name in parser.sections() if on[name]]
    if not repos:
        complain('There are no enabled repos.\n Run "yum repolist all" to see the repos you have.')
        raise Quit(1)
    return repos


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
