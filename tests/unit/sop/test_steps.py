from __future__ import annotations

import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.inventory.model import App, Backup, Balancer, Health, Host, HostSet
from tasks.run import facts
from tasks.sop import kept, steps, workflows
from tasks.sop.model import Job, Phase, Step
from tasks.sop.nvr import Nvr
from tasks.sop.shell import library
from tasks.sop.workflows import PROCEDURES, RESTART_TOGETHER
from tests.unit.builders import NEW, ONE, TWO, Shell, checked, job, prod
from tests.wanted import wanted

FULL = prod(
    enable_repo="infra-stg",
    schema_status="alembic current",
    backup=Backup(command="pg_dump >/var/tmp/dump", file="/var/tmp/dump"),
    balancer=Balancer(),
    health=Health(version="Blockerbugs {version}"),
)
IDLE = Host(name="idle.example", serves=False)


def told(phases: list[Phase]) -> list[str]:
    return [f"{phase.step.name}: {' '.join(host.short[-2:] for host in phase.hosts)}" for phase in phases]


def test_a_minor_upgrade_is_one_host_after_the_other_once_all_have_the_build() -> None:
    assert told(workflows.minor(job())) == [
        "download: 01 02",
        "no-migration: 01 02",
        "yum-update: 01",
        "restart-httpd: 01",
        "healthy: 01",
        "yum-update: 02",
        "restart-httpd: 02",
        "healthy: 02",
    ]


@pytest.mark.parametrize(("rolling", "at_a_time"), [(1, 1), (2, 2), ((1, "50%"), 2)])
def test_where_hosts_are_drained_so_many_download_at_a_time_as_are_drained_together(
    rolling: Any, at_a_time: int
) -> None:
    hosts = tuple(Host(name=f"web{number}.example") for number in range(5))
    away = Balancer(proxies=(Host(name="proxy.example"),), backend="bb")
    for balancer, expected in ((away, at_a_time), (Balancer(), 32)):
        first = workflows.minor(job(prod(hosts=hosts, sync_host="web0.example", rolling=rolling, balancer=balancer)))[0]
        assert (first.step.name, first.at_once) == ("download", expected)


def test_after_each_host_the_balancer_is_waited_for() -> None:
    waits = [phase.let_return for phase in workflows.minor(job(FULL)) if phase.step.name == "healthy"]
    assert waits == [FULL.balancer] * 2


def test_a_host_that_serves_nothing_is_updated_and_not_restarted() -> None:
    assert told(workflows.minor(job(prod(hosts=(ONE, IDLE)))))[5:] == ["yum-update: le"]


def test_a_minor_upgrade_may_take_more_hosts_at_a_time() -> None:
    assert told(workflows.minor(job(prod(rolling=2)))) == [
        "download: 01 02",
        "no-migration: 01 02",
        "yum-update: 01 02",
        "restart-httpd: 01 02",
        "healthy: 01 02",
    ]


def test_a_major_upgrade_is_the_sops_five_steps_and_ours_around_them() -> None:
    assert told(workflows.major(job(FULL))) == [
        "download: 01 02",
        "backup: 01",
        "pause-cron: 01",
        "stop-httpd: 01 02",
        "yum-update: 01 02",
        "still-stopped: 01 02",
        "upgrade-db: 01",
        "still-down: 01 02",
        "sync: 01",
        "start-httpd: 01 02",
        "healthy: 01 02",
        "resume-cron: 01",
    ]


def test_without_a_backup_command_there_is_no_backup() -> None:
    assert "backup: 01" not in told(workflows.major(job()))


def test_a_database_that_is_migrated_is_not_migrated_again() -> None:
    assert "upgrade-db: 01" not in told(workflows.major(job(migrated=True)))


def test_a_restart_takes_one_host_after_the_other_and_waits_for_the_balancer() -> None:
    phases = workflows.restart_rolling(job(FULL))
    assert told(phases) == ["restart-httpd: 01", "healthy: 01", "restart-httpd: 02", "healthy: 02"]
    assert [phase.let_return for phase in phases] == [None, FULL.balancer] * 2


