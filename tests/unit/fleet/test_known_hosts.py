"""Row S3: no line of known_hosts may hide another."""

from __future__ import annotations

import base64
import hashlib
import hmac
import subprocess
from collections.abc import Callable
from functools import cache
from io import StringIO
from pathlib import Path
from shutil import which

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paramiko import Ed25519Key, PKey, RSAKey, SSHConfig

from tasks.fleet.known_hosts import KnownHosts, fingerprint, first_key_file, key_files, lookup_name

NAME = "blockerbugs01.iad2.example"


@cache
def ed25519(which_one: str) -> PKey:
    pem = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(which_one.encode()).digest()).private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
    )
    return Ed25519Key.from_private_key(StringIO(pem.decode()))


@cache
def rsa() -> PKey:
    return RSAKey.generate(2048)


def entry(patterns: str, key: PKey, marker: str = "") -> str:
    return f"{marker} {patterns} {key.get_name()} {key.get_base64()}".strip()


def hashed(name: str) -> str:
    salt = hashlib.sha1(name.encode()).digest()
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


Known = Callable[..., KnownHosts]


@pytest.fixture
def known(tmp_path: Path) -> Known:
    def write(*lines: str | bytes, end: bytes = b"\n") -> KnownHosts:
        path = tmp_path / "known_hosts"
        path.write_bytes(b"".join((line.encode() if isinstance(line, str) else line) + end for line in lines))
        return KnownHosts([path])

    return write


KEY, OTHER = ed25519("mine"), ed25519("another's")


@pytest.mark.parametrize(
    "patterns",
    [
        pytest.param(NAME, id="its name"),
        pytest.param(f"elsewhere,{NAME},10.0.0.1", id="one of several names"),
        pytest.param(NAME.upper(), id="capitals"),
        pytest.param("*.iad2.example", id="a wildcard"),
        pytest.param("blockerbugs0?.iad2.example", id="a wildcard for one letter"),
        pytest.param("*,!blockerbugs02.*", id="a negation of another"),
        pytest.param(hashed(NAME), id="hashed"),
    ],
)
def test_S3_a_key_is_known_by(patterns: str, known: Known) -> None:
    assert known(entry(patterns, KEY)).accepts(NAME, KEY) is None


@pytest.mark.parametrize(
    "patterns",
    [
        pytest.param("blockerbugs02.iad2.example", id="another's name"),
        pytest.param("iad2.example", id="its domain"),
        pytest.param("blockerbugs0[12].iad2.example", id="brackets, which are no wildcard here"),
        pytest.param(f"*.iad2.example,!{NAME}", id="a negation"),
        pytest.param(f"!{NAME},*.iad2.example", id="a negation in front"),
        pytest.param("!blockerbugs02.iad2.example", id="only a negation, of another"),
        pytest.param(f"[{NAME}]:2222", id="another port"),
        pytest.param(hashed("blockerbugs02.iad2.example"), id="another's hash"),
        pytest.param("|1|not base64|at all", id="a broken hash"),
        pytest.param("|1|", id="no hash"),
        pytest.param(f"{hashed(NAME)},{hashed('x')}", id="two hashes on a line, which OpenSSH does not have"),
    ],
)
def test_S3_a_key_is_not_known_by(patterns: str, known: Known) -> None:
    assert "is not in known_hosts" in str(known(entry(patterns, KEY)).accepts(NAME, KEY))


def test_S3_a_hashed_name_is_found_however_it_is_typed(known: Known) -> None:
    assert known(entry(hashed(NAME), KEY)).accepts(NAME.capitalize(), KEY) is None  # ssh lowers it, then hashes


def test_S3_off_port_22_the_name_has_brackets_and_the_port(known: Known) -> None:
    assert known(entry(f"[{NAME}]:2222", KEY)).accepts(lookup_name(NAME, 2222), KEY) is None


def test_S3_off_port_22_a_hash_is_of_the_brackets_too(known: Known) -> None:
    assert known(entry(hashed(f"[{NAME}]:2222"), KEY)).accepts(lookup_name(NAME, 2222), KEY) is None


