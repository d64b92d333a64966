"""From what is asked for and what was found to what will be done, or to why not. Pure: nothing here reaches a host."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..errors import Refused, TryLater
from ..fleet.hosts import App, Host, HostSet, Inventory
from . import nvr as builds
from . import sop
from .nvr import Nvr
from .preflight import UNREACHED, Facts
from .sop import Job, Phase, Workflow

CLOCK_SECONDS = 60
_OVERRIDE = '--unverified "reason" overrides that, and is written down'

FactsOf = Mapping[Host, Facts]


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
        Procedure("minor-upgrade", sop.minor, installs=True, rolling=True, needs_schema=True),
        Procedure("major-upgrade", sop.major, installs=True, whole_set=True),
        Procedure("stop-httpd", sop.alone_where_served(sop.stop_httpd)),
        Procedure("yum-update", sop.alone(sop.yum_update), installs=True),
        Procedure("upgrade-db", sop.migrate, once=True, needs_stopped=True),
        Procedure("sync", sop.alone_on_the_sync_host(sop.sync), once=True, needs_schema=True),
        Procedure("start-httpd", sop.start_and_look, needs_schema=True),
        Procedure("rollback", sop.rollback, installs=True, rolling=True, back=True),
        Procedure("restart-httpd", sop.restart_rolling, rolling=True, needs_schema=True),
    )
}
RESTART_TOGETHER = Procedure("restart-httpd", sop.restart_together, needs_schema=True)


class Reason(NamedTuple):
    """Why not, and the line to type that helps, if there is one."""

    text: str
    cure: str | None = None


@dataclass(frozen=True)
class Request:
    """What was typed.

    asked_as: the words after `fab`, for the lines to type next; hosts: the hosts of the set that are meant;
    migration_failed: the journal has an upgrade-db of this set that did not succeed, and none after it that did;
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
    migration_failed: bool = False
    unsettled: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What will be done. No phases: nothing to do. job: what the phases were made for."""

    request: Request
    target: Nvr | None
    facts: FactsOf
    phases: tuple[Phase, ...]
    warnings: tuple[str, ...] = field(default=())
    job: Job | None = None

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
        return self.request.procedure.installs and self.request.procedure.name != "yum-update"

    def does_to(self, host: Host) -> list[str]:
        """The names of the steps that `host` goes through."""
        return [phase.step.name for phase in self.phases if host in phase.hosts]

    def typed(self, task: str) -> str:
        """The line to type for another task on the same hosts, pinned to the same build where that matters."""
        procedure = PROCEDURES.get(task)
        for_all = procedure and (procedure.whole_set or procedure.once)
        line = f"fab {self.request.host_set.name if for_all else self.request.asked_as} {task}"
        if not (procedure and procedure.installs and self.target):
            return line
        why = self.request.unverified
        return f"{line} --version {self.target.vr}" + (f" --unverified {shlex.quote(why)}" if why else "")


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


def decide(request: Request, facts: FactsOf, stage: HostSet | None = None, stage_facts: FactsOf | None = None) -> Plan:
    """The plan for `request`, given the facts of every host of its set (and of the set it comes after).

    Raises Refused (or TryLater) with every reason there is, not only the first.
    """
    procedure, host_set = request.procedure, request.host_set
    _check_that_nobody_is_at_work(request, facts)
    reasons = _unknown(request, facts)
    target = None
    if procedure.installs:
        target, against = (
            _earlier(request, facts) if procedure.back else _target(request, facts, stage, stage_facts or {})
        )
        reasons += [*against, *_packages(request, facts, target)]
        reasons += _migration_ahead(request, facts, target, stage, stage_facts or {})
        if host_set.after and not request.unverified:
            reasons += [Reason(f"{text}: {_OVERRIDE}") for text in _unsettled(request, facts)]
    reasons += _state(request, facts)
    if reasons:
        cure = next((reason.cure for reason in reasons if reason.cure), f"fab {host_set.name} status")
        raise Refused(*(reason.text for reason in reasons), next_line=cure)

    hosts = _hosts(request, facts, target)
    warnings = _warnings(request, facts)
    if not hosts:
        return Plan(request, target, facts, (), warnings)
    migrated = all(facts[host].installed == target and facts[host].at_head for host in host_set.hosts)
    job = Job(request.app, host_set, hosts, target, request.serial, migrated)
    return Plan(request, target, facts, tuple(procedure.phases(job)), warnings, job)


def _check_that_nobody_is_at_work(request: Request, facts: FactsOf) -> None:
    """Raise TryLater for what will pass: said first, because a host whose yum is held was not asked for its builds."""
    procedure, sync = request.procedure, request.host_set.sync
    working = []
    if facts[sync].busy and procedure.name != "stop-httpd":
        working = [f"{sync.short}: an upgrade_db or sync of an earlier run still works on the database"]
    if procedure.installs:
        holders = [(host.short, facts[host].yum_holder) for host in request.hosts]
        working += [f"{name}: yum is held by {holder}" for name, holder in holders if holder]
    if working:
        raise TryLater(*working, next_line=f"fab {request.asked_as} {procedure.name}, when it has ended")


def _unknown(request: Request, facts: FactsOf) -> list[Reason]:
    """What could not be found out, and is needed."""
    told = [(host, text) for host in request.host_set.hosts for text in facts[host].problems]
    if request.procedure.installs:
        told += [(host, text) for host in request.hosts if (text := facts[host].no_list)]
    if request.procedure.needs_schema:
        told += [(host, text) for host in request.host_set.hosts if (text := facts[host].no_schema)]
    return [Reason(f"{host.short}: {text}") for host, text in told]


def _target(
    request: Request, facts: FactsOf, stage: HostSet | None, stage_facts: FactsOf
) -> tuple[Nvr | None, list[Reason]]:
    """The one build to install: what was typed, or what stg runs, or the newest on offer (V1, V3)."""
    verified = None
    if stage:
        verified, reasons = verified_build(stage, stage_facts, request.app.package)
        if not verified:
            return None, [*reasons, Reason(f"{stage.name} comes first: {_OVERRIDE}", f"fab {stage.name} status")]
    choices = {host: _choice(request, facts[host], verified) for host in request.hosts}
    reasons = [
        Reason(f"{host.short}: {_not_offered(request, facts[host], verified, stage)}")
        for host, choice in choices.items()
        if choice is None
    ]
    found = {choice for choice in choices.values() if choice}
    if len(found) > 1:
        reasons += [Reason(f"{host.short}: is offered {choice}") for host, choice in choices.items() if choice]
        reasons.append(Reason("the hosts are offered different builds: a mirror is stale, or a tag has just moved"))
    target = found.pop() if len(found) == 1 and not reasons else None
    if stage and target and target != verified:
        reasons.append(Reason(f"{stage.name} runs {verified}, {target} was asked for: {_OVERRIDE}"))
    return target, reasons


def _earlier(request: Request, facts: FactsOf) -> tuple[Nvr | None, list[Reason]]:
    """The build to go back to: the recorded one or the typed one, still to be had everywhere, on a schema that fits."""
    name = request.host_set.name
    recorded = {facts[host].previous for host in request.hosts} - {None}
    if request.version:
        choices = {facts[host].previous for host in request.hosts if facts[host].previous}
        choices |= {nvr for host in request.hosts for nvr in facts[host].offered or ()}
        target = _newest(sorted(c for c in choices if c), request.version, request.app.package)
    else:
        target = next(iter(recorded)) if len(recorded) == 1 else None
    if target is None:
        known = ", ".join(sorted(map(str, recorded))) or "none"
        text = f"{name}: which build to go back to? recorded are: {known}"
        return None, [Reason(text, f"fab {name} rollback --version VERSION-RELEASE")]
    missing = [
        Reason(f"{host.short}: {target} is not on offer any more")
        for host in request.hosts
        if facts[host].installed != target and target not in (facts[host].offered or ())
    ]
    return target, missing + _schema_fits(request, facts, target)


def _schema_fits(request: Request, facts: FactsOf, target: Nvr) -> list[Reason]:
    """After a migration the earlier build cannot run, until the database is back; and then its name has to be typed."""
    host_set, sync = request.host_set, facts[request.host_set.sync]
    typed = f"fab {request.asked_as} rollback --version {target.vr}"
    if sync.installed == target and sync.at_head:
        return []
    if sync.previous == target and sync.revision and sync.revision == sync.previous_schema:
        if sync.at_head or request.version:
            return []
        return [Reason(f"{host_set.name}: a migration lies between, the build has to be typed", typed)]
    if not host_set.schema_status or sync.previous != target:
        text = f"{host_set.name}: whether {target} fits the database is not known here"
        return [] if request.version and not host_set.schema_status else [Reason(text, typed)]
    restore = f"; the backup was left in {host_set.backup.file}" if host_set.backup else ""
    text = f"the database is at {sync.revision}, {target} wants {sync.previous_schema}: restore it first{restore}"
    return [Reason(f"{host_set.sync.short}: {text}", f"{typed}, when that is done")]


def verified_build(host_set: HostSet, facts: FactsOf, package: str) -> tuple[Nvr | None, list[Reason]]:
    """The build that every host of the set runs and is healthy with, or None and why there is none."""
    reasons = []
    for host in host_set.hosts:
        found = facts[host]
        if found.installed is None:
            reasons.append(Reason(f"{host.short}: {package} is not installed there"))
        elif host.serves and not found.healthy(host_set.health.status):
            answer = f"answers {found.answers or 'nothing'}, version {found.version or 'unknown'}"
            reasons.append(Reason(f"{host.short}: {host_set.name} is not healthy with {found.installed} ({answer})"))
    installed = {facts[host].installed for host in host_set.hosts}
    if len(installed) > 1:
        reasons.append(Reason(f"{host_set.name} runs different builds: {', '.join(sorted(map(str, installed)))}"))
    return (None, reasons) if reasons else (installed.pop(), [])


def _choice(request: Request, facts: Facts, verified: Nvr | None) -> Nvr | None:
    """The build for one host, or None if what is wanted is not to be had there."""
    candidates = sorted({*(facts.offered or ()), *([facts.installed] if facts.installed else [])})
    if request.version:
        fitting = _newest(candidates, request.version, request.app.package)
        # 1.1.0 was typed and stg runs 1.1.0-1: that one is meant, also where a 1.1.0-2 is on offer.
        exact = verified and verified in candidates and _newest([verified], request.version, request.app.package)
        return exact or fitting
    if verified:
        return verified if verified in candidates else None
    pinned = request.host_set.minor_version if request.procedure.name == "minor-upgrade" else None
    if pinned:
        choice = _newest(candidates, pinned, request.app.package)
        # Past the pin already: that is no reason to go back.
        return facts.installed if choice and facts.installed and choice < facts.installed else choice
    return candidates[-1] if candidates else None


def _newest(candidates: list[Nvr], wanted: str, package: str) -> Nvr | None:
    version, release = builds.typed(wanted, package)
    fitting = [nvr for nvr in candidates if nvr.version == version and release in (None, nvr.release)]
    return fitting[-1] if fitting else None


def _not_offered(request: Request, facts: Facts, verified: Nvr | None, stage: HostSet | None) -> str:
    newest = sorted(facts.offered or ())[-5:]
    offer = f"the repo offers {', '.join(map(str, newest))}" if newest else "the repo offers nothing"
    wanted = request.version or request.host_set.minor_version
    if stage and verified and not request.version:
        return f"{stage.name} runs {verified}, {offer}"
    return f"{wanted} is not on offer, {offer}" if wanted else f"nothing is installed, and {offer}"


def _packages(request: Request, facts: FactsOf, target: Nvr | None) -> list[Reason]:
    """What stands in yum's way on a host."""
    reasons = []
    for host in request.hosts:
        found, name = facts[host], host.short
        on_host = f"ssh -t {host.name} sudo"
        if found.installed is None:
            reasons.append(
                Reason(f"{name}: {request.app.package} is not installed, and an update installs nothing new")
            )
        if found.unfinished:
            cure = f"{on_host} yum-complete-transaction --cleanup-only"
            reasons.append(Reason(f"{name}: an rpm transaction was not finished", cure))
        if found.free is not None and found.free < request.app.free_space:
            text = f"{name}: {found.free} MB free on / or /var, {request.app.free_space} are wanted"
            reasons.append(Reason(text, f"{on_host} yum clean packages"))
        if target and found.installed and target < found.installed and not request.procedure.back:
            reasons.append(Reason(f"{name}: {found.installed} is installed, which is newer than {target}"))
        repo = (found.offered or {}).get(target) if target else None
        if request.host_set.gpgcheck and repo in found.unchecked_repos:
            reasons.append(Reason(f"{name}: {repo} has gpgcheck=0, its packages' signatures would not be checked"))
    return reasons


