"""Many names in a few words: `web[001-200]`. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

FEW = 4  # names that are simply listed
ROOM = 40  # letters for many names, where nothing else is said
_SUBJECT = re.compile(r"([A-Za-z0-9][A-Za-z0-9.-]*)(:? .+)", re.DOTALL)


def ranges(names: Iterable[str]) -> list[str]:
    """The same names, those that differ in one number only as one: `web[001-003,007].example`, as pdsh has it.

    A range whose ends are equally long has numbers of that length (`[08-11]`), any other one numbers without zeros in
    front (`[8-11]`). In the order in which the first of each came.
    """
    left = list(dict.fromkeys(names))
    folded: dict[str, str] = {}  # a name → what it is part of
    while groups := _groups([name for name in left if name not in folded]):
        for (head, tail), numbers in groups:
            folded |= dict.fromkeys((f"{head}{n}{tail}" for n in numbers), f"{head}[{','.join(_runs(numbers))}]{tail}")
    return list(dict.fromkeys(folded.get(name, name) for name in left))


def listed(names: Iterable[str], room: int = ROOM, few: int = FEW) -> str:
    """`web01, web02`; of more than `few` as ranges; where these take more than `room` letters, the first, and how many.

    Nobody of many is named where a single name takes more than that.
    """
    every = list(dict.fromkeys(names))
    if len(every) <= few:
        return ", ".join(every)
    pieces = ranges(every)
    whole = ", ".join(pieces)
    if len(whole) <= room:
        return whole
    shown: list[str] = []
    for name in every:
        if len(", ".join([*shown, name])) + len(f" and {len(every)} more") > room:
            break
        shown.append(name)
    return f"{', '.join(shown)} and {len(every) - len(shown)} more" if shown else f"{len(every)} hosts"


def together(texts: Iterable[str]) -> list[str]:
    """Sentences that say the same of several hosts as one: `web[001-003]: its clock is off`.

    What a sentence is about is its first word, a name; each stands where the first of its like stood.
    """
    alike: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        name, rest = about(text)
        alike[rest].append(name)
    return [f"{listed(names)}{rest}" for rest, names in alike.items()]


def about(text: str) -> tuple[str, str]:
    """The name that a sentence begins with, and all behind it; no name, and all of it, where it begins with none."""
    said = _SUBJECT.fullmatch(text)
    return (said[1], said[2]) if said else ("", text)


def _groups(names: Sequence[str]) -> list[tuple[tuple[str, str], list[str]]]:
    """The numbers of those that differ in one only, largest group first; none of them has a name of another one."""
    alike: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in names:
        for number in re.finditer("[0-9]+", name):
            alike[name[: number.start()], name[number.end() :]].append(number[0])
    taken: set[str] = set()
    chosen = []
    for key, numbers in sorted(alike.items(), key=lambda found: -len(found[1])):
        members = {f"{key[0]}{n}{key[1]}" for n in numbers}
        if len(numbers) > 1 and not members & taken:
            chosen.append((key, numbers))
            taken |= members
    return chosen


def _runs(numbers: Sequence[str]) -> list[str]:
    """`001-003`, `007`: those that follow one another as one, each kind of width by itself."""
    padded = {len(number) for number in numbers if number.startswith("0") and number != "0"}
    kinds: dict[int, list[int]] = defaultdict(list)
    for number in numbers:
        kinds[len(number) if len(number) in padded else 0].append(int(number))
    runs: list[str] = []
    for width, found in sorted(kinds.items()):
        ends: list[list[int]] = []
        for value in sorted(found):
            if ends and value == ends[-1][1] + 1:
                ends[-1][1] = value
            else:
                ends.append([value, value])
        runs += [f"{a:0{width}d}" if a == b else f"{a:0{width}d}-{b:0{width}d}" for a, b in ends]
    return runs
