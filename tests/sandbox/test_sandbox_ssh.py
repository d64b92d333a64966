"""The SSH side: what a real sshd and a real shell would do."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import fabric
import pytest

from tasks.sandbox import fleet, layout

from .conftest import ONE, TWO, client, gone, lay, until


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = lay(tmp_path_factory.mktemp("asking"), sudo="asks")
    with fleet.start(home):
        yield home


def test_exit_status_and_both_outputs_come_back(shared: Path) -> None:
    done = client(shared)(ONE, "echo out; echo err >&2; exit 7")
    assert (done.stdout, done.stderr, done.exit_status) == ("out\n", "err\n", 7)


def test_a_death_by_signal_comes_back_as_one(shared: Path) -> None:
    done = client(shared)(ONE, "kill -TERM $$")
    assert done.exit_signal is not None
    assert done.exit_signal[0] == "TERM"


def test_the_end_of_stdin_reaches_the_command(shared: Path) -> None:
    assert client(shared)(ONE, "cat; echo end", stdin=None, input="one\n").stdout == "one\nend\n"


def test_much_output_arrives_whole(shared: Path) -> None:
    done = client(shared)(ONE, "head -c 3000000 /dev/zero | tr '\\0' x")
    assert len(str(done.stdout)) == 3000000


def test_a_session_begins_in_the_host_s_own_root(shared: Path) -> None:
    done = client(shared)(TWO, "pwd; echo $HOME; command -v yum; ls etc/cron.d")
    root = shared / "hosts" / TWO
    assert str(done.stdout).split() == [str(root), str(root), f"{root}/usr/bin/yum"]


def test_a_terminal_is_a_terminal(shared: Path) -> None:
    done = client(shared)(
        ONE, "test -t 0 && tty && stty size", stdin=asyncssh.PIPE, term_type="vt100", term_size=(91, 33)
    )
    assert "33 91" in str(done.stdout)
    assert done.exit_status == 0


@pytest.mark.parametrize(("term", "outlives"), [(None, True), ("vt100", False)])
def test_what_runs_without_a_terminal_outlives_its_connection_and_with_one_it_does_not(
    shared: Path, tmp_path: Path, term: str | None, outlives: bool
) -> None:
    began, go, mark = tmp_path / "began", tmp_path / "go", tmp_path / "mark"

    async def leave() -> None:
        async with asyncssh.connect(ONE, config=[str(shared / "ssh_config")]) as line:
            await line.create_process(
                f"echo $$ >{began}; until test -e {go}; do sleep 0.1; done; touch {mark}", term_type=term
            )
            while not (began.exists() and began.read_text().endswith("\n")):
                await asyncio.sleep(0.01)
            line.abort()

    asyncio.run(leave())
    pid = int(began.read_text())
    if outlives:
        os.kill(pid, 0)
        go.touch()
        until(mark.exists)
    else:
        until(lambda: gone(pid))
        assert not mark.exists()


def test_another_key_than_the_sandbox_s_is_not_let_in(shared: Path, tmp_path: Path) -> None:
    stranger = asyncssh.generate_private_key("ssh-ed25519")

    async def go() -> None:
        async with asyncssh.connect(ONE, config=[str(shared / "ssh_config")], client_keys=[stranger]):
            pass

    with pytest.raises(asyncssh.PermissionDenied):
        asyncio.run(go())


def test_each_host_has_a_key_of_its_own(shared: Path) -> None:
    config = (shared / "ssh_config").read_text().replace(f"HostKeyAlias {TWO}", f"HostKeyAlias {ONE}")
    wrong = shared / "wrong_config"
    wrong.write_text(config)

    async def go() -> None:
        async with asyncssh.connect(TWO, config=[str(wrong)]):
            pass

    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        asyncio.run(go())


def test_fabric_gets_in_with_the_ssh_config(shared: Path) -> None:
    config = fabric.Config(runtime_ssh_path=str(shared / "ssh_config"))
    with fabric.Connection(ONE, config=config) as line:
        assert line.run("rpm -q blockerbugs", hide=True, in_stream=False).stdout == "blockerbugs-1.0.0-1.el7.noarch\n"


def test_one_root_shell_carries_many_commands_after_one_password(asking: Path) -> None:
    async def go() -> str:
        async with asyncssh.connect(ONE, config=[str(asking / "ssh_config")]) as line:
            shell = await line.create_process(
                "sudo -S -p '[token]' sh -c 'echo ready; exec sh'", stderr=asyncssh.STDOUT
            )
            assert await shell.stdout.readexactly(7) == "[token]"
            # The next command is on its way before sudo has read the password: it must not swallow it.
            shell.stdin.write(
                f"{layout.sudo_password(asking, ONE)}\nrpm -q blockerbugs; echo $?\nsystemctl is-active httpd\n"
            )
            shell.stdin.write_eof()
            return str(await shell.stdout.read())

    assert asyncio.run(go()) == "ready\nblockerbugs-1.0.0-1.el7.noarch\n0\nactive\n"


def test_sudo_asks_three_times_and_gives_up(asking: Path) -> None:
    done = client(asking)(ONE, "sudo -S -p '? ' true", stdin=None, input="a\nb\nc\nd\n")
    assert done.stderr == "? Sorry, try again.\n? Sorry, try again.\n? sudo: 3 incorrect password attempts\n"
    assert done.exit_status == 1


def test_sudo_caches_nothing_and_every_host_has_another_password(asking: Path) -> None:
    one, two = (layout.sudo_password(asking, host) for host in (ONE, TWO))
    ssh = client(asking)
    assert one != two
    assert ssh(ONE, "sudo -S -p '' true && sudo -n true", stdin=None, input=f"{one}\n").stderr == (
        "sudo: a password is required\n"
    )
    assert ssh(TWO, "sudo -S -p '' true", stdin=None, input=f"{one}\n").exit_status == 1


def test_sudo_without_a_terminal_and_without_S_says_so(asking: Path) -> None:
    done = client(asking)(ONE, "sudo true")
    assert (done.stderr, done.exit_status) == ("sudo: no tty present and no askpass program specified\n", 1)


def test_sudo_reads_the_password_from_a_terminal_without_echo(asking: Path) -> None:
    password = layout.sudo_password(asking, ONE)

    async def go() -> str:
        async with asyncssh.connect(ONE, config=[str(asking / "ssh_config")]) as line:
            shell = await line.create_process("sudo -p 'pass: ' echo in", term_type="vt100")
            said = await shell.stdout.readuntil("pass: ")
            shell.stdin.write(f"{password}\n")
            return str(said + await shell.stdout.read())

    said = asyncio.run(go())
    assert "in" in said.split()
    assert password not in said


def test_a_password_leaves_no_trace_in_the_events(asking: Path) -> None:
    client(asking)(ONE, "sudo -S -p '' rpm -q blockerbugs", stdin=None, input=f"{layout.sudo_password(asking, ONE)}\n")
    assert layout.sudo_password(asking, ONE) not in (asking / "events.jsonl").read_text()