def _state(request: Request, facts: FactsOf) -> list[Reason]:
    """What the SOP forbids in the state the set is in."""
    procedure, host_set = request.procedure, request.host_set
    reasons = []
    behind = next((host for host in host_set.hosts if facts[host].at_head is False), None)
    if procedure.needs_schema and behind:
        first = "major-upgrade" if procedure.installs else "upgrade-db"
        reasons.append(
            Reason(
                f"{behind.short}: a schema migration is pending for {facts[behind].installed} "
                f"(the database is at {facts[behind].revision or 'no revision'}): use {first}",
                f"fab {host_set.name} {first}",
            )
        )
    if procedure.needs_schema and not procedure.installs and not host_set.schema_status and request.migration_failed:
        text = f"{host_set.sync.short}: the last upgrade-db of {host_set.name} did not succeed (the journal says)"
        reasons.append(Reason(text, f"fab {host_set.name} upgrade-db"))
    if procedure.needs_stopped:
        reasons += _not_stopped(host_set, facts)
    others = [host for host in host_set.serving if host not in request.hosts]
    if procedure.rolling and others and not any(facts[h].healthy(host_set.health.status) for h in others):
        ill = ", ".join(host.short for host in others)
        text = f"{ill}: not healthy, and {request.hosts[0].short} is the only one that could serve"
        reasons.append(Reason(text, f"fab {host_set.name} {procedure.name}, which takes the ill host first"))
    return reasons


