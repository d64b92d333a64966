"""Real endpoints on this machine: one that listens, and all the ways in which one can be dead (X4)."""

from __future__ import annotations

import email
import email.policy
import re
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from io import StringIO

import pytest

from tasks.around import send
from tasks.around.telling import notifying
from tasks.around.texts import message
from tasks.inventory.around import Notify
from tasks.journal.file import Journal
from tasks.report.human import Human
from tasks.report.screen import Screen
from tests.endpoints import TOKEN, Endpoint, answering
from tests.unit.builders import event, prod
from tests.unit.timeline.runs import ONE, RESUMED, STOPPED, begin, ended, entries, host, phase


def refusing() -> str:
    """An address at which nobody listens."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return f"json://127.0.0.1:{free.getsockname()[1]}/{TOKEN}"


def told(*addresses: str) -> dict[str, Notify]:
    """As the short form in hosts.yml has them."""
    return prod(notify=addresses).told


def run(*targets: str, listens: Endpoint | None = None) -> str:
    """What a run that tells these targets says of it on the screen; it takes as long as `listens` needs to hear."""
    screen = StringIO()
    with closing(Journal()) as journal:
        journal.write(event("begin", set="prod", procedure="minor-upgrade", operator="lbrabec@laptop"))
        with notifying(told(*targets), journal, Human(Screen(screen)).warning) as run_begins:
            run_begins()
            if listens:
                until(lambda: bool(listens.heard))
            journal.write(event("end", how="done", code=0))
    return screen.getvalue()


def until(true: Callable[[], bool], seconds: float = 100) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, f"not true after {seconds} s"
        time.sleep(0.02)


def test_the_beginning_and_the_end_are_told() -> None:
    with answering(200) as endpoint:
        assert run(endpoint.address, listens=endpoint) == ""
        ends = [one for one in endpoint.heard if one["title"] == "prod: minor upgrade: done"]
    assert len(endpoint.heard) == 2
    assert "by lbrabec@laptop" in ends[0]["message"]


class Postbox(socketserver.StreamRequestHandler):
    """A mail server that takes everything; `letters` are the server's."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            if line.upper().startswith(b"DATA"):
                self.wfile.write(b"354 go on\r\n")
                self.server.letters.append(b"".join(iter(self.rfile.readline, b".\r\n")))  # type: ignore[attr-defined]
            self.wfile.write(b"250 yes\r\n")


def test_S10_a_mail_is_text_with_its_lines_and_what_a_host_or_a_person_said_is_no_element() -> None:
    letters: list[bytes] = []
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Postbox) as server:
        server.daemon_threads = True
        server.letters = letters  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"mailto://127.0.0.1:{server.server_address[1]}?from=fab@example.org&to=qa@example.org"
        with (
            closing(Journal()) as journal,
            notifying(told(address), journal, Human(Screen(StringIO())).warning) as run_begins,
        ):
            journal.write(event("begin", set="prod", procedure="minor-upgrade", operator="<img src=//evil.example>"))
            run_begins()
            until(lambda: bool(letters))
            journal.write(event("end", how="done", code=0, httpd_down=4.0))
        server.shutdown()
    mails = [email.message_from_bytes(letter, policy=email.policy.default) for letter in letters]
    (mail,) = (one for one in mails if one["Subject"] == "prod: minor upgrade: done")
    assert [part.get_content_type() for part in mail.walk()] == ["text/plain"]
    lines = str(mail.get_content()).splitlines()
    assert lines[0] == "httpd was down for 4.0 s."
    assert "by <img src=//evil.example>, " in lines[1]


@pytest.mark.parametrize("status", [500, 404, None], ids=["X4 answers 500", "X4 answers 404", "X4 never answers"])
def test_a_dead_endpoint_costs_one_warning_without_its_address(status: int | None) -> None:
    with answering(status) as endpoint:
        said = run(endpoint.address, listens=endpoint)
    assert said.startswith("warning: notify[0] (json) was not told: ")
    assert said.count("\n") == 1
    assert TOKEN not in said
    assert "127.0.0.1" not in said


def test_a_teller_that_has_died_is_not_said_to_have_got_no_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert run(refusing()) == "warning: notify[0] (json) was not told: the notifier exited without answering\n"


def test_X4_where_nobody_listens_it_is_a_warning_too_and_the_others_are_told() -> None:
    with answering(200) as endpoint:
        said = run(refusing(), endpoint.address, listens=endpoint)
    assert len(endpoint.heard) == 2
    assert said.startswith("warning: notify[0] (json) was not told: ")
    assert "notify[1]" not in said