def test_serially_is_one_at_a_time() -> None:
    assert {phase.at_once for phase in workflows.major(job(serial=True))} == {1}
    assert {phase.at_once for phase in workflows.major(job(prod(order="serial")))} == {1}


def test_no_more_hosts_at_once_than_the_set_allows() -> None:
    assert {phase.at_once for phase in workflows.major(job(prod(at_once=5))) if phase.hosts != (ONE,)} == {5}


@st.composite
def host_sets(draw: st.DrawFn) -> HostSet:
    serves = [True, *draw(st.lists(st.booleans(), max_size=6))]
    hosts = tuple(Host(name=f"h{number}.example", serves=one) for number, one in enumerate(serves))
    return prod(
        hosts=hosts,
        sync_host=draw(st.sampled_from(hosts)).name,
        order=draw(st.sampled_from(["parallel", "serial"])),
        at_once=draw(st.integers(1, 8)),
        rolling=draw(st.integers(1, 8)),
        schema_status=draw(st.sampled_from([None, "alembic current"])),
        backup=draw(st.sampled_from([None, Backup(command="pg_dump", file="/d")])),
    )


@given(host_sets(), st.sampled_from([*PROCEDURES.values(), RESTART_TOGETHER]), st.booleans(), st.booleans())
def test_D3_what_works_on_the_database_runs_once_on_the_sync_host_whatever_is_asked_for(
    host_set: HostSet, procedure: Any, serial: bool, migrated: bool
) -> None:
    phases = procedure.phases(job(host_set, serial=serial, migrated=migrated))
    for name in ("upgrade-db", "sync", "backup"):
        ran = [phase for phase in phases if phase.step.name == name]
        assert [(phase.hosts, phase.at_once) for phase in ran] in ([], [((host_set.sync,), 1)])


@given(host_sets(), st.booleans())
def test_D1_in_a_major_upgrade_every_httpd_is_down_from_before_the_update_until_after_the_sync(
    host_set: HostSet, serial: bool
) -> None:
    phases = workflows.major(job(host_set, serial=serial))
    order = [phase.step.name for phase in phases]
    wanted = ["stop-httpd", "yum-update", "upgrade-db", "sync", "start-httpd"]
    assert [name for name in order if name in wanted] == wanted
    assert phases[order.index("stop-httpd")].hosts == phases[order.index("start-httpd")].hosts == host_set.serving


@given(host_sets(), st.sampled_from(list(PROCEDURES.values())))
def test_no_phase_is_without_hosts_and_no_host_is_twice_in_one(host_set: HostSet, procedure: Any) -> None:
    for phase in procedure.phases(job(host_set)):
        assert phase.hosts
        assert len(set(phase.hosts)) == len(phase.hosts)


@given(host_sets())
def test_a_minor_upgrade_never_restarts_a_host_before_those_in_front_of_it_are_healthy(host_set: HostSet) -> None:
    order = [
        phase.step.name for phase in workflows.minor(job(host_set)) if phase.step.name in ("restart-httpd", "healthy")
    ]
    assert order == ["restart-httpd", "healthy"] * (len(order) // 2)


# The commands


@pytest.mark.parametrize(
    ("step", "command"),
    [
        (steps.stop_httpd, "service httpd stop"),
        (steps.start_httpd, "service httpd start"),
        (steps.restart_httpd, "service httpd restart"),
        (steps.upgrade_db, "blockerbugs upgrade_db"),
        (steps.sync, "blockerbugs sync"),
        (steps.yum_update, "yum clean expire-cache && yum -y update blockerbugs-1.1.0-1.el7"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_commands_are_the_sops(step: Any, command: str) -> None:
    assert step(job()).command == command


def test_stg_takes_its_own_repo() -> None:
    assert "yum -y --enablerepo=infra-stg update " in steps.yum_update(job(FULL)).command


def every_step(the_job: Job) -> list[Step]:
    phases = [phase for procedure in PROCEDURES.values() for phase in procedure.phases(the_job)]
    return list({phase.step.name: phase.step for phase in phases}.values())


@pytest.mark.parametrize("step", every_step(job(FULL)), ids=lambda step: step.name)
def test_S9_signatures_are_never_switched_off(step: Step) -> None:
    assert "nogpgcheck" not in step.script + library()
    assert "gpgcheck=0" not in step.script + library()


_evil = st.sampled_from(["; touch evil", "$(touch evil)", "`touch evil`", "'", '"', "&", "|", "*", " ", "\\", "#", "("])
_text = st.lists(_evil | st.sampled_from(["a", "-", "/", "%s"]), max_size=4).map("".join)
_part = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+~^]{0,5}", fullmatch=True)


@st.composite
def hostile_jobs(draw: st.DrawFn) -> Job:
    """Values that their grammars accept, as bad as they come."""
    app = App(
        package=draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,5}", fullmatch=True)),
        service=draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,5}", fullmatch=True)),
        settings=f"/{draw(_text)}",
        cron=f"/{draw(_text)}",
    )
    host_set = prod(
        enable_repo=draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,5}", fullmatch=True)),
        schema_status="alembic current",
        backup=Backup(command="pg_dump", file=f"/{draw(_text)}"),
        health=Health(
            path=f"/{draw(_text)}".replace(" ", ""),
            version=draw(st.sampled_from([None, f"{draw(_text)}{{version}}{draw(_text)}"])),
        ),
    )
    return job(host_set, app=app, target=Nvr(app.package, draw(_part), draw(_part)))


