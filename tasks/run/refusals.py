"""What stands in the way of a request: on a host, or in the state that the set is in. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..errors import TryLater
from ..inventory.model import Host, HostSet
from ..lines import shows, ssh
from ..ranges import listed
from ..sop.model import UNREACHED, Facts, Schema
from ..sop.nvr import Nvr
from ..sop.workflows import MAJOR, MEND, MIGRATE, START, STOP
from .facts import PROGRAMS
from .request import Request

OVERRIDE = '--unverified "reason" overrides that, and is recorded'

FactsOf = Mapping[Host, Facts]


class Reason(NamedTuple):
    """Why not, and the line to type that helps, if there is one."""

    text: str
    cure: str | None = None


def check_that_nobody_is_at_work(request: Request, facts: FactsOf) -> None:
    """Raise TryLater for what will pass: said first, because a host whose yum is held was not asked for its builds."""
    procedure, sync = request.procedure, request.host_set.sync
    working = []
    if facts[sync].busy and not procedure.beside_migration:
        working = [f"{sync.short}: an upgrade_db or sync of an earlier run still works on the database"]
    if procedure.installs:
        holders = [(host.short, facts[host].yum_holder) for host in request.hosts]
        working += [f"{name}: yum is held by {holder}" for name, holder in holders if holder]
        units = [(host.short, facts[host].updating) for host in request.hosts]
        working += [f"{name}: an automatic update is at work ({unit})" for name, unit in units if unit]
    if working:
        raise TryLater(*working, next_line=f"fab {request.asked_as} {procedure.name}  # when it has ended")


def unknown(request: Request, facts: FactsOf) -> list[Reason]:
    """What could not be found out, and is needed."""
    problems = [(host, text) for host in request.host_set.hosts for text in facts[host].problems]
    if request.procedure.installs:
        problems += [(host, text) for host in request.hosts if (text := facts[host].no_list)]
    if request.procedure.needs_schema:
        problems += [(host, text) for host in request.host_set.hosts if (text := facts[host].no_schema)]
    return [Reason(f"{host.short}: {text}") for host, text in problems] + _unprovable(request, facts)


def _unprovable(request: Request, facts: FactsOf) -> list[Reason]:
    """A migration of which nobody could say afterwards that it succeeded: httpd is not stopped for that."""
    sync = request.host_set.sync
    why = facts[sync].no_schema
    if not (request.procedure.installs and request.procedure.whole_set and why):
        return []
    problem = f"{sync.short}: {why}: the migration result could not be verified afterwards"
    cure = "fix this, or remove schema_status from hosts.yml to trust upgrade_db's exit status"
    return [Reason(f"{problem}; {cure}", None if "hosts.yml" in why else f"fab {request.host_set.name} status")]


def missing(request: Request, facts: FactsOf) -> list[Reason]:
    """The programs that a host lacks, and that its steps are written with."""
    reasons = []
    for host in request.hosts:
        known = [name for name in facts[host].lacks if name in PROGRAMS]
        wanted = " ".join(dict.fromkeys(PROGRAMS[name] for name in known))
        if known:
            text = f"{host.short}: has no {' and no '.join(known)}, which the steps need"
            reasons.append(Reason(text, ssh(host.name, f"sudo yum -y install {wanted}")))
    return reasons


def packages(request: Request, facts: FactsOf, target: Nvr | None) -> list[Reason]:
    """What stands in yum's way on a host."""
    reasons = []
    for host in request.hosts:
        found, name = facts[host], host.short
        on_host = ssh(host.name, "sudo")
        if found.installed is None:
            why = f" ({'; '.join(found.rpm_says)})" if found.rpm_says else ""
            text = f"{name}: {request.app.package} is not installed{why}, and an update installs nothing new"
            reasons.append(Reason(text))
        if found.offered is not None and not found.offered and not found.no_list:
            text = f"{name}: no repository offers a build of {request.app.package}: {_why_none(found)}"
            line = f"{on_host} yum{request.host_set.enabling} list --showduplicates {request.app.package}"
            reasons.append(Reason(text, line))
        if found.free is not None and found.free < request.app.free_space:
            text = f"{name}: {found.free} MB free on / or /var, {request.app.free_space} are wanted"
            reasons.append(Reason(text, f"{on_host} yum clean packages"))
        if target and found.installed and target < found.installed and not request.procedure.back:
            reasons.append(Reason(f"{name}: {found.installed} is installed, which is newer than {target}"))
        repo = (found.offered or {}).get(target) if target else None
        if request.host_set.gpgcheck and repo in found.unchecked_repos:
            reasons.append(Reason(f"{name}: {repo} has gpgcheck=0, its packages' signatures would not be checked"))
    return reasons


def cut_off(request: Request, facts: FactsOf) -> list[Reason]:
    """What rpm transactions that were cut off have left: in the way of the next one, and of nothing else."""
    cure, reasons = f"fab {request.host_set.name} {MEND.name}", []
    for host in request.hosts:
        if facts[host].unfinished:
            reasons.append(Reason(f"{host.short}: an rpm transaction was not finished", cure))
        if facts[host].duplicates:
            builds = " and ".join(map(str, facts[host].duplicates))
            text = f"{host.short}: rpm's database has {builds}: a transaction was cut off"
            reasons.append(Reason(text, cure))
    return reasons


