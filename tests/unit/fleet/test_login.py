"""Row S12: an agent, a program and a server that do not do what they should keep nobody waiting for ever."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fabric import Config
from paramiko import Message
from paramiko.ssh_exception import SSHException

from tasks.errors import Unreachable
from tasks.fleet.keys import Agent, KeyFile
from tasks.fleet.login import Login
from tasks.fleet.machines import node
from tasks.fleet.proxy import Proxy
from tasks.fleet.ssh_config import Options
from tasks.fleet.userauth import Server
from tasks.inventory.model import Host


@pytest.fixture
def silent_agent(tmp_path: Path) -> Iterator[str]:
    """The socket of an agent that takes connections and says nothing."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        path = str(tmp_path / "agent")
        listening.bind(path)
        listening.listen()
        yield path


def test_S12_an_agent_that_does_not_list_its_keys_is_told_and_left(silent_agent: str) -> None:
    with Agent(silent_agent, 0.2) as agent:
        assert agent.keys == {}
        assert f"the agent at {silent_agent} does not answer" in str(agent.problem)


def test_S12_a_login_that_waits_for_an_agent_ends_when_everything_is_closed(silent_agent: str) -> None:
    options = Options("host.example", {"identityagent": (silent_agent,)})
    login = Login(options, {}, lambda question: "", lambda line: None, seconds=600)

    class Hosts:
        methods = ("publickey",)
        signature_algorithms = ()

        def takes(self, method: str) -> bool:
            return True

    waits = threading.Thread(target=lambda: login._by_key(Hosts()), daemon=True)  # type: ignore[arg-type]
    waits.start()
    while waits.is_alive():
        login.leave()
        waits.join(0.05)


def test_S12_a_proxy_that_hands_no_socket_over_is_told_and_ended() -> None:
    proxy = Proxy("sleep 600")
    with pytest.raises(OSError, match=r"handed no socket over in 0[.]2 s"):
        proxy.receive(0.2)
    proxy.close()
    assert proxy._process.returncode is not None


def test_S12_a_proxy_s_last_words_are_told_without_what_they_do_to_a_terminal() -> None:
    proxy = Proxy("sh -c 'printf \"\\033[2Jno way\\n\" >&2; exit 3'")
    assert proxy.failure == (
        "its ProxyCommand ended with exit status 3: no way (sh -c 'printf \"\\033[2Jno way\\n\" >&2; exit 3')"
    )
    proxy.close()


class Claims:
    """A transport whose server has one answer to everything: some number of questions."""

    server_mode, session_id = False, b""

    def __init__(self, questions: int) -> None:
        self.questions = questions
        self.auth_handler: Server | None = None

    def _send_message(self, message: Message) -> None:
        if message.asbytes()[:1] == b"\x05":  # the request for the service
            return
        said = Message()
        for text in ("", "", ""):
            said.add_string(text)
        said.add_int(self.questions)
        said.rewind()
        assert self.auth_handler
        self.auth_handler._hear_more(said)


def test_S12_a_server_that_claims_millions_of_questions_is_not_believed() -> None:
    claims = Claims(2**31 - 1)
    server = Server(claims, "me", 1.0)  # type: ignore[arg-type]
    with pytest.raises(SSHException, match="questions at once"):
        server.converses(lambda question: "", lambda line: None)


@pytest.mark.parametrize(
    ("content", "mode", "problem"),
    [
        (b"nonsense", 0o600, "is no key"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nbroken\n", 0o600, "cannot be read"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nbroken\n", 0o644, "others may read it (mode 0644; chmod 600)"),
        (None, 0, "No such file"),
    ],
)
def test_S12_a_file_that_is_no_key_says_why(content: bytes | None, mode: int, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "id"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    assert problem in str(KeyFile(path).problem)


@pytest.mark.parametrize(
    ("way", "where"),
    [("HostName 127.0.0.1", "port {port} is open"), ("ProxyCommand sleep 600", "its ProxyCommand (sleep 600) runs")],
)
def test_S12_a_host_that_accepts_and_says_nothing_is_told_from_one_that_is_away(
    way: str, where: str, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        config = tmp_path / "config"
        config.write_text(f"Host silent.example\n  {way}\n  Port {port}\n  ConnectTimeout 1\n")
        line = node(Host(name="silent.example"), Config(runtime_ssh_path=str(config)))
        with pytest.raises(Unreachable) as refused:
            line.open()
        line.close()
    assert f"silent.example: {where.format(port=port)}, but there was no SSH banner in 1 s" in str(refused.value)
