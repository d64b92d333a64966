"""One yum transaction: choose the package, download it, replace what is installed."""

from __future__ import annotations

import os

from . import _evr, _others, _yumtext
from ._ends import Quit
from ._files import listed, remove
from ._host import Host, complain, say
from ._repos import Repo, nvra
from ._yumrun import Transaction, has_space

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NO_UPDATE = "No packages marked for update"


class Change:
    """An update or a downgrade; `on` are the switches of the command line."""

    def __init__(self, host: Host, on: set[str], verb: str) -> None:
        self.host = host
        self.on = on
        self.verb = verb
        self.broken = False

    def tell(self, text: str) -> None:
        """Say it unless -q."""
        if "quiet" not in self.on:
            say(text)

    def fail_download(self) -> None:
        """The fault: the mirror gives up."""
        complain(f"\n\nError downloading packages:\n  {self.host.package}: [Errno 256] No more mirrors to try.\n")
        raise Quit(1)

    def fail_later(self) -> None:
        """The fault: unpacking fails in the middle of the transaction, which is where the real one would."""
        self.broken = True

    def run(self, wanted: list[str], repos: list[Repo], offered: list[dict[str, Any]]) -> None:
        """Carry it out; leaves with Quit when there is nothing to do or something is wrong."""
        self._warn_of_unfinished()
        installed = self.host.state()["installed"]
        target = self._choose(wanted, installed, offered)
        self.tell("Resolving Dependencies\n--> Running transaction check")
        self._announce(installed, target)
        self.host.work(0.05)
        repo = next(r for r in repos if r.name == target["repo"])
        cached = os.path.exists(repo.package_file(target))
        if "quiet" not in self.on or "yes" not in self.on:
            verb = "Updating" if self.verb == "update" else "Downgrading"
            _yumtext.transaction_table(verb, target, _others.along(self.host, target), cached)
        if "no" in self.on:
            self.tell("Exiting on user command")
            raise Quit(1)
        if not {"yes", "download"} & self.on or ("download" in self.on and "yes" not in self.on):
            self._confirm()
        only = "download" in self.on
        self.tell("Background downloading packages, then exiting:" if only else "Downloading packages:")
        if not cached:
            self.host.work(0.15)
        full = None if has_space(self.host, "/var") else "[Errno 28] No space left on device"
        problem = full or repo.download(target, "cached" in self.on)
        if problem:
            complain(f"\n\nError downloading packages:\n  {nvra(target)}: {problem}\n")
            raise Quit(1)
        if only:
            self.tell('exiting because "Download Only" specified')
            return
        Transaction(self.host, installed, target, self.verb == "update", "quiet" in self.on).run(self.broken)
        # keepcache=0, EL7's default: what is installed is not kept.
        remove(repo.package_file(target))

    def _choose(self, wanted: list[str], installed: dict[str, Any] | None, offered: list[dict[str, Any]]) -> Any:
        """The package to install, or Quit in yum's words."""
        for word in wanted:
            named = [p for p in offered if word in _names(p)]
            if not named and not (installed and word in _names(installed)):
                complain(f"No Match for argument: {word}\nNo package {word} available.")
            if installed is None:
                if named:
                    complain(f"Package(s) {self.host.package} available, but not installed.")
                continue
            if self.verb == "update":
                fits = [p for p in named if _evr.compare_evr(p, installed) > 0]
            else:
                fits = [p for p in named if _evr.compare_evr(p, installed) < 0]
                if named and not fits:
                    complain(f"Only Upgrade available on package: {nvra(installed).removesuffix('.noarch')}")
            if fits:
                return fits[-1]
        if self.verb == "downgrade":
            complain("Error: Nothing to do")
            raise Quit(1)
        say(NO_UPDATE)
        raise Quit(0)

    def _announce(self, installed: dict[str, Any], target: dict[str, Any]) -> None:
        old, new = ("updated", "an update") if self.verb == "update" else ("erased", "a downgrade")
        first, second = (installed, target) if self.verb == "update" else (target, installed)
        words = (old, new) if self.verb == "update" else (new, old)
        for package, word in zip((first, second), words, strict=True):
            evr = f"0:{package['version']}-{package['release']}"
            self.tell(f"---> Package {package['name']}.noarch {evr} will be {word}")
        self.tell("--> Finished Dependency Resolution")

    def _confirm(self) -> None:
        say("Is this ok [y/d/N]: ", end="")
        answer = b""
        while (byte := os.read(0, 1)) not in (b"", b"\n"):
            answer += byte
        if answer.strip().lower() not in (b"y", b"yes"):
            say()
            complain("Exiting on user command")
            raise Quit(1)

    def _warn_of_unfinished(self) -> None:
        if listed(os.path.join(self.host.root, "var/lib/yum"), "transaction-all."):
            complain(
                "There are unfinished transactions remaining. You might consider running "
                'yum-complete-transaction, or "yum-complete-transaction --cleanup-only" and '
                '"yum history redo last", first to finish them.'
            )


def _names(package: dict[str, Any]) -> set[str]:
    """The ways to name a package on yum's command line."""
    name, version, release = package["name"], package["version"], package["release"]
    bare = (name, f"{name}-{version}", f"{name}-{version}-{release}")
    return {*bare, *(f"{word}.noarch" for word in bare)}