def understood(script: str) -> None:
    checked = subprocess.run(["sh", "-n"], input=script, capture_output=True, text=True, check=False)
    assert not checked.returncode, f"{checked.stderr}\n{script}"


@settings(max_examples=20)
@given(hostile_jobs())
def test_S5_every_script_is_quoted_so_that_a_shell_understands_it(the_job: Job) -> None:
    scripts = [step.script for step in every_step(the_job)]
    for script in [*scripts, facts.script(the_job.host_set)]:
        understood(script)
    for step in every_step(the_job):
        assert shlex.split(step.command)


@settings(max_examples=25)
@given(version=_part, release=_part)
def test_S5_a_version_reaches_yum_as_one_word(version: str, release: str) -> None:
    target = Nvr("blockerbugs", version, release)
    words = shlex.split(steps.yum_update(job(target=target)).command)
    assert (words[0], words[-1]) == ("yum", f"blockerbugs-{version}-{release}")


@pytest.mark.parametrize("root", ["/srv/my fleet", "/srv/$(touch evil)", "/srv/;touch evil;", "/srv/'", "/srv/\nx"])
def test_S5_a_root_that_a_shell_would_take_apart_is_refused(root: str) -> None:
    with pytest.raises(ValidationError, match="root"):
        checked(App, root=root)


def test_a_comment_behind_a_command_of_hosts_yml_hides_nothing_of_ours() -> None:
    commented = replace(
        job(),
        host_set=prod(
            schema_status="alembic current # as stg has it", backup=Backup(command="pg_dump # all of it", file="/dump")
        ),
    )
    for step in (steps.backup, steps.no_migration, steps.upgrade_db):
        understood(step(commented).script)
    understood(facts.script(commented.host_set))


# The scripts, in a real shell


def test_the_build_and_the_schema_before_an_update_are_remembered(shell: Shell) -> None:
    shell.program("rpm", "printf blockerbugs-1.0.0-1.el7")
    script = kept.remember(App(root="."), NEW, "aaa")
    understood(script)
    assert shell.run(script).returncode == 0
    previous = shell.folder / "var/lib/blockerbugs-upgrade/previous"
    assert previous.read_text() == "blockerbugs-1.0.0-1.el7 aaa\n"
    shell.program("rpm", f"printf {NEW}")
    assert shell.run(script).returncode == 0
    assert previous.read_text() == "blockerbugs-1.0.0-1.el7 aaa\n"  # it is installed: what was before it stays


