"""The names of the sets are read once, and again when the file has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.inventory import cache, file
from tasks.inventory.file import set_names

TEXT = "host_sets:\n  prod: {hosts: [a], sync_host: a}\n"


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    path = tmp_path / "hosts.yml"
    path.write_text(TEXT)
    return path


def _count(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are parsed from now on."""
    parsed: list[str] = []
    real = file.parsed

    def counted(text: str) -> object:
        parsed.append(text)
        return real(text)

    monkeypatch.setattr(file, "parsed", counted)
    return parsed


def test_the_names_of_the_sets_are_read_once_and_again_when_the_file_has_changed(
    hosts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = _count(monkeypatch)
    assert [set_names(hosts) for _ in range(3)] == [["prod"]] * 3
    assert len(parsed) == 1
    hosts.write_text(TEXT.replace("prod", "qa"))
    assert set_names(hosts) == ["qa"]
    assert len(parsed) == 2


def test_a_task_that_takes_a_sets_name_is_no_matter_of_what_was_read_before(hosts: Path) -> None:
    hosts.write_text(TEXT + "  qa: {hosts: [b], sync_host: b}\n")
    assert set_names(hosts) == ["prod", "qa"]
    assert set_names(hosts, taken=["qa"]) == ["prod"]


def test_where_there_is_no_home_nothing_is_kept_and_nothing_goes_wrong(
    hosts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    assert set_names(hosts) == ["prod"]
    assert cache.recall("names", hosts, "any") is None
