"""The SOP as data: the workflows made of its steps, and what an operator can ask for.

Plan, dry run, confirmation, run, recap and the chain of steps to type by hand all read a workflow's phases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import accumulate

from ..inventory.batches import cut
from ..inventory.model import Balancer, Host
from . import drains, steps
from .model import Effect, Facts, Job, Phase, Procedure, Step, Workflow
from .same_build import same_build


def minor(job: Job) -> list[Phase]:
    """SOP, Minor upgrade: host after host, the others keep serving; no schema change.

    Ours beside the SOP's: all hosts have the build, and it brings no migration to any, before the first is changed.
    """
    row = batches(job)
    # Who drains has no user wait: so many hosts as are drained together are busy with a download at the same time.
    downloads = min(job.at_once, max(map(len, row), default=1)) if job.drains else job.at_once
    phases = [Phase(steps.download(job), job.hosts, downloads)]
    phases += [Phase(step(job), job.hosts, job.at_once) for step in _same(job)]
    if job.app.migrations:
        phases.append(Phase(steps.no_migration(job), job.hosts, job.at_once))
    for batch in row:
        phases += [replace(phase, window=job.host_set.window or 0) for phase in _batch(job, batch)]
    return phases


def batches(job: Job) -> list[tuple[Host, ...]]:
    """The hosts that a minor upgrade takes together, one batch after the other, as `rolling` cuts them.

    In a window each host is by itself; the sync host, which is asked before every step of another, comes last.
    """
    hosts = job.hosts
    if job.host_set.window:
        hosts = tuple(sorted(hosts, key=lambda host: host == job.host_set.sync))
    ends = list(accumulate(cut(job.host_set.rolling, len(hosts))))
    return [hosts[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _batch(job: Job, batch: tuple[Host, ...]) -> list[Phase]:
    """The new build on these hosts, those that serve restarted with it, and judged."""
    phases = [Phase(steps.yum_update(job, downloaded=True, served=not job.drains), batch, len(batch))]
    serving = tuple(host for host in batch if host.serves)
    if not serving:
        return phases
    phases += _restart(job, serving, len(batch), job.host_set.balancer)
    *phases, last = drains.while_drained(job, serving, phases)
    return [*phases, replace(last, judged=batch if job.host_set.soak else ())]


def batch_rollback(job: Job, hosts: tuple[Host, ...], first: int) -> list[Phase]:
    """A batch on the job's build again, which it had before; first: the number of the first of these phases."""
    phases = [Phase(steps.downgrade(job, served=not job.drains), hosts, len(hosts))]
    serving = tuple(host for host in hosts if host.serves)
    phases += _restart(job, serving, len(hosts)) if serving else []
    phases = drains.while_drained(job, serving, phases)
    return [replace(phase, number=number) for number, phase in enumerate(phases, first)]


def major(job: Job) -> list[Phase]:
    """SOP, Major upgrade: httpd down everywhere, the database migrated once, httpd up everywhere.

    Ours beside the SOP's: the download while httpd still serves, the backup, cron's sync paused, and the look at
    the health.
    """
    phases = [Phase(step(job), job.hosts, job.at_once) for step in (steps.download, *_same(job))]
    cron, migrates = bool(job.app.schedule), bool(job.app.migrate) and not job.migrated
    if job.host_set.backup and migrates:
        phases.append(Phase(steps.backup(job), job.sync, 1))
    if cron:
        phases.append(Phase(steps.pause_cron(job), job.sync, 1))
    outage = [
        Phase(steps.stop_httpd(job), job.serving, job.at_once),
        Phase(steps.yum_update(job, downloaded=True), job.hosts, job.at_once),
    ]
    if migrates:
        outage += migrate(job, cron_paused=True)
    still_down = steps.still_stopped(job, "still-down", "is still down everywhere")
    outage.append(Phase(still_down, job.host_set.serving, job.at_once))
    if job.app.check:
        outage.append(Phase(steps.sync(job), job.sync, 1))
    phases += drains.under_a_page(job, [*outage, *start_and_look(job)])
    return [*phases, Phase(steps.resume_cron(job), job.sync, 1)] if cron else phases


def migrate(job: Job, cron_paused: bool = False) -> list[Phase]:
    """`blockerbugs upgrade_db`, and right before it: does nobody serve from the database, on the whole set?

    cron_paused: by a step of the same workflow; otherwise upgrade_db does that itself.
    """
    return [
        Phase(steps.still_stopped(job), job.host_set.serving, job.at_once),
        Phase(steps.upgrade_db(job, cron_paused), job.sync, 1),
    ]


def start_and_look(job: Job) -> list[Phase]:
    """`service httpd start`, and does it answer?"""
    return [Phase(step(job), job.serving, job.at_once) for step in (steps.start_httpd, steps.healthy)]


def rollback(job: Job) -> list[Phase]:
    """A minor upgrade backwards: host after host, the next when this one serves the earlier build."""
    phases: list[Phase] = []
    for host in job.hosts:
        part = [Phase(steps.downgrade(job, served=not job.drains), (host,), 1)]
        if host.serves:
            wait = job.host_set.balancer if host is not job.hosts[-1] else None
            part += _restart(job, (host,), 1, wait)
        phases += drains.while_drained(job, (host,), part)
    return phases


def restart_rolling(job: Job) -> list[Phase]:
    """`service httpd restart` on one host after the other, the next when this one answers again."""
    phases: list[Phase] = []
    for host in job.serving:
        phases += drains.while_drained(job, (host,), _restart(job, (host,), 1, job.host_set.balancer))
    return phases


