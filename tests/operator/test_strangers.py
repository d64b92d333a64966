"""Who may be connected to: host keys, logins, sudo."""

from __future__ import annotations

import base64
import os
import pty
import re
import select
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ONE, PROJECT, STG, TWO, Fleet


def known_hosts(fleet: Fleet) -> Path:
    return fleet.home / "known_hosts"


def not_reached(fleet: Fleet, line: str, *words: str) -> None:
    ended = fleet.types(line)
    assert ended.code == 4, ended.said
    for word in words:
        assert word in ended.err, ended.said
    assert fleet.machines.events() == []


def test_s1_an_unknown_host_key_is_refused_and_no_other_host_is_touched(fleet: Fleet) -> None:
    lines = known_hosts(fleet).read_text().splitlines(keepends=True)
    known_hosts(fleet).write_text("".join(line for line in lines if TWO not in line))
    not_reached(fleet, "prod minor-upgrade --yes", "prod02: its host key ssh-ed25519 SHA256:", "ssh-keyscan")


@pytest.mark.sandbox_only("a line of shell, for which one fleet is enough")
@pytest.mark.skipif(not shutil.which("ssh-keyscan"), reason="OpenSSH is not on this machine")
def test_s1_the_line_that_is_offered_for_an_unknown_key_makes_it_known(fleet: Fleet) -> None:
    known_hosts(fleet).write_text("")
    ended = fleet.types("stg status")
    (offered,) = re.findall("^next: compare the fingerprint, then: (.*)$", ended.err, re.M)
    subprocess.run(offered, shell=True, check=True, cwd=fleet.folder, capture_output=True)
    assert fleet.types("stg status").code == 0


def test_s2_a_changed_host_key_is_refused(fleet: Fleet) -> None:
    text = known_hosts(fleet).read_text().splitlines()
    keys = {line.split()[0]: line for line in text}
    swapped = keys[ONE].replace(ONE, TWO)
    known_hosts(fleet).write_text("\n".join([keys[STG], keys[ONE], swapped]) + "\n")
    not_reached(fleet, "prod major-upgrade --yes", "prod02: its host key CHANGED", "ssh-keygen -R")


def test_s3_lines_that_cannot_be_used_hide_no_key_behind_them(fleet: Fleet) -> None:
    garbage = (
        "@cert-authority *.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+J2Ps=\n@revoked x\n\xff\xfe garbage\n# note\n"
    )
    known_hosts(fleet).write_bytes(garbage.encode("latin-1") + known_hosts(fleet).read_bytes())
    assert fleet.types("prod status").code == 0


def test_s3_a_revoked_key_is_refused_even_if_it_is_known_as_well(fleet: Fleet) -> None:
    line = next(line for line in known_hosts(fleet).read_text().splitlines() if STG in line)
    known_hosts(fleet).write_text(f"{known_hosts(fleet).read_text()}\n@revoked {line}\n")
    not_reached(fleet, "stg status", "stg01: its host key", "is marked @revoked")


def test_s3_a_host_that_an_authority_vouches_for_and_that_shows_no_certificate_is_refused(fleet: Fleet) -> None:
    line = next(line for line in known_hosts(fleet).read_text().splitlines() if STG in line)
    known_hosts(fleet).write_text(f"@cert-authority {line}\n")
    not_reached(fleet, "stg status", "the host showed no certificate", "next: ssh -F ")


def test_s12_where_no_ssh_is_installed_it_is_said_who_reads_ssh_config(fleet: Fleet, tmp_path: Path) -> None:
    fleet.environment["PATH"] = str(tmp_path)
    ended = fleet.types("stg status")
    assert ended.code == 0, ended.said
    assert "warning: no ssh is installed here: ssh_config is read by paramiko" in ended.said


def through_a_jump_host(fleet: Fleet) -> None:
    """Reach prod through stg's host, which then has to be known like any other."""
    config = fleet.home / "ssh_config"
    text = config.read_text()
    for host in (ONE, TWO):
        text = text.replace(f"Host {host}\n", f"Host {host}\n  ProxyJump {STG}\n")
    config.write_text(text)


@pytest.mark.smoke
def test_a_set_can_be_reached_through_a_jump_host(fleet: Fleet) -> None:
    through_a_jump_host(fleet)
    ended = fleet.types("prod status")
    assert ended.code == 0, ended.said


def test_s4_a_jump_host_with_an_unknown_key_is_refused_like_a_target(fleet: Fleet) -> None:
    through_a_jump_host(fleet)
    lines = known_hosts(fleet).read_text().splitlines(keepends=True)
    known_hosts(fleet).write_text("".join(line for line in lines if STG not in line))
    not_reached(fleet, "prod status", f"jump host {STG}: its host key ssh-ed25519 SHA256:")


