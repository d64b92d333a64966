from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.inventory.model import App, Health
from tasks.run.answers import read
from tasks.run.facts import script
from tasks.sop.model import Facts, Schema
from tests.unit.builders import NEW, OLD, Shell, nvr, prod

APP = App(root=".")
SET = prod(
    app=APP, enable_repo="infra-stg", schema_status="alembic current", health=Health(version="Blockerbugs {version}")
)

YUM_LIST = """\
Installed Packages
blockerbugs.noarch               1.0.0-1.el7               @infra
Available Packages
blockerbugs.noarch               1.0.0-1.el7               infra
blockerbugs.noarch               1.1.0-1.el7               infra-stg
"""


@pytest.fixture
def node(shell: Shell) -> Shell:
    """A host that is well."""
    shell.program("curl", "echo 'Blockerbugs 1.0.0'; echo 200")
    shell.program("rpm", "echo 'blockerbugs-1.0.0-1.el7 (none)'")
    shell.program("systemctl", "echo active")
    shell.program("alembic", "echo 'INFO some words' >&2; echo 'aaa (head)'")
    shell.file("list", YUM_LIST)
    shell.program("yum", 'echo "$@" >>calls; case "$*" in *list*) cat list;; esac')
    for name in ("flock", "pgrep", "service", "setsid"):
        shell.program(name, "exit 1")
    shell.program("date", "echo 1000")
    shell.program("df", "echo head; echo 'a 9 9 8192000 1% /'; echo 'b 9 9 4096000 1% /var'")
    shell.file("etc/yum.conf", "[main]\ngpgcheck=1\n")
    shell.file("etc/blockerbugs/settings.py", "SECRET_KEY = 'hunter2'\n")
    shell.file("etc/cron.d/blockerbugs", "")
    return shell


def facts(node: Shell, repos: bool = True, **environment: str) -> Facts:
    done = node.run(script(SET, repos), **environment)
    assert done.returncode == 0, done.stdout
    assert "hunter2" not in done.stdout
    return read(SET, done.stdout, repos, asked_at=None)


def test_every_fact_is_brought_by_one_script(node: Shell) -> None:
    found = facts(node)
    assert found.settings
    assert replace(found, settings=None, skew=0.0) == Facts(
        installed=OLD,
        yum="yum",
        offered={OLD: "infra", NEW: "infra-stg"},
        service="active",
        answers=200,
        version="1.0.0",
        revision="aaa",
        schema=Schema.CURRENT,
        free=4000,
        cron=True,
    )


def test_the_sets_own_repo_is_asked_too_and_yum_changes_nothing(node: Shell) -> None:
    facts(node)
    assert (node.folder / "calls").read_text().splitlines() == [
        "-q --enablerepo=infra-stg clean expire-cache",
        "--enablerepo=infra-stg list --showduplicates blockerbugs",
    ]


def test_a_look_gives_way_to_who_is_served(node: Shell) -> None:
    for name, said in (("yum", YUM_LIST), ("alembic", "aaa (head)"), ("curl", "Blockerbugs 1.0.0\n200")):
        node.file(f"{name}.says", said)
        node.program(name, f"nice >>{name}.nice; cat {name}.says")
    facts(node)
    behind = {str(10), str(min(19, os.nice(0) + 10))}  # renice may take it as it stands, or add it
    found = {name: set((node.folder / f"{name}.nice").read_text().split()) for name in ("yum", "alembic", "curl")}
    assert all(nices and nices <= behind for nices in found.values()), found


def test_dnf_under_the_name_of_yum_expires_its_cache_in_the_go_that_lists(node: Shell) -> None:
    (node.bin / "yum").rename(node.bin / "dnf-3")
    (node.bin / "yum").symlink_to("dnf-3")
    assert facts(node).offered == {OLD: "infra", NEW: "infra-stg"}
    calls = (node.folder / "calls").read_text().splitlines()
    assert calls == ["--enablerepo=infra-stg --refresh list --showduplicates blockerbugs"]


def test_a_schema_that_nothing_is_said_of_is_not_known_and_said_to_be_so() -> None:
    said = "rpm\tblockerbugs-1.0.0-1.el7"
    assert read(SET, said).no_schema == "schema_status gave no answer: alembic current"
    assert read(SET, said, schema=False).no_schema is None


def test_the_repos_are_asked_only_where_something_will_be_installed(node: Shell) -> None:
    assert facts(node, repos=False).offered is None
    assert not (node.folder / "calls").exists()


