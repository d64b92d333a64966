"""Hosts that restart while a run is on: noticed by their boot id with the next thing that is sent to them.

httpd is enabled, so it comes back with its host, also while the database is migrated. What survives a boot (a mask, a
disabled unit, a drop-in's condition) would also survive a run that died, and keep httpd from being started by hand or
at the next boot: it is stopped again instead, before anything else works with the database, and said to have run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..fleet.outcome import FOR_THE_RUN
from ..inventory.model import App, Host
from .shell import call

_ID = re.compile("[0-9a-f-]{8,60}")
_SAID, _BACK = f"{FOR_THE_RUN}restarted", f"{FOR_THE_RUN}came back"


@dataclass(frozen=True)
class Restart:
    """A host restarted: its boot id now, and what the run did meanwhile, in words.

    service: what came back by itself and is stopped again, if anything did.
    """

    host: Host
    boot: str
    meanwhile: str
    service: str | None = None

    @property
    def text(self) -> str:
        """A sentence."""
        told = f"{self.host.short} restarted {self.meanwhile}"
        if not self.service:
            return told
        return f"{told}: {self.service} came back by itself and ran there; it is stopped again"


def known(boot: str | None) -> str | None:
    """The boot id that a host said, if it is one."""
    return boot if boot and _ID.fullmatch(boot) else None


def notice(app: App, boot: str) -> str:
    """Shell in front of a step: says so, and sets $restarted, where the host's boot is not `boot` any more."""
    return call("boot_notice", app.path(""), boot)


def still_down(service: str) -> str:
    """Shell that fails where `service` runs; of a host that restarted ($restarted) it only says so."""
    return call("httpd_still_down", service)


def seen(output: str) -> tuple[str | None, str | None]:
    """The boot id of a host that restarted, and the service that came back there, in what a step said."""
    said = dict(line.split("\t", 1) for line in output.splitlines() if is_ours(line) and "\t" in line)
    return known(said.get(_SAID)), said.get(_BACK)


def is_ours(line: str) -> bool:
    """Is it a line that is said for the run, not for people?"""
    return line.startswith(FOR_THE_RUN)
