"""Try every row, print the table and write it into docs/parity.md.

python -m tests.parity [WORD …]     with words: only the rows that have one of them, and the page stays as it is
"""

from __future__ import annotations

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from .field import Field, lacks
from .page import MARKS, PAGE, table
from .row import Row
from .rows import CHAPTERS, ROWS
from .typed import Ended, Typist

AT_ONCE = 4


def main(words: list[str]) -> int:
    """Print the rows; 1 if one does not end as it should."""
    why = lacks()
    if why:
        print(why, file=sys.stderr)
        return 2
    rows = [row for row in ROWS if not words or any(word in row.words for word in words)]
    with tempfile.TemporaryDirectory(prefix="parity-") as folder:
        seen = try_all(rows, Path(folder))
    differ = 0
    for chapter, its_rows in CHAPTERS.items():
        for row in (row for row in its_rows if row.words in seen):
            ssh, ours = seen[row.words]
            same = (ssh.verdict, ours.verdict) == (row.ssh, row.wanted)
            differ += not same
            print(f"{'  ' if same else '! '}{chapter}: {row.words}: ssh {ssh.verdict}, ours {ours.verdict}")
            if not same:
                said = (ours if ssh.verdict == row.ssh else ssh).said
                print("".join(f"      {line}\n" for line in said.splitlines()), end="")
    print(f"{len(seen)} rows, {differ} of them not as they should be")
    if not words:
        PAGE.write_text(MARKS.sub(lambda _: table(seen), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
        print("docs/parity.md: written again")
    return 1 if differ else 0


def try_all(rows: list[Row], folder: Path) -> dict[str, tuple[Ended, Ended]]:
    """How each ended, by its words, in the order of `rows`."""
    free: SimpleQueue[Typist] = SimpleQueue()
    fields = [Field(folder / str(number)) for number in range(AT_ONCE)]
    typists = [Typist(field) for field in fields]
    for typist in typists:
        free.put(typist)

    def tried(row: Row) -> tuple[Ended, Ended]:
        typist = free.get()
        try:
            return typist.both(row)
        finally:
            free.put(typist)

    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip((row.words for row in rows), pool.map(tried, rows), strict=True))
    finally:
        for typist in typists:
            typist.close()
        for field in fields:
            field.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
