"""The one build to install: what was typed, what stg runs, the newest on offer, or the one to go back to. Pure."""

from __future__ import annotations

from collections.abc import Collection

from ..inventory.model import Host, HostSet
from ..sop import nvr as builds
from ..sop.model import Facts, Schema
from ..sop.nvr import Nvr
from .refusals import OVERRIDE, FactsOf, Reason
from .request import Request


def target_build(request: Request, facts: FactsOf, stage: HostSet | None) -> tuple[Nvr | None, list[Reason]]:
    """The one build to install: what was typed, or what stg runs, or the newest on offer (V1, V3)."""
    verified = None
    if stage:
        verified, reasons = verified_build(stage, facts, request.app.package)
        if not verified:
            return None, [*reasons, Reason(f"{stage.name} comes first: {OVERRIDE}", f"fab {stage.name} status")]
    choices = {host: _choice(request, facts[host], verified) for host in request.hosts}
    reasons = [
        Reason(f"{host.short}: {_not_offered(request, facts[host], verified, stage)}")
        for host, choice in choices.items()
        if choice is None
    ]
    reasons += [
        reason for host, choice in choices.items() if (reason := _left_out(request, facts[host], host, choice, stage))
    ]
    found = {choice for choice in choices.values() if choice}
    if len(found) > 1:
        reasons += [Reason(f"{host.short}: is offered {choice}") for host, choice in choices.items() if choice]
        reasons.append(Reason("the hosts are offered different builds: a mirror is stale, or a tag has just moved"))
    target = found.pop() if len(found) == 1 and not reasons else None
    if stage and target and target != verified:
        reasons.append(Reason(f"you asked for {target}, but {stage.name} verified {verified}: {OVERRIDE}"))
    return target, reasons


def _left_out(request: Request, facts: Facts, host: Host, choice: Nvr | None, stage: HostSet | None) -> Reason | None:
    """The newest on offer was asked for, and yum did not look everywhere: that nothing is newer is not known then."""
    named = stage or request.version or request.pinned
    # What a priority leaves out is what it is there for, and said each time.
    says = [text for text in facts.yum_says if "repository priority" not in text]
    if named or not (choice and choice == facts.installed and facts.offered and says):
        return None
    text = f"{host.short}: cannot tell whether {choice} is the newest build; yum says: {'; '.join(says)}"
    return Reason(text, f"fab {request.asked_as} {request.procedure.name} --version {choice.vr}")


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


def signed(stage: HostSet | None, facts: FactsOf) -> tuple[tuple[str, ...], list[Reason]]:
    """Digests and signing key of the build that the set before runs; or why that is not one build."""
    if stage is None:
        return (), []
    found = {facts[host].signed for host in stage.hosts}
    if len(found) > 1:
        text = f"{stage.name}: its hosts have different builds of the same name, or signed with different keys"
        return (), [Reason(f"{text}: {OVERRIDE}", f"fab {stage.name} status")]
    return found.pop(), []


def _choice(request: Request, facts: Facts, verified: Nvr | None) -> Nvr | None:
    """The build for one host, or None if what is wanted is not to be had there."""
    candidates = sorted({*(facts.offered or ()), *([facts.installed] if facts.installed else [])})
    if request.version:
        fitting = newest(candidates, request.version, request.app.package)
        # 1.1.0 was typed and stg runs 1.1.0-1: that one is meant, also where a 1.1.0-2 is on offer.
        exact = verified and verified in candidates and newest([verified], request.version, request.app.package)
        return exact or fitting
    if verified:
        return verified if verified in candidates else None
    if pinned := request.pinned:
        choice = newest(candidates, pinned, request.app.package)
        # Past the pin already: that is no reason to go back.
        return facts.installed if choice and facts.installed and choice < facts.installed else choice
    return candidates[-1] if candidates else None


def newest(candidates: list[Nvr], wanted: str, package: str) -> Nvr | None:
    """The last of the sorted candidates that `wanted` (VERSION or VERSION-RELEASE) means, or None."""
    version, release = builds.typed(wanted, package)
    fitting = [nvr for nvr in candidates if nvr.version == version and release in (None, nvr.release)]
    return fitting[-1] if fitting else None