def _why_none(found: Facts) -> str:
    """Words of yum's, if it has any, about a package that no repository offers."""
    lock = (f"{found.version_lock} has a version lock on it",) if found.version_lock else ()
    reasons = "; ".join((*found.yum_says, *lock))
    return reasons or "is it excluded, or is the repository switched off or skipped?"


def state(request: Request, facts: FactsOf) -> list[Reason]:
    """What the SOP forbids in the state the set is in."""
    procedure, host_set = request.procedure, request.host_set
    reasons = _pending(request, facts) if procedure.needs_schema else []
    if procedure.needs_stopped:
        reasons += _not_stopped(host_set, facts)
    if procedure.needs_stopped or procedure.whole_set:
        reasons += _another_cron(request, facts)
    meant = set(request.hosts)
    others = [host for host in host_set.serving if host not in meant]
    if procedure.rolling and others and not any(facts[h].healthy(host_set.health.status) for h in others):
        ill = listed(host.short for host in others)
        text = f"{ill}: not healthy: taking {request.hosts[0].short} out of service leaves no healthy host"
        cure = f"fab {host_set.name} {procedure.name}  # handles unhealthy hosts first"
        reasons.append(Reason(text, _starts(others, facts) if procedure.balances else cure))
    return reasons


def _starts(hosts: Sequence[Host], facts: FactsOf) -> str | None:
    """The line that starts the service where it does not run; None where that would change nothing, or be refused."""
    down = [host.short for host in hosts if facts[host].runs is False]
    pending = any(found.believed == Schema.PENDING for found in facts.values())
    return f"fab -H {','.join(down)} {START.name}" if down and not pending else None


def _pending(request: Request, facts: FactsOf) -> list[Reason]:
    """A migration that the installed build wants, or one that has begun and did not succeed."""
    host_set, sync = request.host_set, facts[request.host_set.sync]
    builds = sorted({found for host in host_set.hosts if (found := facts[host].installed)})
    first = typed = MAJOR.name if request.procedure.installs else MIGRATE.name
    if builds and not request.procedure.installs and _not_stopped(host_set, facts):  # upgrade-db would be refused
        first, typed = MAJOR.name, f"{MAJOR.name} --version {builds[-1].vr}"
    behind = next((host for host in host_set.hosts if facts[host].schema == Schema.PENDING), None)
    if behind:
        at = f"the database is at {facts[behind].revision or 'no revision'}"
        text = f"{behind.short}: a schema migration is pending for {facts[behind].installed} ({at}): use {first}"
    elif sync.believed == Schema.PENDING:
        text = f"{host_set.sync.short}: the last upgrade_db, with {sync.migrated_with}, did not succeed: use {first}"
    else:
        return []
    return [Reason(text, f"fab {host_set.name} {typed}")]


def _another_cron(request: Request, facts: FactsOf) -> list[Reason]:
    """The sync host's cron is paused before the database is changed; another host's would go on (C2)."""
    sync, app, reasons = request.host_set.sync, request.app, []
    text = (
        f"also has {app.schedule}: the run pauses {app.scheduler} only on {sync.short}, so this host could sync during"
    )
    for host in request.host_set.hosts:
        if host == sync or not facts[host].cron:
            continue
        if app.timer:
            cure = f"{ssh(host.name, f'sudo systemctl disable --now {app.timer}')}  # or"
        else:
            cure = f"{shows(host.name, app.schedule)}  # take it away, or"
        reasons.append(
            Reason(f"{host.short}: {text} the migration", f"{cure} name that host as sync_host in hosts.yml")
        )
    return reasons


def _not_stopped(host_set: HostSet, facts: FactsOf) -> list[Reason]:
    """What keeps the database from being changed: somebody who may be reading it, or two builds to choose from."""
    reasons = []
    running = [host for host in host_set.serving if not facts[host].stopped]
    if running:
        known = [host for host in running if facts[host].runs is not None]
        is_running = f"{host_set.app.service} {'is' if known == running else 'may be'} running"
        text = f"{listed(host.short for host in running)}: {is_running}, the database must not change under it"
        reasons.append(Reason(text, f"fab {host_set.name} {STOP.name}" if known else None))
    installed = {facts[host].installed for host in host_set.hosts}
    if len(installed) > 1:
        text = f"the hosts have different builds: {', '.join(sorted(map(str, installed)))}"
        reasons.append(Reason(text, f"fab {host_set.name} yum-update"))
    return reasons


def migration_ahead(request: Request, facts: FactsOf, target: Nvr | None, stage: HostSet | None) -> list[Reason]:
    """A minor upgrade to the build that stg runs on another schema than ours: a migration comes with it (V4)."""
    if not (stage and target and request.procedure.needs_schema):
        return []
    there, here = facts[stage.sync], facts[request.host_set.sync]
    if there.installed != target or None in (there.revision, here.revision) or there.revision == here.revision:
        return []
    return [
        Reason(
            f"{request.host_set.sync.short}: a schema migration is pending: {target} runs on {there.revision} in "
            f"{stage.name}, the database here is at {here.revision}: use major-upgrade",
            f"fab {request.host_set.name} major-upgrade --version {target.vr}",
        )
    ]


def unsettled(request: Request, facts: FactsOf) -> list[str]:
    """Settings that are not the same everywhere, or not pushed yet (SOP, Prepare)."""
    sums = {facts[host].settings: host.short for host in request.host_set.hosts if facts[host] != UNREACHED}
    if len(sums) > 1:
        return [f"{request.app.settings} differs between {' and '.join(sums.values())}", *request.unsettled]
    return list(request.unsettled)
