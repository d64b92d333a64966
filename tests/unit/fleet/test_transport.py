"""A connection that has nothing to do costs nothing, and ends at once all the same."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from paramiko import ECDSAKey, ServerInterface, Transport

from tasks.fleet import transport
from tasks.fleet.transport import SshTransport


@pytest.fixture
def connected() -> Iterator[SshTransport]:
    ours, theirs = socket.socketpair()
    host = Transport(theirs)
    host.add_server_key(ECDSAKey.generate())
    host.start_server(threading.Event(), ServerInterface())  # which does not wait
    client = SshTransport(ours)
    client.start_client(timeout=30)
    yield client
    client.close()
    host.close()


def test_a_connection_that_is_there_looks_once_a_second_whether_anything_is_to_be_done(
    connected: SshTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    monkeypatch.setattr(connected.packetizer, "_check_keepalive", lambda: looks.append(time.monotonic()))
    connected.rest()
    time.sleep(2.5)
    assert 1 <= len(looks) <= 4  # the first may be of the time before


def test_it_ends_at_once_though_its_thread_waits_for_the_other_side(
    connected: SshTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "IDLE_SECONDS", 600.0)
    connected.rest()
    time.sleep(0.3)  # its thread now waits that long
    connected.close()
    connected.join(10)
    assert not connected.is_alive()
