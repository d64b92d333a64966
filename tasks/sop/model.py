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
from .found import NOT_REACHED as NOT_REACHED
from .found import UNREACHED as UNREACHED
from .found import Facts as Facts
from .found import Schema as Schema
from .nvr import Nvr


class Effect(Enum):
    """What a step that succeeded has done to httpd on its host, or has seen of it.

    NONE: nothing; DOWN, UP: it does not run, or runs, from then on; BOUNCE: it was away, and runs again.
    """

    NONE = "none"
    DOWN = "down"
    UP = "up"
    BOUNCE = "bounce"


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
    refuses: when it fails, nothing is broken: what was asked for must not be done.
    transacts: its output has the table of an rpm transaction.
    brief: how the command is typed by hand, where it is a function of ours or too long to be read.
    ends: shell that is done at its end, however that is; the step's status stays.
    encloses: what stands between it and `until` is done under it: it is wanted where something of that is left.
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
    refuses: bool = False
    transacts: bool = False
    brief: str = ""
    ends: str = ""
    encloses: bool = False
    away: tuple[Host, ...] = ()
    after_restart: Step | None = None

    @property
    def gate(self) -> bool:
        """May it refuse the build, before anything is changed?"""
        return bool(self.instead) or self.refuses

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
        ends = f"\nrc=$?\n{self.ends}\n(exit $rc)" if self.ends else ""
        return f"{self.guard}{{ {self.command}\n}} && {{ {self.proof}\n}}{ends}"


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
    signed: digests and signing key of the build as the set before runs it, each NAME:VALUE, where that is wanted.
    """

    host_set: HostSet
    hosts: tuple[Host, ...]
    target: Nvr | None = None
    serial: bool = False
    migrated: bool = False
    schema: str | None = None
    signed: tuple[str, ...] = ()

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
    def drains(self) -> bool:
        """Are hosts drained where they are restarted one after the other? Then nobody need guess what they serve."""
        return bool(self.host_set.balancer and self.host_set.balancer.drains)

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
