"""The Blockerbugs Infrastructure SOP as data: its steps, and the workflows made of them.

A Step is a name and the command it runs. A Phase is a step and the hosts it runs on, with one rule: every
host ends a phase before the next phase begins. A workflow is a pure function from a host set to a list of
phases; plan, dry run, confirmation, run and recap all read that list.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass

from ..fleet.output import clean
from ..inventory.model import App, Balancer, Host, HostSet
from . import health, keep, restarts, yum
from .nvr import Nvr

DATABASE_LOCK = "/var/run/blockerbugs-upgrade.lock"
_IS_AT = "the database is at "
CRON_SECONDS = 600  # a sync takes minutes; cron starts one every half hour


@dataclass(frozen=True)
class Step:
    """One thing that is done on a host.

    name: as it is typed and shown; says: what it does, for the operator.
    guard: shell in front of the command, in the same shell, which ends it if it must not be run now.
    command: the shell command, as the SOP has it where the SOP has one.
    proof: shell that only looks, and fails with a sentence when the world did not become what was promised.
    seconds: how long it is waited for; after that it is not known what became of it.
    if_it_fails: the tasks to type then; none means the same procedure again. changes: does it change the host?
    refuses: its failure means that this was the wrong procedure, not that something is broken.
    looks: it only looks, so that it may be done any number of times; every other step is kept on its host.
    mends: when it fails, it has put back what it had changed.
    brief: what is shown instead of a command that is too long to be read.
    after_restart: what is done once more, before it is looked again, on a host that restarted and undid it so.
    """

    name: str
    says: str
    command: str
    seconds: float
    guard: str = ""
    proof: str = "true"
    if_it_fails: tuple[str, ...] = ()
    changes: bool = True
    refuses: bool = False
    looks: bool = False
    mends: bool = False
    brief: str = ""
    after_restart: Step | None = None

    @property
    def shown(self) -> str:
        """The command as a person may read it, no secret in it; nothing for a step that only looks."""
        return "" if self.looks else clean(self.brief or self.command)

    @property
    def script(self) -> str:
        """What is sent: the command, and if it succeeded the proof."""
        return f"{self.guard}{{ {self.command}\n}} && {{ {self.proof}\n}}"


@dataclass(frozen=True)
class Phase:
    """A step, the hosts it runs on, how many of them at once, and what is waited for afterwards.

    let_return: give this balancer time to see the hosts back, if they were away long enough to be noticed.
    """

    step: Step
    hosts: tuple[Host, ...]
    at_once: int
    let_return: Balancer | None = None


@dataclass(frozen=True)
class Job:
    """What a workflow is made for: the set, the hosts of it that are meant, the build to install.

    target is None for steps that install nothing; serial: one host after the other, whatever the set says;
    migrated: the database is known to be at the target's schema already, upgrade_db has nothing to do.
    schema: the revision that the database was found at, if that is known.
    """

    app: App
    host_set: HostSet
    hosts: tuple[Host, ...]
    target: Nvr | None = None
    serial: bool = False
    migrated: bool = False
    schema: str | None = None

    @property
    def at_once(self) -> int:
        """How many hosts a phase over all of them takes at the same time."""
        return 1 if self.serial or self.host_set.order == "serial" else self.host_set.at_once

    @property
    def serving(self) -> tuple[Host, ...]:
        """Those of the meant hosts that answer requests."""
        return tuple(host for host in self.hosts if host.serves)

    @property
    def sync(self) -> tuple[Host, ...]:
        """The one host for what works on the database."""
        return (self.host_set.sync,)


Workflow = Callable[[Job], list[Phase]]


def minor(job: Job) -> list[Phase]:
    """SOP, Minor upgrade: host after host, the others keep serving; no schema change.

    Ours beside the SOP's: all hosts have the build, and it brings no migration to any, before the first is changed.
    """
    phases = [Phase(step(job), job.hosts, job.at_once) for step in (download, no_migration)]
    size = job.host_set.rolling
    batches = [job.hosts[start : start + size] for start in range(0, len(job.hosts), size)]
    for batch in batches:
        part = [Phase(yum_update(job, downloaded=True, served=True), batch, size)]
        serving = tuple(host for host in batch if host.serves)
        if serving:
            part += [
                Phase(restart_httpd(job), serving, size),
                Phase(healthy(job), serving, size, job.host_set.balancer),
            ]
        phases += part
    return phases


def major(job: Job) -> list[Phase]:
    """SOP, Major upgrade: httpd down everywhere, the database migrated once, httpd up everywhere.

    Ours beside the SOP's: the download while httpd still serves, the backup, cron's sync paused, and the look at
    the health.
    """
    phases = [Phase(download(job), job.hosts, job.at_once)]
    if job.host_set.backup and not job.migrated:
        phases.append(Phase(backup(job), job.sync, 1))
    phases += [
        Phase(pause_cron(job), job.sync, 1),
        Phase(stop_httpd(job), job.serving, job.at_once),
        Phase(yum_update(job, downloaded=True), job.hosts, job.at_once),
    ]
    if not job.migrated:
        phases += migrate(job, cron_paused=True)
    nobody_serves = Phase(
        still_stopped(job, "still-down", "httpd is still down everywhere"), job.host_set.serving, job.at_once
    )
    return [
        *phases,
        nobody_serves,
        Phase(sync(job), job.sync, 1),
        *start_and_look(job),
        Phase(resume_cron(job), job.sync, 1),
    ]


def migrate(job: Job, cron_paused: bool = False) -> list[Phase]:
    """`blockerbugs upgrade_db`, and right before it: does nobody serve from the database, on the whole set?

    cron_paused: by a step of the same workflow; otherwise upgrade_db does that itself.
    """
    return [
        Phase(still_stopped(job), job.host_set.serving, job.at_once),
        Phase(upgrade_db(job, cron_paused), job.sync, 1),
    ]


def start_and_look(job: Job) -> list[Phase]:
    """`service httpd start`, and does it answer?"""
    return [Phase(start_httpd(job), job.serving, job.at_once), Phase(healthy(job), job.serving, job.at_once)]


def rollback(job: Job) -> list[Phase]:
    """A minor upgrade backwards: host after host, the next when this one serves the earlier build."""
    phases: list[Phase] = []
    for host in job.hosts:
        phases.append(Phase(downgrade(job), (host,), 1))
        if host.serves:
            wait = job.host_set.balancer if host is not job.hosts[-1] else None
            phases += [Phase(restart_httpd(job), (host,), 1), Phase(healthy(job), (host,), 1, wait)]
    return phases


def restart_rolling(job: Job) -> list[Phase]:
    """`service httpd restart` on one host after the other, the next when this one answers again."""
    phases: list[Phase] = []
    for host in job.serving:
        phases += [Phase(restart_httpd(job), (host,), 1), Phase(healthy(job), (host,), 1, job.host_set.balancer)]
    return phases


def restart_together(job: Job) -> list[Phase]:
    """`service httpd restart` on all hosts at once: nobody serves meanwhile."""
    return [Phase(restart_httpd(job), job.serving, job.at_once), Phase(healthy(job), job.serving, job.at_once)]


def alone(step: Callable[[Job], Step]) -> Workflow:
    """One SOP step by itself, on all the meant hosts."""
    return lambda job: [Phase(step(job), job.hosts, job.at_once)]


def alone_where_served(step: Callable[[Job], Step]) -> Workflow:
    """One SOP step by itself, on those of the meant hosts that have an httpd to speak of."""
    return lambda job: [Phase(step(job), job.serving, job.at_once)]


def alone_on_the_sync_host(step: Callable[[Job], Step]) -> Workflow:
    """One SOP step by itself, once, on the sync host."""
    return lambda job: [Phase(step(job), job.sync, 1)]


def download(job: Job) -> Step:
    """Fetch the build while httpd still serves; the SOP's update then takes it from the cache.

    dnf 4 also checks its signature now, dnf 5 in the proof; yum 3 not before it installs.
    """
    return Step(
        name="download",
        says="download the build; httpd goes on serving",
        command=yum.fetch(job),
        proof=(
            f"{yum.installed_is_target(job)} || {{ {yum.fetched(job)}\n}} || "
            f"{{ echo {_q(f'{job.target} was not downloaded, or cannot be installed')}; false; }}"
        ),
        seconds=job.host_set.limits.yum,
        changes=False,
    )


def backup(job: Job) -> Step:
    """The set's own backup command; it has to leave a file that was not there before."""
    assert job.host_set.backup  # the workflow asks for this step only then
    command, file = job.host_set.backup.command, _q(job.host_set.backup.file)
    return Step(
        name="backup",
        says="save the database",
        # An older one is kept: typed again after a failure, this must not put a broken database in its place.
        guard=f"umask 077\nif test -e {file}; then mv {file} {file}.$(date +%Y%m%d%H%M%S) || exit 1; fi\n",
        command=command,
        proof=(
            f"test -s {file} || {{ echo the backup left nothing in {file}; exit 1; }}\n"
            f'echo the backup is in {file}, "$(($(wc -c <{file})))" bytes'
        ),
        seconds=job.host_set.limits.database,
        changes=False,
    )