def test_a_bare_host_ends_the_script_well_and_brings_what_there_is(shell: Shell) -> None:
    found = facts(shell)
    assert (found.installed, found.answers, found.cron, found.settings) == (None, None, False, None)
    assert found.no_list
    assert found.no_schema


@pytest.mark.parametrize("program", ["awk", "curl", "flock", "pgrep", "setsid", "sha256sum", "tail"])
def test_Y4_a_program_that_steps_use_and_the_host_lacks_is_told_by_its_name(program: str, node: Shell) -> None:
    assert facts(node).lacks == ()
    (node.bin / program).unlink()
    assert facts(node).lacks == (program,)


def test_a_sed_that_cannot_hand_on_line_by_line_counts_as_none(node: Shell) -> None:
    node.program("sed", f'case " $* " in *" -u "*) exit 1;; esac; exec {shutil.which("sed")} "$@"')
    assert facts(node).lacks == ("sed",)


def test_ps_is_wanted_only_where_there_is_no_proc(node: Shell) -> None:
    node.library = node.library.replace("/proc/self", "./nowhere")
    assert facts(node).lacks == ("ps",)


def test_what_is_not_installed_is_none(node: Shell) -> None:
    node.program("rpm", "echo package blockerbugs is not installed; exit 1")
    assert facts(node).installed is None


def test_a_stopped_httpd_is_not_a_problem(node: Shell) -> None:
    node.program("systemctl", "echo inactive; exit 3")
    node.program("curl", "echo 'curl: (7) refused' >&2; echo; echo 000; exit 7")
    found = facts(node)
    assert (found.service, found.answers, found.version, found.problems) == ("inactive", None, None, ())


@pytest.mark.parametrize(
    ("says", "revision", "schema"),
    [
        pytest.param("echo 'bbb (head)'", "bbb", Schema.CURRENT, id="at the head"),
        pytest.param("echo bbb", "bbb", Schema.PENDING, id="V4 behind"),
        pytest.param("true", None, Schema.PENDING, id="V4 never migrated"),
        pytest.param("echo some words; echo 'bbb (head)'", "bbb", Schema.CURRENT, id="words in front"),
        pytest.param("echo 'bbb (head)'; echo some words", "bbb", Schema.CURRENT, id="words behind"),
        pytest.param("echo 'bbb (effective head)'", "bbb", Schema.CURRENT, id="at the effective head"),
        pytest.param("echo 'bbb (head) (mergepoint)'", "bbb", Schema.CURRENT, id="at a head that merges"),
        pytest.param("echo 'bbb (branchpoint)'", "bbb", Schema.PENDING, id="V4 behind, where branches part"),
        pytest.param("echo 0aaaa; echo '1a0c9 (head)'", "0aaaa", Schema.PENDING, id="V4 one of two behind"),
        pytest.param("echo '1a0c9 (head)'; echo 0aaaa", "0aaaa", Schema.PENDING, id="V4 one of two behind, turned"),
        pytest.param("echo 'bbb (head)'; echo 'aaa (head)'", "aaa,bbb", Schema.CURRENT, id="at two heads"),
        pytest.param("echo 'some words (head)'", None, Schema.UNKNOWN, id="nothing but words"),
    ],
)
def test_the_schema_is(says: str, revision: str | None, schema: Schema, node: Shell) -> None:
    node.program("alembic", says)
    assert (facts(node).revision, facts(node).schema) == (revision, schema)


def test_a_schema_command_that_fails_is_a_problem_and_no_answer(node: Shell) -> None:
    node.program("alembic", "echo 'aaa (head)'; exit 1")
    assert facts(node).schema == Schema.UNKNOWN
    assert facts(node).no_schema == "schema_status failed (exit status 1): alembic current: aaa (head)"


def test_a_schema_command_that_fails_is_told_with_its_last_words(node: Shell) -> None:
    node.program("alembic", "echo INFO words >&2; echo 'could not connect to server' >&2; exit 1")
    assert facts(node).no_schema == "schema_status failed (exit status 1): alembic current: could not connect to server"


def test_a_schema_command_that_is_no_program_s_name_is_told_as_a_key_of_hosts_yml(node: Shell) -> None:
    (node.bin / "alembic").unlink()
    said = facts(node).no_schema or ""
    assert said.startswith("schema_status in hosts.yml failed (exit status 127): alembic current: "), said
    assert "not found" in said