@wanted("flock", "util-linux")
@pytest.mark.parametrize("step", [steps.upgrade_db, steps.sync])
def test_O2_a_look_that_holds_the_databases_lock_for_a_moment_is_waited_for(step: Any, shell: Shell) -> None:
    shell.program("flock", f'exec {shutil.which("flock")} "$@"')
    shell.program("blockerbugs", "true")
    a_host_with_cron(shell)
    lock = shell.folder / "var/run/blockerbugs-upgrade.lock"
    with subprocess.Popen(["flock", lock, "sh", "-c", "echo held; sleep 1"], stdout=subprocess.PIPE) as look:
        assert look.stdout
        look.stdout.readline()
        assert step_in(shell, step(job(app=App(root=".")))) == (0, "")


def step_in(shell: Shell, step: Step) -> tuple[int, str]:
    done = shell.run(step.script)
    return done.returncode, done.stdout.strip()


def test_V2_a_yum_that_exits_0_and_changes_nothing_has_not_updated(shell: Shell) -> None:
    shell.program("yum", "echo No packages marked for update")
    shell.program("rpm", "printf blockerbugs-1.0.0-1.el7")
    code, said = step_in(shell, steps.yum_update(job(app=App(root="."))))
    assert code != 0
    assert said.endswith("installed is blockerbugs-1.0.0-1.el7, not blockerbugs-1.1.0-1.el7")


def test_a_yum_that_installs_the_build_has_updated(shell: Shell) -> None:
    shell.program("yum", 'echo "$@" >>calls')
    shell.program("rpm", "printf blockerbugs-1.1.0-1.el7")
    assert step_in(shell, steps.yum_update(job(app=App(root=".")))) == (0, "")
    assert (shell.folder / "calls").read_text() == "clean expire-cache\n-y update blockerbugs-1.1.0-1.el7\n"


def test_Y3_a_yum_that_fails_has_not_updated_whatever_is_installed(shell: Shell) -> None:
    shell.program("yum", "exit 1")
    shell.program("rpm", "printf blockerbugs-1.1.0-1.el7")
    assert step_in(shell, steps.yum_update(job(app=App(root="."))))[0] != 0


def test_what_was_downloaded_is_installed_from_the_cache(shell: Shell) -> None:
    shell.program("yum", 'echo "$@" >>calls')
    shell.program("rpm", "printf blockerbugs-1.1.0-1.el7")
    assert step_in(shell, steps.yum_update(job(app=App(root=".")), downloaded=True))[0] == 0
    assert (shell.folder / "calls").read_text() == "-y -C update blockerbugs-1.1.0-1.el7\n"


def test_what_is_not_in_the_cache_any_more_is_fetched_after_all(shell: Shell) -> None:
    shell.program("yum", 'echo "$@" >>calls; case "$*" in *-C*) exit 1;; esac')
    shell.program("rpm", "printf blockerbugs-1.1.0-1.el7")
    assert step_in(shell, steps.yum_update(job(app=App(root=".")), downloaded=True))[0] == 0
    assert (shell.folder / "calls").read_text().endswith("-y update blockerbugs-1.1.0-1.el7\n")


@pytest.mark.parametrize("said", ["Running transaction test", "Transaction check error:"])
def test_y3_a_transaction_that_fails_in_its_check_is_not_begun_again_with_the_network(said: str, shell: Shell) -> None:
    shell.program("yum", f'echo "$@" >>calls; case "$*" in *-C*) echo "{said}"; exit 1;; esac')
    shell.program("rpm", "printf blockerbugs-1.0.0-1.el7")
    assert step_in(shell, steps.yum_update(job(app=App(root=".")), downloaded=True))[0] != 0
    assert all(" -C " in call for call in (shell.folder / "calls").read_text().splitlines())


def test_a_download_that_failed_is_not_taken_for_done_because_yum_resolved_its_transaction(shell: Shell) -> None:
    """yum 3 says `--> Running transaction check` before it fetches anything; some of it exit with 1 either way."""
    said = "--> Running transaction check\nError downloading packages:\n  No more mirrors to try."
    shell.program("yum", f'case "$*" in *--version) echo 3.4.3;; *downloadonly*) echo "{said}"; exit 1;; esac')
    shell.program("rpm", "printf blockerbugs-1.0.0-1.el7")
    code, output = step_in(shell, steps.download(job(app=App(root="."))))[:2]
    assert (code, "was not downloaded" in output) == (1, True), output


