"""The steps of the Blockerbugs Infrastructure SOP, each a function of the job it is made for."""

from __future__ import annotations

import shlex

from . import blocking, health, kept, restarts, schema, yum
from .model import Effect, Facts, Job, Schema, Step
from .shell import call

CRON_SECONDS = 600  # a sync takes minutes; cron starts one every half hour


def download(job: Job) -> Step:
    """Fetch the build while httpd still serves; the SOP's update then takes it from the cache.

    dnf 4 also checks its signature now, dnf 5 in the proof; yum 3 not before it installs.
    """
    return Step(
        name="download",
        says=f"download the build; {job.app.service} goes on serving",
        guard=call("aside") + "\n",
        command=yum.fetch_at_once(job),
        proof=yum.fetched(job),
        brief=yum.fetch(job),
        seconds=job.host_set.limits.yum,
        changes=False,
    )


def backup(job: Job) -> Step:
    """The set's own backup command; it has to leave a file that was not there before."""
    assert job.host_set.backup  # the workflow asks for this step only then
    command, file = job.host_set.backup.command, job.host_set.backup.file
    return Step(
        name="backup",
        says="save the database",
        guard=call("backup_begin", file) + "\n",
        command=command,
        proof=call("backup_proven", file),
        leaves=job.host_set.backup.file,
        seconds=job.host_set.limits.database,
        changes=False,
    )


def pause_cron(job: Job) -> Step:
    """Cron starts a sync every half hour: none may begin from here on, and one that runs is waited for."""
    return Step(
        name="pause-cron",
        says=f"pause {_scheduler(job)}, and wait for one that runs",
        command=kept.pause_cron(job.app, CRON_SECONDS),
        still=lambda facts: not facts.cron,
        until="resume-cron",
        pauses_cron=True,
        seconds=CRON_SECONDS + job.host_set.limits.service,
        mends=True,
        brief=_pausing(job),
    )


def resume_cron(job: Job) -> Step:
    """Cron may start its sync again."""
    return Step(
        name="resume-cron",
        says=f"let {job.app.scheduler} sync again",
        command=kept.resume_cron(job.app),
        still=lambda facts: facts.paused is None,
        seconds=job.host_set.limits.service,
        brief=f"systemctl enable --now {job.app.timer}"
        if job.app.timer
        else f"mv {kept.folder(job.app)}/cron {job.app.cron}",
    )


def stop_httpd(job: Job) -> Step:
    """SOP, Major upgrade, step 1."""
    return Step(
        name="stop-httpd",
        says=f"stop {job.app.service}",
        command=f"service {_q(job.app.service)} stop",
        proof=call("httpd_is_down", job.app.service),
        httpd=Effect.DOWN,
        still=lambda facts: None if facts.runs is None else facts.stopped,
        until="start-httpd",
        seconds=job.host_set.limits.service,
    )


def yum_update(job: Job, downloaded: bool = False, served: bool = False) -> Step:
    """SOP, both upgrades: the update, pinned to the build that was decided on.

    served: httpd runs meanwhile, and shall be ready for its restart. downloaded: take it from the cache, as the SOP's
    expire-cache was done by the download; if the cache was emptied meanwhile, fetch it after all; a transaction that
    failed is not begun again. yum exits 0 when it had nothing to do: the installed NVR decides.
    """
    return Step(
        name="yum-update",
        says=f"yum update to {job.target}",
        command=yum.update_fetched(job) if downloaded else yum.update(job),
        brief=yum.update_from_cache(job) if downloaded else "",
        proof=_installed(job, served),
        transacts=True,
        still=lambda facts: facts.installed == job.target,
        seconds=job.host_set.limits.yum,
        guard=kept.remember(job.app, job.target, job.schema) + "\n",
    )


def downgrade(job: Job, served: bool = True) -> Step:
    """Back to an earlier build; served: as in yum_update."""
    return Step(
        name="downgrade",
        says=f"yum downgrade to {job.target}",
        command=yum.downgrade(job),
        brief=yum.downgrade_by_hand(job),
        proof=_installed(job, served),
        still=lambda facts: facts.installed == job.target,
        seconds=job.host_set.limits.yum,
    )


def _installed(job: Job, served: bool) -> str:
    return yum.proven(job) + (f" && {health.settle(job.host_set.health)}" if served else "")


def mend_rpm(job: Job) -> Step:
    """What an rpm transaction has left that was cut off would stop the next one: not a step of the SOP, but ours."""
    return Step(
        name="mend-rpm",
        says="clear what a cut-off rpm transaction has left",
        command=call("rpm_mend", yum.root(job), job.app.package, yum.enabling(job)),
        proof=call("rpm_mended", yum.root(job), job.app.package),
        still=lambda facts: not facts.cut_off,
        seconds=job.host_set.limits.yum,
        brief="yum-complete-transaction --cleanup-only; package-cleanup --cleandupes",
    )


def no_migration(job: Job) -> Step:
    """A minor upgrade has no schema change (V4): the downloaded RPM has no migration that the installed one lacks.

    Before the update, not after: mod_wsgi loads the new code as soon as its files have changed, restart or not.
    """
    root, package = yum.root(job), job.app.package
    return Step(
        name="no-migration",
        says="check the build for a schema migration; if there is one, stop before anything is installed",
        guard=call("build_fetch", root, package, job.target, yum.fetch_at_once(job)) + "\n",
        command=":",
        proof=call("build_brings", root, package, job.target, job.app.migrations),
        changes=False,
        looks=True,
        instead="major-upgrade",
        seconds=job.host_set.limits.service,
    )