def pause_cron(job: Job) -> Step:
    """Cron starts a sync every half hour: none may begin from here on, and one that runs is waited for."""
    return Step(
        name="pause-cron",
        says="pause cron's sync, and wait for one that runs",
        command=keep.pause_cron(job.app, CRON_SECONDS),
        seconds=CRON_SECONDS + job.host_set.limits.service,
        mends=True,
        brief=f"mv {job.app.cron} {keep.FOLDER}/cron; while pgrep -f '{job.app.package} sync'; do sleep 1; done",
    )


def resume_cron(job: Job) -> Step:
    """Cron may start its sync again."""
    return Step(
        name="resume-cron",
        says="let cron sync again",
        command=keep.resume_cron(job.app),
        seconds=job.host_set.limits.service,
        brief=f"mv {keep.FOLDER}/cron {job.app.cron}",
    )


def stop_httpd(job: Job) -> Step:
    """SOP, Major upgrade, step 1."""
    return Step(
        name="stop-httpd",
        says="stop httpd",
        command=f"service {_q(job.app.service)} stop",
        proof=f"! systemctl is-active --quiet {_q(job.app.service)} || {{ echo it is still running; false; }}",
        if_it_fails=("start-httpd",),
        seconds=job.host_set.limits.service,
    )


def yum_update(job: Job, downloaded: bool = False, served: bool = False) -> Step:
    """SOP, both upgrades: the update, pinned to the build that was decided on.

    served: httpd runs meanwhile, and shall be ready for its restart. downloaded: take it from the cache, as the SOP's
    expire-cache was done by the download; if the cache was emptied meanwhile, fetch it after all; a transaction that
    failed is not begun again. yum exits 0 when it had nothing to do: the installed NVR decides.
    """
    fresh, cached = yum.update(job), yum.update_from_cache(job)
    return Step(
        name="yum-update",
        says=f"yum update to {job.target}",
        command=f"{cached} || {{ ! {yum.in_cache(job)} && {fresh}; }}" if downloaded else fresh,
        brief=cached if downloaded else "",
        proof=_installed(job, served),
        seconds=job.host_set.limits.yum,
        guard=f'{yum.ask_once(job)}; test "$installed" = {_q(job.target)} || '
        f"{{ {keep.remember(job.app, job.schema)}; }}\n",
    )