def test_n4_a_host_that_cannot_be_reached_keeps_the_others_untouched(fleet: Fleet) -> None:
    fleet.machines.power_off(TWO)
    not_reached(fleet, "prod minor-upgrade --yes", "prod02: ")


def test_a_login_that_is_not_let_in_is_told_without_a_traceback(fleet: Fleet) -> None:
    config = fleet.home / "ssh_config"
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    stranger = fleet.home / "stranger"
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    stranger.write_bytes(pem)
    stranger.chmod(0o600)
    config.write_text(config.read_text().replace(str(fleet.home / "id_ed25519"), str(stranger)))
    not_reached(
        fleet,
        "prod status",
        "prod01: does not let",
        "next: ssh -F ",
        "prod01.example true, and so on for the other hosts",
    )


@pytest.fixture
def asking(fleet: Fleet) -> Fleet:
    """Every host's sudo asks each time, for a password of its own, and caches nothing."""
    fleet.machines.let_sudo_ask()
    return fleet


def at_a_terminal(fleet: Fleet, line: str, answers: dict[str, str]) -> tuple[int, str]:
    """Type `fab LINE` at a real terminal and answer every prompt; returns exit code and everything shown."""
    command = [sys.executable, "-m", "fabric", *fleet.ssh(), *line.split()]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(PROJECT)
        os.execve(sys.executable, command, fleet.environment)
    shown, answered = "", dict.fromkeys(answers, 0)
    while chunk := _read(terminal):
        shown += chunk
        for prompt, answer in answers.items():
            while answered[prompt] < shown.count(prompt):
                answered[prompt] += 1
                os.write(terminal, answer.encode() + b"\n")
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown


def _read(terminal: int) -> str:
    """What the terminal shows next; nothing when the program has left it, or says nothing for too long."""
    ready, _, _ = select.select([terminal], [], [], 30)
    try:
        return os.read(terminal, 4096).decode(errors="replace") if ready else ""
    except OSError:  # how Linux says that the last program has left
        return ""


@pytest.mark.smoke
def test_s8_sudo_is_asked_for_once_on_each_host_and_its_password_is_in_no_argv_and_no_journal(asking: Fleet) -> None:
    passwords = {f"{host[:6]}: sudo password": asking.machines.sudo_password(host) for host in (ONE, TWO)}
    stg = {"stg01: sudo password": asking.machines.sudo_password(STG)}
    code, shown = at_a_terminal(asking, "prod minor-upgrade --version 1.0.1 --unverified x --yes", passwords | stg)
    assert code == 0, shown
    assert [shown.count(prompt) for prompt in passwords] == [1, 1]
    begun = str(asking.machines.events())
    for password in [*passwords.values(), *stg.values()]:
        assert not any(password in text for text in (shown, begun, asking.journal.read_text()))


def test_s8_a_password_for_all_hosts_can_be_given_beforehand(asking: Fleet) -> None:
    prompt = "Desired 'sudo.password' config value"
    code, shown = at_a_terminal(
        asking, "--prompt-for-sudo-password stg status", {prompt: asking.machines.sudo_password(STG)}
    )
    assert code == 0, shown
    assert "stg01: sudo password" not in shown


def test_s8_without_a_terminal_sudo_that_asks_is_refused_and_says_what_helps(asking: Fleet) -> None:
    ended = asking.types("stg status")
    assert ended.code == 2, ended.said
    assert "stg01 asks, and there is no terminal to answer on: sudo password" in ended.err
    assert "--prompt-for-sudo-password" in ended.err


def test_a_wrong_sudo_password_three_times_ends_with_sudos_own_words(asking: Fleet) -> None:
    code, shown = at_a_terminal(asking, "stg status", {"stg01: sudo password": "wrong"})
    assert (code, shown.count("stg01: sudo password")) == (4, 3), shown
    assert "3 incorrect password attempts" in shown


def test_the_key_in_known_hosts_is_really_compared(fleet: Fleet) -> None:
    line = next(line for line in known_hosts(fleet).read_text().splitlines() if STG in line)
    name, kind, blob = line.split()[:3]
    raw = bytearray(base64.b64decode(blob))
    raw[-1] ^= 1
    known_hosts(fleet).write_text(f"{name} {kind} {base64.b64encode(bytes(raw)).decode()}\n")
    not_reached(fleet, "stg status", "CHANGED")