RPM = "/var/cache/yum/x86_64/7/infra/packages/blockerbugs-1.1.0-1.el7.noarch.rpm"


def test_Y3_a_transaction_that_fails_is_not_begun_again(shell: Shell) -> None:
    shell.program("yum", 'echo "$@" >>calls; case "$*" in *--downloadonly*) ;; *update*) exit 1;; esac')
    shell.program("rpm", "printf blockerbugs-1.0.0-1.el7")
    assert step_in(shell, steps.yum_update(job(app=App(root=".")), downloaded=True))[0] != 0
    calls = (shell.folder / "calls").read_text().splitlines()
    assert calls == ["-y -C update blockerbugs-1.1.0-1.el7", "-y -C update --downloadonly blockerbugs-1.1.0-1.el7"]


@pytest.mark.parametrize(
    ("installed", "file", "code"),
    [
        pytest.param("1.0.0", RPM, 0, id="the file is there"),
        pytest.param("1.0.0", RPM.replace("/yum/", "/dnf/"), 0, id="the file is there, where dnf has it"),
        pytest.param("1.0.0", RPM.replace("1.1.0", "1.2.0"), 1, id="another build's file is there"),
        pytest.param("1.1.0", "/var/none", 0, id="the build is installed already"),
        pytest.param("1.0.0", "/var/none", 1, id="nothing is there"),
    ],
)
def test_a_download_by_yum_3_is_judged_by_its_file_not_by_its_exit_status_when(
    installed: str, file: str, code: int, shell: Shell
) -> None:
    shell.program("yum", "case $1 in --version) echo 3.4.3;; clean) ;; *) exit 1;; esac")
    shell.program("rpm", f"printf blockerbugs-{installed}-1.el7")
    shell.file(file, "")
    assert step_in(shell, steps.download(job(app=App(root="."))))[0] == code


def test_S9_a_download_that_dnf_calls_a_failure_is_one_although_the_file_is_there(shell: Shell) -> None:
    shell.program("yum", "case $1 in --version) echo 4.14.0;; clean) ;; *) echo GPG check FAILED; exit 1;; esac")
    shell.program("rpm", "printf blockerbugs-1.0.0-1.el7")
    shell.file(RPM, "")
    assert step_in(shell, steps.download(job(app=App(root="."))))[0] != 0


VERSIONS = "/usr/share/blockerbugs/alembic/versions"


@pytest.mark.parametrize(
    ("brings", "code"),
    [
        pytest.param("", 0, id="V4 no new one"),
        pytest.param(f"{VERSIONS}/2b.py", 1, id="V4 a new one"),
        pytest.param(f"{VERSIONS}/2b.pyc", 0, id="V4 a compiled file, which alone is none"),
        pytest.param("/usr/lib/python/site-packages/blockerbugs/web.py", 0, id="V4 other code"),
    ],
)
def test_a_minor_upgrade_goes_on_with_a_build_that_brings(brings: str, code: int, shell: Shell) -> None:
    shell.program("rpm", f"echo {VERSIONS}/1a.py; case $1 in -qpl) test -f $2 && printf '%s\\n' {brings};; esac")
    shell.file(RPM, "")
    ended, said = step_in(shell, steps.no_migration(job(app=App(root="."))))
    assert (ended, brings in said) == (code, code == 1 or not brings)


@pytest.mark.parametrize(
    ("fetching", "why"),
    [
        pytest.param(f": >.{RPM}", f"brings a schema migration: {VERSIONS}/2b.py", id="is fetched again"),
        pytest.param("exit 1", "cannot be had any more", id="and cannot be fetched"),
    ],
)
def test_V4_a_build_that_has_left_the_cache_since_it_was_downloaded(fetching: str, why: str, shell: Shell) -> None:
    shell.program("rpm", f"case $1 in -qpl) echo {VERSIONS}/2b.py;; -q) printf blockerbugs-1.0.0-1.el7;; esac")
    shell.program("yum", f'case "$*" in *--downloadonly*) {fetching};; esac')
    shell.file(f"{RPM}.tmp", "")
    code, said = step_in(shell, steps.no_migration(job(app=App(root="."))))
    assert (code, why in said) == (1, True), said


