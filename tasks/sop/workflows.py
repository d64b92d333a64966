"""The SOP as data: the workflows made of its steps, and what an operator can ask for.

Plan, dry run, confirmation, run, recap and the chain of steps to type by hand all read a workflow's phases.
"""

from __future__ import annotations

from collections.abc import Callable

from ..inventory.model import Balancer, Host
from . import steps
from .model import Job, Phase, Procedure, Step, Workflow


def minor(job: Job) -> list[Phase]:
    """SOP, Minor upgrade: host after host, the others keep serving; no schema change.

    Ours beside the SOP's: all hosts have the build, and it brings no migration to any, before the first is changed.
    """
    phases = [Phase(step(job), job.hosts, job.at_once) for step in (steps.download, steps.no_migration)]
    size = job.host_set.rolling
    batches = [job.hosts[start : start + size] for start in range(0, len(job.hosts), size)]
    for batch in batches:
        part = [Phase(steps.yum_update(job, downloaded=True, served=True), batch, size)]
        serving = tuple(host for host in batch if host.serves)
        if serving:
            part += _restart(job, serving, size, job.host_set.balancer)
        phases += part
    return phases


def major(job: Job) -> list[Phase]:
    """SOP, Major upgrade: httpd down everywhere, the database migrated once, httpd up everywhere.

    Ours beside the SOP's: the download while httpd still serves, the backup, cron's sync paused, and the look at
    the health.
    """
    phases = [Phase(steps.download(job), job.hosts, job.at_once)]
    if job.host_set.backup and not job.migrated:
        phases.append(Phase(steps.backup(job), job.sync, 1))
    phases += [
        Phase(steps.pause_cron(job), job.sync, 1),
        Phase(steps.stop_httpd(job), job.serving, job.at_once),
        Phase(steps.yum_update(job, downloaded=True), job.hosts, job.at_once),
    ]
    if not job.migrated:
        phases += migrate(job, cron_paused=True)
    nobody_serves = Phase(
        steps.still_stopped(job, "still-down", "httpd is still down everywhere"), job.host_set.serving, job.at_once
    )
    return [
        *phases,
        nobody_serves,
        Phase(steps.sync(job), job.sync, 1),
        *start_and_look(job),
        Phase(steps.resume_cron(job), job.sync, 1),
    ]


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
        phases.append(Phase(steps.downgrade(job), (host,), 1))
        if host.serves:
            wait = job.host_set.balancer if host is not job.hosts[-1] else None
            phases += _restart(job, (host,), 1, wait)
    return phases


def restart_rolling(job: Job) -> list[Phase]:
    """`service httpd restart` on one host after the other, the next when this one answers again."""
    phases: list[Phase] = []
    for host in job.serving:
        phases += _restart(job, (host,), 1, job.host_set.balancer)
    return phases


def restart_together(job: Job) -> list[Phase]:
    """`service httpd restart` on all hosts at once: nobody serves meanwhile."""
    return _restart(job, job.serving, job.at_once)


def _restart(job: Job, hosts: tuple[Host, ...], at_once: int, let_return: Balancer | None = None) -> list[Phase]:
    """`service httpd restart`, and does it answer?"""
    return [Phase(steps.restart_httpd(job), hosts, at_once), Phase(steps.healthy(job), hosts, at_once, let_return)]


def alone(step: Callable[[Job], Step]) -> Workflow:
    """One SOP step by itself, on all the meant hosts."""
    return lambda job: [Phase(step(job), job.hosts, job.at_once)]


def alone_where_served(step: Callable[[Job], Step]) -> Workflow:
    """One SOP step by itself, on those of the meant hosts that have an httpd to speak of."""
    return lambda job: [Phase(step(job), job.serving, job.at_once)]


def alone_on_the_sync_host(step: Callable[[Job], Step]) -> Workflow:
    """One SOP step by itself, once, on the sync host."""
    return lambda job: [Phase(step(job), job.sync, 1)]


PROCEDURES = {
    procedure.name: procedure
    for procedure in (
        Procedure("minor-upgrade", minor, installs=True, rolling=True, needs_schema=True),
        Procedure("major-upgrade", major, installs=True, whole_set=True),
        Procedure("stop-httpd", alone_where_served(steps.stop_httpd)),
        Procedure("yum-update", alone(steps.yum_update), installs=True),
        Procedure("upgrade-db", migrate, once=True, needs_stopped=True),
        Procedure("sync", alone_on_the_sync_host(steps.sync), once=True, needs_schema=True),
        Procedure("start-httpd", start_and_look, needs_schema=True),
        Procedure("rollback", rollback, installs=True, rolling=True, back=True),
        Procedure("restart-httpd", restart_rolling, rolling=True, needs_schema=True),
    )
}

RESTART_TOGETHER = Procedure("restart-httpd", restart_together, needs_schema=True)
