"""RPM's order of versions (librpm's rpmvercmp), for programs that start without site-packages."""

from __future__ import annotations

from itertools import groupby, zip_longest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def compare(one: str, other: str) -> int:
    """Minus one, nought or one: which of two versions (or releases) is the newer."""
    if one == other:
        return 0
    for a, b in zip_longest(_parts(one), _parts(other), fillvalue=""):
        if a == b:
            continue
        # ~ sorts before everything, even the end; ^ after the end, but before anything else.
        if "~" in (a, b):
            return -1 if a == "~" else 1
        if "^" in (a, b):
            return (1 if not b else -1) if a == "^" else (-1 if not a else 1)
        if not a or not b:
            return 1 if a else -1
        if a.isdigit() != b.isdigit():
            return 1 if a.isdigit() else -1
        ranks = (int(a), int(b)) if a.isdigit() else (a, b)
        if ranks[0] != ranks[1]:
            return 1 if ranks[0] > ranks[1] else -1  # type: ignore[operator]
    return 0


def _parts(version: str) -> Iterator[str]:
    """Its numbers, its words, and each ~ and ^; what separates them counts for nothing."""
    for kind, letters in groupby(version, _kind):
        if kind in ("number", "word"):
            yield "".join(letters)
        elif kind:
            yield from letters


def _kind(letter: str) -> str:
    if letter.isascii() and letter.isalnum():
        return "number" if letter.isdigit() else "word"
    return letter if letter in "~^" else ""


def compare_evr(one: dict[str, str], other: dict[str, str]) -> int:
    """The same for two packages: version first, then release."""
    return compare(one["version"], other["version"]) or compare(one["release"], other["release"])
