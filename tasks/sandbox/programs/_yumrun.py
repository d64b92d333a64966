"""What yum does once the package is downloaded: the rpm transaction, and the journal that a killed one leaves."""

from __future__ import annotations

import os
import time

from . import _others, _yumtext
from ._ends import Quit
from ._files import remove
from ._host import Host, complain, say
from ._repos import nvra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def has_space(host: Host, mount: str) -> bool:
    """Whether a file system of the host has a megabyte left."""
    disk = host.state()["disk"]
    entry = disk.get(mount, disk["/"])
    return bool(entry["total"] - entry["used"] > 1024)


class Transaction:
    """From the installed package to the target, on one host."""

    def __init__(
        self, host: Host, installed: dict[str, Any], target: dict[str, Any], update: bool, quiet: bool
    ) -> None:
        self.host = host
        self.installed = installed
        self.target = target
        self.update = update
        self.quiet = quiet

    def tell(self, text: str) -> None:
        """Say it unless -q."""
        if not self.quiet:
            say(text)

    def run(self, broken: bool) -> None:
        """Replace what is installed; leaves with Quit when it cannot. broken: unpacking fails (the fault)."""
        installed, target = self.installed, self.target
        self.tell("Running transaction check\nRunning transaction test")
        if not has_space(self.host, "/"):
            complain(
                "\n\nTransaction check error:\n  installing package "
                f"{nvra(target)} needs 1MB on the / filesystem\n\nError Summary\n-------------\n"
                "Disk Requirements:\n  At least 1MB more space needed on the / filesystem.\n"
            )
            raise Quit(1)
        self.tell("Transaction test succeeded\nRunning transaction")
        first, done = ("Updating", "Updated") if self.update else ("Installing", "Removed")
        journal = self._journal()
        if not self.quiet:
            _yumtext.progress(first, nvra(target), 1)
        self.host.work(0.2)
        if broken:
            self._unpack_fails(journal)
        kept = ("name", "version", "release", "files", "migrations", "query", "repo", "built", "key")
        package = {key: target[key] for key in kept if key in target}
        package["time"] = int(time.time())
        self.host.change(lambda state: _others.install(state, package, target))
        self._finish(journal)
        if self.quiet:
            return
        _yumtext.progress("Cleanup", nvra(installed), 2)
        _yumtext.progress("Verifying", nvra(target), 1)
        _yumtext.progress("Verifying", nvra(installed), 2)
        old, new = (f"  {p['name']}.noarch 0:{p['version']}-{p['release']}" for p in (installed, target))
        say(f"\nUpdated:\n{new}\n" if done == "Updated" else f"\nRemoved:\n{old}\n\nInstalled:\n{new}\n")
        say("Complete!")

    def _unpack_fails(self, journal: str) -> None:
        installed, target, name = self.installed, self.target, self.host.package
        complain(f"Error unpacking rpm package {nvra(target)}")
        complain(
            f"error: unpacking of archive failed on file /usr/lib/python2.7/site-packages/{name}/cli.py;"
            "5f1d7a3e: cpio: write"
        )
        self._finish(journal)
        self.tell(
            f"\nFailed:\n  {name}.noarch 0:{installed['version']}-{installed['release']}"
            f"    {name}.noarch 0:{target['version']}-{target['release']}\n\nComplete!"
        )
        raise Quit(1)

    def _journal(self) -> str:
        """Begin the pair of files by which yum knows an unfinished transaction; only a killed yum leaves them."""
        stamp = time.strftime("%Y-%m-%d.%H:%M.%S")
        for name in ("transaction-all", "transaction-done"):
            open(os.path.join(self.host.root, f"var/lib/yum/{name}.{stamp}"), "w").close()
        return stamp

    def _finish(self, stamp: str) -> None:
        for name in ("transaction-all", "transaction-done"):
            remove(os.path.join(self.host.root, f"var/lib/yum/{name}.{stamp}"))
