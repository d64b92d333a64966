"""The small programs: the real ones' words, exit statuses and effects."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.sandbox import layout
from tasks.sandbox.programs import _evr, _light
from tasks.sandbox.programs.main import PROGRAMS
from tasks.sandbox.start import ROOT

from .conftest import ONE, TWO, client

YUM = "yum -y --enablerepo=infrastructure-tags"


def said(home: Path, host: str, command: str) -> str:
    return str(client(home)(host, f"{{ {command}\n}} 2>&1").stdout)


def test_rpm_prints_a_package_in_the_format_asked_for(shared: Path) -> None:
    text = said(shared, ONE, r"rpm -q --qf '%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\t%{INSTALLTIME}\n' blockerbugs")
    assert re.fullmatch(r"blockerbugs-1\.0\.0-1\.el7\.noarch\t\d+\n", text)


def test_rpm_says_what_is_not_installed(shared: Path) -> None:
    done = client(shared)(ONE, "rpm -q nonesuch")
    assert (done.stdout, done.exit_status) == ("package nonesuch is not installed\n", 1)


def test_yum_lists_every_build_of_the_repo_with_showduplicates(shared: Path) -> None:
    lines = said(shared, ONE, f"{YUM} -q list --showduplicates blockerbugs").splitlines()
    assert lines[0] == "Installed Packages"
    assert lines[1].split() == ["blockerbugs.noarch", "1.0.0-1.el7", "@infrastructure-tags"]
    assert [line.split()[1] for line in lines[3:]] == ["1.0.0-1.el7", "1.0.1-1.el7", "1.1.0-1.el7"]
    assert {len(line) for line in lines[3:]} == {80}


def test_yum_lists_the_newest_build_alone_without_it(shared: Path) -> None:
    lines = said(shared, ONE, f"{YUM} -q list available blockerbugs").splitlines()
    assert [line.split()[1] for line in lines[1:]] == ["1.1.0-1.el7"]


def test_yum_wraps_a_row_that_does_not_fit(own: Path) -> None:
    layout.publish(own, "1.1.1", release=f"1.{'9' * 50}.el7")
    lines = said(own, ONE, f"{YUM} -q list available blockerbugs").splitlines()
    assert len(lines) > 2
    assert " ".join(lines[1:]).split() == ["blockerbugs.noarch", f"1.1.1-1.{'9' * 50}.el7", "infrastructure-tags"]


def test_a_disabled_repo_offers_nothing_until_it_is_enabled(own: Path) -> None:
    layout.publish(own, "1.1.1", repo="infrastructure-tags-stg")
    assert "1.1.1" not in said(own, ONE, "yum -q list available blockerbugs")
    assert "1.1.1" in said(own, ONE, "yum -q --enablerepo=infrastructure-tags-stg list available blockerbugs")


def test_with_no_repo_enabled_yum_says_so(shared: Path) -> None:
    done = client(shared)(ONE, "yum -q --disablerepo=* list available blockerbugs")
    assert "There are no enabled repos." in str(done.stderr)
    assert done.exit_status == 1


def test_a_repo_that_does_not_exist_is_an_error(shared: Path) -> None:
    done = client(shared)(ONE, "yum --enablerepo=nonesuch list blockerbugs")
    assert "Error getting repository data for nonesuch, repository not found" in str(done.stderr)
    assert done.exit_status == 1


def test_what_a_repo_newly_offers_is_seen_only_after_expire_cache(own: Path) -> None:
    said(own, ONE, f"{YUM} list blockerbugs")
    layout.publish(own, "1.1.1")
    assert "1.1.1" not in said(own, ONE, f"{YUM} list available blockerbugs")
    said(own, ONE, f"{YUM} clean expire-cache")
    assert "1.1.1" in said(own, ONE, f"{YUM} list available blockerbugs")


def test_a_mirror_can_be_stale_for_one_host(own: Path) -> None:
    layout.withdraw(own, "1.1.0", host=TWO)
    assert "1.1.0" in said(own, ONE, f"{YUM} list available blockerbugs")
    assert "1.1.0" not in said(own, TWO, f"{YUM} list available blockerbugs")


def test_an_update_installs_what_was_asked_for_and_says_so(own: Path) -> None:
    text = said(own, ONE, f"{YUM} update blockerbugs-1.0.1-1.el7")
    assert "\nUpdated:\n  blockerbugs.noarch 0:1.0.1-1.el7\n" in text
    assert text.endswith("Complete!\n")
    assert layout.facts(own)["hosts"][ONE]["installed"] == "blockerbugs-1.0.1-1.el7"
    assert layout.facts(own)["hosts"][TWO]["installed"] == "blockerbugs-1.0.0-1.el7"


def test_an_update_with_nothing_newer_is_no_failure(own: Path) -> None:
    said(own, ONE, f"{YUM} update blockerbugs")
    done = client(own)(ONE, f"{YUM} update blockerbugs")
    assert "No packages marked for update" in str(done.stdout)
    assert done.exit_status == 0


def test_an_update_to_an_unknown_build_changes_nothing(own: Path) -> None:
    text = said(own, ONE, f"{YUM} update blockerbugs-9.9")
    assert "No Match for argument: blockerbugs-9.9\nNo package blockerbugs-9.9 available.\nNo packages marked" in text


def test_yum_without_y_and_without_an_answer_stops(own: Path) -> None:
    done = client(own)(ONE, "yum --enablerepo=infrastructure-tags update blockerbugs")
    assert "Is this ok [y/d/N]: " in str(done.stdout)
    assert (done.stderr, done.exit_status) == ("Exiting on user command\n", 1)
    assert layout.facts(own)["hosts"][ONE]["installed"] == "blockerbugs-1.0.0-1.el7"


def test_a_download_fills_the_cache_and_a_cached_update_uses_it(own: Path) -> None:
    refused = client(own)(ONE, f"{YUM} list; {YUM} -C update blockerbugs-1.0.1")
    assert "Caching enabled but no local cache of" in str(refused.stderr)
    assert refused.exit_status == 1
    text = said(own, ONE, f"{YUM} --downloadonly update blockerbugs-1.0.1; echo $?")
    assert text.endswith('exiting because "Download Only" specified\n0\n')
    cached = (
        own / "hosts" / ONE / "var/cache/yum/x86_64/7/infrastructure-tags/packages/blockerbugs-1.0.1-1.el7.noarch.rpm"
    )
    assert cached.exists()
    layout.withdraw(own, "1.0.1")
    assert client(own)(ONE, f"{YUM} -C update blockerbugs-1.0.1").exit_status == 0
    assert layout.facts(own)["hosts"][ONE]["installed"] == "blockerbugs-1.0.1-1.el7"
    assert not cached.exists()


def test_a_downgrade_goes_back(own: Path) -> None:
    said(own, ONE, f"{YUM} update")
    assert "\nInstalled:\n  blockerbugs.noarch 0:1.0.0-1.el7\n" in said(
        own, ONE, f"{YUM} downgrade blockerbugs-1.0.0-1.el7"
    )
    assert layout.facts(own)["hosts"][ONE]["installed"] == "blockerbugs-1.0.0-1.el7"


def test_yum_waits_for_a_living_holder_of_its_lock_and_not_for_a_dead_one(own: Path) -> None:
    lock = own / "hosts" / ONE / "var/run/yum.pid"
    lock.write_text(str(os.getpid()))
    waits = "until grep -q 'Another app' said; do sleep 0.1; done"
    held = said(own, ONE, f"{YUM} -q list installed >said 2>&1 & {waits}; rm {lock}; wait; cat said")
    assert f"another copy is running as pid {os.getpid()}" in held
    assert "Another app is currently holding the yum lock; waiting for it to exit..." in held
    lock.write_text("99999999")
    assert "Another app" not in said(own, ONE, f"{YUM} -q list installed")
    assert not lock.exists()


def test_a_full_disk_stops_the_download_and_the_transaction(own: Path) -> None:
    layout.fill_disk(own, ONE, "/var")
    assert "No space left on device" in said(own, ONE, f"{YUM} update")
    assert said(own, ONE, "df -Pk var/cache").splitlines()[1].split()[3:] == ["0", "100%", "/var"]
    layout.fill_disk(own, TWO, "/")
    assert "more space needed on the / filesystem" in said(own, TWO, f"{YUM} update")
    assert layout.facts(own)["hosts"][TWO]["installed"] == "blockerbugs-1.0.0-1.el7"


def test_settings_are_the_same_on_every_host_of_a_set(shared: Path) -> None:
    sums = {said(shared, host, "sha256sum /etc/blockerbugs/settings.py") for host in (ONE, TWO)}
    assert len(sums) == 1
    assert re.fullmatch(r"[0-9a-f]{64}  /etc/blockerbugs/settings\.py\n", sums.pop())


def test_httpd_serves_the_code_it_started_with_until_it_is_restarted(own: Path) -> None:
    page = "curl -s http://localhost/blockerbugs/"
    said(own, ONE, f"{YUM} update blockerbugs-1.0.1")
    assert "Blockerbugs 1.0.0" in said(own, ONE, page)
    assert said(own, ONE, "service httpd restart") == "Redirecting to /bin/systemctl restart httpd.service\n"
    assert "Blockerbugs 1.0.1" in said(own, ONE, page)


def test_a_stopped_httpd_refuses_and_a_started_one_listens(own: Path) -> None:
    ask = r"curl -s -o /dev/null -w '%{http_code}\n' http://localhost/blockerbugs/; echo $?"
    assert said(own, ONE, f"service httpd stop; systemctl is-active httpd; {ask}").splitlines()[1:] == [
        "inactive",
        "000",
        "7",
    ]
    assert said(own, ONE, f"service httpd start; systemctl is-active httpd; {ask}").splitlines()[1:] == [
        "active",
        "200",
        "0",
    ]


def test_systemctl_shows_what_was_asked_for(shared: Path) -> None:
    text = said(shared, ONE, "systemctl show -p ActiveState -p ActiveEnterTimestamp -p MainPID httpd")
    assert re.fullmatch(
        r"MainPID=\d+\nActiveState=active\nActiveEnterTimestamp=\w{3} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\n", text
    )


def test_a_service_that_does_not_exist_is_said_so(shared: Path) -> None:
    done = client(shared)(ONE, "service nonesuch start")
    assert "Unit not found." in str(done.stderr)
    assert done.exit_status == 5


def test_the_two_paths_of_the_application(shared: Path) -> None:
    ask = r"curl -s -o /dev/null -w '%{http_code} ' http://localhost/blockerbugs"
    assert said(shared, ONE, f"{ask}; {ask}/; {ask}x; {ask} -L") == "301 200 404 200 "


def test_a_migration_breaks_the_old_code_and_fits_the_new(own: Path) -> None:
    ask = r"curl -s -o /dev/null -w '%{http_code}\n' http://localhost/blockerbugs/"
    said(own, ONE, f"{YUM} update")
    assert said(own, ONE, "alembic current 2>/dev/null") == "1a0c9\n"
    assert "Running upgrade 1a0c9 -> 2b7f3" in said(own, ONE, "blockerbugs upgrade_db")
    assert said(own, ONE, "alembic current 2>/dev/null") == "2b7f3 (head)\n"
    assert said(own, ONE, ask) == "500\n"
    said(own, ONE, "service httpd restart")
    assert said(own, ONE, ask) == "200\n"
    # The other host has the old code on the new schema.
    assert said(own, TWO, ask) == "500\n"
    assert client(own)(TWO, "blockerbugs sync").exit_status == 1
    assert client(own)(ONE, "blockerbugs sync").exit_status == 0
    facts = layout.facts(own)["sets"]["test"]
    assert (facts["schema"], facts["upgrade_db"], facts["sync"], facts["columns"]) == ("2b7f3", 1, 2, ["id", "title"])


def test_a_failing_migration_shows_the_password_and_leaves_the_schema(own: Path) -> None:
    layout.publish(own, "1.2.0")
    done = client(own)(ONE, f"{YUM} update >/dev/null && blockerbugs upgrade_db")
    settings = (own / "hosts" / ONE / "etc/blockerbugs/settings.py").read_text()
    password = settings.partition("postgresql+psycopg2://blockerbugs:")[2].partition("@")[0]
    assert done.exit_status == 1
    assert "sqlalchemy.exc.OperationalError" in str(done.stderr)
    assert password
    assert password in str(done.stderr)
    facts = layout.facts(own)["sets"]["test"]
    # The migration before it is done and stays done; the one that raised is taken back whole.
    assert (facts["schema"], facts["columns"]) == ("2b7f3", ["id", "title"])


def test_every_program_leaves_a_start_and_an_end(own: Path) -> None:
    said(own, TWO, "rpm -q nonesuch")
    start, end = layout.events(own)
    assert (start["phase"], start["host"], start["argv"]) == ("start", TWO, ["rpm", "-q", "nonesuch"])
    assert (end["phase"], end["exit"], end["t"] >= start["t"]) == ("end", 1, True)


@pytest.mark.parametrize(
    "command",
    [
        "frobnicate",
        "yum frobnicate",
        "yum --frobnicate list",
        "rpm --frobnicate",
        "service httpd",
        "systemctl frobnicate httpd",
        "blockerbugs frobnicate",
        "alembic frobnicate",
        "curl",
        "curl --frobnicate x",
        "df -Z",
        "sudo",
        "sudo -n frobnicate",
        "sha256sum nonesuch",
        "curl https://localhost/",
        "df nonesuch",
        "yum clean frobnicate",
    ],
)
def test_a_mistake_is_a_sentence_and_not_a_traceback(shared: Path, command: str) -> None:
    done = client(shared)(ONE, command)
    assert done.exit_status not in (0, None)
    assert str(done.stderr).strip()
    assert "Traceback" not in str(done.stderr)


@pytest.mark.parametrize(
    "command",
    ["pgrep -x httpd", "rpm -e blockerbugs", "sha256sum --check sums", "systemctl mask httpd",
     "yum-complete-transaction"],
)  # fmt: skip
def test_what_a_program_does_not_do_here_is_said_and_not_answered(shared: Path, command: str) -> None:
    done = client(shared)(ONE, f"{{ {command}\n}} 2>&1")
    assert (str(done.stdout).partition(": not known here: ")[0], done.exit_status) == (command.split()[0], 2)


def test_a_program_is_quick(shared: Path) -> None:
    """25 ms is the aim. Processor time, because other people's work is on the clock too."""
    spent = []
    for _ in range(5):
        program = subprocess.Popen(
            [shared / "hosts" / ONE / "usr/bin/rpm", "-q", "blockerbugs"], stdout=subprocess.DEVNULL
        )
        _, code, usage = os.wait4(program.pid, 0)
        program.returncode = os.waitstatus_to_exitcode(code)
        spent.append(usage.ru_utime + usage.ru_stime)
    assert min(spent) < 0.1


