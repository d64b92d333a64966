"""From what is asked for and what was found to what will be done, or to why not. Pure: nothing here reaches a host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import Refused, TryLater
from ..fleet.hosts import App, Host, HostSet, Inventory
from . import nvr as builds
from . import sop
from .nvr import Nvr
from .preflight import Facts
from .sop import Job, Phase, Workflow

CLOCK_SECONDS = 60

FactsOf = Mapping[Host, Facts]


@dataclass(frozen=True)
class Procedure:
    """Something an operator can ask for: a workflow and what must be so before it may begin.

    installs: needs a build to install; whole_set: refused on a part of a set; takes_down: the meant hosts stop
    serving at the same time; needs_stopped: httpd must be down on the whole set; needs_schema: the database must
    be at the installed build's schema; once: works on the database, so only on the sync host.
    """

    name: str
    phases: Workflow
    installs: bool = False
    whole_set: bool = False
    rolling: bool = False
    needs_stopped: bool = False
    needs_schema: bool = False
    once: bool = False

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
        Procedure("upgrade-db", sop.alone_on_the_sync_host(sop.upgrade_db), once=True, needs_stopped=True),
        Procedure("sync", sop.alone_on_the_sync_host(sop.sync), once=True, needs_schema=True),
        Procedure("start-httpd", sop.start_and_look, needs_schema=True),
        Procedure("restart-httpd", sop.restart_rolling, rolling=True, needs_schema=True),
    )
}


@dataclass(frozen=True)
class Request:
    """What was typed.

    asked_as: the words after `fab`, for the lines to type next; hosts: the hosts of the set that are meant.
    """

    procedure: Procedure
    app: App
    host_set: HostSet
    hosts: tuple[Host, ...]
    asked_as: str
    version: str | None = None
    unverified: str | None = None
    serial: bool = False
    together: bool = False


@dataclass(frozen=True)
class Plan:
    """What will be done. No phases: nothing to do."""

    request: Request
    target: Nvr | None
    facts: FactsOf
    phases: tuple[Phase, ...]
    warnings: tuple[str, ...] = field(default=())

    @property
    def hosts(self) -> tuple[Host, ...]:
        """The hosts of the set that the phases touch."""
        touched = {host for phase in self.phases for host in phase.hosts}
        return tuple(host for host in self.request.host_set.hosts if host in touched)

    def does_to(self, host: Host) -> list[str]:
        """The names of the steps that `host` goes through."""
        return [phase.step.name for phase in self.phases if host in phase.hosts]

    def typed(self, task: str) -> str:
        """The line to type for another task on the same hosts, pinned to the same build where that matters."""
        line = f"fab {self.request.asked_as} {task}"
        installs = task in PROCEDURES and PROCEDURES[task].installs
        return f"{line} --version {self.target.vr}" if installs and self.target else line


def predecessor(request: Request, inventory: Inventory) -> HostSet | None:
    """The set whose build this one wants (prod after stg), unless the operator said why not."""
    if not request.procedure.installs or request.unverified or not request.host_set.after:
        return None
    return inventory.host_sets[request.host_set.after]


def check_request(request: Request) -> None:
    """Refuse what is wrong before any host has been reached."""
    procedure, host_set = request.procedure, request.host_set
    if request.version:
        builds.typed(request.version, request.app.package)
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
    problems = [f"{host.short}: {text}" for host in host_set.hosts for text in facts[host].problems]
    target = None
    if procedure.installs:
        target, reasons = _target(request, facts, stage, stage_facts or {})
        problems += reasons
        problems += _packages(request, facts, target)
    problems += _state(request, facts)
    problems += _migration_ahead(request, facts, target, stage, stage_facts or {})
    if problems:
        raise Refused(*problems, next_line=f"fab {host_set.name} status")
    held = [
        f"{host.short}: yum is held by {facts[host].yum_holder}" for host in request.hosts if facts[host].yum_holder
    ]
    if procedure.installs and held:
        raise TryLater(*held, next_line=f"fab {request.asked_as} {procedure.name}, when it has ended")

    warnings = _warnings(request, facts)
    hosts = _hosts(request, facts, target)
    if not hosts:
        return Plan(request, target, facts, (), warnings)
    migrated = all(facts[host].installed == target and facts[host].at_head for host in host_set.hosts)
    workflow = sop.restart_together if request.together and procedure.name == "restart-httpd" else procedure.phases
    if request.serial and procedure.name == "restart-httpd":
        workflow = sop.restart_rolling
    job = Job(request.app, host_set, hosts, target, request.serial, migrated)
    return Plan(request, target, facts, tuple(workflow(job)), warnings)


def _target(
    request: Request, facts: FactsOf, stage: HostSet | None, stage_facts: FactsOf
) -> tuple[Nvr | None, list[str]]:
    """The one build to install: what was typed, or what stg runs, or the newest on offer (V1, V3)."""
    host_set, package = request.host_set, request.app.package
    if stage:
        verified, reasons = _verified(request, stage, stage_facts)
        if not verified:
            return None, reasons
    else:
        verified = None
    wanted = request.version or (host_set.minor_version if request.procedure.name == "minor-upgrade" else None)
    choices: dict[Host, Nvr | None] = {}
    for host in request.hosts:
        known = set(facts[host].offered or ()) | ({facts[host].installed} - {None})
        choices[host] = _choice(known, wanted, verified, package)
    problems = [
        f"{host.short}: {_not_offered(facts[host], wanted, verified, stage)}"
        for host, choice in choices.items()
        if choice is None
    ]
    found = {choice for choice in choices.values() if choice}
    if len(found) > 1:
        problems += [f"{host.short}: is offered {choice}" for host, choice in choices.items() if choice]
        problems.append("the hosts are offered different builds: a mirror is stale, or a tag has just moved")
    target = found.pop() if len(found) == 1 and not problems else None
    if target and verified and target != verified:
        assert stage  # nothing is verified without it
        problems.append(
            f"{stage.name} runs {verified}, {target} was asked for: not verified "
            '(--unverified "reason" overrides and is written down)'
        )
    return target, problems


def _verified(request: Request, stage: HostSet, stage_facts: FactsOf) -> tuple[Nvr | None, list[str]]:
    """The build that every host of the set before this one runs and is healthy with."""
    problems = []
    for host in stage.hosts:
        found = stage_facts[host]
        if found.installed is None:
            problems.append(f"{host.short}: {request.app.package} is not installed there")
        elif host.serves and not found.healthy(stage.health.status):
            problems.append(
                f"{host.short}: {stage.name} is not healthy with {found.installed} "
                f"(answers {found.answers or 'nothing'}, version {found.version or 'unknown'})"
            )
    installed = {stage_facts[host].installed for host in stage.hosts}
    if len(installed) > 1:
        problems.append(f"{stage.name} runs different builds: {', '.join(sorted(map(str, installed)))}")
    if problems:
        return None, [*problems, f'{stage.name} comes first (--unverified "reason" overrides and is written down)']
    return installed.pop(), []


def _choice(known: set[Nvr | None], wanted: str | None, verified: Nvr | None, package: str) -> Nvr | None:
    candidates = sorted(nvr for nvr in known if nvr)
    if wanted:
        version, release = builds.typed(wanted, package)
        fitting = [nvr for nvr in candidates if nvr.version == version and release in (None, nvr.release)]
        return fitting[-1] if fitting else None
    if verified:
        return verified if verified in candidates else None
    return candidates[-1] if candidates else None


def _not_offered(facts: Facts, wanted: str | None, verified: Nvr | None, stage: HostSet | None) -> str:
    newest = max(facts.offered or (), default=None)
    offer = f"the repo offers {newest}" if newest else "the repo offers nothing"
    if wanted:
        return f"{wanted} is not on offer, {offer}"
    if verified and stage:
        return f"{stage.name} runs {verified}, {offer}"
    return f"nothing is installed, and {offer}"


def _packages(request: Request, facts: FactsOf, target: Nvr | None) -> list[str]:
    """What stands in yum's way on a host."""
    problems = []
    for host in request.hosts:
        found, name = facts[host], host.short
        if found.installed is None:
            problems.append(f"{name}: {request.app.package} is not installed, and an update installs nothing new")
        if found.unfinished:
            problems.append(f"{name}: an rpm transaction was not finished: yum-complete-transaction --cleanup-only")
        if found.free is not None and found.free < request.app.free_space:
            problems.append(
                f"{name}: {found.free} MB free on / or /var, {request.app.free_space} are wanted: yum clean packages"
            )
        if target and found.installed and target < found.installed:
            problems.append(f"{name}: {found.installed} is installed, which is newer than {target}")
        repo = (found.offered or {}).get(target) if target else None
        if request.host_set.gpgcheck and repo in found.unchecked_repos:
            problems.append(f"{name}: {repo} has gpgcheck=0, its packages' signatures would not be checked")
    return problems