def downgrade(job: Job) -> Step:
    """Back to an earlier build."""
    return Step(
        name="downgrade",
        says=f"yum downgrade to {job.target}",
        command=yum.downgrade(job),
        proof=_installed(job, served=True),
        seconds=job.host_set.limits.yum,
    )


def _installed(job: Job, served: bool) -> str:
    settle = f" && {health.settle(job.host_set.health)}" if served else ""
    return f"{{ {yum.installed_is_target_or_says(job)}; }}{settle}"


def no_migration(job: Job) -> Step:
    """A minor upgrade has no schema change (V4): the downloaded RPM has no migration that the installed one lacks.

    Before the update, not after: mod_wsgi loads the new code as soon as its files have changed, restart or not.
    """
    package, there = _q(job.app.package), yum.installed_is_target(job)
    return Step(
        name="no-migration",
        says="look for a schema migration in the build; one ends the run here, with nothing installed",
        # It may have left the cache since it was downloaded: before a resume, say.
        guard=f"{yum.files(job)} | grep -q . || {there} || {{ {yum.fetch(job)}; }} >/dev/null 2>&1\n",
        command=":",
        proof=(
            f"new=$({yum.files(job)} | head -n 1)\n"
            f'test -n "$new" || {there} || '
            f"{{ echo {_q(f'{job.target} cannot be had any more')}; exit 1; }}\n"
            # What is installed is listed twice, so that only what is new stands alone.
            f'brings=$(test -z "$new" || rpm -qpl "$new") || {{ echo "$new cannot be read"; exit 1; }}\n'
            f'added=$(test -z "$new" || {{ rpm -ql {package}; rpm -ql {package}; echo "$brings"; }} | '
            f"grep -E {_q(job.app.migrations)} | sort | uniq -u)\n"
            f'test -z "$added" || {{ echo {_q(f"{job.target} brings a schema migration:")} $added; false; }}'
        ),
        if_it_fails=("major-upgrade",),
        changes=False,
        looks=True,
        refuses=True,
        seconds=job.host_set.limits.service,
    )


def restart_httpd(job: Job) -> Step:
    """SOP, Minor upgrade, step 2."""
    return Step(
        name="restart-httpd",
        says="restart httpd",
        command=f"service {_q(job.app.service)} restart",
        proof=_is_running(job),
        if_it_fails=("status", "restart-httpd"),
        seconds=job.host_set.limits.service,
    )