@pytest.mark.parametrize(
    "program", sorted({*PROGRAMS, "application", "httpd"} - {"pgrep"})
)  # pgrep has use for expressions
def test_a_program_imports_nothing_that_takes_longer_than_its_work(program: str) -> None:
    code = f"import sys; from tasks.sandbox.programs import main, {program.replace('-', '_')}; print(*sys.modules)"
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.append({str(ROOT)!r}); {code}"]
    imported = set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    dear = {"contextlib", "datetime", "enum", "hashlib", "json", "pathlib", "re", "socket", "sqlite3", "threading"}
    if "_sqlite3" not in imported:  # which imports these itself
        dear |= {"collections", "functools"}
    assert "tasks.sandbox.programs.main" in imported
    assert not imported & dear


@pytest.mark.parametrize("text", ["", "{", "nul", '{"a" 1}', '{"a": }'])
def test_a_file_that_holds_no_json_is_told_as_json_tells_it(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        _light.loads(text)


@pytest.mark.parametrize("value", [{"a": [1, -2.5, True, None, "ä\n\U0001f600", {}], "": []}, "", 0])
def test_a_line_of_json_is_the_one_that_json_writes(value: object) -> None:
    assert (_light.dumps(value), _light.loads(f"{json.dumps(value)}\n")) == (json.dumps(value), value)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.0.1", "1.1.0"),
        ("1.9", "1.10"),
        ("1.0~rc1", "1.0"),
        ("1.0", "1.0^git1"),
        ("1.0a", "1.0.1"),
        ("1.0", "1.0.1"),
        ("1.0^git1", "1.0.1"),
    ],
)
def test_versions_are_ordered_as_rpm_orders_them(older: str, newer: str) -> None:
    assert (_evr.compare(older, newer), _evr.compare(newer, older), _evr.compare(newer, newer)) == (-1, 1, 0)
