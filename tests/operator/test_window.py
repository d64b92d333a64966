"""Many hosts side by side, and how many of them may fail."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tasks.sandbox import layout
from tests.endpoints import answering
from tests.warmed import start_fleet

from .fleets import Fleet, printed, until
from .on_sandbox import SandboxMachines

pytestmark = pytest.mark.sandbox_only("the lab has fewer hosts")

NAMES = tuple(f"web{number:02}.example" for number in range(1, 7))
SYNC, BAD = NAMES[0], NAMES[2]


@pytest.fixture
def six(tmp_path: Path) -> Iterator[Fleet]:
    """Six hosts that a minor upgrade to 1.0.1 takes as hosts.yml's further keys say."""
    home = tmp_path / "fleet"
    layout.create(home, [layout.SetSpec("prod", NAMES, SYNC)], pace=0)
    with start_fleet(home):
        yield Fleet(SandboxMachines(home), tmp_path)


def keys(fleet: Fleet, **more: object) -> None:
    """The set's hosts.yml."""
    hosts = [{"name": name, "url": layout.node_url(fleet.home, name)} for name in NAMES]
    health = {"version": "Blockerbugs {version}", "deadline": 30, "timeout": 5}
    one = {"hosts": hosts, "sync_host": SYNC, "schema_status": "alembic current", "health": health, "confirm": "none"}
    text = {"app": {"root": "."}, "host_sets": {"prod": {**one, **more}}}
    (fleet.home / "hosts.yml").write_text(yaml.safe_dump(text))


def updates(fleet: Fleet) -> list[tuple[str, str]]:
    """The updates in the order in which they began and ended: host, start or end."""
    return [(host, phase) for _, host, phase in sorted(fleet.moments("yum", "-C", "update"))]


def most_at_once(fleet: Fleet) -> int:
    running, most = 0, 0
    for _, phase in updates(fleet):
        running += 1 if phase == "start" else -1
        most = max(most, running)
    return most


def test_in_a_window_the_next_host_starts_when_one_ends_and_the_sync_host_comes_last(six: Fleet) -> None:
    keys(six, window=3)
    for name in NAMES:
        six.breaks(name, "yum-update", "slow", seconds=1.5)
    ended = six.types("prod minor-upgrade --version 1.0.1")
    assert ended.code == 0, ended.said
    assert {six.runs(name) for name in NAMES} == {("blockerbugs-1.0.1-1.el7", "1.0.1")}
    assert 2 <= most_at_once(six) <= 3
    assert updates(six)[-1] == (SYNC, "end")
    assert updates(six)[-2] == (SYNC, "start")


def test_in_a_window_the_sync_host_begins_when_no_other_has_to_ask_it_any_more(six: Fleet) -> None:
    keys(six, window=3)
    six.breaks(NAMES[-1], "restart-httpd", "slow", seconds=3)
    ended = six.types("prod minor-upgrade --version 1.0.1")
    assert ended.code == 0, ended.said
    begins = next(at for at, host, _ in sorted(six.moments("yum", "-C", "update")) if host == SYNC)
    assert updates(six)[-2] == (SYNC, "start")
    assert begins < next(at for at, host, phase in six.moments("restart") if (host, phase) == (NAMES[-1], "end"))


def test_in_a_window_a_host_that_fails_lets_no_other_begin_and_resume_does_the_rest(six: Fleet) -> None:
    keys(six, window=2)
    six.breaks(BAD, "yum-update")
    ended = six.types("prod minor-upgrade --version 1.0.1")
    assert ended.code == 5, ended.said
    assert f"{BAD}: yum-update: " in ended.err
    assert six.runs(SYNC)[1] == "1.0.0"
    assert "fab prod resume" in printed(ended.said)[0]
    ended = six.types("prod resume --yes")
    assert ended.code == 0, ended.said
    assert {six.runs(name) for name in NAMES} == {("blockerbugs-1.0.1-1.el7", "1.0.1")}


@pytest.mark.parametrize("how", [{"window": 2}, {"rolling": 2}, {}], ids=str)
def test_j5_within_the_budget_the_others_are_upgraded_and_resume_does_those_that_failed(
    six: Fleet, how: dict[str, int]
) -> None:
    keys(six, fail_budget="20%", **how)
    six.breaks(BAD, "yum-update")
    ended = six.types("prod minor-upgrade --version 1.0.1")
    assert ended.code == 5, ended.said
    assert {name for name in NAMES if six.runs(name)[1] == "1.0.0"} == {BAD}
    ended = six.types("prod resume --yes")
    assert ended.code == 0, ended.said
    assert {six.runs(name) for name in NAMES} == {("blockerbugs-1.0.1-1.el7", "1.0.1")}


def test_j5_one_failure_more_than_the_budget_ends_the_run(six: Fleet) -> None:
    keys(six, fail_budget="20%")
    six.breaks(NAMES[1], "yum-update")
    six.breaks(BAD, "yum-update")
    ended = six.types("prod minor-upgrade --version 1.0.1")
    assert ended.code == 5, ended.said
    assert {six.runs(name)[1] for name in NAMES[3:]} == {"1.0.0"}


def test_j5_in_a_window_a_bad_build_is_taken_back_and_no_other_host_begins(six: Fleet) -> None:
    keys(six, window=2, soak=5, judge={"rollback": True})
    for name in NAMES:
        six.breaks(name, "new-build", "slower")
    ended = six.types("prod minor-upgrade --version 1.0.1")
    assert ended.code == 1, ended.said
    assert "the new build was judged bad" in ended.err
    assert {six.runs(name)[1] for name in NAMES} == {"1.0.0"}


def test_j3_killed_in_the_middle_of_a_window_resume_does_the_rest(six: Fleet) -> None:
    keys(six, window=3)
    for name in NAMES:
        six.breaks(name, "yum-update", "slow", seconds=1.0)
    six.dies_in("prod minor-upgrade --version 1.0.1", "yum", "-C", "update")
    ended = six.types("prod resume --yes")
    assert ended.code == 0, ended.said
    assert {six.runs(name) for name in NAMES} == {("blockerbugs-1.0.1-1.el7", "1.0.1")}
    assert len(updates(six)) == 2 * len(NAMES)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_n3_who_is_ended_in_a_window_begins_nothing_more_on_its_hosts(number: signal.Signals, six: Fleet) -> None:
    with answering(None) as endpoint:  # it takes its seconds to tell it, while the hosts end what they are at
        keys(six, window=3, notify=[endpoint.address])
        for name in NAMES:
            six.breaks(name, "yum-update", "slow", seconds=3.0)
        client = six.begins("prod minor-upgrade --version 1.0.1 --yes")
        with client:
            until(lambda: len(updates(six)) == 3)
            client.send_signal(number)
            out, err = client.communicate(timeout=60)
    assert client.returncode == 130, out + err
    assert "the client ended during" in err
    until(lambda: len(updates(six)) == 6)
    assert [phase for _, phase in updates(six)] == ["start"] * 3 + ["end"] * 3
    assert six.moments("service") == []
    assert six.types("prod resume --yes").code == 0
