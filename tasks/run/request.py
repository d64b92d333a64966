"""What an operator can ask for, and what is refused before any host has been reached."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Refused
from ..inventory.model import App, Host, HostSet, Inventory
from ..paths import hosts_editor
from ..sop import nvr as builds
from ..sop.model import Procedure


@dataclass(frozen=True)
class Request:
    """What was typed.

    asked_as: the words after `fab`, for the lines to type next; hosts: the hosts of the set that are meant;
    unsettled: why the settings template on the operator's machine may not be what the hosts have.
    """

    procedure: Procedure
    host_set: HostSet
    hosts: tuple[Host, ...]
    asked_as: str
    version: str | None = None
    unverified: str | None = None
    serial: bool = False
    unsettled: tuple[str, ...] = ()

    @property
    def app(self) -> App:
        """What is upgraded."""
        return self.host_set.app

    @property
    def wanted(self) -> str:
        """What is to be installed, as yum takes it, as far as that is known before a host was asked; or nothing."""
        if not self.procedure.installs or self.procedure.back:
            return ""
        version = self.version or self.pinned
        parts = builds.typed(version, self.app.package) if version else ()
        return "-".join(filter(None, (self.app.package, *parts)))

    @property
    def pinned(self) -> str | None:
        """The version that hosts.yml names for minor upgrades."""
        return self.host_set.minor_version if self.procedure.pinned else None


def predecessor(request: Request, inventory: Inventory) -> HostSet | None:
    """The set whose build this one wants (prod after stg), unless the operator said why not."""
    if not request.procedure.installs or request.procedure.back or request.unverified or not request.host_set.after:
        return None
    return inventory.host_sets[request.host_set.after]


def check_request(request: Request) -> None:
    """Refuse what is wrong before any host has been reached."""
    procedure, host_set = request.procedure, request.host_set
    if request.version is not None:
        builds.typed(request.version, request.app.package)
    if request.unverified is not None and not request.unverified.strip():
        raise Refused("--unverified without a reason", next_line=f"fab --help {procedure.name}")
    if procedure.balances and not (host_set.balancer and host_set.balancer.drains):
        raise Refused(
            f"{host_set.name}: hosts.yml does not say how a host is drained: balancer.proxies, or balancer.drain",
            next_line=hosts_editor(),
        )
    if procedure.verb and getattr(request.app, procedure.verb) is None:
        raise Refused(
            f"{host_set.name}: {procedure.name} has nothing to run: app.{procedure.verb} is none in hosts.yml",
            next_line=f"fab {host_set.name} status",
        )
    partial = len(request.hosts) < len(host_set.hosts)
    if procedure.whole_set and partial:
        raise Refused(
            f"{request.hosts[0].short} alone: a {procedure.title} is for all of {host_set.name}, "
            "which shares one database",
            next_line=f"fab {host_set.name} {procedure.name}",
        )
    if procedure.once and host_set.sync not in request.hosts:
        raise Refused(
            f"{request.hosts[0].short}: {procedure.name} works on the shared database, on the sync host "
            f"{host_set.sync.short} only",
            next_line=f"fab {host_set.name} {procedure.name}",
        )
    if not procedure.installs and not any(host.serves for host in request.hosts) and not procedure.once:
        raise Refused(f"{request.hosts[0].short} serves nothing (hosts.yml: serves: false)")
