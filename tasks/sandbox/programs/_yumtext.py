"""How yum 3.4 lays its lists and tables out on 80 columns, which is what it takes without a terminal."""

from __future__ import annotations

from ._host import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

WIDTH = 80
SIZE = "512 k"


def list_packages(title: str, rows: list[tuple[str, str, str]]) -> None:
    """A title and rows of name.arch, version-release and repository. A cell that is too wide pushes the rest
    onto the next line, where its column would have been.
    """
    say(title)
    widths = _widths(rows)
    for row in rows:
        line, at = "", 0
        for cell, width in zip(row[:-1], widths, strict=False):
            at += width + 1
            line += f"{cell:<{width}} " if len(cell) <= width else f"{cell}\n{'':<{at}}"
        say(f"{line}{row[-1]:<{widths[-1]}}")


def _widths(rows: list[tuple[str, str, str]]) -> list[int]:
    """Give each column what its cells need as long as there is room; share the rest, the odd bits to the second."""
    needs = [max(len(row[at]) for row in rows) for at in range(3)]
    widths, room = [1, 1, 1], WIDTH - 2 - 3
    for at in sorted(range(3), key=lambda column: needs[column]):
        if needs[at] - 1 <= room:
            room -= needs[at] - 1
            widths[at] = needs[at]
    share, odd = divmod(room, 3)
    return [widths[0] + share, widths[1] + share + odd, widths[2] + share]


def transaction_table(verb: str, package: dict[str, Any], others: list[tuple[str, str, bool]], cached: bool) -> None:
    """What is going to happen, as yum shows it before it asks. others: what comes along: its name and version, and
    whether it is installed in another version.
    """
    version = f"{package['version']}-{package['release']}"
    name = max(len(one) for one in (package["name"], *(other[0] for other in others)))
    columns = (max(name, 15) + 1, 10, max(len(version), 16) + 1, max(len(package["repo"]), 16) + 1, 8)
    rule = "=" * WIDTH

    def row(*cells: str) -> str:
        text = " ".join(f"{cell:<{width}}" for cell, width in zip(cells[:-1], columns, strict=False))
        return f" {text}{cells[-1]:>{max(5, WIDTH - 1 - len(text))}}"

    say(f"\nDependencies Resolved\n\n{rule}\n{row('Package', 'Arch', 'Version', 'Repository', 'Size')}\n{rule}")
    say(f"{verb}:\n{row(package['name'], 'noarch', version, package['repo'], SIZE)}")
    for there, title in ((False, "Installing for dependencies"), (True, "Updating for dependencies")):
        rows = [row(one, "noarch", evr, package["repo"], SIZE) for one, evr, known in others if known == there]
        say(f"{title}:\n" + "\n".join(rows)) if rows else None
    word = "Upgrade" if verb == "Updating" else "Downgrade"
    new = sum(not known for _, _, known in others)
    counts = [f"Install                 ( {_dependent(new)})"] if new else []
    counts.append(f"{word}  1 Package" + (f"             (+{_dependent(len(others) - new)})" if others[new:] else ""))
    say(f"\nTransaction Summary\n{rule}\n" + "\n".join(counts) + "\n")
    say(f"Total {'size' if cached else 'download size'}: {SIZE}")


def _dependent(number: int) -> str:
    return f"{number} Dependent package{'s' if number > 1 else ''}"


def progress(what: str, nvra: str, number: int, total: int = 2) -> None:
    """One line of a running transaction."""
    say(f"  {what:<10} : {nvra:<60} {number}/{total} ")