def still_stopped(job: Job, name: str = "still-stopped", says: str = "httpd is down everywhere") -> Step:
    """What `stop-httpd` left may have been started again since, by puppet, ansible or a colleague: that ends the run.

    Or the host restarted, and httpd with it: there it is stopped again.
    """
    return Step(
        name=name,
        says=says,
        command=":",
        proof=restarts.still_down(_q(job.app.service)),
        if_it_fails=("stop-httpd", "upgrade-db", "sync", "start-httpd"),
        after_restart=stop_httpd(job),
        changes=False,
        looks=True,
        seconds=job.host_set.limits.service,
    )


def upgrade_db(job: Job, cron_paused: bool = False) -> Step:
    """SOP, Major upgrade, step 3: once, because the hosts share one database.

    cron_paused: it was, and has to be so still. Otherwise cron's sync is paused meanwhile (C2), in this one step, so
    that a client that dies leaves nothing paused; it stays so after a migration that was begun and failed.
    """
    status = job.host_set.schema_status
    # Asked when cron's sync and the database have been waited for: only then it is the build that migrates.
    begun = f"{yum.ask_once(job)}; {keep.migration(job.app, 'begun')}"
    done = keep.migration(job.app, "done")
    command = f"{_q(job.app.package)} upgrade_db"
    pause, back = pause_cron(job), resume_cron(job)
    if cron_paused:
        guard = f"{{ {keep.cron_is_away(job.app)}; }} && {{ {begun}; }} || exit 1\n"
    else:
        guard = keep.with_cron_paused(job.app, CRON_SECONDS, begun)
    return Step(
        name="upgrade-db",
        says="migrate the database, once" + ("" if cron_paused else "; cron's sync is paused meanwhile"),
        guard=_alone(job) + guard,
        command=command,
        proof=f"{{ {_at_head(status) if status else 'true'}\n}} && "
        f"{{ {{ {done}; }} || echo that it is done could not be written down; }}",
        seconds=job.host_set.limits.database + (0 if cron_paused else pause.seconds),
        if_it_fails=("upgrade-db", "sync", "start-httpd"),
        brief="" if cron_paused else f"{pause.brief}; {command} && {back.brief}",
    )


def sync(job: Job) -> Step:
    """SOP, Major upgrade, step 4: the check that the new code can work with the new schema."""
    return Step(
        name="sync",
        says="sync with bugzilla, bodhi and koji: the check",
        guard=_alone(job),
        command=f"{_q(job.app.package)} sync",
        seconds=job.host_set.limits.database,
        if_it_fails=("sync", "start-httpd"),
    )


def start_httpd(job: Job) -> Step:
    """SOP, Major upgrade, step 5."""
    return Step(
        name="start-httpd",
        says="start httpd",
        command=f"service {_q(job.app.service)} start",
        proof=_is_running(job),
        if_it_fails=("status", "start-httpd"),
        seconds=job.host_set.limits.service,
    )


def healthy(job: Job) -> Step:
    """Does the node answer, and with the build that was installed (H2)?"""
    wanted = job.target.version if job.target else None
    return Step(
        name="healthy",
        says=f"wait until {job.host_set.health.path} answers {job.host_set.health.status}"
        + (f" from {wanted}" if wanted else ""),
        command=":",
        proof=health.poll(job.app, job.host_set.health, wanted),
        seconds=job.host_set.health.deadline + 3 * job.host_set.health.timeout + 10,
        if_it_fails=("status", "restart-httpd"),
        changes=False,
        looks=True,
    )


def _alone(job: Job) -> str:
    # Held by the command itself, through the open file, as long as it lives: also after its connection was lost.
    # A look at the facts (preflight.script) holds it for a moment: that is waited for.
    return (
        f"exec 9>>{job.app.path(DATABASE_LOCK)}\n"
        "if command -v flock >/dev/null && ! flock -w 5 9; then\n"
        "echo an upgrade_db or sync of an earlier run still works on the database; exit 75; fi\n"
    )


def proven_schema(step: Step, output: str) -> str | None:
    """The revision that the database was seen at by the proof of `step`, in what it said."""
    if step.name != "upgrade-db":
        return None
    lines = [line for line in output.splitlines() if line.startswith(_IS_AT)]
    return lines[-1].removeprefix(_IS_AT) if lines else None


def _at_head(status: str) -> str:
    return (
        f'schema=$({{ {status}\n}} | tail -n 1); case $schema in *"(head)"*) echo "{_IS_AT}${{schema% (head)*}}";; '
        "*) echo the database is not at the new schema; false;; esac"
    )


def _is_running(job: Job) -> str:
    service = _q(job.app.service)
    return f"systemctl is-active --quiet {service} || {{ systemctl is-active {service}; false; }}"


def _q(text: object) -> str:
    return shlex.quote(str(text))
