from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tasks.errors import Refused
from tasks.paths import state_dir
from tasks.timeline.shelf import entries_of, put

from .runs import RESUMED, STOPPED, begin, entries, event

THREE = [
    event(0, "begin", run="aa01", set="prod"),
    event(1, "begin", run="aa02", set="stg"),
    event(2, "end", run="aa01"),
    event(3, "begin", run="bb03", set="stg"),
]


def runs(set_name: str | None = None, run: str | None = None) -> set[str]:
    return {one.run for one in entries_of(entries(THREE), set_name, run)}


def test_without_a_word_the_last_run_is_meant() -> None:
    assert runs() == {"bb03"}


def test_with_a_set_its_last_run_is_meant_with_the_events_that_do_not_name_the_set() -> None:
    assert runs("prod") == {"aa01"}
    assert len(entries_of(entries(THREE), "prod", None)) == 2


def test_the_last_run_of_a_set_is_the_last_of_its_application() -> None:
    kittens = event(4, "begin", run="cc04", set="prod", hosts={"one.example": "kittens-1.0-1.el7"})
    journal = entries([*THREE, kittens])
    for package, run in (("blockerbugs", "aa01"), ("kittens", "cc04")):
        assert {one.run for one in entries_of(journal, "prod", None, package)} == {run}
    assert {one.run for one in entries_of(journal, "prod", "cc04", "blockerbugs")} == {"cc04"}
    resumed = entries([*THREE, event(4, "phase", run="dd05", set="prod", number=1, step="sync", says="sync", hosts=[])])
    assert {one.run for one in entries_of(resumed, "prod", None, "blockerbugs")} == {"dd05"}  # begun elsewhere


def test_the_beginning_of_a_runs_id_is_enough() -> None:
    assert runs(run="b") == {"bb03"}
    assert runs("prod", "aa") == {"aa01"}


def test_the_beginning_of_two_is_not() -> None:
    with pytest.raises(Refused, match="several runs: aa01, aa02"):
        runs(run="aa")


def test_a_run_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(Refused, match="no run 'cc' of stg; the last ones are bb03, aa02") as refused:
        runs("stg", "cc")
    assert refused.value.next_line == "fab stg report --run bb03"


@pytest.mark.parametrize("name", [None, "prod"])
def test_an_empty_journal_has_no_run(name: str | None) -> None:
    with pytest.raises(Refused, match="the journal has no run"):
        entries_of([], name, None)


def test_the_files_are_beside_the_journal_and_only_their_owner_reads_them() -> None:
    written = put(entries(STOPPED))
    assert [path.relative_to(state_dir()).as_posix() for path in written] == [
        "reports/c0ffee12.html",
        "reports/c0ffee12.svg",
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o600}


def test_the_file_can_be_chosen_and_what_stood_there_is_replaced(tmp_path: Path) -> None:
    put(entries(STOPPED), tmp_path / "ticket.html")
    put(entries(RESUMED), tmp_path / "ticket.html")
    assert "Done (exit code 0)" in (tmp_path / "ticket.html").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ticket.html", "ticket.svg"]


@pytest.mark.parametrize("name", ["ticket.html", "ticket.svg"])
def test_S7_a_symlink_in_the_way_is_refused_and_not_followed(name: str, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / name).symlink_to(tmp_path / "precious")
    with pytest.raises(Refused, match="is a symlink, not a file"):
        put(entries(STOPPED), tmp_path / "ticket.html")
    assert (tmp_path / "precious").read_text() == "precious"


def test_what_is_no_file_is_refused_and_stays(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Refused, match="is a device, pipe or socket, not a file"):
        put(entries(STOPPED), tmp_path / "pipe")
    assert (tmp_path / "pipe").is_fifo()


def test_the_page_is_never_written_to_stdout_nor_to_a_file_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Refused, match="never to stdout"):
        put(entries(STOPPED), Path("-"))
    assert [*tmp_path.iterdir()] == []


def test_a_folder_that_is_not_there_is_refused_with_its_name_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="No such file or directory") as refused:
        put(entries(STOPPED), tmp_path / "none" / "ticket.html")
    assert refused.value.next_line == f"ls -ld {tmp_path / 'none'}"
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(Refused):
        put(entries(STOPPED), tmp_path / "folder.html")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.html"]


def test_a_page_cannot_have_the_name_of_its_picture(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="the name of the picture"):
        put(entries(STOPPED), tmp_path / "ticket.svg")


@pytest.mark.parametrize("run", ["../../etc/passwd", "/root/x", "", "\x00", "é"])
def test_a_strange_run_id_does_not_lead_out_of_the_folder(run: str) -> None:
    page, _ = put(entries([{**begin(), "run": run}]))
    assert page.parent == state_dir() / "reports"
