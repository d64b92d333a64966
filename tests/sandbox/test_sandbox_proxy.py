"""The sandbox's proxies: their admin socket says what haproxy 2.6 says, and a drain there is a drain.

Whatever is asked here is asked of a real haproxy in front of the same httpds, too, where there is one.
"""

from __future__ import annotations

import csv
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tasks.sandbox import faults, layout
from tests.warmed import start_fleet

from .conftest import ONE, TWO, client, until

PROXY, SECOND = "proxy01.test", "proxy02.test"
ASK = "socat - UNIX-CONNECT:run/haproxy/admin.sock"
HAPROXY_CFG = """\
global
    stats socket {place} level admin
    stats socket {place}.operator level operator
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
    option httpclose
    retries 3
    option redispatch
    option httpchk GET /blockerbugs
    default-server inter 100ms rise 1 fall 2
listen blockerbugs
    bind 127.0.0.1:{port}
    server blockerbugs01 127.0.0.1:{one} check
    server blockerbugs02 127.0.0.1:{two} check
"""


class Speaker:
    """A haproxy to talk to: the sandbox's, or the real one."""

    def __init__(self, home: Path, place: Path, url: str) -> None:
        """place: where the socket is, in few enough letters."""
        self.home, self.place, self.url = home, place, url

    def say(self, command: str) -> str:
        return said_at(self.place, command)

    def row(self, server: str = "blockerbugs01") -> dict[str, str]:
        """A server's line of `show stat`."""
        lines = self.say("show stat").removeprefix("# ").splitlines()
        return next(row for row in csv.DictReader(lines) if row["svname"] == server)

    def state(self, server: str = "blockerbugs01") -> dict[str, str]:
        """A server's line of `show servers state`."""
        _, columns, *lines = self.say("show servers state blockerbugs").strip().splitlines()
        rows = [dict(zip(columns.removeprefix("# ").split(), line.split(), strict=True)) for line in lines]
        return next(row for row in rows if row["srv_name"] == server)

    def is_now(self, status: str, server: str = "blockerbugs01") -> None:
        until(lambda: self.row(server)["status"] == status)


@pytest.fixture(scope="module")
def balanced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A running fleet with two proxies."""
    home = tmp_path_factory.mktemp("balanced") / ("long" * 30)  # no address of a unix socket has room for that
    spec = layout.SetSpec("test", (ONE, TWO), ONE, proxies=(PROXY, SECOND))
    layout.create(home, [spec], pace=0)
    layout.configure(home, inter=0.1)
    with start_fleet(home):
        yield home


def said_at(place: Path, command: str) -> str:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(place))
        line.sendall(f"{command}\n".encode())
        return line.makefile(encoding="utf-8").read()


@pytest.fixture(scope="module")
def real(balanced: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Speaker | None]:
    """The real haproxy in front of the same httpds; None where there is none."""
    program = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if program is None:
        yield None
        return
    folder = tmp_path_factory.mktemp("real")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    one, two = (layout.node_url(balanced, host).split(":")[2].split("/")[0] for host in (ONE, TWO))
    place = folder / "s"
    (folder / "haproxy.cfg").write_text(HAPROXY_CFG.format(place=place, port=port, one=one, two=two))
    with subprocess.Popen([program, "-db", "-f", str(folder / "haproxy.cfg")], stderr=subprocess.DEVNULL) as process:
        until(place.exists)
        yield Speaker(balanced, place, f"http://127.0.0.1:{port}/blockerbugs/")
        process.terminate()


@pytest.fixture(scope="module")
def ours(balanced: Path, tmp_path_factory: pytest.TempPathFactory) -> Speaker:
    """The sandbox's first proxy."""
    link = tmp_path_factory.mktemp("ours") / "l"
    link.symlink_to(balanced / "hosts" / PROXY / "run/haproxy")
    return Speaker(balanced, link / "admin.sock", layout.public_url(balanced, "test"))


@pytest.fixture(params=["sandbox", "haproxy"])
def speaker(request: pytest.FixtureRequest, ours: Speaker, real: Speaker | None) -> Iterator[Speaker]:
    """Each haproxy in turn, with all servers ready and up."""
    chosen = real if request.param == "haproxy" else ours
    if chosen is None:
        pytest.skip("no haproxy on this machine")
    yield chosen
    for server in ("blockerbugs01", "blockerbugs02"):
        chosen.say(f"set server blockerbugs/{server} state ready")
        chosen.is_now("UP", server)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("set server blockerbugs/web09 state drain", "No such server.\n\n"),
        ("set server nonesuch/blockerbugs01 state drain", "No such backend.\n\n"),
        ("set server blockerbugs01 state drain", "Require 'backend/server'.\n\n"),
        ("set server", "Require 'backend/server'.\n\n"),
        ("set server blockerbugs/blockerbugs01 state out",
         "'set server <srv> state' expects 'ready', 'drain' and 'maint'.\n\n"),
        ("set server blockerbugs/blockerbugs01 state",
         "'set server <srv> state' expects 'ready', 'drain' and 'maint'.\n\n"),
        ("set server blockerbugs/blockerbugs01 health sick",
         "'set server <srv> health' expects 'up', 'stopping', or 'down'.\n\n"),
        ("set server blockerbugs/blockerbugs01",
         "usage: set server <backend>/<server> addr | agent | agent-addr | agent-port | agent-send | check-addr |"
         " check-port | fqdn | health | ssl | state | weight\n\n"),
        ("show servers state nonesuch", "Can't find backend.\n\n"),
        ("show stat nonesuch 4 -1", "No such proxy.\n\n"),
        ("show cli level", "admin\n\n"),
        ("show backend; show cli level", "# name\nblockerbugs\n\nadmin\n\n"),
    ],
)  # fmt: skip
def test_what_haproxy_answers_the_sandbox_answers_word_for_word(speaker: Speaker, command: str, words: str) -> None:
    assert speaker.say(command) == words


