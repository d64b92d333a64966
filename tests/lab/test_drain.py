"""Hosts drained at two real haproxies, which are reloaded, hidden and held back meanwhile."""

from __future__ import annotations

import subprocess

import pytest

from tests.bench.measure import Prober, Sample
from tests.operator.fleets import until

from . import observe
from .conftest import Lab
from .layout import ONE, PROXIES, TWO

pytestmark = pytest.mark.lab
LINE = "prod minor-upgrade --yes"
SLOW_YUM = '#!/bin/sh\nsleep 3\nexec /usr/bin/yum "$@"\n'


def all_up(lab: Lab) -> bool:
    """Does each haproxy give requests to each server, with no run's note of one that it has drained?"""
    words = {word for proxy in PROXIES for word in observe.servers("prod", proxy).values()}
    notes = [lab.on(proxy, "ls /var/lib/blockerbugs-upgrade/drained 2>/dev/null || true") for proxy in PROXIES]
    return words == {"UP"} and not any(notes)


def users(lab: Lab) -> Prober:
    """Sixty requests a second, through both balancers in turn."""
    return Prober([lab.settings.url("prod", proxy) for proxy in PROXIES], rate=60)


def interrupted(lab: Lab, begins: str) -> None:
    """The operator's machine loses its power when a step begins: `STEP on`."""
    words = lab.command(LINE)
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=lab.folder, env=lab.environment) as client:
        assert client.stdout
        said = ""
        for line in client.stdout:
            said += line
            if f"] {begins} on" in line:
                client.kill()
                return
        pytest.fail(f"no {begins}: {said}")


@pytest.mark.dnf5
@pytest.mark.smoke
def test_a_drained_minor_upgrade_loses_none_of_sixty_requests_a_second(stg_runs_101: Lab) -> None:
    with users(stg_runs_101) as prober:
        ended = stg_runs_101.types(LINE)
    seen = prober.tell(Sample(0, 0, 0, ""))
    assert ended.code == 0, ended.said
    assert (seen.failed, seen.requests > 200) == (0, True), seen.failures
    assert [stg_runs_101.runs(node) for node in (ONE, TWO)] == [("1.0.1", "1.0.1")] * 2
    assert all_up(stg_runs_101)


@pytest.mark.parametrize(
    ("begins", "way"),
    [
        ("drain", "resume"),
        ("yum-update", "abort"),
        ("still-drained", "resume"),
        ("restart-httpd", "abort"),
        ("healthy", "resume"),
        ("undrain", "abort"),
    ],
)
def test_n6_killed_in_any_step_of_a_drained_upgrade_no_server_is_left_drained(
    stg_runs_101: Lab, begins: str, way: str
) -> None:
    interrupted(stg_runs_101, begins)
    ended = stg_runs_101.types(f"prod {way} --yes")
    assert ended.code == 0, ended.said
    until(lambda: all_up(stg_runs_101), seconds=30)
    if way == "resume":
        assert [stg_runs_101.runs(node) for node in (ONE, TWO)] == [("1.0.1", "1.0.1")] * 2


def test_a_haproxy_that_is_reloaded_between_drain_and_restart_is_told_once_more(stg_runs_101: Lab) -> None:
    lab = stg_runs_101
    lab.on(ONE, f"cat >/usr/local/sbin/yum <<'END'\n{SLOW_YUM}END\nchmod +x /usr/local/sbin/yum")
    screen = lab.terminal(LINE)
    screen.asks("yum-update on blockerbugs01")
    lab.on(PROXIES[1], "systemctl reload haproxy")
    code = screen.ends()
    lab.on(ONE, "rm /usr/local/sbin/yum")
    assert (code, "drained again" in screen.said) == (0, True), screen.said
    until(lambda: all_up(lab), seconds=30)


def test_a_socket_that_may_only_be_asked_is_refused_and_nothing_drained(stg_runs_101: Lab) -> None:
    lab = stg_runs_101
    lab.on(PROXIES[1], "sed -i 's/ level admin//' /etc/haproxy/haproxy.cfg; systemctl reload haproxy")
    until(lambda: "UP" in observe.servers("prod", PROXIES[1]).values())
    ended = lab.types(LINE)
    assert (ended.code, "may only be asked" in ended.said) == (2, True), ended.said
    assert all_up(lab)


def test_somebody_else_s_maintenance_is_refused_and_left_alone(stg_runs_101: Lab) -> None:
    lab = stg_runs_101
    observe.haproxy(PROXIES[0], "set server prod/blockerbugs02 state maint")
    ended = lab.types(LINE)
    assert (ended.code, "not by this tool" in ended.said) == (2, True), ended.said
    assert observe.servers("prod", PROXIES[0]) == {"blockerbugs01": "UP", "blockerbugs02": "MAINT"}
