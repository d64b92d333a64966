"""What is found on a host, by value."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from .balanced import Balanced
from .nvr import Nvr
from .transaction import Transaction


class Schema(Enum):
    """Has the database the schema that a host's installed build wants? UNKNOWN where nobody could tell."""

    CURRENT = "current"
    PENDING = "pending"
    UNKNOWN = "unknown"


NOT_REACHED = "not reached"  # as `Facts.service` of a host that could not be asked


@dataclass(frozen=True)
class Facts:
    """What was found on one host.

    installed: the newest, where rpm's database has several, all of which are the duplicates then. yum: the program
    behind that name, see yum.PROGRAM. rpm_says, yum_says: warnings beside their answers. version_lock: the file that
    has one on the package.
    offered: NVR → repository, for every build the set's repos have; None where it was not asked for.
    would: what yum would change, for the build that is to be installed; None where it was not asked for.
    signed: of a host whose build another set is to get: that build's digests and signing key, each NAME:VALUE; ran: of
    such a host, the lines in journals there that tell what yum has changed.
    updates: the units that begin automatic updates and are on; updating: one that is at work; held_off: the run that
    holds them off, and the units that it has stopped.
    needs: the services that still run what was replaced, or reboot, as far as that is known.
    service: systemd's word (active, inactive, failed), or unknown; answers: HTTP status, or None for no answer.
    version: which answers; older: not the installed one, without it being told which.
    schema: does the database have the schema that the installed build wants? no_schema: why that is unknown.
    free: MB on the fuller one of / and /var; skew: seconds this host's clock is ahead of ours.
    lacks: the programs that steps use and this host has not.
    problems: what could not be found out; no_list: why its packages are not known. unanswered: did a question not end
    in time, or the whole look fail?
    boot: the id of the host's boot, another one after a restart.
    busy: an upgrade_db or sync that this tool began still works on the database.
    lock: what stands in the set's lock, last: the run that held it last, paused: the run that has paused cron.
    previous: the build before the last update, previous_schema: the revision the database was at then.
    migrated_with: the build of the last upgrade_db of this tool, migrated: did that succeed?
    open: the runs that have not ended on this host, and for each the host that has its lock.
    drained: what runs have taken out of the balancer, as it is noted here: the run (empty: unknown), and what.
    around: what runs have put up around themselves, noted here: the run, in how many seconds it ends, its name.
    drain_file: is the file there that makes this host's health check answer 503? balanced: of a proxy, see Balanced.
    """

    installed: Nvr | None = None
    duplicates: tuple[Nvr, ...] = ()
    rpm_says: tuple[str, ...] = ()
    yum: str = ""
    yum_says: tuple[str, ...] = ()
    version_lock: str | None = None
    offered: dict[Nvr, str] | None = None
    would: Transaction | None = None
    signed: tuple[str, ...] = ()
    ran: tuple[str, ...] = ()
    updates: tuple[str, ...] = ()
    updating: str | None = None
    held_off: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    service: str = "unknown"
    answers: int | None = None
    version: str | None = None
    older: bool = False
    revision: str | None = None
    schema: Schema = Schema.UNKNOWN
    free: int | None = None
    yum_holder: str | None = None
    unfinished: bool = False
    unchecked_repos: frozenset[str] = frozenset()
    settings: str | None = None
    cron: bool = False
    lock: str | None = None
    last: str | None = None
    paused: str | None = None
    previous: Nvr | None = None
    previous_schema: str | None = None
    migrated_with: Nvr | None = None
    migrated: bool = False
    skew: float = 0.0
    problems: tuple[str, ...] = field(default=())
    unanswered: bool = False
    no_list: str | None = None
    no_schema: str | None = None
    busy: bool = False
    boot: str | None = None
    lacks: tuple[str, ...] = ()
    open: tuple[tuple[str, str], ...] = ()
    drained: tuple[tuple[str, str], ...] = ()
    around: tuple[tuple[str, int, str], ...] = ()
    drain_file: bool = False
    balanced: Balanced | None = None

    @property
    def runs(self) -> bool | None:
        """Does the service run? None where that is not known."""
        return None if self.service in ("unknown", NOT_REACHED) else self.service in ("active", "reloading")

    @property
    def stopped(self) -> bool:
        """Is it known that the service does not run, and is not about to?"""
        return self.service in ("inactive", "failed")

    @property
    def believed(self) -> Schema:
        """The schema as the database tells it; where that could not be asked, as the last upgrade_db left it."""
        if self.schema != Schema.UNKNOWN or not self.installed or self.migrated_with != self.installed:
            return self.schema
        return Schema.CURRENT if self.migrated else Schema.PENDING

    @property
    def cut_off(self) -> bool:
        """Has an rpm transaction that was cut off left something that stands in the next one's way?"""
        return self.unfinished or bool(self.duplicates)

    def healthy(self, wanted_status: int) -> bool:
        """Does httpd answer as it should, with the installed build?"""
        return self.answers == wanted_status and self.installed is not None and self.version == self.installed.version


UNREACHED = Facts(service=NOT_REACHED)
