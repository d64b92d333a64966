"""What the lines of the journal hold, event by event: docs/journal.md. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ..errors import Code, SopError
from ..fleet.outcome import Outcome
from ..inventory.model import Host, HostSet
from ..run.decide import Plan
from ..run.probe import Seen
from ..run.remaining import digests
from ..run.state import Run
from ..sop.model import Phase
from ..sop.restarts import Restart
from ..sop.workflows import RESTART_TOGETHER
from .downtime import downtime

VERSION = 1  # of the lines' meaning; a new key is no new version, another meaning of an old one is
OUTPUT_LINES = 400

Details = dict[str, Any]


def begin(plan: Plan) -> Details:
    """The plan: enough to make it again (resume), and what the set was like before."""
    request = plan.request
    return {
        "journal": VERSION,
        "set": request.host_set.name,
        "procedure": request.procedure.name,
        "target": str(plan.target) if plan.target else None,
        "unverified": request.unverified,
        "hosts": {host.name: str(plan.facts[host].installed) for host in plan.hosts},
        "schema": plan.facts[request.host_set.sync].revision,
        "asked_as": request.asked_as,
        "order": [host.name for host in plan.job.hosts] if plan.job else [],
        "serial": request.serial,
        "migrated": bool(plan.job and plan.job.migrated),
        "together": request.procedure is RESTART_TOGETHER,
        "steps": plan.steps,
        "hosts_yml": digests(request.host_set),
    }


def phase(host_set: HostSet, number: int, part: Phase) -> Details:
    """A phase is about to begin on these hosts."""
    return {
        **_named(host_set, number, part),
        "says": part.step.says,
        "command": part.step.command,
        "hosts": [host.name for host in part.hosts],
    }


def ended(host_set: HostSet, number: int, part: Phase, results: Mapping[Host, Outcome]) -> Details:
    """What became of it, host by host, with the last lines that each has said."""
    hosts = {
        host.name: {
            "state": "done" if not outcome.failure else "failed" if outcome.known else "unknown",
            "began": iso(outcome.began),
            "seconds": round(outcome.seconds, 3),
            "failure": outcome.failure,
            "output": outcome.output.splitlines()[-OUTPUT_LINES:],
        }
        for host, outcome in results.items()
    }
    failed = any(outcome.failure for outcome in results.values())
    return {**_named(host_set, number, part), "failed": failed, "hosts": hosts}


def backup(host_set: HostSet, outcome: Outcome) -> Details:
    """What was saved before anything was stopped: where on the sync host, its size in bytes, how long it took."""
    size = re.search("([0-9]+) bytes$", outcome.output)
    return {
        "set": host_set.name,
        "file": host_set.backup.file if host_set.backup else None,
        "size": int(size[1]) if size else None,
        "seconds": round(outcome.seconds, 3),
    }


def restarted(host_set: HostSet, restart: Restart) -> Details:
    """A host restarted while the run was on."""
    return {
        "set": host_set.name,
        "host": restart.host.name,
        "meanwhile": restart.meanwhile,
        "service": restart.service,
    }


def watched(run: Run) -> list[Details]:
    """What was seen from here while the run went on: an event for the set's users, and one for each watched node."""
    url = run.plan.request.host_set.url
    users = [_seen(None, url, run.users)] if url and run.users else []
    return users + [_seen(host.name, host.url or "", seen) for host, seen in run.nodes.items()]


def _seen(host: str | None, url: str, seen: Seen) -> Details:
    return {
        "host": host,
        "url": url,
        "requests": seen.requests,
        "failed": seen.failed,
        "longest": round(seen.longest, 3),
        "down": seen.down,
        "outages": [[iso(began), round(seconds, 3)] for began, seconds in seen.outages],
        "slow": [[iso(began), round(seconds, 3)] for began, seconds in seen.slow],
    }


def end(run: Run, error: SopError | None, how: str | None = None) -> Details:
    """How it ended, and what the set is like now; hosts that could not be looked at are left out."""
    host_set = run.plan.request.host_set
    sync = run.afterwards.get(host_set.sync)
    serving = [host.name for host in host_set.serving]
    looked_at = [run.afterwards[host].service for host in host_set.serving if host in run.afterwards]
    return {
        "set": host_set.name,
        "how": how or (error.heading if error else "done"),
        "code": int(error.exit_code if error else Code.DONE),
        "seconds": round(run.seconds, 3),
        "httpd_down": round(downtime(run.journal.events, serving, datetime.now(UTC)), 3),
        "httpd_still_down": bool(looked_at) and "active" not in looked_at,
        "hosts": {host.name: str(found.installed) for host, found in run.afterwards.items()},
        "schema": sync.revision if sync else None,
    }


def iso(seconds: float) -> str:
    """Seconds since 1970 as the journal has times."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _named(host_set: HostSet, number: int, part: Phase) -> Details:
    return {"set": host_set.name, "number": number, "step": part.step.name}
