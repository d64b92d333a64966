"""What an operator can ask for, and what is refused before any host has been reached."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Refused
from ..inventory.model import App, Host, HostSet, Inventory
from ..sop import nvr as builds
from ..sop import steps
from ..sop.steps import Workflow


@dataclass(frozen=True)
class Procedure:
    """Something an operator can ask for: a workflow and what must be so before it may begin.

    installs: needs a build to install; whole_set: refused on a part of a set; rolling: the other hosts are to serve
    meanwhile; needs_stopped: httpd must be down on the whole set; needs_schema: the database must be at the
    installed build's schema; once: works on the database, so only on the sync host; back: installs the build before.
    """

    name: str
    phases: Workflow
    installs: bool = False
    whole_set: bool = False
    rolling: bool = False
    needs_stopped: bool = False
    needs_schema: bool = False
    once: bool = False
    back: bool = False

    @property
    def needs_all_hosts(self) -> bool:
        """Must every host of the set be asked, also those that are not meant?"""
        return self.name not in ("stop-httpd", "start-httpd")

    @property
    def title(self) -> str:
        """`minor upgrade`, as sentences say it."""
        return self.name.replace("-", " ") if self.installs and self.name != "yum-update" else self.name


PROCEDURES = {
    procedure.name: procedure
    for procedure in (
        Procedure("minor-upgrade", steps.minor, installs=True, rolling=True, needs_schema=True),
        Procedure("major-upgrade", steps.major, installs=True, whole_set=True),
        Procedure("stop-httpd", steps.alone_where_served(steps.stop_httpd)),
        Procedure("yum-update", steps.alone(steps.yum_update), installs=True),
        Procedure("upgrade-db", steps.migrate, once=True, needs_stopped=True),
        Procedure("sync", steps.alone_on_the_sync_host(steps.sync), once=True, needs_schema=True),
        Procedure("start-httpd", steps.start_and_look, needs_schema=True),
        Procedure("rollback", steps.rollback, installs=True, rolling=True, back=True),
        Procedure("restart-httpd", steps.restart_rolling, rolling=True, needs_schema=True),
    )
}

RESTART_TOGETHER = Procedure("restart-httpd", steps.restart_together, needs_schema=True)


@dataclass(frozen=True)
class Request:
    """What was typed.

    asked_as: the words after `fab`, for the lines to type next; hosts: the hosts of the set that are meant;
    unsettled: why the settings template on the operator's machine may not be what the hosts have.
    """

    procedure: Procedure
    app: App
    host_set: HostSet
    hosts: tuple[Host, ...]
    asked_as: str
    version: str | None = None
    unverified: str | None = None
    serial: bool = False
    unsettled: tuple[str, ...] = ()


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
        raise Refused("--unverified without a reason", next_line='--unverified "why it may go on all the same"')
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