def _state(request: Request, facts: FactsOf) -> list[str]:
    """What the SOP forbids in the state the set is in."""
    procedure, host_set = request.procedure, request.host_set
    problems = []
    behind = next((host for host in host_set.hosts if facts[host].at_head is False), None)
    if procedure.needs_schema and behind:
        cure = "use major-upgrade" if procedure.installs else f"fab {host_set.name} upgrade-db comes first"
        problems.append(
            f"{behind.short}: a schema migration is pending for {facts[behind].installed} "
            f"(the database is at {facts[behind].revision or 'no revision'}): {cure}"
        )
    if procedure.needs_stopped:
        running = [host.short for host in host_set.serving if facts[host].service not in ("inactive", "failed")]
        if running:
            problems.append(
                f"{', '.join(running)}: httpd is running, the database must not change under it: "
                f"fab {host_set.name} stop-httpd comes first"
            )
        installed = {facts[host].installed for host in host_set.hosts}
        if len(installed) > 1:
            problems.append(
                f"the hosts have different builds: {', '.join(sorted(map(str, installed)))}: "
                f"fab {host_set.name} yum-update comes first"
            )
    others = [host for host in host_set.serving if host not in request.hosts]
    if procedure.rolling and others and not any(facts[h].healthy(host_set.health.status) for h in others):
        problems.append(
            f"{', '.join(host.short for host in others)}: not healthy, and {request.hosts[0].short} is the only one "
            f"that could serve: fab {host_set.name} {procedure.name} takes the ill host first"
        )
    return problems


