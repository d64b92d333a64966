"""Why the set's URL, or a host's own page, has not answered, as far as a run knows. Pure."""

from __future__ import annotations

from math import inf

from ..inventory.model import Host
from ..journal.events import BAD, Ended, Judged, Watched
from ..ranges import listed
from .state import Run


def reached(run: Run, host: Host | None = None) -> bool:
    """Has a client of this run, also before a resume, had a good answer from the host's page, or from the set's URL?"""
    name = host.name if host else None
    seen = (entry.event for entry in run.journal.entries)
    return any(isinstance(one, Watched) and one.host == name and one.requests > one.failed for one in seen)


def not_running(run: Run, host: Host | None = None) -> str:
    """That httpd did not run when this client began, on this host, or on any that serves; empty if that is not so."""
    host_set = run.plan.request.host_set
    if not all(run.plan.facts[one].stopped for one in ([host] if host else host_set.serving)):
        return ""
    when = "when it was resumed" if run.resumed else "at the start"
    return f"{host_set.app.service} was {'not running there' if host else 'running on no host'} {when}"


def while_judged(run: Run, moment: float) -> str:
    """On which hosts a build was judged at that moment that was found to be bad; from its judging on until the first
    step that puts it back has ended, or to the end of the run. Seconds since 1970; empty if none was.
    """
    entries = run.journal.entries
    for at, entry in enumerate(entries):
        event, until = entry.event, entry.time
        if not isinstance(event, Judged) or event.verdict != BAD or until is None:
            continue
        later = (one.time for one in entries[at + 1 :] if isinstance(one.event, Ended) and one.time is not None)
        if until - event.seconds <= moment <= (next(later, inf) if event.back else inf):
            return listed(host.short for host in run.plan.request.host_set.hosts if host.name in event.hosts)
    return ""


def all_answer(run: Run) -> bool:
    """Was every host that serves asked on itself at the end, and is it well?"""
    host_set, now = run.plan.request.host_set, run.afterwards
    return all(host in now and now[host].healthy(host_set.health.status) for host in host_set.serving)


def balancer_behind(run: Run) -> str:
    """`the balancer had not looked again yet (it looks every 2 s)`; empty where hosts.yml has none."""
    balancer = run.plan.request.host_set.balancer
    return f"the balancer had not looked again yet (it looks every {balancer.interval:g} s)" if balancer else ""


def though_all_answer(run: Run) -> str:
    """Of a URL that did not answer at the end, while every host does: who keeps it from its users."""
    if not all_answer(run):
        return ""
    behind = balancer_behind(run)
    return f"every host answers, but {behind}, or is down itself" if behind else "every host answers"
