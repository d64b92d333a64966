"""Faults: what goes wrong, on which host, how often, and what is left behind."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import asyncssh
import pytest

from tasks.flags import FLAGS
from tasks.sandbox import faults, layout
from tasks.sandbox.programs._faults import faults_file
from tasks.sandbox.programs._files import change_json
from tasks.sandbox.programs.httpd import SLOWER_SECONDS
from tests.warmed import PROJECT

from .conftest import ONE, TWO, client, until

YUM = "yum -y --enablerepo=infrastructure-tags"
CODE = r"curl -sS --max-time 60 -o /dev/null -w '%{http_code}\n' http://localhost/blockerbugs/"

FAILS = [
    ("preflight", f"{YUM} list blockerbugs", "HTTPS Error 503"),
    ("schema", "alembic current", "OperationalError"),
    ("download", f"{YUM} --downloadonly update", "Error downloading packages"),
    ("yum-update", f"{YUM} update", "cpio: write"),
    ("stop-httpd", "service httpd stop", "Connection timed out"),
    ("start-httpd", "service httpd start", "Job for httpd.service failed"),
    ("restart-httpd", "service httpd restart", "Job for httpd.service failed"),
    ("upgrade-db", "blockerbugs upgrade_db", "OperationalError"),
    ("sync", "blockerbugs sync", "ProtocolError"),
    ("health", CODE, "curl: (7) Failed connect to localhost"),
]


@pytest.mark.parametrize(("step", "command", "words"), FAILS, ids=[step for step, *_ in FAILS])
def test_a_step_fails_once_on_the_named_host_only(own: Path, step: str, command: str, words: str) -> None:
    faults.inject(own, ONE, step, "fail")
    ssh = client(own)
    assert ssh(TWO, command).exit_status == 0
    failed = ssh(ONE, command)
    assert words in str(failed.stderr)
    assert failed.exit_status not in (0, None)
    if step != "health":
        assert ssh(ONE, command).exit_status == 0


def test_a_failed_update_leaves_the_old_version_and_a_failed_restart_no_httpd(own: Path) -> None:
    faults.inject(own, ONE, "yum-update", "fail")
    faults.inject(own, ONE, "restart-httpd", "fail")
    client(own)(ONE, f"{YUM} update; service httpd restart")
    facts = layout.facts(own)["hosts"][ONE]
    assert (facts["installed"], facts["httpd"], facts["unfinished"]) == ("blockerbugs-1.0.0-1.el7", False, False)
    assert str(client(own)(ONE, "systemctl is-active httpd").stdout) == "failed\n"


def test_nothing_is_a_success_that_changed_nothing(own: Path) -> None:
    faults.inject(own, ONE, "yum-update", "nothing")
    done = client(own)(ONE, f"{YUM} update")
    assert "No packages marked for update" in str(done.stdout)
    assert done.exit_status == 0
    assert layout.facts(own)["hosts"][ONE]["installed"] == "blockerbugs-1.0.0-1.el7"


def test_a_fault_happens_as_often_as_it_was_asked_for_and_clear_ends_it(own: Path) -> None:
    faults.inject(own, ONE, "sync", "fail", times=2)
    ssh = client(own)
    assert [ssh(ONE, "blockerbugs sync").exit_status for _ in range(3)] == [1, 1, 0]
    faults.inject(own, ONE, "sync", "fail", times=99)
    faults.clear(own)
    assert ssh(ONE, "blockerbugs sync").exit_status == 0


def test_a_slow_step_takes_its_time_and_works(own: Path) -> None:
    faults.inject(own, ONE, "yum-update", "slow", seconds=0.5)
    begun = time.monotonic()
    assert client(own)(ONE, f"{YUM} update").exit_status == 0
    assert time.monotonic() - begun > 0.5


def test_a_dropped_connection_leaves_a_detached_step_running_to_its_end(own: Path) -> None:
    faults.inject(own, ONE, "upgrade-db", "drop")
    faults.inject(own, ONE, "upgrade-db", "slow", seconds=0.2)
    status = own / "hosts" / ONE / "status"
    cut = client(own)(ONE, f"{YUM} update >/dev/null 2>&1; blockerbugs upgrade_db >log 2>&1; echo $? >status")
    assert cut.exit_status is None
    until(lambda: status.exists() and bool(status.read_text()))
    assert status.read_text() == "0\n"
    assert layout.facts(own)["sets"]["test"]["runs"] == [(ONE, "upgrade_db", "ok")]
    assert client(own)(ONE, "true").exit_status == 0


def test_a_yum_that_prints_into_a_dropped_connection_dies_as_the_real_one_does(own: Path) -> None:
    faults.inject(own, ONE, "yum-update", "drop")
    assert client(own)(ONE, f"{YUM} update").exit_status is None
    until(lambda: not layout.facts(own)["hosts"][ONE]["yum_lock"])
    assert layout.facts(own)["hosts"][ONE]["installed"] == "blockerbugs-1.0.0-1.el7"


def test_a_host_that_goes_down_refuses_everything_until_it_is_revived(own: Path) -> None:
    faults.inject(own, ONE, "yum-update", "down")
    ssh = client(own)
    assert ssh(ONE, f"{YUM} update").exit_status is None
    with pytest.raises(ConnectionRefusedError):
        ssh(ONE, "true")
    facts = layout.facts(own)["hosts"][ONE]
    assert (facts["down"], facts["httpd"], facts["installed"]) == (True, False, "blockerbugs-1.0.0-1.el7")
    assert ssh(TWO, "true").exit_status == 0
    faults.revive(own, ONE)
    assert str(ssh(ONE, "systemctl is-active httpd").stdout) == "active\n"


def test_a_hung_step_holds_its_lock_and_never_ends(own: Path) -> None:
    faults.inject(own, ONE, "yum-update", "hang")

    def has_the_lock() -> bool:
        return bool(layout.facts(own)["hosts"][ONE]["yum_lock"])

    async def wait_a_little() -> None:
        async with asyncssh.connect(ONE, config=[str(own / "ssh_config")]) as line:
            update = asyncio.ensure_future(line.run(f"{YUM} update"))
            await asyncio.to_thread(until, has_the_lock)
            await asyncio.wait_for(update, 0.5)

    with pytest.raises(TimeoutError):
        asyncio.run(wait_a_little())
    assert layout.facts(own)["hosts"][ONE]["yum_lock"]
    assert [event["phase"] for event in layout.events(own) if "update" in event["argv"]] == ["start"]


def test_a_slow_or_dripping_httpd_runs_into_curl_s_time_limit(own: Path) -> None:
    for kind, seconds, code in (("slow", 30.0, "000"), ("drip", 1.0, "200")):
        faults.inject(own, ONE, "health", kind, seconds=seconds)
        done = client(own)(ONE, CODE.replace("60", "0.4"))
        assert (done.exit_status, done.stdout) == (28, f"{code}\n")
        (milliseconds,) = re.findall(r"curl: \(28\) Operation timed out after (\d+) ", str(done.stderr))
        assert int(milliseconds) >= 400
        assert str(client(own)(ONE, CODE).stdout) == "200\n"


def test_a_redirect_loop_ends_at_curl_s_limit(own: Path) -> None:
    faults.inject(own, ONE, "health", "loop", times=2)
    assert str(client(own)(ONE, CODE).stdout) == "302\n"
    done = client(own)(ONE, f"{CODE} -L --max-redirs 5")
    assert (done.exit_status, done.stderr) == (47, "curl: (47) Maximum (5) redirects followed\n")
    assert str(client(own)(ONE, CODE).stdout) == "200\n"


@pytest.mark.parametrize("step", ["healthy", "health"])
def test_the_step_that_the_screens_call_healthy_goes_wrong_by_that_name(step: str, own: Path) -> None:
    faults.inject(own, ONE, step, "fail")
    assert client(own)(ONE, CODE).exit_status == 7
    assert str(client(own)(ONE, CODE).stdout) == "200\n"


def test_httpd_is_unavailable_for_the_first_seconds_after_its_start(own: Path) -> None:
    def is_now(**values: float) -> None:
        change_json(faults_file(own), lambda every: every[0].update(values))

    faults.inject(own, ONE, "health", "unavailable", seconds=0.1)
    until(lambda: str(client(own)(ONE, CODE).stdout) == "200\n")
    is_now(seconds=300, at=time.time() - 301)
    assert str(client(own)(ONE, f"service httpd restart; {CODE}").stdout) == "503\n"
    is_now(seconds=0.1)
    until(lambda: str(client(own)(ONE, CODE).stdout) == "200\n")


def test_a_bad_build_is_bad_from_its_time_on_and_only_where_it_is_installed(own: Path) -> None:
    asked = f"for n in $(seq 200); do {CODE}; done"
    faults.inject(own, ONE, "new-build", "errors")
    assert set(str(client(own)(ONE, asked).stdout).split()) == {"200"}
    client(own)(ONE, f"{YUM} update blockerbugs-1.0.1-1.el7 && service httpd restart")
    codes = str(client(own)(ONE, asked).stdout).split()
    assert 1 <= codes.count("500") <= 40
    assert codes.count("500") + codes.count("200") == 200
    faults.clear(own)
    assert set(str(client(own)(ONE, asked).stdout).split()) == {"200"}


def test_a_slow_build_takes_as_much_longer_as_help_and_page_say(own: Path) -> None:
    asked = CODE.replace("%{http_code}", "%{time_total}")
    faults.inject(own, ONE, "new-build", "slower")
    client(own)(ONE, f"{YUM} update blockerbugs-1.0.1-1.el7 && service httpd restart")
    assert float(str(client(own)(ONE, asked).stdout)) >= SLOWER_SECONDS
    says = f"{SLOWER_SECONDS * 1000:g} ms"
    assert f"slower ({says} for each)" in FLAGS["kind"].help
    assert f"`slower` takes {says} longer for each answer" in (PROJECT / "docs/judge.md").read_text()


@pytest.mark.parametrize(
    ("host", "step", "kind"),
    [("nobody", "sync", "fail"), (ONE, "lunch", "fail"), (ONE, "sync", "loop"), (ONE, "healthy", "errors")],
)
def test_a_fault_that_cannot_be_is_refused(shared: Path, host: str, step: str, kind: str) -> None:
    with pytest.raises(ValueError, match="no "):
        faults.inject(shared, host, step, kind)