def _migration_ahead(
    request: Request, facts: FactsOf, target: Nvr | None, stage: HostSet | None, stage_facts: FactsOf
) -> list[str]:
    """A minor upgrade to the build that stg runs on another schema than ours: a migration comes with it (V4)."""
    if not (stage and target and request.procedure.needs_schema):
        return []
    there, here = stage_facts[stage.sync], facts[request.host_set.sync]
    if there.installed != target or None in (there.revision, here.revision) or there.revision == here.revision:
        return []
    return [
        f"{request.host_set.sync.short}: a schema migration is pending: {target} runs on {there.revision} in "
        f"{stage.name}, the database here is at {here.revision}: use major-upgrade"
    ]


def _hosts(request: Request, facts: FactsOf, target: Nvr | None) -> tuple[Host, ...]:
    """The hosts that need it, in the order to take them; for an upgrade, none where all is as wanted (V5)."""
    host_set, wanted = request.host_set, request.host_set.health.status
    if not request.procedure.installs:
        return request.hosts

    def there(host: Host) -> bool:
        found = facts[host]
        runs = found.healthy(wanted) or not host.serves or request.procedure.name == "yum-update"
        return found.installed == target and runs and found.at_head is not False

    if all(there(host) for host in request.hosts):
        return ()
    if not request.procedure.rolling:
        return request.hosts
    # An ill host first: if the build does not cure it, the healthy ones are never touched.
    todo = [host for host in request.hosts if not there(host)]
    return tuple(sorted(todo, key=lambda host: facts[host].healthy(wanted)))


def _warnings(request: Request, facts: FactsOf) -> tuple[str, ...]:
    host_set = request.host_set
    warnings = []
    if request.unverified:
        warnings.append(f"not verified on {host_set.after or 'another set'}: {request.unverified}")
    if request.procedure.installs and not host_set.schema_status:
        warnings.append("hosts.yml names no schema_status: a pending migration cannot be noticed")
    sums = {facts[host].settings for host in host_set.hosts}
    if len(sums) > 1:
        warnings.append(f"{request.app.settings} differs between {' and '.join(h.short for h in host_set.hosts)}")
    for host in host_set.hosts:
        if facts[host].cron != (host == host_set.sync):
            has = "has" if facts[host].cron else "lacks"
            warnings.append(f"{host.short} {has} the sync's cron file {request.app.cron}")
        if abs(facts[host].skew) > CLOCK_SECONDS:
            warnings.append(f"{host.short}: its clock is {facts[host].skew:+.0f} s off")
    together = request.together and len(request.hosts) > 1
    if together or (request.procedure.name == "stop-httpd" and set(host_set.serving) <= set(request.hosts)):
        warnings.append(f"no node of {host_set.name} serves while this lasts")
    return tuple(warnings)
