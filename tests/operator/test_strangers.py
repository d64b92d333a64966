"""Who may be connected to: host keys, logins, sudo."""

from __future__ import annotations

import base64
import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.wanted import wanted

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
@wanted("ssh-keyscan", "OpenSSH's client")
def test_s1_the_line_that_is_offered_for_an_unknown_key_makes_it_known(fleet: Fleet) -> None:
    known_hosts(fleet).write_text("")
    ended = fleet.types("stg status")
    (offered,) = re.findall("^next: (.*)  # only after you have compared the fingerprint$", ended.err, re.M)
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


def test_n6_a_terminal_that_goes_away_interrupts_the_run_and_is_nothing_unexpected(stg_runs_110: Fleet) -> None:
    fleet = stg_runs_110
    fleet.breaks(ONE, "yum-update", "slow", seconds=5.0)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(PROJECT)
        line = [sys.executable, "-m", "fabric", *fleet.ssh(), "prod", "major-upgrade", "--yes"]
        os.execve(sys.executable, line, fleet.environment)
    shown = ""
    while not fleet.moments("service", "stop"):
        chunk = _read(terminal)
        assert chunk, shown
        shown += chunk
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130
    assert not list(fleet.journal.parent.glob("unexpected/*"))


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
        "prod01.example true  # and so on for the other hosts",
    )


@pytest.fixture
def asking(fleet: Fleet) -> Fleet:
    """Every host's sudo asks each time, for a password of its own, and caches nothing."""
    fleet.machines.let_sudo_ask()
    return fleet


CTRL_C = "\x03"


def at_a_terminal(fleet: Fleet, line: str, answers: Mapping[str, str | list[str]]) -> tuple[int, str]:
    """Type `fab LINE` at a real terminal and answer every prompt; returns exit code and everything shown.

    A list has an answer for each time that the prompt comes.
    """
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
                typed = answer if isinstance(answer, str) else answer[answered[prompt]]
                answered[prompt] += 1
                os.write(terminal, typed.encode() + (b"" if typed == CTRL_C else b"\n"))
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


def test_n3_ctrl_c_at_a_question_of_a_host_that_was_lost_ends_it(asking: Fleet) -> None:
    asking.breaks(STG, "yum-update", "drop")
    answers = [asking.machines.sudo_password(STG), CTRL_C]
    code, shown = at_a_terminal(asking, "stg minor-upgrade --version 1.0.1 --yes", {"stg01: sudo password": answers})
    assert (code, shown.count("stg01: sudo password")) == (5, 2), shown
    assert "stg01 | yum-update: UNKNOWN: nobody has answered what it asks: sudo password" in " ".join(shown.split()), (
        shown
    )


def test_a_wrong_sudo_password_three_times_ends_with_sudos_own_words(asking: Fleet) -> None:
    code, shown = at_a_terminal(asking, "stg status", {"stg01: sudo password": "wrong"})
    assert (code, shown.count("stg01: sudo password")) == (4, 3), shown
    assert "3 incorrect password attempts" in shown


def sudo_does(fleet: Fleet, host: str, script: str) -> None:
    """What the host's sudo does before it is the sandbox's own."""
    file = fleet.home / "hosts" / host / "usr/bin/sudo"
    real = file.with_name("sudo.real")
    file.rename(real)
    file.write_text(f"#!/bin/sh\n{script}\nexec '{real}' \"$@\"\n")
    file.chmod(0o755)


MENU = r"""printf 'Duo login for qa\n\n 1. Push to XXX-1234\n 2. Phone call\n\nPasscode or option (1-2): ' >&2
read -r answer; test "$answer" = 1 || { echo 'Incorrect passcode.' >&2; exit 1; }
echo 'Success. Logging you in...' >&2"""


@pytest.mark.sandbox_only("puts another sudo in the place of the host's own")
def test_everything_that_sudo_says_is_on_the_screen_before_its_question(fleet: Fleet) -> None:
    sudo_does(fleet, STG, MENU)
    code, shown = at_a_terminal(fleet, "stg status", {"Passcode or option (1-2)": "1"})
    assert code == 0, shown
    said = ["Duo login for qa", "1. Push to XXX-1234", "2. Phone call", "Passcode or option (1-2): ", "Success."]
    places = [shown.find(f"stg01: {text}" if text.startswith("Passcode") else f"stg01 | {text}") for text in said]
    assert places == sorted(places), shown
    assert -1 not in places, shown


@pytest.mark.sandbox_only("puts another sudo in the place of the host's own")
@pytest.mark.parametrize("end", ["\\n", ""], ids=["a line", "without an end"])
def test_a_key_to_be_touched_is_said_and_waits_for_no_answer(end: str, fleet: Fleet) -> None:
    sudo_does(fleet, STG, f"printf 'Please touch the device.{end}' >&2; sleep 3")
    code, shown = at_a_terminal(fleet, "stg status", {})
    assert (code, "Please touch the device." in shown) == (0, True), shown


@pytest.mark.sandbox_only("puts another sudo in the place of the host's own")
def test_how_long_sudo_may_take_is_a_setting(fleet: Fleet) -> None:
    file = fleet.home / "hosts.yml"
    file.write_text(file.read_text().replace("sync_host: stg01", "sync_host: stg01\n    limits: {sudo: 0.5}"))
    sudo_does(fleet, STG, "echo 'Please touch the device.' >&2; sleep 60")
    ended = fleet.types("stg status")
    assert ended.code == 4, ended.said
    assert "stg01 | Please touch the device." in ended.out
    assert "stg01: sudo gave no answer in 0.5 s (limits: sudo in hosts.yml); it said last: Please touch" in ended.err


@pytest.mark.sandbox_only("puts another sudo in the place of the host's own")
def test_s8_a_sudo_that_wants_a_terminal_has_one_and_nothing_typed_is_shown(asking: Fleet) -> None:
    wants = "if ! test -t 0; then echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1; fi"
    for host in (STG, ONE, TWO):
        sudo_does(asking, host, wants)
    passwords = {f"{host[:6]}: sudo password": asking.machines.sudo_password(host) for host in (ONE, TWO)}
    code, shown = at_a_terminal(
        asking,
        "prod minor-upgrade --version 1.0.1 --unverified x --yes",
        {**passwords, "stg01: sudo password": asking.machines.sudo_password(STG)},
    )
    assert code == 0, shown
    assert asking.runs(ONE) == asking.runs(TWO) == ("blockerbugs-1.0.1-1.el7", "1.0.1")
    said = shown + str(asking.machines.events()) + asking.journal.read_text()
    assert not [password for password in passwords.values() if password in said]
    assert "must have a tty" not in shown


def test_the_key_in_known_hosts_is_really_compared(fleet: Fleet) -> None:
    line = next(line for line in known_hosts(fleet).read_text().splitlines() if STG in line)
    name, kind, blob = line.split()[:3]
    raw = bytearray(base64.b64decode(blob))
    raw[-1] ^= 1
    known_hosts(fleet).write_text(f"{name} {kind} {base64.b64encode(bytes(raw)).decode()}\n")
    not_reached(fleet, "stg status", "CHANGED")
