"""The build to go back to: still to be had everywhere, on a database that fits it. Pure."""

from __future__ import annotations

from ..sop.nvr import Nvr
from .reasons import FactsOf, Reason
from .request import Request
from .which_build import newest


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
        known = ", ".join(sorted(map(str, recorded))) or "none"
        text = f"{name}: which build to go back to? recorded are: {known}"
        return None, [Reason(text, f"fab {name} rollback --version VERSION-RELEASE")]
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
    if sync.installed == target and sync.at_head:
        return []
    if sync.previous == target and sync.revision and sync.revision == sync.previous_schema:
        if sync.at_head or request.version:
            return []
        return [Reason(f"{host_set.name}: a migration lies between, the build has to be typed", typed)]
    if not host_set.schema_status or sync.previous != target:
        text = f"{host_set.name}: whether {target} fits the database is not known here"
        if request.version and not host_set.schema_status:
            return []
        if sync.migrated_with and sync.migrated_with == sync.installed:
            text = f"upgrade_db has run with {sync.installed}: {target} fits only what was before: restore it first"
            return [Reason(f"{host_set.sync.short}: {text}{_from_backup(request)}", f"{typed}, when that is done")]
        recorded = f"fab {request.asked_as} rollback" if sync.previous else f"fab {host_set.name} status"
        return [Reason(text, recorded if request.version else typed)]
    text = f"the database is at {sync.revision}, {target} wants {sync.previous_schema}: restore it first"
    return [Reason(f"{host_set.sync.short}: {text}{_from_backup(request)}", f"{typed}, when that is done")]


def _from_backup(request: Request) -> str:
    return f" {request.host_set.backup.way_back}" if request.host_set.backup else ""
