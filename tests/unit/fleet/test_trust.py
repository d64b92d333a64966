"""Row S3: no line of known_hosts may hide another, and a certificate is checked as ssh checks it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    SSHCertificateBuilder,
    SSHCertificateType,
    load_ssh_public_key,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paramiko import Ed25519Key, PKey, RSAKey

from tasks.fleet import certificate, known_hosts
from tasks.fleet.certificate import Untrusted
from tasks.fleet.known_hosts import lookup_name
from tasks.fleet.ssh_config import Options
from tasks.fleet.trust import Trust
from tests.wanted import wanted

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


def fingerprint(key: PKey) -> str:
    return known_hosts.fingerprint(key.asbytes())


class KnownHosts:
    """What some files say of a host that is looked up by its name in known_hosts."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths

    def trust(self, name: str, **options: str) -> Trust:
        host, _, port = name.strip("[").partition("]:")
        said = {
            "hostname": host,
            "port": port or "22",
            "userknownhostsfile": " ".join(map(str, self.paths)),
            "globalknownhostsfile": "none",
        } | options
        return Trust(Options("typed", {option: (value,) for option, value in said.items()}))

    def accepts(self, name: str, key: PKey, address: str | None = None, **options: str) -> str | None:
        try:
            self.trust(name, **options).check(key, address)
        except Untrusted as error:
            return str(error)
        return None


Known = Callable[..., KnownHosts]


@pytest.fixture
def known(tmp_path: Path) -> Known:
    def write(*lines: str | bytes, end: bytes = b"\n") -> KnownHosts:
        path = tmp_path / "known_hosts"
        path.write_bytes(b"".join((line.encode() if isinstance(line, str) else line) + end for line in lines))
        known_hosts._read.cache_clear()  # two files of a test may be as large, and written in the same tick
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


def test_S3_where_only_an_authority_is_known_nobody_is_told_to_add_the_plain_key(known: Known) -> None:
    reason = str(known(entry("*.example", OTHER, "@cert-authority")).accepts(NAME, KEY))
    assert "@cert-authority" in reason
    assert "the host showed no certificate" in reason


def test_S3_beside_an_authority_a_plain_key_counts(known: Known) -> None:
    assert known(entry("*", OTHER, "@cert-authority"), entry(NAME, KEY)).accepts(NAME, KEY) is None


def test_S2_another_key_of_a_known_type_is_called_changed(known: Known) -> None:
    assert "CHANGED" in str(known(entry(NAME, OTHER)).accepts(NAME, KEY))


def test_S1_the_refusal_shows_type_and_fingerprint(known: Known) -> None:
    assert f"ssh-ed25519 {fingerprint(KEY)}" in str(known().accepts(NAME, KEY))


@wanted("ssh-keygen", "OpenSSH's client")
def test_the_fingerprint_is_the_one_ssh_keygen_shows(tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text(f"{KEY.get_name()} {KEY.get_base64()}\n")
    said = subprocess.run(["ssh-keygen", "-lf", tmp_path / "key.pub"], capture_output=True, text=True, check=True)
    assert fingerprint(KEY) == said.stdout.split()[1]


ALGORITHMS = (
    "ssh-ed25519",
    "rsa-sha2-512",
    "rsa-sha2-256",
    "ssh-ed25519-cert-v01@openssh.com",
    "rsa-sha2-512-cert-v01@openssh.com",
)


def test_the_types_of_the_keys_that_are_known_are_asked_for_first(known: Known) -> None:
    assert known(entry(NAME, rsa())).accepts(NAME, rsa()) is None
    assert known(entry(NAME, rsa())).trust(NAME).key_types(ALGORITHMS)[:2] == ["rsa-sha2-512", "rsa-sha2-256"]


@pytest.mark.parametrize("marker", ["@cert-authority", "@revoked"])
def test_certificates_are_asked_for_where_somebody_vouches_for_them_or_revokes_them(marker: str, known: Known) -> None:
    with_ca = known(entry("*", OTHER, marker), entry(NAME, rsa())).trust(NAME, hostkeyalgorithms=",".join(ALGORITHMS))
    assert with_ca.key_types(ALGORITHMS) == [*ALGORITHMS[1:], "ssh-ed25519"]
    without = known(entry("elsewhere", OTHER, marker)).trust(NAME, hostkeyalgorithms=",".join(ALGORITHMS))
    assert without.key_types(ALGORITHMS) == list(ALGORITHMS[:3])


def test_no_other_algorithms_are_asked_for_than_ssh_config_allows(known: Known) -> None:
    allowed = known(entry(NAME, rsa())).trust(NAME, hostkeyalgorithms="ssh-ed25519,sk-ssh-ed25519@openssh.com")
    assert allowed.key_types(ALGORITHMS) == ["ssh-ed25519"]


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


def certified(key: PKey, authority: Ed25519PrivateKey, **changes: Any) -> PKey:
    """`key` as a host shows it that has a certificate; changes: to one that is good."""
    now = int(time.time())
    facts: dict[str, Any] = {
        "kind": SSHCertificateType.HOST,
        "names": [NAME.encode()],
        "after": now - 60,
        "before": now + 60,
        "critical": {},
    } | changes
    builder = (
        SSHCertificateBuilder()
        .public_key(load_ssh_public_key(f"{key.get_name()} {key.get_base64()}".encode()))  # type: ignore[arg-type]
        .serial(1)
        .type(facts["kind"])
        .key_id(b"a test's")
        .valid_after(facts["after"])
        .valid_before(facts["before"])
    )
    builder = builder.valid_principals(facts["names"]) if facts["names"] else builder.valid_for_all_principals()  # type: ignore[no-untyped-call]
    for name, value in facts["critical"].items():
        builder = builder.add_critical_option(name, value)
    shown = PKey.from_type_string(key.get_name(), key.asbytes())
    shown.load_certificate(builder.sign(authority).public_bytes().decode())
    return shown


AUTHORITY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"the authority").digest())
CA = ed25519("the authority")


