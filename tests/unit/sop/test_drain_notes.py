"""What is noted of a drain by a file and of a maintenance page, in a real sh."""

from __future__ import annotations

import pytest

from tasks.fleet.detached import call
from tests.unit.builders import Shell

RUN = "0123abcd"


@pytest.mark.parametrize("what", ["file", "page"])
def test_b8_an_empty_note_of_a_file_or_of_a_page_is_told_and_undone_too(what: str, shell: Shell) -> None:
    shell.file("root/drained/note" if what == "page" else "root/drained/file", "")
    shell.file("there", "")

    def undo(run: str) -> str:
        page = call("page_undo", "root", "note", "rm there", run)
        return shell.run(page if what == "page" else call("file_undo", "root", "there", run)).stdout

    assert undo(RUN).startswith("left\t")
    assert (shell.folder / "there").exists()
    assert undo("").startswith("undrained\t")
    assert not (shell.folder / "there").exists()