def _not_stopped(host_set: HostSet, facts: FactsOf) -> list[Reason]:
    """What keeps the database from being changed: somebody who may be reading it, or two builds to choose from."""
    reasons = []
    running = [host.short for host in host_set.serving if facts[host].service not in ("inactive", "failed")]
    if running:
        text = f"{', '.join(running)}: httpd is running, the database must not change under it"
        reasons.append(Reason(text, f"fab {host_set.name} stop-httpd"))
    installed = {facts[host].installed for host in host_set.hosts}
    if len(installed) > 1:
        text = f"the hosts have different builds: {', '.join(sorted(map(str, installed)))}"
        reasons.append(Reason(text, f"fab {host_set.name} yum-update"))
    return reasons


def _migration_ahead(
    request: Request, facts: FactsOf, target: Nvr | None, stage: HostSet | None, stage_facts: FactsOf
) -> list[Reason]:
    """A minor upgrade to the build that stg runs on another schema than ours: a migration comes with it (V4)."""
    if not (stage and target and request.procedure.needs_schema):
        return []
    there, here = stage_facts[stage.sync], facts[request.host_set.sync]
    if there.installed != target or None in (there.revision, here.revision) or there.revision == here.revision:
        return []
    return [
        Reason(
            f"{request.host_set.sync.short}: a schema migration is pending: {target} runs on {there.revision} in "
            f"{stage.name}, the database here is at {here.revision}: use major-upgrade",
            f"fab {request.host_set.name} major-upgrade --version {target.vr}",
        )
    ]