def test_S3_a_certificate_of_a_listed_authority_is_believed(known: Known) -> None:
    assert known(entry("*.example", CA, "@cert-authority")).accepts(NAME, certified(KEY, AUTHORITY)) is None


def test_S3_off_port_22_an_authority_for_the_bare_name_will_do(known: Known) -> None:
    lines = known(entry("*.example", CA, "@cert-authority"))
    assert lines.accepts(lookup_name(NAME, 2222), certified(KEY, AUTHORITY)) is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({"after": 900, "before": 1000}, "expired", id="one that has expired"),
        pytest.param({"after": int(time.time()) + 1000, "before": 2**63}, "not valid before", id="one of tomorrow"),
        pytest.param({"names": [b"other.example"]}, f"other.example, and not for {NAME}", id="one for another name"),
        pytest.param({"kind": SSHCertificateType.USER}, "for users", id="a user's"),
        pytest.param({"critical": {b"odd@x": b"1"}}, "critical options that nobody knows: odd@x", id="odd conditions"),
    ],
)
def test_S3_a_certificate_is_refused_and_the_reason_told(changes: dict[str, Any], why: str, known: Known) -> None:
    reason = known(entry("*", CA, "@cert-authority")).accepts(NAME, certified(KEY, AUTHORITY, **changes))
    assert why in str(reason)
    assert "its host certificate" in str(reason)


def test_S3_a_certificate_of_another_authority_is_refused_by_both_their_fingerprints(known: Known) -> None:
    reason = known(entry("*", OTHER, "@cert-authority")).accepts(NAME, certified(KEY, AUTHORITY))
    assert fingerprint(CA) in str(reason)
    assert fingerprint(OTHER) in str(reason)


def test_S3_a_certificate_whose_signature_is_forged_is_refused(known: Known) -> None:
    shown = certified(KEY, AUTHORITY)
    assert shown.public_blob
    blob = bytearray(shown.public_blob.key_blob)
    blob[-1] ^= 1
    shown.public_blob.key_blob = bytes(blob)
    assert "has no good signature" in str(known(entry("*", CA, "@cert-authority")).accepts(NAME, shown))


@pytest.mark.parametrize("revoked", [CA, KEY], ids=["authority", "key"])
def test_S3_a_certificate_is_refused_whose_revoked_part_is(revoked: PKey, known: Known) -> None:
    lines = known(entry("*", CA, "@cert-authority"), entry("*", revoked, "@revoked"), entry(NAME, KEY))
    assert "@revoked" in str(lines.accepts(NAME, certified(KEY, AUTHORITY)))


def test_S3_where_the_plain_key_is_known_a_bad_certificate_does_no_harm(known: Known) -> None:
    lines = known(entry("*", CA, "@cert-authority"), entry(NAME, KEY))
    assert lines.accepts(NAME, certified(KEY, AUTHORITY, after=900, before=1000)) is None


@pytest.mark.parametrize(
    ("version", "names", "good"),
    [((10, 2), [], True), ((10, 3), [], False), ((10, 2), [b"*.example"], False), ((10, 3), [b"*.example"], True)],
    ids=str,
)
def test_S3_names_and_patterns_in_a_certificate_count_as_for_the_ssh_that_is_installed(
    version: tuple[int, int], names: list[bytes], good: bool, known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificate, "_openssh", lambda: version)
    reason = known(entry("*", CA, "@cert-authority")).accepts(NAME, certified(KEY, AUTHORITY, names=names))
    assert (reason is None) is good


def test_S3_the_alias_is_the_name_that_a_certificate_is_for(known: Known) -> None:
    lines, shown = known(entry("alias", CA, "@cert-authority")), certified(KEY, AUTHORITY, names=[b"alias"])
    assert lines.accepts(NAME, shown, hostkeyalias="alias") is None
    assert lines.accepts(NAME, shown) is not None