def restart_together(job: Job) -> list[Phase]:
    """`service httpd restart` on all hosts at once: nobody serves meanwhile."""
    healthy = Phase(steps.healthy(job), job.serving, job.at_once)
    return [Phase(steps.restart_httpd(job), job.serving, job.at_once), healthy]


def _restart(job: Job, hosts: tuple[Host, ...], at_once: int, let_return: Balancer | None = None) -> list[Phase]:
    """`service httpd restart`, drained where the set drains, and does it answer?

    let_return: the balancer that has to see that it is back, unless that is told.
    """
    healthy = steps.healthy(job, drained=job.drains)
    return [
        Phase(steps.restart_httpd(job), hosts, at_once),
        Phase(healthy, hosts, at_once, None if job.drains else let_return),
    ]


def drain(job: Job) -> list[Phase]:
    """The meant hosts out of the balancer, until `undrain`."""
    return [Phase(drains.drain(job, job.serving), _where(job), job.at_once)] if job.drains else []


def undrain(job: Job) -> list[Phase]:
    """The meant hosts back, once they are well."""
    if not job.drains:
        return []
    well = Phase(steps.healthy(job, drained=True), job.serving, job.at_once)
    return [well, Phase(drains.undrain(job, job.serving), _where(job), job.at_once)]


def _where(job: Job) -> tuple[Host, ...]:
    return job.host_set.proxies or job.serving


def update(job: Job) -> list[Phase]:
    """The SOP's yum update by itself, of the very build that the set before runs."""
    return [Phase(step(job), job.hosts, job.at_once) for step in (*_same(job), steps.yum_update)]


def _same(job: Job) -> tuple[Callable[[Job], Step], ...]:
    return (same_build,) if job.signed else ()


def alone(step: Callable[[Job], Step]) -> Workflow:
    """One SOP step by itself, on all the meant hosts."""
    return lambda job: [Phase(step(job), job.hosts, job.at_once)]


def alone_where_served(step: Callable[[Job], Step]) -> Workflow:
    """One SOP step by itself, on those of the meant hosts that have an httpd to speak of."""
    return lambda job: [Phase(step(job), job.serving, job.at_once)]


def alone_on_the_sync_host(step: Callable[[Job], Step]) -> Workflow:
    """One SOP step by itself, once, on the sync host."""
    return lambda job: [Phase(step(job), job.sync, 1)]


MINOR = Procedure(
    "minor-upgrade", minor, upgrade=True, installs=True, rolling=True, needs_schema=True, pinned=True, drains=True
)
MAJOR = Procedure("major-upgrade", major, upgrade=True, installs=True, whole_set=True, pages=True)
ROLLBACK = Procedure("rollback", rollback, upgrade=True, installs=True, rolling=True, back=True, drains=True)
STOP = Procedure("stop-httpd", alone_where_served(steps.stop_httpd), outage=True, tolerant=True, beside_migration=True)
UPDATE = Procedure("yum-update", update, installs=True)
MIGRATE = Procedure("upgrade-db", migrate, verb="migrate", once=True, needs_stopped=True)
SYNC = Procedure("sync", alone_on_the_sync_host(steps.sync), verb="check", once=True, needs_schema=True)
START = Procedure("start-httpd", start_and_look, needs_schema=True, tolerant=True)
RESTART = Procedure("restart-httpd", restart_rolling, rolling=True, needs_schema=True, drains=True)
DRAIN = Procedure("drain", drain, rolling=True, drains=True, balances=True)
UNDRAIN = Procedure("undrain", undrain, balances=True)
RESTART_TOGETHER = Procedure("restart-httpd", restart_together, needs_schema=True, outage=True)
MEND = Procedure("mend-rpm", alone(steps.mend_rpm))

_TYPED = (MINOR, MAJOR, STOP, UPDATE, MIGRATE, SYNC, START, ROLLBACK, RESTART, DRAIN, UNDRAIN, MEND)
PROCEDURES = {one.name: one for one in _TYPED}


def by_hand(
    phases: Iterable[Phase], facts: Mapping[Host, Facts], done: Mapping[str, bool], unsure: bool
) -> list[Procedure]:
    """What is left of a workflow, as steps that are typed one after the other.

    facts: what is found on the hosts that answer. done: what is known besides, by the name of a step.
    unsure: is a step wanted that neither can tell of? httpd is stopped only for what must not be done under it.
    """
    rows = {phase.step.name: phase for phase in reversed(list(phases)) if phase.step.name in PROCEDURES}
    rows = dict(reversed(rows.items()))
    wanted = {name for name, phase in rows.items() if not _is_done(phase, facts, done.get(name, not unsure))}
    stopped = any(PROCEDURES[name].needs_stopped or PROCEDURES[name].installs for name in wanted)
    if not stopped:
        wanted -= {name for name in wanted if rows[name].step.httpd == Effect.DOWN}
    wanted |= {rows[name].step.until for name in wanted}  # who stops httpd starts it again
    return [PROCEDURES[name] for name in rows if name in wanted]


def _is_done(phase: Phase, facts: Mapping[Host, Facts], otherwise: bool) -> bool:
    """Does what is found say so; otherwise: where it cannot tell."""
    still = [phase.step.still(facts[host]) for host in phase.hosts if host in facts]
    if False in still or not still:
        return otherwise and not still
    return True if None not in still else otherwise