def _hosts(request: Request, facts: FactsOf, target: Nvr | None) -> tuple[Host, ...]:
    """The hosts that need it, in the order to take them; for an upgrade, none where all is as wanted (V5)."""
    wanted = request.host_set.health.status

    def ill_first(hosts: Sequence[Host]) -> tuple[Host, ...]:
        return tuple(sorted(hosts, key=lambda host: facts[host].healthy(wanted)))

    if not request.procedure.installs:
        return ill_first(request.hosts) if request.procedure.rolling else request.hosts

    def there(host: Host) -> bool:
        found = facts[host]
        runs = found.healthy(wanted) or not host.serves or request.procedure.name == "yum-update"
        return found.installed == target and runs and found.at_head is not False

    if all(there(host) for host in request.hosts):
        return ()
    if not request.procedure.rolling:
        return request.hosts
    # An ill host first: if the build does not cure it, the healthy ones are never touched.
    return ill_first([host for host in request.hosts if not there(host)])


def _warnings(request: Request, facts: FactsOf) -> tuple[str, ...]:
    host_set = request.host_set
    warnings = []
    if request.unverified:
        warnings.append(f"not verified on {host_set.after or 'another set'}: {request.unverified}")
    if request.procedure.installs and not host_set.schema_status:
        warnings.append("hosts.yml names no schema_status: whether the database is at the schema is not looked at")
    warnings += _unsettled(request, facts)
    for host in host_set.hosts:
        if facts[host] == UNREACHED:
            warnings.append(f"{host.short}: cannot be reached, what it does is not known")
            continue
        if facts[host].paused:
            warnings.append(f"{host.short}: cron's sync is paused by run {facts[host].paused}")
        elif facts[host].cron != (host == host_set.sync):
            has = "has" if facts[host].cron else "lacks"
            warnings.append(f"{host.short} {has} the sync's cron file {request.app.cron}")
        if abs(facts[host].skew) > CLOCK_SECONDS:
            warnings.append(f"{host.short}: its clock is {facts[host].skew:+.0f} s off")
    all_down = request.procedure in (RESTART_TOGETHER, PROCEDURES["stop-httpd"])
    if all_down and set(host_set.serving) <= set(request.hosts):
        warnings.append(f"no node of {host_set.name} serves while this lasts")
    return tuple(warnings)


def _unsettled(request: Request, facts: FactsOf) -> list[str]:
    """Settings that are not the same everywhere, or not pushed yet (SOP, Prepare)."""
    sums = {facts[host].settings: host.short for host in request.host_set.hosts if facts[host] != UNREACHED}
    if len(sums) > 1:
        return [f"{request.app.settings} differs between {' and '.join(sums.values())}", *request.unsettled]
    return list(request.unsettled)