def test_a_schema_command_that_answers_with_no_revision_is_told_with_its_answer(node: Shell) -> None:
    node.program("alembic", "echo 'Rev: bbb (head)'")
    assert (
        facts(node).no_schema
        == "schema_status in hosts.yml answered with no revision: alembic current: Rev: bbb (head)"
    )


def test_a_repository_of_hosts_yml_that_the_host_does_not_know_is_told_with_its_key() -> None:
    host_set = prod(enable_repo="infraa")
    for said in (
        "Error getting repository data for infraa, repository not found",
        "Error: Unknown repo: 'infraa'",
        'No matching repositories for "infraa"',
    ):
        why = read(host_set, f"list\t{said}\nlist_failed\t1").no_list or ""
        assert why == f"yum cannot list blockerbugs: {said}; its name is `enable_repo` in hosts.yml"
    away = "Error: Cannot find a valid baseurl for repo: infraa"
    assert read(host_set, f"list\t{away}\nlist_failed\t1").no_list == f"yum cannot list blockerbugs: {away}"


# What hangs


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.run.facts.LATE_SECONDS", 1)
    monkeypatch.setattr("tasks.run.facts.YUM_SECONDS", 1)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("program", "named"),
    [
        ("rpm", "this hangs, no answer in 1 s: rpm -q blockerbugs"),
        ("df", "this hangs, no answer in 1 s: df ./ ./var"),
        ("systemctl", "this hangs, no answer in 1 s: systemctl is-active httpd"),
        ("yum", "this hangs, no answer in 2 s: yum list blockerbugs"),
        ("sha256sum", "this hangs, no answer in 1 s: sha256sum /etc/blockerbugs/settings.py"),
    ],
)
def test_w3_a_fact_that_hangs_is_named_and_the_others_are_told(program: str, named: str, node: Shell) -> None:
    node.program(program, "exec sleep 10")
    found = facts(node)
    assert found.problems == (named,)
    assert program == "rpm" or found.installed == OLD
    assert (found.schema, found.answers) == (Schema.CURRENT, 200)


@pytest.mark.usefixtures("impatient")
def test_w3_a_schema_command_that_hangs_is_why_the_schema_is_not_known(node: Shell) -> None:
    node.program("alembic", "exec sleep 10")
    found = facts(node)
    assert (found.schema, found.no_schema) == (Schema.UNKNOWN, "schema_status gave no answer in 1 s: alembic current")
    assert (found.problems, found.unanswered, found.installed) == ((), True, OLD)


def test_nothing_is_left_behind_that_waits_for_facts(node: Shell) -> None:
    node.program("sleep", f'echo $$ >>sleeps; exec {shutil.which("sleep")} "$@"')
    facts(node)
    for pid in (node.folder / "sleeps").read_text().split():
        ends = time.monotonic() + 10
        while Path(f"/proc/{pid}").exists() and time.monotonic() < ends:
            time.sleep(0.01)
        assert not Path(f"/proc/{pid}").exists()


# Whether httpd runs


@pytest.mark.parametrize(
    ("says", "service"),
    [
        pytest.param("echo active", "active", id="it runs"),
        pytest.param("echo failed; exit 3", "failed", id="it has failed"),
        pytest.param("echo inactive; exit 4", "inactive", id="systemd does not know it"),
        pytest.param("case $1 in show) echo ActiveState=inactive;; *) echo unknown; exit 3;; esac", "inactive",
                     id="the systemd of EL7 has not loaded it"),
        pytest.param("case $1 in show) echo Connection timed out; exit 1;; *) echo unknown; exit 3;; esac", "unknown",
                     id="the systemd of EL7 does not answer"),
        pytest.param("case $1 in show) echo Unit not found.; exit 1;; *) echo unknown; exit 3;; esac", "unknown",
                     id="there is none of that name"),
        pytest.param("echo Failed to connect to bus >&2; exit 1", "unknown", id="systemd does not answer"),
    ],
)  # fmt: skip
def test_w2_httpd_is_said_to_be_down_only_where_systemctl_can_tell(says: str, service: str, node: Shell) -> None:
    node.program("systemctl", says)
    found = facts(node)
    assert found.service == service
    assert [text.startswith("systemctl cannot tell whether httpd runs: ") for text in found.problems] == (
        [True] if service == "unknown" else []
    )
    named = [text.endswith("; its name is `service` of `app` in hosts.yml") for text in found.problems]
    assert named == ["not found" in text for text in found.problems]
    assert not found.unanswered  # it was an answer: status ends with 0


