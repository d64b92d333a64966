"""From what is asked for and what was found to what will be done, or to why not. Pure: nothing here reaches a host."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..errors import Refused
from ..inventory.model import Host, HostSet
from ..journal.forecast import Took
from ..paths import hosts_editor
from ..ranges import listed
from ..sop.migrations import Migration
from ..sop.model import UNREACHED, Job, Phase, Schema
from ..sop.nvr import Nvr
from ..sop.workflows import MAJOR, MINOR, PROCEDURES
from . import proxies, refusals
from .refusals import OVERRIDE, FactsOf, Reason
from .request import Request
from .which_build import earlier_build, signed, target_build

CLOCK_SECONDS = 60


@dataclass(frozen=True)
class Plan:
    """What will be done. No phases: nothing to do. job: what the phases were made for.

    forecast: what the set before went through with the same build, where that is known.
    migrations: the schema migrations that the build brings; None where that is not known, or of no interest.
    settled: so many of the phases are over, whatever their hosts are like now: what comes behind them takes that back.
    """

    request: Request
    target: Nvr | None
    facts: FactsOf
    phases: tuple[Phase, ...]
    warnings: tuple[str, ...] = field(default=())
    job: Job | None = None
    forecast: Took | None = None
    migrations: tuple[Migration, ...] | None = None
    settled: int = 0

    @property
    def numbers(self) -> list[int]:
        """The number of each phase, under which its hosts keep the step."""
        return [phase.number or place for place, phase in enumerate(self.phases, 1)]

    @property
    def hosts(self) -> tuple[Host, ...]:
        """The hosts of the set that the phases touch."""
        touched = {host for phase in self.phases for host in phase.hosts}
        return tuple(host for host in self.request.host_set.hosts if host in touched)

    @property
    def steps(self) -> list[list[str]]:
        """The phases' names and hosts, by which two plans can be told apart."""
        return [[phase.step.name, *(host.name for host in phase.hosts)] for phase in self.phases]

    @property
    def resumable(self) -> bool:
        """Is it more than one SOP step, which could as well be typed again?"""
        return self.request.procedure.upgrade

    def does_to(self, host: Host) -> list[str]:
        """The names of the steps that `host` goes through."""
        return [phase.step.name for phase in self.phases if host in phase.hosts]

    def typed(self, task: str) -> str:
        """The line to type for another task on the same hosts, pinned to the same build where that matters.

        An upgrade's build is not the one to go back to: rollback knows that by itself.
        """
        return " ".join(("fab", *self.words(task)))

    def words(self, task: str) -> tuple[str, str]:
        """The same in two parts: whom it is for, and the task with its flags."""
        procedure = PROCEDURES.get(task)
        for_all = procedure and (procedure.whole_set or procedure.once)
        who = self.request.host_set.name if for_all else self.request.asked_as
        if not (procedure and procedure.installs and self.target) or procedure.back != self.request.procedure.back:
            return who, task
        why = self.request.unverified
        return who, f"{task} --version {self.target.vr}" + (f" --unverified {shlex.quote(why)}" if why else "")


def decide(request: Request, facts: FactsOf, stage: HostSet | None = None) -> Plan:
    """The plan for `request`, given the facts of every host of its set, and of the set it comes after.

    Raises Refused (or TryLater) with every reason there is, not only the first.
    """
    procedure, host_set = request.procedure, request.host_set
    refusals.check_that_nobody_is_at_work(request, facts)
    reasons = [*refusals.missing(request, facts), *refusals.unknown(request, facts)]
    target = None
    if procedure.installs:
        target, against = earlier_build(request, facts) if procedure.back else target_build(request, facts, stage)
        reasons += [*against, *refusals.packages(request, facts, target)]
        reasons += refusals.migration_ahead(request, facts, target, stage)
        if host_set.after and not request.unverified:
            reasons += [Reason(f"{text}: {OVERRIDE}") for text in refusals.unsettled(request, facts)]
    reasons += [*refusals.state(request, facts), *proxies.reasons(request, facts)]
    cut_off = refusals.cut_off(request, facts) if procedure.installs else []
    _refuse(request, [*reasons, *cut_off] if reasons else [])
    hosts = _hosts(request, facts, target)
    warnings = _warnings(request, facts)
    if not hosts:
        return Plan(request, target, facts, (), (*warnings, *(f"{text}: {cure}" for text, cure in cut_off)))
    _refuse(request, cut_off)
    # The database is everybody's: what the sync host's build finds in it counts, whatever the others have installed.
    migrated = facts[host_set.sync].installed == target and facts[host_set.sync].schema == Schema.CURRENT
    build, unlike = signed(stage, facts)
    _refuse(request, unlike)
    job = Job(host_set, hosts, target, request.serial, migrated, facts[host_set.sync].revision, build)
    phases = tuple(procedure.phases(job))
    _refuse(request, proxies.in_the_way(request, phases, facts))
    return Plan(request, target, facts, phases, warnings, job)


