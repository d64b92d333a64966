from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_mock import MockerFixture

from tasks.errors import Code, Refused
from tasks.fleet.output import clean
from tasks.journal.coding import cleaned, read
from tasks.journal.events import Deposed
from tasks.journal.file import Journal, kept_here, operator
from tasks.paths import state_dir

from ..builders import event


@pytest.fixture
def journal() -> Iterator[Journal]:
    with closing(Journal()) as opened:
        yield opened


def entries(journal: Journal) -> list[dict[str, object]]:
    return [json.loads(line) for line in journal.path.read_text().splitlines()]


def test_what_is_written_is_one_line_of_json_with_its_run(journal: Journal) -> None:
    journal.write(event("begin", set="prod"))
    (entry,) = entries(journal)
    assert (entry["event"], entry["set"], entry["run"]) == ("begin", "prod", journal.run)


def test_a_second_run_writes_behind_the_first_and_under_another_name(journal: Journal) -> None:
    journal.write(event("begin"))
    with closing(Journal()) as second:
        second.write(event("begin"))
    assert [entry["run"] for entry in entries(journal)] == [journal.run, second.run]
    assert journal.run != second.run


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.text())
def test_S10_whatever_is_written_stays_one_line_of_plain_ascii(journal: Journal, text: str) -> None:
    before = len(journal.path.read_text().splitlines())
    journal.write(Deposed("prod", text))
    assert len(journal.path.read_text(encoding="ascii").splitlines()) == before + 1
    assert entries(journal)[-1]["why"] == "\n".join(map(clean, text.split("\n")))
    assert "\x1b" not in journal.path.read_text()


def test_S7_only_its_owner_can_read_it(journal: Journal) -> None:
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.path.parent.stat().st_mode) == 0o700


def test_S7_one_that_others_could_read_is_closed_to_them(journal: Journal) -> None:
    journal.path.chmod(0o644)
    journal.path.parent.chmod(0o755)
    with closing(Journal()):
        test_S7_only_its_owner_can_read_it(journal)


def test_S7_a_symlink_in_its_place_is_refused(tmp_path: Path) -> None:
    state_dir().mkdir(parents=True)
    (state_dir() / "journal.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused) as refused:
        Journal()
    assert refused.value.code == Code.REFUSED
    assert not (tmp_path / "elsewhere").exists()


def test_S7_a_symlink_to_a_file_is_refused_and_the_file_is_left_alone(tmp_path: Path) -> None:
    state_dir().mkdir(parents=True)
    (tmp_path / "elsewhere").write_text("precious")
    (state_dir() / "journal.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused):
        Journal()
    assert (tmp_path / "elsewhere").read_text() == "precious"


def test_S7_a_folder_in_its_place_is_refused_with_the_line_that_shows_it() -> None:
    path = state_dir() / "journal.jsonl"
    path.mkdir(parents=True)
    with pytest.raises(Refused) as refused:
        Journal()
    assert (refused.value.next_line or "").startswith(f"ls -ld {path}\n")


def test_S7_a_file_in_its_folders_place_is_refused() -> None:
    state_dir().parent.mkdir(parents=True)
    state_dir().write_text("")
    with pytest.raises(Refused, match="cannot be written"):
        Journal()


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_X3_a_full_disk_ends_the_run(call: str, journal: Journal, mocker: MockerFixture) -> None:
    mocker.patch.object(os, call, side_effect=OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(Refused, match="No space left on device"):
        journal.write(event("begin"))


def test_X3_a_disk_with_room_for_half_a_line_ends_the_run_too(journal: Journal, mocker: MockerFixture) -> None:
    really_write, room = os.write, [20]

    def until_full(fd: int, data: bytes) -> int:
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return really_write(fd, data[: room.pop()])

    mocker.patch.object(os, "write", until_full)
    with pytest.raises(Refused, match="cannot be written"):
        journal.write(event("begin"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
def test_X3_a_disk_that_is_really_full_ends_the_run(journal: Journal) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, journal._fd)
    os.close(full)
    with pytest.raises(Refused, match="No space left on device"):
        journal.write(event("begin"))


def test_it_is_kept_where_the_desktops_rules_say(fence: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert state_dir() == fence / "state" / "blockerbugs-upgrade"
    for nothing in ("", "not/absolute"):
        monkeypatch.setenv("XDG_STATE_HOME", nothing)
        assert state_dir() == fence / ".local" / "state" / "blockerbugs-upgrade"


def test_the_operator_is_somebody_somewhere() -> None:
    name, _, machine = operator().partition("@")
    assert name
    assert machine


def test_a_journal_that_was_edited_by_hand_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "j").write_bytes(b'{\n[]\nnull\n\xff\n{"set": []}\n')
    assert kept_here(tmp_path / "j") == []


def test_S6_a_secret_is_not_written_down_however_deep_it_is(journal: Journal) -> None:
    output = ["postgresql://u:hunter2@db/x", "password=hunter2"]
    journal.write(event("ended", hosts={"one": {"state": "done", "output": output}}))
    assert "hunter2" not in journal.path.read_text()
    assert "hunter2" not in "".join(journal.unsent())


_password = st.text("abcXYZ019!$%+_.,;-", min_size=8, max_size=20)
_around = st.sampled_from(["postgresql://u:{}@db/x", "password={}", "SECRET_KEY = '{}'", "x\n'api_key': \"{}\"\ny"])


secret = st.tuples(_around, _password)


@given(
    st.recursive(
        secret,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab") | secret, inner),
    )
)
def test_S6_no_secret_is_in_its_json_however_it_is_wrapped(tree: object) -> None:
    passwords: list[str] = []

    def filled(node: object) -> object:
        if isinstance(node, tuple):
            passwords.append(node[1])
            return node[0].format(node[1])
        if isinstance(node, dict):
            return {filled(key) if isinstance(key, tuple) else key: filled(value) for key, value in node.items()}
        return [filled(one) for one in node] if isinstance(node, list) else node

    written = json.dumps(cleaned(filled(tree)))
    assert not [password for password in passwords if password in written]


def test_what_is_no_event_is_left_out_of_a_journal_that_is_read_back() -> None:
    (entry,) = read(['{"event": "begin"}', "[]", '{"event": 3}', '{"ev', "", "nonsense", "[" * 99999])
    assert entry.raw == {"event": "begin"}


def test_a_line_is_sent_to_the_sync_host_once(journal: Journal) -> None:
    journal.write(event("begin"))
    assert len(journal.unsent()) == 1
    assert journal.unsent() == []


@pytest.mark.parametrize("name", ["a\x1b]0;title\x07l", "al ice\n", "a\udcffl", "\u202eal", "x" * 999])
def test_s13_whoever_has_an_odd_name_can_be_shown_kept_and_found_again(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", name)
    made = operator()
    assert made.isprintable()
    assert " " not in made
    assert len(made) <= 128
    assert made.encode().decode() == made
