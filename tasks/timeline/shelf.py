"""Where the pages come from and where they are put: a run in the journal's file, two files on the operator's disk."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import Refused
from ..journal import history
from ..journal.coding import Entry
from ..lines import mended, word
from ..paths import state_dir
from . import page
from .story import tell

LISTED = 5


def entries_of(entries: Sequence[Entry], set_name: str | None, run: str | None, package: str = "") -> list[Entry]:
    """All entries of one run: the one whose id begins with `run`, or the last one of the set, or the last one.

    package: what is upgraded on the set: one of the same name in another hosts.yml may be another application's.
    Raises Refused if there is none, or if `run` is the beginning of several.
    """
    runs = list(dict.fromkeys(reversed([entry.run for entry in entries])))
    if set_name:
        of_set = {entry.run for entry in entries if getattr(entry.event, "set", None) == set_name}
        runs = [one for one in runs if one in of_set]
    if set_name and not run:
        begun, of_package = (
            {past.run for past in history.runs([entries], set_name, package=of)} for of in ("", package)
        )
        runs = [one for one in runs if one not in begun - of_package]
    found = [one for one in runs if one.startswith(run)] if run else runs[:1]
    if len(found) > 1 and run not in found:
        raise Refused(f"{run!a} is the beginning of several runs: {', '.join(found[:LISTED])}")
    if not found:
        where = f" of {set_name}" if set_name else ""
        if not runs:
            raise Refused(f"the journal has no run{where}")
        raise Refused(
            f"the journal has no run {run!a}{where}; the last ones are {', '.join(runs[:LISTED])}",
            next_line=f"fab {f'{set_name} ' if set_name else ''}report --run {runs[0]}",
        )
    chosen = run if run in found else found[0]
    return [entry for entry in entries if entry.run == chosen]


def put(entries: Sequence[Entry], out: Path | None = None) -> tuple[Path, Path]:
    """Write the page of a run to `out` (default: reports/RUN.html beside the journal), its picture beside it as SVG.

    Returns both paths. Only their owner can read them. Raises Refused if they cannot be written.
    """
    story = tell(entries)
    target = out or state_dir() / "reports" / f"{_file_name(story.run)}.html"
    picture = target.with_suffix(".svg")
    if target == picture:
        raise Refused(
            f"{target} is the name of the picture", next_line=mended(str(out), str(target.with_suffix(".html")))
        )
    try:
        if not out:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in (target, picture):
            _check_that_it_is_a_file(path)
        _write(target, page.html(story))
        _write(picture, page.svg(story))
    except OSError as error:
        raise Refused(
            f"{target} cannot be written: {error.strerror}", next_line=f"ls -ld {word(target.parent)}"
        ) from None
    return target, picture


def _check_that_it_is_a_file(path: Path) -> None:
    """Raises Refused where something stands that is no regular file: a device would be gone once it was replaced."""
    if path.name == "-":
        raise Refused("the page is written to a file, never to stdout", next_line=mended(str(path), "ticket.html"))
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFDIR: "a folder", stat.S_IFLNK: "a symlink"}
        what = kinds.get(stat.S_IFMT(mode), "a device, pipe or socket")
        raise Refused(f"{path} is {what}, not a file", next_line=f"ls -ld {word(path)}")


def _file_name(run: str) -> str:
    """The run's id; what a journal that was edited has in its place must not lead out of the folder."""
    return "".join(letter for letter in run if letter.isascii() and letter.isalnum())[:64] or "run"


def _write(path: Path, text: str) -> None:
    """The whole file or none of it; what stood there is replaced."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