def test_w3_status_takes_a_question_that_hangs_for_unanswered_also_where_it_is_the_databases() -> None:
    for name in ("df", "schema"):
        assert read(prod(), f"installed\t-\nhangs\t{name}\t30").unanswered, name
    assert not read(prod(), "rpm_ended\t0").unanswered


def test_Y1_who_holds_yum_is_named(node: Shell) -> None:
    with subprocess.Popen(["sh", "-c", "read x; :", "/usr/bin/yum", "update"], stdin=subprocess.PIPE) as yum:
        node.file("var/run/yum.pid", str(yum.pid))
        assert facts(node).yum_holder == f"{yum.pid} sh -c read x; : /usr/bin/yum update"
        yum.communicate()


def test_Y1_a_lock_of_a_process_that_is_gone_holds_nobody(node: Shell) -> None:
    node.file("var/run/yum.pid", "4242")
    gone = node.run(f"kill() {{ false; }}\n{script(SET)}").stdout
    assert read(SET, gone).yum_holder is None


def test_Y2_an_unfinished_transaction_is_seen(node: Shell) -> None:
    node.file("var/lib/yum/transaction-all.2024-05-03", "")
    assert facts(node).unfinished


def test_Y2_a_transaction_that_yum_was_told_to_forget_is_not_unfinished(node: Shell) -> None:
    node.file("var/lib/yum/transaction-all.2024-05-03.disabled", "")
    assert not facts(node).unfinished


# What the repositories offer


def offered(node: Shell, text: str) -> dict[str, str]:
    node.file("list", text)
    return {build.vr: repo for build, repo in (facts(node).offered or {}).items()}


def test_columns_that_yum_has_wrapped_are_read(node: Shell) -> None:
    wrapped = "Available Packages\nblockerbugs.noarch\n       1.1.0-1.20240503gitabcdef0123456789.el7\n     infra-stg\n"
    assert offered(node, wrapped) == {"1.1.0-1.20240503gitabcdef0123456789.el7": "infra-stg"}


def test_only_the_last_column_wrapped_is_read(node: Shell) -> None:
    wrapped = "Available Packages\nblockerbugs.noarch   1.1.0-1.el7\n     infra-stg\nblockerbugs.noarch 1.2.0-1.el7 x\n"
    assert offered(node, wrapped) == {"1.1.0-1.el7": "infra-stg", "1.2.0-1.el7": "x"}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        pytest.param("blockerbugs.noarch 1:1.1.0-1.el7 infra", {"1.1.0-1.el7": "infra"}, id="an epoch"),
        pytest.param("blockerbugs.x86_64 1.1.0-1.el7 infra", {"1.1.0-1.el7": "infra"}, id="an architecture"),
        pytest.param("blockerbugs.src 1.1.0-1.el7 infra", {}, id="a source package"),
        pytest.param("blockerbugs-docs.noarch 1.1.0-1.el7 infra", {}, id="another package"),
    ],
)
def test_yum_lists(line: str, found: dict[str, str], node: Shell) -> None:
    assert offered(node, f"Available Packages\n{line}\n") == found


def test_what_is_installed_is_not_what_is_offered(node: Shell) -> None:
    assert offered(node, "Installed Packages\nblockerbugs.noarch 1.0.0-1.el7 @infra\n") == {}


def test_yums_answer_is_asked_for_in_its_own_language(node: Shell) -> None:
    node.program(
        "yum", 'case ${LC_ALL:-$LANG} in C*) cat list;; *) sed "s/Available Packages/Dostupné balíky/" list;; esac'
    )
    assert facts(node, LANG="cs_CZ.UTF-8").offered == {OLD: "infra", NEW: "infra-stg"}


def test_a_yum_that_fails_is_a_problem_with_its_last_words(node: Shell) -> None:
    node.program("yum", "echo first; echo 'Cannot find a valid baseurl for repo: infra'; exit 1")
    assert facts(node).no_list == "yum cannot list blockerbugs: Cannot find a valid baseurl for repo: infra"


def test_builds_that_rpm_orders_alike_are_both_kept(node: Shell) -> None:
    text = "Available Packages\nblockerbugs.noarch 1.9-1 a\nblockerbugs.noarch 1.10-1 b\n"
    assert list(offered(node, text)) == [nvr("1.9-1").vr, nvr("1.10-1").vr]