def restart_httpd(job: Job) -> Step:
    """SOP, Minor upgrade, step 2."""
    return Step(
        name="restart-httpd",
        says=f"restart {job.app.service}",
        command=f"service {_q(job.app.service)} restart",
        proof=_is_running(job),
        httpd=Effect.BOUNCE,
        still=lambda facts: bool(facts.runs),
        at_first=lambda facts: facts.healthy(job.host_set.health.status),
        seconds=job.host_set.limits.service,
    )


def still_stopped(job: Job, name: str = "still-stopped", says: str = "is down everywhere") -> Step:
    """What `stop-httpd` left may have been started again since, by puppet, ansible or a colleague: that ends the run.

    Or the host restarted, and httpd with it: there it is stopped again.
    """
    return Step(
        name=name,
        says=f"{job.app.service} {says}",
        command=":",
        proof=restarts.still_down(job.app.service),
        after_restart=stop_httpd(job),
        changes=False,
        looks=True,
        httpd=Effect.DOWN,
        seconds=job.host_set.limits.service,
    )


def upgrade_db(job: Job, cron_paused: bool = False) -> Step:
    """SOP, Major upgrade, step 3: once, because the hosts share one database.

    cron_paused: it was, and has to be so still. Otherwise cron's sync is paused meanwhile (C2), in this one step, so
    that a client that dies leaves nothing paused; it stays so after a migration that was begun and failed.
    """
    assert job.app.migrate  # the workflow asks for this step only then
    status, command = job.host_set.schema_status, job.app.migrate
    pause, back = pause_cron(job), resume_cron(job)
    alone = cron_paused or not job.app.schedule
    guard = ""
    if cron_paused and job.app.schedule:
        guard = f"{kept.cron_is_away(job.app)} || exit 1\n"
    elif job.app.schedule:
        guard = f"{kept.with_cron_paused(job.app, CRON_SECONDS)}\n"
    limit, typed = job.app.lock_timeout, blocking.typed(job.app)
    return Step(
        name="upgrade-db",
        says="migrate the database, once"
        + (f"; give up after {limit:g} s of waiting for a lock" if limit else "")
        + ("" if alone else f"; {_scheduler(job)} is paused meanwhile"),
        guard=f"{_alone(job)}{guard}{kept.migration_begins(job.app)}\n{blocking.watched(job.app)}",
        command=command,
        proof=(f"{call('schema_proven', status)} && " if status else "") + kept.migration_is_done(job.app),
        ends="lock_unwatch" if job.app.lock_holders else "",
        still=lambda facts: _migrated(job, facts),
        proven=True,
        pauses_cron=not alone,
        tells_schema=True,
        seconds=job.host_set.limits.database + (0 if alone else pause.seconds),
        brief=typed if alone else f"{pause.brief}; {typed} && {back.brief}",
    )


def sync(job: Job) -> Step:
    """SOP, Major upgrade, step 4: the check that the new code can work with the new schema."""
    assert job.app.check  # the workflow asks for this step only then
    return Step(
        name="sync",
        says="check that the new code works with the database",
        guard=_alone(job),
        command=job.app.check,
        seconds=job.host_set.limits.database,
    )


def start_httpd(job: Job) -> Step:
    """SOP, Major upgrade, step 5."""
    return Step(
        name="start-httpd",
        says=f"start {job.app.service}",
        command=f"service {_q(job.app.service)} start",
        proof=_is_running(job),
        httpd=Effect.UP,
        still=lambda facts: bool(facts.runs),
        seconds=job.host_set.limits.service,
    )


def healthy(job: Job, drained: bool = False) -> Step:
    """Does the node answer, and with the build that was installed (H2)? A drained one is asked for some pages more."""
    wanted = job.target.version if job.target else None
    return Step(
        name="healthy",
        says=f"wait until {job.host_set.health.page} answers {job.host_set.health.status}"
        + (f" from {wanted}" if wanted else ""),
        command=":",
        proof=health.poll(job.app, job.host_set.health, wanted, warm=drained),
        httpd=Effect.UP,
        seconds=job.host_set.health.deadline + 3 * job.host_set.health.timeout + 10,
        changes=False,
        looks=True,
    )


def _scheduler(job: Job) -> str:
    return f"{job.app.scheduler}'s sync"


def _pausing(job: Job) -> str:
    wait = f"; while pgrep -f {_q(job.app.check)}; do sleep 1; done" if job.app.check else ""
    if job.app.timer:
        return f"systemctl disable --now {job.app.timer}{wait}"
    return f"mv {job.app.cron} {kept.folder(job.app)}/cron{wait}"


def _migrated(job: Job, facts: Facts) -> bool | None:
    """Does the database have the schema of the build to install, or of the one that is there?"""
    if facts.installed != (job.target or facts.installed):
        return None
    if facts.believed == Schema.CURRENT:
        return True
    return False if facts.schema == Schema.PENDING else None


def _alone(job: Job) -> str:
    return call("database_alone", kept.database_lock(job.app)) + "\n"


def proven_schema(step: Step, output: str) -> str | None:
    """The revision that the database was seen at by the proof of `step`, in what it said."""
    return schema.proven(output) if step.tells_schema else None


def _is_running(job: Job) -> str:
    return call("httpd_is_up", job.app.service)


def _q(text: object) -> str:
    return shlex.quote(str(text))
