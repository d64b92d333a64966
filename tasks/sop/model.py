"""The types of an SOP: steps, phases, and what a workflow is made for.

A Step is a name and the command it runs. A Phase is a step and the hosts it runs on, with one rule: every
host ends a phase before the next phase begins. A workflow is a pure function from a job to a list of phases.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from ..fleet.output import clean
from ..inventory.model import App, Balancer, Host, HostSet
from .balanced import Balanced
from .nvr import Nvr
from .transaction import Transaction


class Effect(Enum):
    """What a step that succeeded has done to httpd on its host, or has seen of it.

    NONE: nothing; DOWN, UP: it does not run, or runs, from then on; BOUNCE: it was away, and runs again.
    """

    NONE = "none"
    DOWN = "down"
    UP = "up"
    BOUNCE = "bounce"


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
    service: systemd's word (active, inactive, failed); answers: HTTP status, or None for no answer.
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
    service: str = "unknown"
    answers: int | None = None
    version: str | None = None
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


def _cannot_tell(facts: Facts) -> bool | None:
    return None


@dataclass(frozen=True)
class Step:
    """One thing that is done on a host.

    name: as it is typed and shown; says: what it does, for the operator.
    guard: shell in front of the command, in the same shell, which ends it if it must not be run now.
    command: the shell command, as the SOP has it where the SOP has one.
    proof: shell that only looks, and fails with a sentence when the world did not become what was promised.
    seconds: how long it is waited for; after that it is not known what became of it.
    changes: does it change the host?
    httpd: what it does to httpd, or has seen of it when it succeeds.
    looks: it only looks, so that it may be done any number of times; every other step is kept on its host.
    still: is what it did still so on a host? None: what is found there cannot tell. until: the step that takes it back;
    when that has begun, it need not be so any more. at_first: what must be so besides, until a later step has begun.
    proven: where what is found says that it is so, it counts as done, whatever became of it.
    instead: the task to type when it fails: not that something is broken, but that this was the wrong procedure.
    mends: when it fails, it has put back what it had changed.
    pauses_cron: cron's sync is paused when it has begun; leaves: the file with the database's backup that it leaves;
    tells_schema: its output has a line that `proven_schema` reads.
    brief: what is shown instead of a command that is too long to be read.
    around: what stands between it and `until` is done under it: it is wanted where something of that is left.
    away: the hosts that it takes out of the balancer.
    after_restart: what is done once more, before it is looked again, on a host that restarted and undid it so.
    """

    name: str
    says: str
    command: str
    seconds: float
    guard: str = ""
    proof: str = "true"
    changes: bool = True
    httpd: Effect = Effect.NONE
    looks: bool = False
    still: Callable[[Facts], bool | None] = field(default=_cannot_tell, compare=False)
    until: str = ""
    at_first: Callable[[Facts], bool | None] = field(default=_cannot_tell, compare=False)
    proven: bool = False
    instead: str = ""
    mends: bool = False
    pauses_cron: bool = False
    leaves: str = ""
    tells_schema: bool = False
    brief: str = ""
    around: bool = False
    away: tuple[Host, ...] = ()
    after_restart: Step | None = None

    @property
    def shown(self) -> str:
        """The command as a person may read it, no secret in it; nothing for a step that only looks."""
        return "" if self.looks else clean(self.brief or self.command)

    @property
    def sees_it_serve(self) -> bool:
        """Does it look whether httpd answers as it should?"""
        return self.looks and self.httpd == Effect.UP

    @property
    def script(self) -> str:
        """What is sent: the command, and if it succeeded the proof."""
        return f"{self.guard}{{ {self.command}\n}} && {{ {self.proof}\n}}"


@dataclass(frozen=True)
class Phase:
    """A step, the hosts it runs on, how many of them at once, and what is waited for afterwards.

    let_return: give this balancer time to see the hosts back, if they were away long enough to be noticed.
    judged: the hosts that have a new build by then, which is judged before the next phase.
    number: under which its hosts keep the step, where that is not its place among the phases.
    window: the phases of so many hosts are done side by side, each host's in their order; 0: of none.
    """

    step: Step
    hosts: tuple[Host, ...]
    at_once: int
    let_return: Balancer | None = None
    judged: tuple[Host, ...] = ()
    number: int = 0
    window: int = 0

    @property
    def in_turn(self) -> bool:
        """One host after the other, and none after one that failed."""
        return self.at_once == 1


@dataclass(frozen=True)
class Job:
    """What a workflow is made for: the set, the hosts of it that are meant, the build to install.

    target is None for steps that install nothing; serial: one host after the other, whatever the set says;
    migrated: the database is known to be at the target's schema already, upgrade_db has nothing to do.
    schema: the revision that the database was found at, if that is known.
    """

    host_set: HostSet
    hosts: tuple[Host, ...]
    target: Nvr | None = None
    serial: bool = False
    migrated: bool = False
    schema: str | None = None

    @property
    def app(self) -> App:
        """What is upgraded."""
        return self.host_set.app

    @property
    def at_once(self) -> int:
        """How many hosts a phase over all of them takes at the same time."""
        return 1 if self.serial or self.host_set.order == "serial" else self.host_set.at_once

    @property
    def serving(self) -> tuple[Host, ...]:
        """Those of the meant hosts that answer requests."""
        return tuple(host for host in self.hosts if host.serves)

    @property
    def sync(self) -> tuple[Host, ...]:
        """The one host for what works on the database."""
        return (self.host_set.sync,)


Workflow = Callable[[Job], list[Phase]]


@dataclass(frozen=True)
class Procedure:
    """Something an operator can ask for: a workflow and what must be so before it may begin.

    installs: needs a build to install; whole_set: refused on a part of a set; rolling: the other hosts are to serve
    meanwhile; needs_stopped: httpd must be down on the whole set; needs_schema: the database must be at the
    installed build's schema; once: works on the database, so only on the sync host; back: installs the build before.
    upgrade: it is not one step of the SOP, which could as well be typed again, but several, so that it can be resumed.
    pinned: installs no newer version than the one that hosts.yml names for that.
    verb: the command of the application's that it runs, which hosts.yml may say it has not: `migrate` or `check`.
    drains: takes hosts out of the balancer, where there is a way; balances: that alone, or the way back; pages: puts
    the maintenance page up.
    outage: no host serves meanwhile; tolerant: hosts that are not meant need not be there; beside_migration: may be
    done while an upgrade_db or sync works on the database.
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
    upgrade: bool = False
    pinned: bool = False
    verb: str = ""
    outage: bool = False
    tolerant: bool = False
    beside_migration: bool = False
    drains: bool = False
    balances: bool = False
    pages: bool = False

    @property
    def title(self) -> str:
        """`minor upgrade`, as sentences say it."""
        return self.name.replace("-", " ") if self.upgrade else self.name
