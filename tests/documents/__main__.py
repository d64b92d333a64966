"""Write again what the documents show of the program: terminals' blocks, screens, tables, the journal's events."""

from __future__ import annotations

from tests.warmed import PROJECT

from . import events
from .faults import named_again
from .picture import svg
from .screens import PAGE, page
from .table import MARKS, table
from .transcript import BLOCK, written_again

PAGE.write_text(page(), encoding="utf-8")
for document in (PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))):
    text = document.read_text(encoding="utf-8")
    now = MARKS.sub(lambda _: table(), text)
    now = events.MARKS.sub(lambda _: events.page(document.name), now)  # noqa: B023
    now = named_again(now) if document.name == "faults.md" else now
    now = written_again(now) if BLOCK.search(now) else now
    if now != text:
        document.write_text(now, encoding="utf-8")
        print(f"{document.relative_to(PROJECT)}: written again")
(PROJECT / "docs/run.svg").write_text(svg(["sandbox", "major-upgrade"]), encoding="utf-8")
print("docs/run.svg: drawn again")