def _not_offered(request: Request, facts: Facts, verified: Nvr | None, stage: HostSet | None) -> str:
    newest = sorted(facts.offered or ())[-5:]
    offer = f"the repo offers {', '.join(map(str, newest))}" if newest else "the repo offers nothing"
    if stage and verified and not request.version:
        return f"{stage.name} runs {verified}, {offer}"
    if request.version:
        return f"{request.version} is not on offer, {offer}"
    if request.pinned:
        key = f"host_sets.{request.host_set.name}.minor_version in hosts.yml"
        return f"{key} is {request.pinned}, which is not on offer; {offer}"
    return f"nothing is installed, and {offer}"


def _which(request: Request, facts: FactsOf, recorded: Collection[Nvr | None]) -> Reason:
    """Why there is no build to go back to, and the line for the newest on offer that is older than what runs."""
    name = request.host_set.name
    runs = [found for host in request.hosts if (found := facts[host].installed)]
    offered = {nvr for host in request.hosts for nvr in facts[host].offered or ()}
    older = max((nvr for nvr in offered if runs and nvr < min(runs)), default=None)
    line = f"fab {name} rollback --version {older.vr}" if older else None
    if request.version:
        return Reason(f"{name}: {_not_offered(request, facts[request.hosts[0]], None, None)}", line)
    known = ", ".join(sorted(map(str, recorded))) or "none"
    text = f"{name}: cannot tell which build to roll back to (recorded: {known})"
    return Reason(f"{text}: give --version" if older else f"{text}, and the repo offers none that is older", line)


def earlier_build(request: Request, facts: FactsOf) -> tuple[Nvr | None, list[Reason]]:
    """The build to go back to: the recorded one or the typed one, still to be had everywhere, on a schema that fits."""
    name = request.host_set.name
    recorded = {facts[host].previous for host in request.hosts} - {None}
    if request.version:
        choices = {facts[host].previous for host in request.hosts if facts[host].previous}
        choices |= {nvr for host in request.hosts for nvr in facts[host].offered or ()}
        target = newest(sorted(c for c in choices if c), request.version, request.app.package)
    else:
        target = next(iter(recorded)) if len(recorded) == 1 else None
        # What was written down has no epoch, what is offered has.
        target = next((nvr for host in request.hosts for nvr in facts[host].offered or () if nvr == target), target)
    if target is None:
        return None, [_which(request, facts, recorded)]
    missing = [
        Reason(f"{host.short}: {target} is not on offer any more")
        for host in request.hosts
        if facts[host].installed != target and target not in (facts[host].offered or ())
    ]
    newer = [host for host in request.hosts if (there := facts[host].installed) and there < target]
    if newer:
        text = f"{newer[0].short}: {target} is newer than {facts[newer[0]].installed}, which runs: that is an upgrade"
        return None, [Reason(text, f"fab {name} status")]
    return target, missing + _schema_fits(request, facts, target)


def _schema_fits(request: Request, facts: FactsOf, target: Nvr) -> list[Reason]:
    """After a migration the earlier build cannot run, until the database is back; and then its name has to be typed."""
    host_set, sync = request.host_set, facts[request.host_set.sync]
    typed = f"fab {request.asked_as} rollback --version {target.vr}"
    if sync.installed == target and sync.schema == Schema.CURRENT:
        return []
    if sync.previous == target and sync.revision and sync.revision == sync.previous_schema:
        if sync.schema == Schema.CURRENT or request.version:
            return []
        return [
            Reason(f"{host_set.name}: a schema migration separates the builds: name the build with --version", typed)
        ]
    if not host_set.schema_status or sync.previous != target:
        text = f"{host_set.name}: cannot verify that {target} works with the current schema"
        if request.version and not host_set.schema_status:
            return []
        if sync.migrated_with and sync.migrated_with == sync.installed:
            text = f"upgrade_db of {sync.installed} has run; {target} needs the old schema: restore the database first"
            return [Reason(f"{host_set.sync.short}: {text}{_from_backup(request)}", f"{typed}  # when it is restored")]
        recorded = f"fab {request.asked_as} rollback" if sync.previous else f"fab {host_set.name} status"
        return [Reason(text, recorded if request.version else typed)]
    at, wants = sync.revision or "an unknown revision", sync.previous_schema or "one that was not recorded"
    text = f"the database is at {at}, {target} wants {wants}: restore it first"
    return [Reason(f"{host_set.sync.short}: {text}{_from_backup(request)}", f"{typed}  # when it is restored")]


def _from_backup(request: Request) -> str:
    return f" {request.host_set.backup.way_back}" if request.host_set.backup else ""