def test_D5_a_backup_that_writes_nothing_has_failed(shell: Shell) -> None:
    dump = shell.folder / "dump"
    shell.file("dump", "yesterday's")
    quiet = prod(backup=Backup(command=f": >{dump}", file=str(dump)))
    code, said = step_in(shell, steps.backup(job(quiet)))
    assert code != 0
    assert f"the backup left nothing in {dump}" in said


def test_D5_yesterdays_backup_does_not_count(shell: Shell) -> None:
    dump = shell.folder / "dump"
    shell.file("dump", "yesterday's")
    assert step_in(shell, steps.backup(job(prod(backup=Backup(command="true", file=str(dump))))))[0] != 0


def test_D5_a_backup_that_fails_has_failed_whatever_it_left(shell: Shell) -> None:
    dump = shell.folder / "dump"
    broken = Backup(command=f"echo half >{dump}; false", file=str(dump))
    assert step_in(shell, steps.backup(job(prod(backup=broken))))[0] != 0


def test_a_backup_that_leaves_its_file_is_one(shell: Shell) -> None:
    dump = shell.folder / "dump"
    assert step_in(shell, steps.backup(job(prod(backup=Backup(command=f"echo all >{dump}", file=str(dump))))))[0] == 0


def a_host_with_cron(shell: Shell, sync_runs: bool = False) -> Path:
    """Its cron file is the one that is returned; does a sync run?"""
    shell.program("pgrep", f"exit {0 if sync_runs else 1}")
    shell.file("var/run/blockerbugs-upgrade.lock", "")
    shell.file("etc/cron.d/blockerbugs", "*/30 blockerbugs sync")
    return shell.folder / "etc/cron.d/blockerbugs"


@pytest.mark.parametrize(
    ("migration", "status", "code"),
    [
        pytest.param("true", "echo 'bbb (head)'", 0, id="succeeds and the schema is new"),
        pytest.param("true", "echo aaa", 1, id="D1 exits 0 and leaves the old schema"),
        pytest.param("true", "echo aaa; echo 'bbb (head)'", 1, id="D1 exits 0 and leaves a branch behind"),
        pytest.param("true", "echo 'bbb (head)'; echo 'aaa (effective head)'", 0, id="reaches two heads"),
        pytest.param("true", "echo 'bbb (head)'; exit 1", 1, id="D1 succeeds and the schema cannot be asked for"),
        pytest.param("exit 3", "echo 'bbb (head)'", 3, id="D1 fails"),
    ],
)
def test_a_migration_that(migration: str, status: str, code: int, shell: Shell) -> None:
    shell.program("blockerbugs", migration)
    shell.program("alembic", status)
    cron = a_host_with_cron(shell)
    assert step_in(shell, steps.upgrade_db(job(FULL, app=App(root="."))))[0] == code
    assert cron.exists() == (code == 0)