def test_S2_a_key_known_for_the_port_is_not_looked_for_without_it(known: Known) -> None:
    lines = known(entry(f"[{NAME}]:2222", OTHER), entry(NAME, KEY))
    assert "CHANGED" in str(lines.accepts(lookup_name(NAME, 2222), KEY))


def test_S3_a_key_known_without_its_port_is_known(known: Known) -> None:
    assert known(entry(NAME, KEY)).accepts(lookup_name(NAME, 2222), KEY) is None


def test_S2_another_key_of_the_bare_name_is_not_called_changed_off_its_port(known: Known) -> None:
    assert "is not in known_hosts" in str(known(entry(NAME, OTHER)).accepts(lookup_name(NAME, 2222), KEY))


@pytest.mark.parametrize(
    ("checked", "address", "refused"),
    [("yes", "192.0.2.7", True), ("no", "192.0.2.7", False), ("yes", "127.0.0.1", False), ("yes", None, False)],
)
def test_S2_with_CheckHostIP_the_address_has_to_have_the_same_key(
    checked: str, address: str | None, refused: bool, known: Known
) -> None:
    lines = known(entry(NAME, KEY), entry("192.0.2.7,127.0.0.1", OTHER))
    assert bool(lines.accepts(NAME, KEY, address, checkhostip=checked)) is refused


def test_S3_a_line_whose_type_is_not_that_of_its_key_counts_for_nothing(known: Known) -> None:
    assert known(entry(NAME, KEY).replace("ssh-ed25519 ", "ssh-rsa ")).accepts(NAME, KEY) is not None


def test_S3_a_revoked_certificate_revokes_the_key_in_it(known: Known) -> None:
    shown = certified(KEY, AUTHORITY)
    assert shown.public_blob
    listed = f"@revoked * {shown.public_blob.key_type} {base64.b64encode(shown.public_blob.key_blob).decode()}"
    for lines in (known(entry("*", CA, "@cert-authority"), listed), known(entry(NAME, KEY), listed)):
        assert "@revoked" in str(lines.accepts(NAME, shown))
        assert "@revoked" in str(lines.accepts(NAME, KEY))


def test_S3_an_rsa_key_that_is_shorter_than_ssh_config_wants_is_refused(known: Known) -> None:
    lines = known(entry(NAME, rsa()))
    assert "RequiredRSASize is 4096" in str(lines.accepts(NAME, rsa(), requiredrsasize="4096"))
    assert lines.accepts(NAME, rsa(), requiredrsasize="2048") is None


def test_S3_a_key_in_a_file_of_revoked_keys_is_refused(known: Known, tmp_path: Path) -> None:
    (tmp_path / "revoked").write_text(f"# a comment\n{KEY.get_name()} {KEY.get_base64()} somebody's\n")
    lines = known(entry(NAME, KEY), entry(NAME, rsa()))
    assert "revoked by" in str(lines.accepts(NAME, KEY, revokedhostkeys=str(tmp_path / "revoked")))
    assert lines.accepts(NAME, rsa(), revokedhostkeys=str(tmp_path / "revoked")) is None
    assert "cannot be read" in str(lines.accepts(NAME, KEY, revokedhostkeys=str(tmp_path / "none")))


@wanted("ssh-keygen", "OpenSSH's client")
def test_S3_a_key_in_a_revocation_list_is_refused(known: Known, tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text(f"{KEY.get_name()} {KEY.get_base64()}\n")
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", tmp_path / "krl", tmp_path / "key.pub"], check=True)
    lines = known(entry(NAME, KEY), entry(NAME, rsa()))
    assert "revoked by" in str(lines.accepts(NAME, KEY, revokedhostkeys=str(tmp_path / "krl")))
    assert lines.accepts(NAME, rsa(), revokedhostkeys=str(tmp_path / "krl")) is None


def program(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_S3_what_KnownHostsCommand_prints_counts_as_lines_do(known: Known, tmp_path: Path) -> None:
    command = program(tmp_path / "lookup", f'echo "$1" {KEY.get_name()} {KEY.get_base64()}')
    assert known().accepts(NAME, KEY, knownhostscommand=f"{command} %H") is None
    assert known().accepts(NAME, KEY, knownhostscommand=f"{command} elsewhere") is not None


def test_S3_a_KnownHostsCommand_that_fails_is_named(known: Known, tmp_path: Path) -> None:
    command = program(tmp_path / "lookup", "echo no database >&2; exit 3")
    reason = str(known(entry(NAME, KEY)).accepts(NAME, KEY, knownhostscommand=command))
    assert f"{command}: exit status 3: no database" in reason


def test_S3_a_KnownHostsCommand_that_is_not_there_knows_nothing(known: Known, tmp_path: Path) -> None:
    command = str(tmp_path / "missing")
    assert known(entry(NAME, KEY)).accepts(NAME, KEY, knownhostscommand=command) is None
    assert "is not in known_hosts" in str(known().accepts(NAME, KEY, knownhostscommand=command))
