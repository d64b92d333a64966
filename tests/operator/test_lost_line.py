"""The line to a host is lost while a step runs there: it is said, at once, and again when it is back."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from .conftest import STG, TWO, Ended, Fleet, until

MINOR = "stg minor-upgrade --version 1.0.1 --yes"
LOST = "stg01: connection lost, trying again for 3 s; the step may go on there"
BACK = "stg01: connection is back, following the step"

pytestmark = pytest.mark.sandbox_only("the lab's network is not this test's to break")


class Way:
    """A loopback port behind which a host is; `silent`: nothing comes through any more, and nobody is told."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self._ends: list[socket.socket] = []
        self._silent: set[socket.socket] = set()
        self.deaf = False  # whoever comes is let in and hears nothing
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._door.accept()
                if self.deaf:
                    self._ends.append(near)
                    continue
                far = socket.create_connection(("127.0.0.1", self._to))
                self._ends += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while came := one.recv(65536):
                if one not in self._silent:
                    other.sendall(came)
        if one not in self._silent:
            with suppress(OSError):
                other.shutdown(socket.SHUT_WR)

    def falls_silent(self) -> None:
        """For every connection there is now; who comes later is let through."""
        self._silent.update(self._ends)

    def close(self) -> None:
        for one in (self._door, *self._ends):
            one.close()


@contextmanager
def by_way(fleet: Fleet, host: str) -> Iterator[Way]:
    """The host is reached through a port that can fall silent."""
    file = fleet.home / "ssh_config"
    text = file.read_text()
    part = re.search(rf"^Host {re.escape(host)}\n.*?^    Port (\d+)$", text, re.M | re.S)
    assert part
    way = Way(int(part[1]))
    file.write_text(text.replace(f"    Port {part[1]}\n", f"    Port {way.port}\n"))
    try:
        yield way
    finally:
        way.close()


@pytest.mark.parametrize("how", ["", " --quiet"])
def test_n2_a_line_that_breaks_in_mid_step_is_said_and_that_it_is_back(how: str, fleet: Fleet) -> None:
    fleet.breaks(STG, "yum-update", "drop")
    ended = fleet.types(MINOR + how)
    assert ended.code == 0, ended.said
    assert [line for line in ended.out.splitlines() if line in (LOST, BACK)] == [LOST, BACK], ended.out


def test_n2_json_tells_a_lost_line_and_that_it_is_back(fleet: Fleet) -> None:
    fleet.breaks(STG, "yum-update", "drop")
    ended = fleet.types(f"{MINOR} --json")
    assert ended.code == 0, ended.said
    assert re.findall(r'"event": "(lost|back)", "host": "stg01.example", "step": "yum-update"', ended.out) == [
        "lost",
        "back",
    ]


def test_n2_a_line_that_falls_silent_in_mid_step_is_noticed_and_said(fleet: Fleet) -> None:
    fleet.breaks(STG, "yum-update", "slow", seconds=25)
    with by_way(fleet, STG) as way:
        client = fleet.begins(MINOR)
        with client:
            until(lambda: bool([m for m in fleet.moments("yum", "update", "-y") if m[2] == "start"]))
            way.falls_silent()
            out, err = client.communicate()
    ended = Ended(client.returncode, out, err)
    assert ended.code == 0, ended.said
    assert [line for line in out.splitlines() if line in (LOST, BACK)] == [LOST, BACK], ended.said
    assert fleet.runs(STG) == ("blockerbugs-1.0.1-1.el7", "1.0.1")


def test_n2_a_host_behind_a_jump_host_that_falls_silent_is_noticed_too(fleet: Fleet) -> None:
    file = fleet.home / "ssh_config"
    file.write_text(file.read_text().replace(f"Host {STG}\n", f"Host {STG}\n    ProxyJump {TWO}\n"))
    fleet.breaks(STG, "yum-update", "slow", seconds=25)
    with by_way(fleet, TWO) as way:
        client = fleet.begins(MINOR)
        with client:
            until(lambda: bool([m for m in fleet.moments("yum", "update", "-y") if m[2] == "start"]))
            way.falls_silent()
            out, err = client.communicate()
    assert client.returncode == 0, out + err
    assert [line for line in out.splitlines() if line in (LOST, BACK)] == [LOST, BACK], out + err


def test_w3_status_says_who_is_waited_for_and_ends_as_its_help_says_where_a_host_hangs(fleet: Fleet) -> None:
    with by_way(fleet, TWO) as way:
        way.deaf = True
        ended = fleet.types("prod status")
    assert "waiting for prod02 to connect (at most 15 s for each answer)" in ended.out, ended.said
    assert (ended.code, "prod02: port" in ended.err, "no SSH banner in 15 s" in ended.err) == (4, True, True), (
        ended.said
    )


def test_w3_status_ends_with_4_where_a_host_falls_silent_while_it_is_looked_at(fleet: Fleet) -> None:
    fleet.breaks(TWO, "preflight", "slow", seconds=40)
    with by_way(fleet, TWO) as way:
        client = fleet.begins("prod status")
        with client:
            until(lambda: any((host, at) == (TWO, "start") for _, host, at in fleet.moments("yum")))
            way.falls_silent()
            out, err = client.communicate()
    assert "waiting for prod02 to be looked at" in out, out + err
    assert (client.returncode, "prod02: was lost" in err) == (4, True), out + err


def test_w3_who_is_waited_for_is_said_with_quiet_too_and_how_long_at_most(fleet: Fleet) -> None:
    with by_way(fleet, TWO) as way:
        way.deaf = True
        ended = fleet.types("prod minor-upgrade --version 1.0.1 --unverified x --yes --quiet")
    waiting = r"^waiting for prod02 to connect \(at most 15 s for each answer\): \d+ s so far$"
    assert re.findall(waiting, ended.out, re.M), ended.said
    assert (ended.code, "prod02" in ended.err) == (4, True), ended.said
