"""`invoke push-config` and its server: a real sshd that does not let it in, hangs, or is lost in the push; signals."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path

import pytest

from tests.wanted import wanted

from .conftest import Typed
from .repo import TEMPLATE, Repo

needs_sshd = wanted("sshd", "openssh-server")
Terminal = Callable[..., "subprocess.Popen[str]"]
# Kills the sshd that serves the session in which a hook runs, as a lost line would.
CUT = """\
pid=$$
while :; do
    pid=$(awk '{print $4}' /proc/$pid/stat)
    case $(cat /proc/$pid/comm) in sshd*) kill -9 $pid; break;; esac
    test $pid -gt 1 || break
done
"""


def key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


@dataclass
class Server:
    """An sshd on loopback, and an operator whose checkout gets there with an ssh_config of its own."""

    folder: Path
    port: int
    daemon: subprocess.Popen[bytes]
    repo: Repo

    def config(self, **options: str) -> None:
        lines = {
            "IdentityFile": str(self.folder / "key"),
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "UserKnownHostsFile": str(self.folder / "known_hosts"),
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            **options,
        }
        (self.folder / "ssh_config").write_text("".join(f"{name} {value}\n" for name, value in lines.items()))

    def knows(self, public: Path) -> None:
        (self.folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {public.read_text()}")

    def stop(self) -> None:
        self.daemon.terminate()
        self.daemon.wait()


@pytest.fixture
def server(mine: Repo, fence: Path) -> Iterator[Server]:
    folder = fence / "sshd"
    folder.mkdir(mode=0o700)
    shutil.copy(key(folder / "key").with_suffix(".pub"), folder / "authorized_keys")
    key(folder / "host")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
    )
    program = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/sbin")
    assert program
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where it was never started before
    daemon = subprocess.Popen([program, "-D", "-e", "-f", folder / "sshd_config"], stderr=subprocess.DEVNULL)
    made = Server(folder, port, daemon, mine)
    made.config()
    made.knows(folder / "host.pub")
    mine.git("remote", "set-url", "origin", f"ssh://{getuser()}@127.0.0.1:{port}{fence}/upstream.git")
    mine.git("config", "core.sshCommand", f"ssh -F {folder}/ssh_config")
    for _ in range(100):
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                break
        time.sleep(0.05)
    yield made
    made.stop()


def hook(fence: Path, name: str, text: str) -> None:
    path = fence / "upstream.git" / "hooks" / name
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)


def has(fence: Path) -> bool:
    return "bugzilla.redhat.com" in Repo(fence / "upstream.git").git("show", f"main:{TEMPLATE}")


@needs_sshd
def test_it_pushes_over_ssh(server: Server, fence: Path, typed: Typed) -> None:
    said = typed("push-config", "--yes")
    assert said.code == 0, said
    assert has(fence)


@needs_sshd
@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda s: (s.folder / "known_hosts").unlink(), "Host key verification failed."),
        (lambda s: s.knows(key(s.folder / "another").with_suffix(".pub")), "IDENTIFICATION HAS CHANGED"),
        (lambda s: s.config(IdentityFile=str(key(s.folder / "another"))), "Permission denied (publickey)."),
        (lambda s: s.stop(), "Connection refused"),
    ],
    ids=["unknown host key", "changed host key", "no key", "refused"],
)
def test_g3_a_server_that_is_not_reached_is_told_in_sshs_words(
    server: Server, typed: Typed, spoil: Callable[[Server], object], says: str
) -> None:
    spoil(server)
    before = server.repo.state()
    said = typed("push-config", "--yes")
    assert said.code == 4, said
    assert "not reached, nothing was changed" in said.err
    assert f"git ls-remote with origin in {server.repo.root}: " in said.err
    assert says in said.err
    assert f"next: ssh -T -p {server.port} {getuser()}@127.0.0.1" in said.err
    assert server.repo.state() == before


def test_g3_a_web_server_that_is_not_there_is_not_reached(mine: Repo, typed: Typed) -> None:
    mine.git("remote", "set-url", "origin", "http://op:hunter2@127.0.0.1:1/ansible.git")
    said = typed("push-config", "--yes")
    assert said.code == 4
    assert "127.0.0.1" in said.err
    assert "hunter2" not in said.err
    assert "next: invoke push-config" in said.err


@needs_sshd
def test_g3_a_push_that_the_server_took_before_the_line_was_lost_is_pushed(
    server: Server, fence: Path, typed: Typed
) -> None:
    hook(fence, "post-receive", CUT)
    said = typed("push-config", "--yes")
    assert said.code == 0, said
    assert "the push did not end well: looking at origin" in said.out
    assert "next, on the ansible host" in said.out
    assert has(fence)


@needs_sshd
def test_g3_a_push_that_nobody_knows_the_end_of_is_told_as_not_known(server: Server, fence: Path, typed: Typed) -> None:
    hook(fence, "pre-receive", f"kill {server.daemon.pid}\n{CUT}")
    before = server.repo.state()
    said = typed("push-config", "--yes")
    assert said.code == 1, said
    assert "nothing was changed" not in said.err
    assert "upstream.git has it in main is not known" in said.err
    assert "next: invoke push-config" in said.err
    assert server.repo.state() == before


def test_g3_the_same_commit_in_the_same_second_is_found_too(mine: Repo, fence: Path, typed: Typed) -> None:
    hook_ = mine.root / ".git" / "hooks" / "post-commit"  # the server has it before it is pushed
    hook_.write_text("#!/bin/sh\ngit push -q origin HEAD:main\n")
    hook_.chmod(0o755)
    said = typed("push-config", "--yes")
    assert said.code == 0, said
    assert mine.git("status", "-sb") == "## main...origin/main"


def test_g3_the_line_again_finds_what_the_server_took(
    mine: Repo, fence: Path, clone: Callable[[str], Repo], typed: Typed
) -> None:
    other = clone("other")
    shutil.copy(mine.template, other.template)
    other.git("commit", "-qam", "the same")
    other.git("push", "-q")
    said = typed("push-config", "--yes")
    assert said.code == 0
    assert f"nothing to push: origin/main has {TEMPLATE} as it is here" in said.out
    assert mine.git("status", "-sb") == "## main...origin/main"


def waits(fence: Path, where: str) -> Path:
    """Have the push wait in a hook of the server, or the fetch in ssh, until it is ended; the file that says so."""
    there = fence / "there"
    if where == "fetch":
        ssh = fence / "ssh"
        ssh.write_text(f"#!/bin/sh\necho $$ >{there}\nexec sleep 300\n")
        ssh.chmod(0o755)
        Repo(fence / "ansible").git("remote", "set-url", "origin", "ssh://op@example.invalid/x.git")
        Repo(fence / "ansible").git("config", "core.sshCommand", str(ssh))
    else:
        hook(fence, where, f"echo $$ >{there}\nexec sleep 300 >&- 2>&-\n")
    return there


def ended(process: subprocess.Popen[str], there: Path, signum: int) -> tuple[int, str]:
    """Send the signal when it waits; its exit status and what it said. What it waited for is ended, too."""
    for _ in range(2400):
        if there.exists() and there.read_text().strip():
            break
        time.sleep(0.05)
    process.send_signal(signum)
    _, err = process.communicate(timeout=120)
    return process.returncode, err


def alive(there: Path) -> bool:
    """Does what waited still run?"""
    stat = Path(f"/proc/{there.read_text().strip()}/stat")
    return stat.exists() and stat.read_text().rpartition(") ")[2][0] != "Z"  # where nobody reaps it


def kill(there: Path) -> None:
    """End what waited, if it still does."""
    with suppress(ProcessLookupError):
        os.kill(int(there.read_text()), signal.SIGKILL)


SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("signum", SIGNALS, ids=lambda one: one.name)
def test_g3_an_end_before_the_push_leaves_nothing(mine: Repo, fence: Path, terminal: Terminal, signum: int) -> None:
    there = waits(fence, "fetch")
    before = mine.state()
    code, err = ended(terminal("push-config", "--yes"), there, signum)
    assert code == 130
    assert "interrupted: nothing was pushed, the checkout is as it was" in err
    assert "next: invoke push-config" in err
    assert mine.state() == before
    assert not alive(there)


@pytest.mark.parametrize("signum", SIGNALS, ids=lambda one: one.name)
@pytest.mark.parametrize(
    ("where", "says"), [("pre-receive", "does not have it in main now"), ("post-receive", "has it in main")]
)
def test_g3_an_end_in_the_push_says_what_the_server_has(
    mine: Repo, fence: Path, terminal: Terminal, typed: Typed, where: str, says: str, signum: int
) -> None:
    there = waits(fence, where)
    before = mine.state()
    code, err = ended(terminal("push-config", "--yes"), there, signum)
    kill(there)
    assert code == 130
    assert f"{fence}/upstream.git {says}" in err
    assert mine.state() == before
    (fence / "upstream.git" / "hooks" / where).unlink()
    said = typed("push-config", "--yes")
    assert said.code == 0, said
    assert has(fence)
    assert mine.git("status", "-sb") == "## main...origin/main", said


def test_g3_an_end_after_the_push_says_so_and_keeps_the_edit(
    mine: Repo, fence: Path, terminal: Terminal, typed: Typed
) -> None:
    there = fence / "there"
    follows = mine.root / ".git" / "hooks" / "post-checkout"
    follows.write_text(f"#!/bin/sh\necho $$ >{there}\nexec sleep 300 >&- 2>&-\n")
    follows.chmod(0o755)
    code, err = ended(terminal("push-config", "--yes"), there, signal.SIGTERM)
    assert code == 130
    assert "interrupted: pushed " in err
    assert "nothing was pushed" not in err
    assert has(fence)
    assert "bugzilla.redhat.com" in mine.template.read_text()
    follows.unlink()
    assert typed("push-config", "--yes").code == 0
    assert mine.git("status", "-sb") == "## main...origin/main"


def test_g3_what_a_killed_one_left_is_cleared(mine: Repo, fence: Path, terminal: Terminal, typed: Typed) -> None:
    there = waits(fence, "pre-receive")
    before = mine.state()
    assert ended(terminal("push-config", "--yes"), there, signal.SIGKILL)[0] == -signal.SIGKILL
    assert mine.state() != before
    beside = terminal("push-config", "--yes")  # one that lives keeps its own
    kill(there)
    there.unlink()
    for _ in range(2400):
        if there.exists() and there.read_text().strip():
            break
        time.sleep(0.05)
    hook(fence, "pre-receive", "exit 0\n")
    assert mine.git("worktree", "list").count("\n") == 1
    assert typed("push-config", "--plan").code == 0
    assert mine.git("worktree", "list").count("\n") == 1
    kill(there)
    beside.communicate(timeout=120)
    assert mine.git("worktree", "list").count("\n") == 0


def test_g3_a_server_that_hangs_is_named_and_given_up(
    mine: Repo, fence: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVOKE_ANSIBLE_TIMEOUT", "4.5")
    there = waits(fence, "fetch")
    said = typed("push-config", "--yes")
    assert said.code == 4
    assert "waiting for origin: git ls-remote, " in said.out
    assert "at most 4.5 s" in said.out
    assert "no end after 4.5 s (ansible.timeout)" in said.err
    assert not alive(there)