def test_an_unknown_command_is_answered_with_those_that_there_are(speaker: Speaker) -> None:
    said = speaker.say("nonsense")
    assert said.startswith("Unknown command")
    assert "  set server <bk>/<srv> [opts]            : change a server's state, weight, address or ssl\n" in said


def test_show_stat_and_show_servers_state_have_the_columns_of_haproxy(speaker: Speaker, real: Speaker | None) -> None:
    if real is None:
        pytest.skip("no haproxy on this machine")
    for command, line in (("show stat", 0), ("show servers state blockerbugs", 1)):
        assert speaker.say(command).splitlines()[line] == real.say(command).splitlines()[line]
    assert speaker.say("show stat").count("\n") == real.say("show stat").count("\n") == 6
    assert speaker.say("show stat blockerbugs 4 -1").count("\n") == real.say("show stat blockerbugs 4 -1").count("\n")


def test_a_server_that_is_well_is_up_and_ready(speaker: Speaker) -> None:
    speaker.is_now("UP")
    row, state = speaker.row(), speaker.state()
    assert (row["check_status"], row["check_desc"], row["check_health"]) == ("L7OK", "Layer7 check passed", "2")
    assert (row["pxname"], row["check_code"][0], row["type"], row["scur"]) == ("blockerbugs", "3", "2", "0")
    assert [state[f"srv_{name}"] for name in ("op_state", "admin_state", "check_status", "check_result")] == [
        "2", "0", "15", "3"]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "status", "op", "admin"), [("drain", "DRAIN", "2", "8"), ("maint", "MAINT", "0", "1")]
)
def test_a_server_that_is_taken_out_says_so_and_gets_no_request(
    speaker: Speaker, word: str, status: str, op: str, admin: str
) -> None:
    speaker.is_now("UP")
    assert speaker.say(f"set server blockerbugs/blockerbugs01 state {word}") == "\n"
    state, before = speaker.state(), int(speaker.row()["stot"])
    assert (speaker.row()["status"], state["srv_op_state"], state["srv_admin_state"]) == (status, op, admin)
    for _ in range(4):
        urllib.request.urlopen(speaker.url, timeout=60).close()
    assert int(speaker.row()["stot"]) == before
    assert speaker.say("set server blockerbugs/blockerbugs01 state ready") == "\n"
    speaker.is_now("UP")
    for _ in range(4):
        urllib.request.urlopen(speaker.url, timeout=60).close()
    assert int(speaker.row()["stot"]) > before


def test_with_every_server_drained_users_get_a_503(speaker: Speaker) -> None:
    for server in ("blockerbugs01", "blockerbugs02"):
        speaker.say(f"set server blockerbugs/{server} state drain")
    with pytest.raises(urllib.error.HTTPError) as answered:
        urllib.request.urlopen(speaker.url, timeout=60)
    answered.value.close()
    assert answered.value.code == 503
    assert speaker.row("BACKEND")["status"] == "DOWN"


def test_a_drained_server_s_sessions_are_counted_until_they_end(speaker: Speaker) -> None:
    speaker.is_now("UP")
    speaker.say("set server blockerbugs/blockerbugs02 state drain")
    faults.inject(speaker.home, ONE, "health", "slow", seconds=3)
    with ThreadPoolExecutor(1) as pool:
        try:
            asking = pool.submit(lambda: urllib.request.urlopen(speaker.url, timeout=60).read())
            until(lambda: speaker.row()["scur"] == "1")
            speaker.say("set server blockerbugs/blockerbugs01 state drain")
            assert speaker.row()["scur"] == "1"
        finally:
            faults.clear(speaker.home)
        assert b"Blockerbugs" in asking.result()
    until(lambda: speaker.row()["scur"] == "0")


def test_a_server_whose_httpd_is_stopped_goes_down_drained_or_not_and_comes_back(speaker: Speaker) -> None:
    speaker.is_now("UP")
    speaker.say("set server blockerbugs/blockerbugs01 state drain")
    client(speaker.home)(ONE, "service httpd stop")
    try:
        speaker.is_now("DOWN")
        assert (speaker.row()["check_status"], speaker.row()["check_health"]) == ("L4CON", "0")
        assert [speaker.state()[f"srv_{name}"] for name in ("op_state", "admin_state", "check_status")] == [
            "0",
            "8",
            "8",
        ]
        speaker.say("set server blockerbugs/blockerbugs01 state ready")
        assert speaker.row()["status"] == "DOWN"
    finally:
        client(speaker.home)(ONE, "service httpd start")
    speaker.is_now("UP")


