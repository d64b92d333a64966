"""Servers drained and put back, by the functions that proxies are sent, at a real haproxy."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.fleet.detached import call
from tests.haproxy import SOCKET, Haproxy, Page, running, until
from tests.unit.builders import Shell
from tests.wanted import wanted

pytestmark = wanted("haproxy", "haproxy")
AT = (f".{SOCKET}", "bb")
RUN = "0123abcd"


class Proxy(Shell):
    """A host with haproxy: what is sent to it, as a step of a run or as it is."""

    haproxy: Haproxy

    def told(self, function: str, *arguments: object) -> tuple[int, list[str]]:
        done = self.run(call(function, *AT, *arguments))
        return done.returncode, done.stdout.splitlines()

    def drain(self, *servers: str, seconds: int = 2, run: str = RUN) -> tuple[int, list[str]]:
        """As a kept step: it is told by its script's name which run it is of."""
        self.file(
            f"{run}/04-drain/script", f"{self.library}\n{call('haproxy_drain', *AT, 'root', seconds, *servers)}\n"
        )
        done = self.run(f"sh {self.folder}/{run}/04-drain/script")
        return done.returncode, done.stdout.splitlines()

    @property
    def noted(self) -> dict[str, str]:
        return {path.name: path.read_text().strip() for path in self.folder.glob("root/drained/*")}


@pytest.fixture(params=["dash", "bash"])
def proxy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Proxy]:
    if not shutil.which(request.param):
        pytest.skip(f"no {request.param}")
    with _proxy(tmp_path, request.param) as one:
        yield one


def _has(shell: Shell, *programs: str) -> None:
    for name in programs:
        # pyenv's python3 is a script that wants half of a machine
        real = str(Path(sys.executable).resolve()) if name == "python3" else shutil.which(name)
        if real:
            (shell.bin / name).symlink_to(real)


class _proxy:
    def __init__(self, folder: Path, sh: str, **how: object) -> None:
        self._shell, self._running = Proxy(folder, shutil.which(sh)), running(folder, **how)  # type: ignore[arg-type]
        _has(self._shell, "python3")  # every machine of ours has that

    def __enter__(self) -> Proxy:
        self._shell.haproxy = self._running.__enter__()
        return self._shell

    def __exit__(self, *error: object) -> None:
        self._running.__exit__(None, None, None)


def test_b7_a_server_is_drained_and_put_back_and_no_request_is_lost(proxy: Proxy) -> None:
    assert proxy.drain("web1") == (0, [])
    assert proxy.haproxy.words() == {"web1": "DRAIN", "web2": "UP"}
    assert proxy.noted == {"bb,web1": RUN}
    proxy.haproxy.nodes[0].status = 503
    assert {proxy.haproxy.get() for _ in range(20)} == {b"HTTP/1.0 200 OK\r\n"}
    proxy.haproxy.nodes[0].status = 200
    assert proxy.told("haproxy_undrain", "root", 5, "web1") == (0, [])
    assert proxy.haproxy.words() == {"web1": "UP", "web2": "UP"}
    assert proxy.noted == {}


STILL = f"haproxy_still_drained {' '.join(AT)} root 2 web1"
UNDO = f"haproxy_undo {' '.join(AT)} root {RUN}"


@pytest.mark.parametrize(
    ("function", "other", "during"),
    [
        pytest.param(UNDO, STILL, "drain_forget", id="the look drains again what is put back and still noted"),
        pytest.param(STILL, UNDO, "haproxy_tell", id="what the look has found lost is put back before it drains it"),
    ],
)
def test_b4_a_look_that_goes_on_while_its_run_is_undone_drains_nothing_again(
    proxy: Proxy, function: str, other: str, during: str
) -> None:
    proxy.drain("web1")
    if function == STILL:
        proxy.haproxy.ask("set server bb/web1 state ready")
    beside = f'{during}() {{ (eval "$library"; {other}); eval "$library"; {during} "$@"; }}'
    said = proxy.run(f"{beside}\n{function}").stdout
    assert (proxy.noted, "undrained\tweb1 is put back" in said) == ({}, True), said
    assert proxy.haproxy.words()["web1"] != "DRAIN"