def test_on_port_22_the_name_is_the_name() -> None:
    assert lookup_name(NAME, 22) == NAME


@pytest.mark.parametrize("patterns", [NAME, "*", hashed(NAME)], ids=["by name", "for all", "hashed"])
def test_S3_a_revoked_key_is_refused_although_it_is_known(patterns: str, known: Known) -> None:
    lines = entry(NAME, KEY), entry(patterns, KEY, "@revoked")
    assert "@revoked" in str(known(*lines).accepts(NAME, KEY))
    assert "@revoked" in str(known(*reversed(lines)).accepts(NAME, KEY))


def test_S3_a_key_revoked_for_another_host_is_fine_here(known: Known) -> None:
    assert known(entry("elsewhere", KEY, "@revoked"), entry(NAME, KEY)).accepts(NAME, KEY) is None


def test_S3_an_authority_is_not_taken_for_a_host_key(known: Known) -> None:
    assert known(entry("*", KEY, "@cert-authority")).accepts(NAME, KEY) is not None


def test_S3_where_only_an_authority_is_known_the_text_says_that_certificates_are_not_supported(known: Known) -> None:
    reason = str(known(entry("*.example", OTHER, "@cert-authority")).accepts(NAME, KEY))
    assert "certificate" in reason
    assert "not supported" in reason


def test_S3_beside_an_authority_a_plain_key_counts(known: Known) -> None:
    assert known(entry("*", OTHER, "@cert-authority"), entry(NAME, KEY)).accepts(NAME, KEY) is None


def test_S2_another_key_of_a_known_type_is_called_changed(known: Known) -> None:
    assert "CHANGED" in str(known(entry(NAME, OTHER)).accepts(NAME, KEY))


def test_S1_the_refusal_shows_type_and_fingerprint(known: Known) -> None:
    assert f"ssh-ed25519 {fingerprint(KEY)}" in str(known().accepts(NAME, KEY))


@pytest.mark.skipif(not which("ssh-keygen"), reason="the fingerprint is compared with ssh-keygen's")
def test_the_fingerprint_is_the_one_ssh_keygen_shows(tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text(f"{KEY.get_name()} {KEY.get_base64()}\n")
    said = subprocess.run(["ssh-keygen", "-lf", tmp_path / "key.pub"], capture_output=True, text=True, check=True)
    assert fingerprint(KEY) == said.stdout.split()[1]


def test_a_host_may_have_keys_of_several_types_and_they_are_asked_for_in_that_order(known: Known) -> None:
    both = known(entry(NAME, rsa()), entry(NAME, KEY))
    assert both.accepts(NAME, KEY) is both.accepts(NAME, rsa()) is None
    assert both.key_types(NAME) == ["ssh-rsa", "ssh-ed25519"]


def test_the_type_of_an_authority_or_a_revoked_key_is_not_asked_for(known: Known) -> None:
    assert known(entry("*", KEY, "@cert-authority"), entry("*", rsa(), "@revoked")).key_types(NAME) == []


def test_several_files_count_together_and_one_that_is_missing_counts_as_empty(tmp_path: Path) -> None:
    (tmp_path / "user").write_text(entry(NAME, OTHER) + "\n")
    (tmp_path / "system").write_text(entry(NAME, KEY) + "\n")
    paths = [tmp_path / name for name in ("user", "none", "system")]
    assert KnownHosts(paths).accepts(NAME, KEY) is None


def test_S3_a_last_line_without_its_end_counts(tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text(entry(NAME, KEY))
    assert KnownHosts([tmp_path / "known_hosts"]).accepts(NAME, KEY) is None


def test_S3_windows_line_ends_are_no_trouble(known: Known) -> None:
    assert known("# a comment", entry(NAME, KEY), end=b"\r\n").accepts(NAME, KEY) is None


def test_S3_what_stands_behind_the_key_is_a_comment(known: Known) -> None:
    assert known(entry(NAME, KEY) + " root@blockerbugs01 2019").accepts(NAME, KEY) is None


@pytest.mark.parametrize("odd", ["\u2028", "\x85", "\x0b", "\x0c", "\x1c"], ids=ascii)
def test_S3_a_comment_ends_only_at_the_end_of_its_line(odd: str, known: Known) -> None:
    assert known(f"# not any more:{odd}{entry(NAME, KEY)}").accepts(NAME, KEY) is not None


# Every kind of line there is, none of them about NAME and KEY.
TROUBLE: list[str | bytes] = [
    "",
    "# a comment",
    entry("*", OTHER, "@cert-authority"),
    entry("*", OTHER, "@revoked"),
    entry(hashed("elsewhere"), OTHER),
    entry("*.elsewhere,!x.elsewhere", OTHER),
    entry("[elsewhere]:2222", rsa()),
    "@cert-authority",
    "@revoked *",
    f"@unheard-of {entry(NAME, OTHER)}",
    f"{NAME} ssh-ed25519",
    f"{NAME} ssh-ed25519 AAAA!garbage!",
    f"{NAME} ssh-ed25519 A",
    f"{NAME} 1024 35 1234567890",
    "\x00\x01\x02",
    b"\xff\xfe caf\xe9 ssh-ed25519 \xa0",
    b"\xe9 " + f"ssh-ed25519 {OTHER.get_base64()}".encode(),
    "|1|x|y ssh-rsa AAAA",
    "[ ssh-ed25519 AAAA",
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.sampled_from(TROUBLE)), place=st.integers(0, 30), end=st.sampled_from([b"\n", b"\r\n"]))
def test_S3_a_key_is_found_wherever_it_stands_among_lines_of_any_kind(
    lines: list[str | bytes], place: int, end: bytes, known: Known
) -> None:
    lines.insert(min(place, len(lines)), entry(NAME, KEY))
    assert known(*lines, end=end).accepts(NAME, KEY) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.lists(st.binary()), after=st.lists(st.binary()))