def test_health_is_what_was_said_until_the_next_check(speaker: Speaker) -> None:
    speaker.is_now("UP")
    for _ in range(5):  # a check may come between the two commands of a line
        if ",DOWN," in speaker.say("set server blockerbugs/blockerbugs01 health down; show stat blockerbugs 4 1"):
            break
    else:
        pytest.fail("never down")
    speaker.is_now("UP")
    client(speaker.home)(ONE, "service httpd stop")
    try:
        speaker.is_now("DOWN")
        said = [
            speaker.say("set server blockerbugs/blockerbugs01 health up; show stat blockerbugs 4 1") for _ in range(5)
        ]
        assert any(",UP" in each for each in said)
        speaker.is_now("DOWN")
    finally:
        client(speaker.home)(ONE, "service httpd start")


def test_after_maintenance_it_begins_anew(speaker: Speaker) -> None:
    speaker.is_now("UP")
    speaker.say("set server blockerbugs/blockerbugs01 state maint")
    assert (speaker.row()["check_status"], speaker.state()["srv_check_state"]) == ("", "14")
    said = speaker.say("set server blockerbugs/blockerbugs01 state ready; show stat blockerbugs 4 1")
    assert ",UP" in said
    speaker.is_now("UP")


def test_a_socket_of_level_operator_shows_and_changes_nothing(real: Speaker | None, ours: Speaker) -> None:
    command = "set server nonesuch/blockerbugs01 state drain"
    faults.inject(ours.home, PROXY, "drain", "denied")
    for place in [ours.place, *([real.place.with_suffix(".operator")] if real else [])]:
        assert said_at(place, "show cli level") == "operator\n\n"
        assert said_at(place, "set server blockerbugs/blockerbugs01 state") == "Permission denied\n\n"
        assert said_at(place, command) == "Permission denied\n\n"
    assert said_at(ours.place, "show cli level") == "admin\n\n"


def test_a_proxy_is_asked_over_ssh_as_its_operator_would(ours: Speaker) -> None:
    ssh = client(ours.home)
    asked = ssh(SECOND, f"echo 'show cli level' | {ASK}")
    assert (asked.stdout, asked.exit_status) == ("admin\n\n", 0)
    gone = ssh(SECOND, f"echo 'show cli level' | {ASK}.nonesuch")
    assert (gone.stdout, gone.exit_status) == ("", 1)
    assert str(gone.stderr).endswith("No such file or directory\n")
    assert "sudo" not in str(ssh(SECOND, f"echo 'show cli level' | sudo sh -c '{ASK}'").stderr)


def test_one_proxy_knows_nothing_of_the_other_one_s_drain(ours: Speaker) -> None:
    ours.say("set server blockerbugs/blockerbugs01 state drain")
    assert layout.servers(ours.home, SECOND) == {"blockerbugs01": "UP", "blockerbugs02": "UP"}
    assert layout.servers(ours.home, PROXY) == {"blockerbugs01": "DRAIN", "blockerbugs02": "UP"}
    faults.reload(ours.home, PROXY)
    ours.is_now("UP")


def test_a_proxy_reloaded_some_time_after_a_drain_has_forgotten_it(ours: Speaker) -> None:
    ours.is_now("UP")
    faults.inject(ours.home, PROXY, "drain", "reload", seconds=0.5)
    ours.say("set server blockerbugs/blockerbugs01 state drain")
    assert ours.row()["status"] == "DRAIN"
    ours.is_now("UP")


@pytest.mark.parametrize("kind", ["fail", "nothing"])
def test_a_drain_that_was_not_done_is_seen_in_what_is_read_back(ours: Speaker, kind: str) -> None:
    ours.is_now("UP")
    faults.inject(ours.home, PROXY, "drain", kind)
    assert ours.say("set server blockerbugs/blockerbugs01 state drain") == ("" if kind == "fail" else "\n")
    assert ours.row()["status"] == "UP"


def test_a_proxy_without_power_balances_nothing_and_comes_back_with_all_servers_ready(ours: Speaker) -> None:
    ours.say("set server blockerbugs/blockerbugs01 state drain")
    faults.down(ours.home, PROXY)
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(ours.url, timeout=60)
    with pytest.raises(ConnectionRefusedError):
        ours.say("show stat")
    faults.revive(ours.home, PROXY)
    ours.is_now("UP")
    assert str(client(ours.home)(PROXY, "systemctl is-active httpd").stdout) == "inactive\n"


@pytest.mark.parametrize(
    ("host", "step", "kind"), [(ONE, "drain", "fail"), (PROXY, "sync", "fail"), (PROXY, "drain", "drip")]
)
def test_a_fault_that_cannot_be_there_is_refused(ours: Speaker, host: str, step: str, kind: str) -> None:
    with pytest.raises(ValueError, match="no "):
        faults.inject(ours.home, host, step, kind)
