"""An rpm transaction, as yum resolves it: read out of the table that yum 3, dnf 4 and dnf 5 print. Pure.

What each prints: docs/package-managers.md. The functions are in shell/transaction.sh.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..fleet.output import clean
from .nvr import Nvr

MOST_CHANGES = 2000  # of one transaction: a host may say anything
# What a section of the table begins with, and what becomes of the packages in it. Every other section (what is skipped)
# tells of packages that stay as they are.
_DOES = {
    "installing": "install",
    "upgrading": "update",
    "updating": "update",
    "reinstalling": "reinstall",
    "downgrading": "downgrade",
    "removing": "remove",
}
_ENDS = ("Transaction Summary", "Operation aborted")
_NOTHING = ("nothing to do", "no packages marked for", "marked for update")


@dataclass(frozen=True, order=True)
class Change:
    """What becomes of one package: install, update, reinstall, downgrade or remove.

    evr: the version and release that it has afterwards, or had where it is removed; with the epoch, if it has one.
    """

    name: str
    evr: str
    arch: str
    does: str

    @property
    def text(self) -> str:
        """`update libfoo 1.2-3.el9`."""
        return f"{self.does} {self.name} {self.evr}"


@dataclass(frozen=True)
class Transaction:
    """All that yum would change, or has changed.

    touches: a package, and what it does to the service that runs: loaded (by it), or restarts (it).

    says: yum's own words, where it would change nothing or does not know.
    """

    changes: tuple[Change, ...] = ()
    touches: tuple[tuple[str, str], ...] = ()
    says: str = ""

    def beside(self, package: str) -> tuple[Change, ...]:
        """What comes along with a package."""
        return tuple(change for change in self.changes if change.name != package)

    def brings(self, target: Nvr) -> bool:
        """Is it the one that makes this build the installed one?"""
        mine = [change for change in self.changes if change.name == target.name]
        return any(change.evr.rpartition(":")[2] == target.vr and change.does != "remove" for change in mine)

    def effects(self, name: str) -> list[str]:
        """What a package's change does to the service that runs, as far as that is seen."""
        return [word for one, word in self.touches if one == name]


def read(lines: Iterable[str], touches: Iterable[str] = ()) -> Transaction:
    """The transaction in what yum says; touches: what else was said of its packages, `WORD NAME`."""
    rows = list(lines)
    told = {change for change in _changes(rows) if change}
    stays = {(change.name, change.arch) for change in told if change.does != "remove"}
    changes = tuple(sorted(one for one in told if one.does != "remove" or (one.name, one.arch) not in stays))
    changes = changes[:MOST_CHANGES]
    known = {change.name for change in changes}
    pairs = [(name, word) for word, _, name in (clean(text).partition(" ") for text in touches)]
    return Transaction(changes, tuple(pair for pair in pairs if pair[0] in known), "" if changes else _says(rows))


def _changes(lines: Iterable[str]) -> Iterator[Change | None]:
    """A row begins with one space; what did not fit, or is replaced, follows on lines that are indented deeper."""
    does, row = "", list[str]()
    for line in lines:
        words = line.split()
        if line.startswith(_ENDS):
            break
        if words and line.startswith("  ") and words[0] == "replacing":
            yield _replaced(does, row, words[1:])
        elif words and line.startswith("  ") and row:
            row += words
        elif words and line.startswith(" "):
            yield _change(does, row)
            row = words if does else []
        elif words and line.rstrip().endswith(":"):
            yield _change(does, row)
            does, row = _DOES.get(words[0].rstrip(":").lower(), ""), []
    yield _change(does, row)


def _change(does: str, row: list[str]) -> Change | None:
    if not does or len(row) < 4:
        return None
    name, arch, evr = (clean(word)[:200] for word in row[:3])
    return Change(name, evr.removeprefix("0:"), arch, does)


def _replaced(does: str, row: list[str], words: list[str]) -> Change | None:
    """What another package takes the place of: NAME.ARCH EVR of yum 3 and dnf 4, NAME ARCH EVR and more of dnf 5."""
    if len(words) == 2:
        name, _, arch = words[0].rpartition(".")
        words = [name, arch, words[1]]
    return _change("remove" if does else "", [*words, ""]) if words[:1] != row[:1] else None


def _says(lines: Iterable[str]) -> str:
    """Why there is no table: an error, if there is one, or that nothing is to be done."""
    said = [clean(line.strip())[:200] for line in lines if line.strip()]
    errors = [line for line in said if line.startswith(("Error", "No match", "Problem", "No package"))]
    nothing = [line for line in said if any(text in line.lower() for text in _NOTHING)]
    return next(iter([*errors, *nothing]), "")
