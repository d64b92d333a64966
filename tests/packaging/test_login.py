"""Logins, real Kerberos ones too: what is said is what is wrong, and not always the ticket (K1)."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.wanted import wanted

from .conftest import Terminal, Typed, meanwhile
from .hub.server import Hub, Trouble
from .kdc import Kdc
from .laid import Project

NVR = "blockerbugs-0.4.4.16-1.el7"
MENDED = "next: koji hello  # after you have mended server in koji's profile"
real = wanted("krb5kdc", "MIT Kerberos: apt-get install krb5-kdc krb5-user")


@pytest.fixture
def kdc(hub: Hub, fence: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kdc]:
    """A KDC, a hub that takes its tickets, and koji's profile for them."""
    with Kdc(tmp_path / "kdc") as kdc:
        for name, value in kdc.environment.items():
            monkeypatch.setenv(name, value)
        hub.keytab = kdc.keytab
        hub.profile(fence, authtype="kerberos")
        yield kdc


@real
def test_k1_a_build_with_a_real_ticket_goes_to_the_tag(hub: Hub, kdc: Kdc, project: Project, typed: Typed) -> None:
    kdc.kinit()
    said = typed("build")
    assert (said.code, said.err) == (0, "")
    assert f"{NVR} is in epel7-infra-stg" in said.out
    assert hub.api.machine.builds[NVR].owner_name == "qadevel"


@real
def test_k1_no_real_ticket_says_kinit_and_nothing_else(
    hub: Hub, kdc: Kdc, project: Project, terminal: Terminal
) -> None:
    client = terminal("build")
    _, err = client.communicate(timeout=60)
    assert client.returncode == 2
    assert err == "refused, nothing was changed: there is no valid Kerberos ticket\nnext: kinit\n"


@real
def test_k1_a_real_ticket_that_has_expired_says_kinit(hub: Hub, kdc: Kdc, project: Project, typed: Typed) -> None:
    kdc.kinit("2s")
    while subprocess.run(["klist", "-s"], check=False).returncode == 0:
        time.sleep(0.2)
    time.sleep(2)  # the clock skew that the KDC allows, and a second more
    said = typed("build")
    assert said.code == 2
    assert "there is no valid Kerberos ticket\nnext: kinit" in said.err


@real
def test_k1_a_real_ticket_that_the_hub_does_not_take_is_not_said_to_be_missing(
    hub: Hub, kdc: Kdc, project: Project, typed: Typed
) -> None:
    kdc.kinit()
    kdc.forget_the_hub()
    said = typed("build")
    assert said.code == 2
    assert "the Kerberos ticket is valid, but the hub does not take it: " in said.err
    assert "next: kvno HTTP/127.0.0.1  # is there a ticket for the hub?" in said.err
    assert "docs.pagure.org" not in said.err


@real
def test_k1_a_real_session_that_expires_in_a_long_build_is_replaced(
    hub: Hub, kdc: Kdc, held: set[str], project: Project, typed: Typed
) -> None:
    kdc.kinit()

    def expire() -> None:
        hub.expire_sessions()
        held.clear()

    with meanwhile(hub, "buildArch", expire):
        assert typed("build").code == 0


# not the ticket


@pytest.fixture
def ticket(monkeypatch: pytest.MonkeyPatch, fence: Path) -> None:
    """klist says that there is a valid ticket, whatever machine this is."""
    klist = fence / "bin" / "klist"
    klist.parent.mkdir()
    klist.write_text("#!/bin/sh\n")
    klist.chmod(0o755)
    monkeypatch.setenv("PATH", f"{klist.parent}:{os.environ['PATH']}")


@pytest.mark.usefixtures("ticket")
@pytest.mark.parametrize("authtype", ["kerberos", "ssl"])
def test_k1_a_hub_that_is_none_is_not_the_tickets_fault(
    hub: Hub, fence: Path, project: Project, typed: Typed, authtype: str
) -> None:
    hub.profile(fence, authtype=authtype, cert=str(hub.authority.issue("qadevel")))
    hub.troubles = [Trouble("*", "404", times=99)]
    said = typed("build")
    assert said.code == 2
    assert f"{hub.url} answers 404 Not Found: is it a koji hub?\n{MENDED}" in said.err


@pytest.mark.usefixtures("ticket")
def test_k1_a_hub_that_has_too_much_to_do_is_asked_again(hub: Hub, fence: Path, project: Project, typed: Typed) -> None:
    hub.profile(fence, authtype="kerberos")
    hub.kerberos = "qadevel"
    hub.troubles = [Trouble("sslLogin", "429", times=2)]
    said = typed("build")
    assert said.code == 0
    assert "the hub answers 429 Too Many Requests; again in 0.01 s (1 of 3)" in said.out


@pytest.mark.usefixtures("ticket")
def test_k1_a_ca_that_is_unknown_is_not_the_tickets_fault(
    hub: Hub, fence: Path, project: Project, typed: Typed, tmp_path: Path
) -> None:
    from .hub.certs import Authority

    hub.profile(fence, authtype="kerberos", serverca=str(Authority(tmp_path, "Another CA").ca))
    said = typed("build")
    assert said.code == 2
    assert f"the certificate of {hub.url} is not signed by the CA of the profile" in said.err
    assert "next: koji hello  # after you have mended serverca in koji's profile" in said.err


@pytest.mark.usefixtures("ticket")
def test_k1_a_certificate_for_another_name_is_said_to_be_one(
    hub: Hub, fence: Path, project: Project, typed: Typed
) -> None:
    hub.profile(fence, authtype="kerberos", server=hub.url.replace("127.0.0.1", "localhost"))
    said = typed("build")
    assert said.code == 2
    assert "is not accepted: Hostname mismatch" in said.err


@pytest.mark.usefixtures("ticket")
def test_k1_a_port_without_tls_is_not_the_tickets_fault(hub: Hub, fence: Path, project: Project, typed: Typed) -> None:
    class Quiet(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nothing on the tests' stderr."""

    with HTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            hub.profile(fence, authtype="kerberos", server=f"http://127.0.0.1:{server.server_port}/kojihub")
            said = typed("build")
        finally:
            server.shutdown()
            thread.join()
    assert said.code == 2
    assert f"speaks no TLS, and koji logs in by TLS alone\n{MENDED}" in said.err


@pytest.mark.usefixtures("ticket")
def test_k1_an_offline_hub_is_said_without_kojis_advice_on_kerberos(
    hub: Hub, fence: Path, project: Project, typed: Typed
) -> None:
    hub.profile(fence, authtype="kerberos")
    hub.offline = "moving until 18:00 UTC"
    said = typed("build")
    assert said.code == 75
    assert f"the hub is offline: moving until 18:00 UTC ({hub.url}, asked 4 times)" in said.err
    assert "documentation" not in said.out + said.err