def test_X4_an_endpoint_that_never_answers_costs_no_more_than_its_seconds() -> None:
    with answering(None) as endpoint:
        said = run(*[endpoint.address] * 3, listens=endpoint)
    # The sender gives up after the same seconds as the one who waits for it: which of the two is first is not known.
    late = r"notify\[(\d)\] \(json\) was not told: (?:no answer in 5 s|it could not be reached, or refused)\n"
    assert re.findall(late, said) == ["0", "1", "2"]


def test_a_run_that_ends_in_an_error_is_told_too_and_the_error_goes_on() -> None:
    with answering(200) as endpoint, pytest.raises(ZeroDivisionError):
        breaks(endpoint)
    assert len(endpoint.heard) == 2


def breaks(endpoint: Endpoint) -> None:
    """A run that ends with a mistake of ours."""
    screen = Human(Screen(StringIO()))
    with closing(Journal()) as journal, notifying(told(endpoint.address), journal, screen.warning) as run_begins:
        run_begins()
        until(lambda: bool(endpoint.heard))
        raise ZeroDivisionError


def test_S6_a_token_comes_out_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(200) as endpoint:
        monkeypatch.setenv("WHERE", endpoint.address)
        assert run("${WHERE}", listens=endpoint) == ""
    assert len(endpoint.heard) == 2


def test_a_variable_that_is_not_set_is_named_and_nothing_is_sent() -> None:
    assert run("json://u:${CHAT_PASSWORD}@127.0.0.1:1/") == (
        "warning: notify[0] (json) was not told: CHAT_PASSWORD is not set in the environment\n"
    )


def test_a_run_that_was_refused_before_it_began_is_not_told() -> None:
    with answering(200) as endpoint, closing(Journal()) as journal:
        with notifying(told(endpoint.address), journal, Human(Screen(StringIO())).warning):
            pass
        assert endpoint.heard == []


def test_an_address_that_means_nothing_is_a_warning() -> None:
    with answering(200) as endpoint:
        said = run(f"nonsense://{TOKEN}", endpoint.address, listens=endpoint)
    assert said == "warning: notify[0] (nonsense) was not told: apprise does not understand the address\n"


def test_X4_a_bus_that_is_not_there_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fedora_messaging", None)
    assert send.publish("blockerbugs.upgrade.begin", {}, 1).startswith("fedora-messaging is not installed")


def test_without_targets_nothing_is_said_and_nothing_started() -> None:
    assert run() == ""


def test_the_beginning_says_who_what_and_where() -> None:
    subject, text, data = message("begin", entries([begin(unverified="stg is being restored")]))
    assert subject == "prod: major upgrade to blockerbugs-1.1.0-1.el7: begins"
    assert text.splitlines() == [
        "Run c0ffee12 by lbrabec@laptop on blockerbugs01.example, blockerbugs02.example.",
        "Unverified, because stg is being restored",
    ]
    assert (data["run"], data["set"], data["operator"]) == ("c0ffee12", "prod", "lbrabec@laptop")


def test_the_end_says_what_failed_and_for_how_long_httpd_was_down() -> None:
    subject, text, data = message("end", entries(STOPPED))
    assert subject.endswith(": stopped half-way")
    assert text.splitlines()[:2] == [
        "blockerbugs01.example: upgrade-db: exit status 1: no such table",
        "httpd was down for 7.5 s.",
    ]
    assert (data["how"], data["code"]) == ("stopped half-way", 5)


def test_a_resumed_run_is_told_by_who_resumed_it() -> None:
    assert message("end", entries(RESUMED))[2]["operator"] == "kparal@desk"


def test_S6_what_is_told_was_redacted() -> None:
    with closing(Journal()) as journal:
        for one in (
            begin(),
            phase(1, 1, "sync", ONE),
            ended(2, 1, "sync", one=host("failed", 1, 1, "password=hunter2")),
        ):
            journal.write(event(one.pop("event"), **one))
        assert "hunter2" not in str(message("end", journal.entries))
        assert "[redacted]" in str(message("end", journal.entries))


def test_sending_a_mail_loads_nothing_that_draws() -> None:
    loads = "import sys, tasks.around.send; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True).stdout.split()
    assert not {"jinja2", "rich", "paramiko", "pydantic"} & set(loaded)
