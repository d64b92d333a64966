"""Row S12: what ssh says of a host is what counts; where there is no ssh, paramiko's reader."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tasks.errors import Refused, Unreachable
from tasks.fleet import ssh_config
from tasks.fleet.ssh_config import Options
from tests.wanted import wanted

with_ssh = wanted("ssh", "OpenSSH's client")


def said(**options: str) -> Options:
    return Options("typed.example", {option: (value,) for option, value in options.items()})


@pytest.fixture
def without_ssh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def written(folder: Path, text: str) -> str:
    path = folder / "config"
    path.write_text(text)
    return str(path)


CONFIG = "Host typed.example\n  HostName real.example\n  User someone\n  Port 2222\n"


@with_ssh
def test_S12_a_host_is_reached_as_ssh_would_reach_it(tmp_path: Path) -> None:
    (tmp_path / "more").write_text("Match originalhost typed.example exec true\n  ProxyJump me@jump.example:22022\n")
    found = ssh_config.options(written(tmp_path, f"{CONFIG}Include {tmp_path / 'mor?'}\n"), "typed.example")
    assert (found.host, found.user, found.port) == ("real.example", "someone", 2222)
    assert found.jumps == ["me@jump.example:22022"]


@with_ssh
def test_S12_what_ssh_cannot_read_is_refused_in_its_words_with_file_and_line(tmp_path: Path) -> None:
    file = written(tmp_path, "Host *\n  NotAKeyword yes\n")
    with pytest.raises(Unreachable) as refused:
        ssh_config.options(file, "typed.example")
    assert f"{file}: line 2: Bad configuration option: notakeyword" in str(refused.value)
    assert refused.value.next_line == f"ssh -G -F {file} -- typed.example"


@with_ssh
def test_S12_the_user_and_port_of_a_jump_host_count_in_its_matches(tmp_path: Path) -> None:
    file = written(tmp_path, "Match user root\n  HostName rootly.example\n")
    assert ssh_config.options(file, "jump.example", "root", 22022).host == "rootly.example"
    assert ssh_config.options(file, "jump.example", "me").host == "jump.example"


@with_ssh
def test_what_is_expected_is_asked_for_once_and_a_later_question_asks_again(tmp_path: Path) -> None:
    file = written(tmp_path, CONFIG)
    ssh_config.expect(file, ["typed.example"])
    begun = ssh_config._expected[file, "typed.example"].result()
    Path(file).write_text(CONFIG.replace("real", "other"))
    assert ssh_config.options(file, "typed.example") is begun
    assert ssh_config.options(file, "typed.example").host == "other.example"


@pytest.mark.usefixtures("without_ssh")
def test_S12_without_an_ssh_paramikos_reader_does_and_says_so(tmp_path: Path) -> None:
    found = ssh_config.options(written(tmp_path, CONFIG), "typed.example")
    assert (found.host, found.user, found.port) == ("real.example", "someone", 2222)
    assert found.reader == "no ssh is installed here"


@pytest.mark.usefixtures("without_ssh")
@pytest.mark.parametrize("text", ["Host x # Bob's server\n", "NotAKeyword\n"])
def test_S12_what_paramikos_reader_cannot_read_is_refused_with_the_file(text: str, tmp_path: Path) -> None:
    file = written(tmp_path, text)
    with pytest.raises(Refused, match="cannot be read") as refused:
        ssh_config.options(file, "typed.example")
    assert file in str(refused.value)


@pytest.mark.usefixtures("without_ssh")
def test_S12_bytes_that_are_no_text_keep_nobody_from_reading_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_bytes(b"# R\xe9seau\n" + CONFIG.encode())
    assert ssh_config.options(str(file), "typed.example").host == "real.example"


@pytest.mark.parametrize(
    ("value", "files"),
    [
        ("~/.ssh/known_hosts", ["known_hosts"]),
        ("~/.ssh/known_hosts ~/.ssh/more", ["known_hosts", "more"]),
        ("~/.ssh/with a blank", ["with a blank"]),
        ("~/.ssh/with a blank ~/.ssh/more", ["with a blank", "more"]),
        ('"~/.ssh/with a blank" "~/.ssh/and another"', ["with a blank", "and another"]),
        ("~/.ssh/o'neil", ["o'neil"]),
        ("none", []),
    ],
)
def test_files_whose_names_have_blanks_are_found(value: str, files: list[str], fence: Path) -> None:
    folder = fence / ".ssh"
    folder.mkdir()
    (folder / "with a blank").touch()
    assert said(userknownhostsfile=value).user_known_hosts == [folder / name for name in files]


def test_tokens_variables_and_the_home_are_resolved_in_the_names_of_keys(
    fence: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYS", "/keys")
    found = Options(
        "typed.example",
        {"hostname": ("real.example",), "user": ("me",), "identityfile": ("~/%h", "${KEYS}/%n-%r%%", "%d/%p", "none")},
    )
    assert found.identity_files == [
        fence / "real.example",
        Path("/keys/typed.example-me%"),
        fence / "22",
    ]


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(Unreachable, match="variable NOWHERE_SET is not set"):
        _ = said(identityfile="${NOWHERE_SET}/id").identity_files


@pytest.mark.parametrize(
    ("value", "socket"),
    [
        (None, "/of/the/environment"),
        ("SSH_AUTH_SOCK", "/of/the/environment"),
        ("$OTHER", "/other"),
        ("/an agent", "/an agent"),
        ("none", None),
    ],
)
def test_the_agent_is_the_one_that_ssh_would_ask(
    value: str | None, socket: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/of/the/environment")
    monkeypatch.setenv("OTHER", "/other")
    assert said(**({"identityagent": value} if value else {})).agent == socket


@pytest.mark.parametrize(
    ("options", "methods"),
    [
        ({}, ["publickey", "keyboard-interactive", "password"]),
        ({"preferredauthentications": "password,gssapi-with-mic,publickey"}, ["password", "publickey"]),
        ({"pubkeyauthentication": "no", "passwordauthentication": "no"}, ["keyboard-interactive"]),
        ({"batchmode": "yes"}, ["publickey"]),
    ],
)
def test_who_logs_in_does_so_by_the_methods_that_ssh_would_use(options: dict[str, str], methods: list[str]) -> None:
    assert said(**options).methods == methods


@with_ssh
def test_another_home_than_the_one_of_the_user_database_is_where_files_are_looked_for(fence: Path) -> None:
    assert Path(os.environ["HOME"]) == fence
    (fence / ".ssh").mkdir()
    (fence / ".ssh/config").write_text(CONFIG)
    found = ssh_config.options(None, "typed.example")
    assert found.host == "real.example"
    assert found.user_known_hosts[0] == fence / ".ssh/known_hosts"
    assert found.ssh("-t") == "ssh -t typed.example"