@pytest.mark.parametrize("there", [True, False])
def test_c2_a_migration_waits_for_crons_sync_and_leaves_cron_as_it_was_where_that_does_not_end(
    there: bool, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.sop.steps.CRON_SECONDS", 1)
    shell.program("blockerbugs", "touch migrated")
    cron = a_host_with_cron(shell, sync_runs=True)
    if not there:
        cron.unlink()
    code, said = step_in(shell, steps.upgrade_db(job(app=App(root="."))))
    assert (code, said.splitlines()[-1]) == (1, "cron's sync still runs after 1 s")
    assert (cron.exists(), (shell.folder / "migrated").exists()) == (there, False)


@pytest.mark.parametrize(("ends", "how"), [("true", "done"), ("exit 1", "begun")])
def test_d1_the_build_that_is_written_down_is_the_one_that_migrates_not_that_of_before_the_wait(
    ends: str, how: str, shell: Shell
) -> None:
    shell.program("blockerbugs", ends)
    a_host_with_cron(shell)
    shell.program("pgrep", "test -e waited && exit 1; : >waited")
    shell.program("rpm", "test -e waited && printf blockerbugs-1.1.0-1.el7 || printf blockerbugs-1.0.0-1.el7")
    step_in(shell, steps.upgrade_db(job(app=App(root="."))))
    written = (shell.folder / "var/lib/blockerbugs-upgrade/migration").read_text()
    assert written == f"{how} blockerbugs-1.1.0-1.el7\n"


def test_c2_cron_is_away_while_the_database_is_migrated_and_back_afterwards(shell: Shell) -> None:
    shell.program("blockerbugs", "ls etc/cron.d >seen; cat var/lib/blockerbugs-upgrade/cron >>seen")
    cron = a_host_with_cron(shell)
    assert step_in(shell, steps.upgrade_db(job(app=App(root=".")))) == (0, "")
    assert (shell.folder / "seen").read_text() == "*/30 blockerbugs sync"
    assert cron.read_text() == "*/30 blockerbugs sync"
    assert [path.name for path in (shell.folder / "var/lib/blockerbugs-upgrade").iterdir()] == ["migration"]


def test_the_revision_that_a_migration_was_proven_to_reach_is_in_what_it_said(shell: Shell) -> None:
    shell.program("blockerbugs", "true")
    shell.program("alembic", "echo 'bbb (head)'")
    a_host_with_cron(shell)
    step = steps.upgrade_db(job(FULL, app=App(root=".")))
    assert steps.proven_schema(step, step_in(shell, step)[1]) == "bbb"
    assert steps.proven_schema(steps.sync(job(FULL)), "the database is at ccc") is None
    shell.program("alembic", "echo 'ccc (head)'; echo some words; echo 'bbb (head) (mergepoint)'")
    assert steps.proven_schema(step, step_in(shell, step)[1]) == "bbb,ccc"


@pytest.mark.parametrize(
    ("says", "why"),
    [
        pytest.param("echo aaa", "the database is not at the new schema: it is at aaa", id="it is at another"),
        pytest.param("true", "the database is not at the new schema: it has none", id="it has none"),
        pytest.param("echo INFO >&2; echo no route to host >&2; exit 1",
                     "the database cannot be asked for its schema (exit status 1: no route to host)", id="it is away"),
        pytest.param("echo some words",
                     "the database was asked for its schema, and answered with no revision: some words", id="words"),
    ],
)  # fmt: skip
def test_d1_a_database_that_cannot_be_asked_is_not_said_to_be_at_another_schema(
    says: str, why: str, shell: Shell
) -> None:
    shell.program("alembic", says)
    shell.program("blockerbugs", "true")
    a_host_with_cron(shell)
    assert step_in(shell, steps.upgrade_db(job(FULL, app=App(root=".")))) == (1, why)


@pytest.mark.parametrize("step", [steps.start_httpd, steps.restart_httpd])
def test_H1_an_httpd_that_exits_0_and_does_not_run_has_not_started(step: Any, shell: Shell) -> None:
    shell.program("service", "true")
    shell.program("systemctl", "echo failed; exit 3")
    assert step_in(shell, step(job()))[0] != 0
    shell.program("systemctl", "echo active")
    assert step_in(shell, step(job()))[0] == 0


@pytest.mark.parametrize(("answered", "asked"), [(0, 2), (28, 1)])
def test_the_page_is_asked_for_between_an_update_and_a_restart_whatever_it_answers(
    answered: int, asked: int, shell: Shell
) -> None:
    shell.program("rpm", "printf blockerbugs-1.1.0-1.el7")
    shell.program("curl", f"echo asked >>asked; exit {answered}")
    update = next(phase.step for phase in workflows.minor(job()) if phase.step.name == "yum-update")
    assert shell.run(update.proof).returncode == 0
    assert len((shell.folder / "asked").read_text().splitlines()) == asked


def test_nobody_is_asked_for_a_page_while_httpd_is_down_for_a_major_upgrade() -> None:
    assert not any("page_" in phase.step.script for phase in workflows.major(job()) if phase.step.name == "yum-update")


def test_an_httpd_that_still_runs_has_not_been_stopped(shell: Shell) -> None:
    shell.program("service", "true")
    shell.program("systemctl", "exit 0")
    assert step_in(shell, steps.stop_httpd(job())) == (1, "it is still running")
    shell.program("systemctl", "exit 3")
    assert step_in(shell, steps.stop_httpd(job())) == (0, "")


@pytest.mark.parametrize("step", [steps.stop_httpd, steps.start_httpd, steps.still_stopped])
def test_w2_where_systemctl_cannot_tell_httpd_neither_runs_nor_is_down(step: Any, shell: Shell) -> None:
    shell.program("service", "true")
    shell.program("systemctl", "echo Failed to connect to bus >&2; exit 1")
    assert step_in(shell, step(job())) == (1, "systemctl cannot tell whether httpd runs: Failed to connect to bus")


def test_a_proof_is_not_asked_after_a_command_that_failed(shell: Shell) -> None:
    assert step_in(shell, Step("x", "x", "false", 1.0, proof="echo proved")) == (1, "")


def test_the_other_host_is_never_named_in_a_script() -> None:
    assert not any(TWO.name in step.script for step in every_step(job(FULL)))


LOCKED = App(root=".", lock_timeout=0.4, lock_holders="cat holders")


def test_d6_a_migration_is_told_how_long_to_wait_for_a_lock_and_says_who_holds_it_while_it_waits(shell: Shell) -> None:
    a_host_with_cron(shell)
    shell.program("blockerbugs", 'echo "waits $PGOPTIONS $UPGRADE_LOCK_TIMEOUT"; sleep 0.7; exit 1')
    shell.file("holders", "4711 psql\n")
    code, said = step_in(shell, steps.upgrade_db(job(app=LOCKED)))
    assert (code, said.splitlines()) == (1, ["waits -c lock_timeout=400 400", "a lock is held by 4711 psql"])


def test_what_is_set_for_postgresql_already_stays_and_a_migration_that_meets_no_lock_says_nothing(shell: Shell) -> None:
    a_host_with_cron(shell)
    shell.program("blockerbugs", 'echo "waits $PGOPTIONS"; sleep 0.5')
    shell.file("holders", "")
    done = shell.run(steps.upgrade_db(job(app=LOCKED)).script, PGOPTIONS="-c work_mem=1MB")
    assert (done.returncode, done.stdout) == (0, "waits -c work_mem=1MB -c lock_timeout=400\n")


def test_d6_without_a_limit_who_holds_a_migration_up_is_told_all_the_same(shell: Shell) -> None:
    a_host_with_cron(shell)
    shell.program("blockerbugs", 'sleep 1.5; echo "waits${PGOPTIONS-}"')
    shell.file("holders", "4711 psql\n4712 cron\n")
    step = steps.upgrade_db(job(app=App(root=".", lock_holders="cat holders")))
    said = step_in(shell, step)[1].splitlines()
    assert said == ["a lock is held by 4711 psql", "a lock is held by 4712 cron", "waits"]


def test_the_plan_says_how_long_a_migration_waits_for_a_lock_and_how_that_is_typed() -> None:
    step = steps.upgrade_db(job(app=App(lock_timeout=5)), cron_paused=True)
    assert step.says == "migrate the database, once; give up after 5 s of waiting for a lock"
    assert step.shown == (
        '(export PGOPTIONS="${PGOPTIONS:+$PGOPTIONS }-c lock_timeout=5000" UPGRADE_LOCK_TIMEOUT=5000; '
        "blockerbugs upgrade_db)"
    )


def test_what_an_operator_types_for_a_migration_with_a_limit_sets_what_the_step_sets_and_nothing_stays(
    shell: Shell,
) -> None:
    shell.program("blockerbugs", 'echo "waits $PGOPTIONS $UPGRADE_LOCK_TIMEOUT"')
    shown = steps.upgrade_db(job(app=App(lock_timeout=5)), cron_paused=True).shown
    done = shell.run(f"{shown}; echo after $PGOPTIONS", PGOPTIONS="-c work_mem=1MB")
    assert done.stdout.splitlines() == ["waits -c work_mem=1MB -c lock_timeout=5000 5000", "after -c work_mem=1MB"]