def test_a_server_that_haproxy_has_seen_down_meanwhile_is_up_as_soon_as_it_is_put_back(proxy: Proxy) -> None:
    proxy.drain("web1")
    proxy.haproxy.nodes[0].status = 503
    assert proxy.haproxy.becomes(web1="DOWN")
    proxy.haproxy.nodes[0].status = 200
    assert proxy.told("haproxy_undrain", "root", 5, "web1")[0] == 0
    assert proxy.haproxy.words()["web1"] == "UP"


def test_b1_nothing_is_drained_while_another_server_is_not_up(proxy: Proxy) -> None:
    proxy.haproxy.nodes[1].status = 503
    assert proxy.haproxy.becomes(web2="DOWN")
    code, said = proxy.told("haproxy_may_drain", 0, "web1")
    assert (code, said) == (1, ["server web2 is DOWN, not UP"])
    assert proxy.told("haproxy_may_drain", 0, "web2") == (0, [])  # it has no requests as it is


def test_b1_the_last_server_is_not_drained(proxy: Proxy) -> None:
    said = ["no other server is left to take the requests"]
    assert proxy.told("haproxy_may_drain", 0, "web1", "web2") == (1, said)


def test_a_server_that_is_not_there_is_not_drained(proxy: Proxy) -> None:
    assert proxy.told("haproxy_may_drain", 0, "web3") == (1, ["haproxy has no server web3"])


def test_b2_a_server_that_somebody_else_has_drained_is_left_so(proxy: Proxy) -> None:
    proxy.haproxy.ask("set server bb/web1 state drain")
    code, said = proxy.drain("web1")
    assert (code, said) == (1, ["server web1 is in drain already, and not by this tool: it is left so"])
    assert proxy.told("haproxy_undrain", "root", 1, "web1") == (0, [])
    assert proxy.told("haproxy_undo", "root", "", "web1") == (0, [])
    assert proxy.haproxy.words()["web1"] == "DRAIN"


def test_b2_a_server_that_somebody_has_put_into_maintenance_over_our_drain_is_left_so_and_said(proxy: Proxy) -> None:
    proxy.drain("web1")
    proxy.haproxy.ask("set server bb/web1 state maint")
    code, said = proxy.told("haproxy_undrain", "root", 1, "web1")
    assert (code, said) == (0, ["note: server web1 was put into maintenance by somebody else meanwhile: it is left so"])
    assert proxy.haproxy.words()["web1"] == "MAINT"
    assert proxy.noted == {}


def test_b2_who_undoes_our_drain_does_not_say_that_a_server_in_maintenance_is_put_back(proxy: Proxy) -> None:
    proxy.drain("web1")
    proxy.haproxy.ask("set server bb/web1 state maint")
    said = ["left\tserver web1 was put into maintenance by somebody else meanwhile: it is left so"]
    assert proxy.told("haproxy_undo", "root", RUN) == (0, said)
    assert proxy.haproxy.words()["web1"] == "MAINT"
    assert proxy.noted == {}


def went_down(proxy: Proxy, server: str) -> int:
    """How often haproxy has had it go from UP to DOWN."""
    head, *rows = proxy.haproxy.ask("show stat").splitlines()
    stat = [dict(zip(head.removeprefix("# ").split(","), row.split(","), strict=False)) for row in rows if row]
    (found,) = [one for one in stat if (one["pxname"], one["svname"]) == ("bb", server)]
    return int(found["chkdown"])


def test_b3_a_server_that_a_reload_has_made_ready_stays_up_when_its_drain_is_undone(proxy: Proxy) -> None:
    proxy.drain("web1")
    proxy.haproxy.reload()
    assert proxy.haproxy.becomes(web1="UP", web2="UP")
    proxy.haproxy.nodes[1].status = 503
    assert proxy.haproxy.becomes(web2="DOWN")
    assert proxy.told("haproxy_undo", "root", RUN) == (0, ["undrained\tweb1 is put back"])
    assert went_down(proxy, "web1") == 0
    assert proxy.noted == {}