def test_S3_garbage_of_any_kind_neither_crashes_nor_hides_a_key(
    before: list[bytes], after: list[bytes], known: Known
) -> None:
    assert known(*before, entry(NAME, KEY), *after).accepts(NAME, KEY) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(TROUBLE)))
def test_S3_lines_of_any_kind_never_make_a_stranger_known(known: Known, lines: list[str | bytes]) -> None:
    assert known(*lines).accepts(NAME, ed25519("a stranger's")) is not None


@pytest.mark.parametrize(
    ("written", "files"),
    [
        ("~/.ssh/known_hosts", ["known_hosts"]),
        ("~/.ssh/known_hosts ~/.ssh/more", ["known_hosts", "more"]),
        ('"~/.ssh/with a blank"', ["with a blank"]),
        ('"~/.ssh/with a blank" "~/.ssh/and another"', ["with a blank", "and another"]),
        ("~/.ssh/o'neil", ["o'neil"]),
        ("none", []),
    ],
)
def test_ssh_configs_files_are_found_as_ssh_finds_them(written: str, files: list[str], fence: Path) -> None:
    folder = fence / ".ssh"
    folder.mkdir()
    (folder / "with a blank").touch()
    config = SSHConfig.from_text(f"Host *\n  UserKnownHostsFile {written}\n  GlobalKnownHostsFile none\n").lookup("x")
    assert key_files(config) == tuple(folder / name for name in files)


def test_a_value_that_does_not_end_is_told_by_its_option() -> None:
    with pytest.raises(ValueError, match='UserKnownHostsFile /a b" c: No closing quotation'):
        key_files({"userknownhostsfile": '/a b" c'})


def test_the_file_for_a_new_key_is_named_as_a_shell_takes_it() -> None:
    for option, named in (
        ("~/.ssh/known_hosts ~/x", "~/.ssh/known_hosts"),
        ('"/a b" "/c d"', "'/a b'"),
        ("/o'n", "'/o'\"'\"'n'"),
    ):
        assert first_key_file(SSHConfig.from_text(f"Host *\n  UserKnownHostsFile {option}\n").lookup("x")) == named
    assert first_key_file({}) == "~/.ssh/known_hosts"