def _refuse(request: Request, reasons: Sequence[Reason]) -> None:
    """Raise Refused with all the reasons, if there are any, and the first line that helps.

    Of a key of hosts.yml that does not fit what was found, status shows nothing: that file is to be edited.
    """
    if reasons:
        named = any("hosts.yml" in reason.text for reason in reasons)
        otherwise = hosts_editor() if named else f"fab {request.host_set.name} status"
        cure = next((reason.cure for reason in reasons if reason.cure), otherwise)
        raise Refused(*(reason.text for reason in reasons), next_line=cure)


def _hosts(request: Request, facts: FactsOf, target: Nvr | None) -> tuple[Host, ...]:
    """The hosts that need it, in the order to take them; for an upgrade, none where all is as wanted (V5)."""
    wanted = request.host_set.health.status

    def ill_first(hosts: Sequence[Host]) -> tuple[Host, ...]:
        return tuple(sorted(hosts, key=lambda host: facts[host].healthy(wanted)))

    if not request.procedure.installs:
        return ill_first(request.hosts) if request.procedure.rolling else request.hosts

    def there(host: Host) -> bool:
        found = facts[host]
        runs = found.healthy(wanted) or not host.serves or not request.procedure.upgrade
        return found.installed == target and runs and found.schema != Schema.PENDING

    if all(there(host) for host in request.hosts):
        return ()
    if not request.procedure.rolling:
        return request.hosts
    # An ill host first: if the build does not cure it, the healthy ones are never touched.
    return ill_first([host for host in request.hosts if not there(host)])


def _warnings(request: Request, facts: FactsOf) -> tuple[str, ...]:
    host_set, service = request.host_set, request.app.service
    warnings = []
    if request.unverified:
        warnings.append(f"not verified on {host_set.after or 'another set'}: {request.unverified}")
    if request.procedure.installs and not host_set.schema_status:
        warnings.append("hosts.yml names no schema_status: whether the database is at the schema is not looked at")
    warnings += refusals.unsettled(request, facts)
    warnings += _never_healthy(request, facts)
    served = [host.short for host in request.hosts if facts[host].runs]
    if request.procedure.installs and not request.procedure.upgrade and served:
        warnings.append(
            f"{listed(served)}: {service} is running and loads the new build at its next request; this command does "
            f"not check for a schema migration: {MINOR.name} does, {MAJOR.name} stops {service} first"
        )
    for host in request.hosts if request.procedure.installs else ():
        warnings += [f"{host.short}: rpm says: {text}" for text in facts[host].rpm_says]
        if facts[host].updates:
            units = ", ".join(facts[host].updates)
            warnings.append(f"{host.short}: automatic updates are on ({units}): held off until this ends")
        if facts[host].version_lock:
            locked = f"{facts[host].version_lock} has a version lock on {request.app.package}"
            warnings.append(f"{host.short}: {locked}: yum may refuse the build")
    for host in host_set.hosts:
        if facts[host] == UNREACHED:
            warnings.append(f"{host.short}: cannot be reached, what it does is not known")
            continue
        if facts[host].paused:
            warnings.append(f"{host.short}: {request.app.scheduler}'s sync is paused by run {facts[host].paused}")
        elif facts[host].cron != (host == host_set.sync and bool(request.app.schedule)):
            has, what = "has" if facts[host].cron else "lacks", "timer" if request.app.timer else "cron file"
            warnings.append(f"{host.short} {has} the sync's {what} {request.app.schedule}")
        if abs(facts[host].skew) > CLOCK_SECONDS:
            warnings.append(f"{host.short}: its clock is {facts[host].skew:+.0f} s off")
    if request.procedure.outage and set(host_set.serving) <= set(request.hosts):
        warnings.append(f"no node of {host_set.name} serves while this lasts")
    return tuple(warnings)


def _never_healthy(request: Request, facts: FactsOf) -> list[str]:
    """What keeps every host from being found well after an upgrade, as it keeps all of those that run now."""
    host_set, health = request.host_set, request.host_set.health
    serving = [host for host in host_set.serving if facts[host].runs]
    if not (request.procedure.installs and request.procedure.upgrade and serving):
        return []
    answers = {facts[host].answers for host in serving}
    names, key = listed(host.short for host in serving), f"host_sets.{host_set.name}.health"
    if health.status not in answers:
        said = " or ".join(str(status) if status else "no answer" for status in sorted(answers, key=str))
        page = f"http://localhost{health.page} gives {said} where {request.app.service} runs, not {health.status}"
        return [f"{names}: {page}: is {key} right?"]
    if health.version and not any(facts[host].version for host in serving):
        return [f"{names}: no page shows {health.version!r}, by which the new build is known: is {key}.version right?"]
    return []