def test_a_drain_waits_for_the_sessions_and_says_which_are_left(proxy: Proxy) -> None:
    for node in proxy.haproxy.nodes:
        node.slow = 3.0
    asks = [threading.Thread(target=proxy.haproxy.get) for _ in range(4)]
    for one in asks:
        one.start()
    while sum(node.asked for node in proxy.haproxy.nodes) < 4:
        pass
    assert proxy.drain("web1", seconds=1) == (0, ["note: sessions that have not ended in 1 s: 2 of web1"])
    assert proxy.told("haproxy_wait", 5, "web1") == (0, [])
    for one in asks:
        one.join()


def test_b3_a_drain_that_a_reload_has_lost_is_noticed_made_again_and_said(proxy: Proxy) -> None:
    proxy.drain("web1")
    assert proxy.told("haproxy_still_drained", "root", 2, "web1") == (0, [])
    proxy.haproxy.reload()
    assert proxy.haproxy.becomes(web1="UP", web2="UP")
    said = "note: server web1 was not drained any more (was haproxy reloaded?): it is drained again"
    assert proxy.told("haproxy_still_drained", "root", 2, "web1") == (0, [said])
    assert proxy.haproxy.words() == {"web1": "DRAIN", "web2": "UP"}


def test_b4_what_a_run_has_drained_is_put_back_when_its_check_has_found_it_well_and_only_that(proxy: Proxy) -> None:
    proxy.drain("web1")
    assert proxy.told("haproxy_undo", "root", "99999999") == (0, [])
    assert proxy.haproxy.words()["web1"] == "DRAIN"
    proxy.haproxy.nodes[0].status = 503
    assert proxy.told("haproxy_undo", "root", RUN) == (0, ["undrained\tweb1 is put back"])
    assert proxy.noted == {}
    assert proxy.haproxy.words()["web1"].startswith("DOWN")
    proxy.haproxy.nodes[0].status = 200
    assert proxy.haproxy.becomes(web1="UP")


@pytest.mark.parametrize("text", ["", "\n", "\0\0\0\0\0\0\0\0\n", "0123\n"])
def test_b8_a_note_that_a_loss_of_power_has_emptied_is_told_and_put_back_by_whoever_puts_all_back(
    text: str, proxy: Proxy
) -> None:
    proxy.drain("web1")
    proxy.file("root/drained/bb,web1", text)
    assert proxy.run(call("drained_show", "root")).stdout == "drained\t bb,web1\n"
    said = ["left\tbb,web1 is noted here by an unknown run (the note is empty): it is left so"]
    assert proxy.told("haproxy_undo", "root", RUN) == (0, said)
    assert proxy.haproxy.words()["web1"] == "DRAIN"
    assert proxy.told("haproxy_undo", "root", "", "web1") == (0, ["undrained\tweb1 is put back"])
    assert proxy.haproxy.words()["web1"] == "UP"
    assert proxy.noted == {}


def test_what_is_well_is_put_back_at_once(proxy: Proxy) -> None:
    proxy.drain("web1")
    assert proxy.told("haproxy_undo", "root", RUN, "web1") == (0, ["undrained\tweb1 is put back"])
    assert proxy.haproxy.words()["web1"] == "UP"


def test_a_drain_that_failed_has_noted_what_it_may_have_done(proxy: Proxy) -> None:
    proxy.drain("web1")
    proxy.haproxy.ask("set server bb/web1 state ready")  # as if it had died between the note and the drain
    assert proxy.told("haproxy_undo", "root", RUN, "web1") == (0, ["undrained\tweb1 is put back"])
    assert proxy.noted == {}