# Signatures


@pytest.mark.parametrize(
    ("main", "repos", "unchecked"),
    [
        pytest.param("gpgcheck=1\n", ["[infra]\n"], set(), id="S9 the default says yes"),
        pytest.param("gpgcheck=0\n", ["[infra]\n"], {"infra"}, id="S9 the default says no"),
        pytest.param("", ["[infra]\n"], {"infra"}, id="S9 nobody says anything"),
        pytest.param("gpgcheck=1\n", ["[infra]\ngpgcheck=0\n"], {"infra"}, id="S9 the repo says no"),
        pytest.param("gpgcheck=1\n", ["[infra]\ngpgcheck = False\n"], {"infra"}, id="S9 the repo says it in words"),
        pytest.param("gpgcheck=0\n", ["[infra]\ngpgcheck=1\n"], set(), id="S9 the repo says yes"),
        pytest.param("gpgcheck=1\n", ["[a]\ngpgcheck=0\n[b]\n"], {"a"}, id="S9 one of two in a file"),
        pytest.param("gpgcheck=1\n", ["[a]\nrepo_gpgcheck=0\n"], set(), id="S9 the metadata's check is another"),
        pytest.param("gpgcheck=1\n", ["[a]\n#gpgcheck=0\n"], set(), id="S9 a comment"),
        pytest.param(
            "gpgcheck=1\n", ["[a]\ngpgcheck=1", "[b]\ngpgcheck=0\n"], {"b"}, id="S9 a file without its line end"
        ),
        pytest.param("gpgcheck=1", ["[a]\ngpgcheck=0\n"], {"a"}, id="S9 yum.conf without its line end"),
        pytest.param("gpgcheck=1\n", ["[a]\nGPGCheck=0\n"], {"a"}, id="S9 capitals, which yum does not mind"),
        pytest.param("gpgcheck=1\n", ["[a]\ngpgcheck: 0\n"], {"a"}, id="S9 a colon, which yum does not mind"),
        pytest.param("gpgcheck=1\n", ["[a]\ngpgcheck\t=\t0\n"], {"a"}, id="S9 tabs"),
        pytest.param("gpgcheck=1\r\n", ["[a]\r\ngpgcheck=0\r\n"], {"a"}, id="S9 windows line ends"),
    ],
)
def test_packages_are_installed_unchecked_from(main: str, repos: list[str], unchecked: set[str], node: Shell) -> None:
    node.file("etc/yum.conf", f"[main]\n{main}")
    for number, text in enumerate(repos):
        node.file(f"etc/yum.repos.d/{number}.repo", text)
    assert facts(node).unchecked_repos == unchecked


# The clock, and whatever a host may say


@pytest.mark.parametrize(("clock", "skew"), [("1000", 0), ("1090", 90), ("900", -100)])
def test_the_clocks_difference_is_told(clock: str, skew: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1000.0)
    assert read(SET, f"clock\t{clock}", asked_at=1000.0).skew == skew


@given(
    st.text() | st.lists(st.tuples(st.sampled_from(["clock", "answer", "free", "schema", "repo", "list"]), st.text()))
)
@example([("answer", "²00 x")])
@example([("clock", "²")])
@example([("free", "²")])
@example([("clock", "9" * 5000)])
@example([("clock", "9" * 400)])
@example([("repo", "[")])
def test_S10_whatever_a_host_says_it_is_read_without_a_crash(said: str | list[tuple[str, str]]) -> None:
    text = said if isinstance(said, str) else "\n".join(f"{name}\t{value}" for name, value in said)
    assert isinstance(read(SET, text), Facts)


@pytest.mark.parametrize(
    ("found", "healthy"),
    [
        pytest.param(Facts(OLD, answers=200, version="1.0.0"), True, id="answers with its build"),
        pytest.param(Facts(NEW, answers=200, version="1.0.0"), False, id="H2 answers with another build"),
        pytest.param(Facts(OLD, answers=200), False, id="H2 answers with nobody knows what"),
        pytest.param(Facts(OLD, answers=503, version="1.0.0"), False, id="answers with an error"),
        pytest.param(Facts(OLD), False, id="does not answer"),
        pytest.param(Facts(answers=200), False, id="has nothing installed"),
    ],
)
def test_a_host_is_healthy_or_not_when_it(found: Facts, healthy: bool) -> None:
    assert found.healthy(200) is healthy