@pytest.mark.parametrize("program", ["socat", "nc", "python3", "perl"])
def test_haproxy_is_talked_to_with_whichever_program_the_host_has(program: str, tmp_path: Path) -> None:
    if not shutil.which(program):
        pytest.skip(f"no {program}")
    with _proxy(tmp_path, "dash") as proxy:
        (proxy.bin / "python3").unlink()
        _has(proxy, program)
        assert proxy.drain("web1") == (0, [])
        assert proxy.haproxy.words()["web1"] == "DRAIN"


def test_b5_a_host_that_has_none_of_them_says_so(proxy: Proxy) -> None:
    (proxy.bin / "python3").unlink()
    said = "this host has no socat, and no nc, python3 or perl in its place"
    assert proxy.told("fact_haproxy", "web1")[1] == ["lacks\tsocat", f"haproxy_says\t{said}"]


def test_the_facts_of_a_proxy_are_its_servers(proxy: Proxy) -> None:
    code, said = proxy.told("fact_haproxy", "web1")
    assert (code, [line.removesuffix(" UP") for line in said]) == (
        0,
        ["server\tweb1 ready 0 0 active checked", "server\tweb2 ready 0 0 active checked", "talks\tpython3"],
    )


def test_b5_a_backend_that_is_not_there_is_told_with_those_that_are(proxy: Proxy) -> None:
    said = proxy.run(call("fact_haproxy", AT[0], "web", "web1")).stdout.splitlines()
    assert said[0].startswith("haproxy_says\thaproxy has no backend web with servers")
    assert said[1:] == ["backend\tbb", "backend\tother"]


def test_b5_a_socket_that_is_not_there_is_named(proxy: Proxy) -> None:
    said = proxy.run(call("fact_haproxy", "./run/other.sock", "bb", "web1")).stdout.splitlines()
    assert said == ["haproxy_says\t./run/other.sock is not there, or is no socket"]


def test_b5_a_socket_that_nobody_listens_to_is_told(proxy: Proxy) -> None:
    proxy.haproxy.close()
    said = proxy.run(call("fact_haproxy", *AT, "web1")).stdout
    assert said.startswith(f"haproxy_says\t{AT[0]} does not answer: ")


def test_b5_a_socket_without_the_right_to_drain_is_told(tmp_path: Path) -> None:
    with _proxy(tmp_path, "dash", level="user") as proxy:
        assert proxy.told("fact_haproxy", "web1")[1][-1] == "may_not\tPermission denied"
        code, said = proxy.drain("web1")
        assert (code, said) == (1, ["server web1 is ready, not drain: Permission denied"])


def test_servers_that_haproxy_does_not_check_are_not_drained(tmp_path: Path) -> None:
    with _proxy(tmp_path, "dash", checked=False) as proxy:
        said = ["server web2 has no health check: whether it serves is not known"]
        assert proxy.told("haproxy_may_drain", 0, "web1") == (1, said)


def test_b7_no_request_is_lost_while_a_drained_node_is_gone_for_a_second(tmp_path: Path) -> None:
    with _proxy(tmp_path, "dash") as proxy:
        ends, answers = threading.Event(), list[bytes]()

        def ask() -> None:
            while not ends.is_set():
                answers.append(proxy.haproxy.get())

        users = [threading.Thread(target=ask) for _ in range(3)]
        for one in users:
            one.start()
        assert proxy.drain("web1") == (0, [])
        node = proxy.haproxy.nodes[0]
        node.shutdown()
        node.socket.close()  # nobody listens any more, as in a restart
        assert proxy.haproxy.becomes(web1="DOWN")
        proxy.haproxy.nodes[0] = Page(node.server_port)
        assert proxy.told("haproxy_undrain", "root", 5, "web1") == (0, [])
        before = proxy.haproxy.nodes[0].asked
        until(lambda: proxy.haproxy.nodes[0].asked > before)
        ends.set()
        for one in users:
            one.join()
        assert set(answers) == {b"HTTP/1.0 200 OK\r\n"}
