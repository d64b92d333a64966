"""How many of the small faults that mutmut has made in each module the unit tests noticed: `tox -e mutation`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

MADE = Path(__file__).parents[1] / "mutants"
# pytest's exit codes in mutmut's files: a test has failed, or could not go on; nothing noticed; no test at all.
NOTICED, LIVES, UNTESTED, UNTRIED = (1, 3), 0, (5, 33), None


def counted(found: dict[str, int | None]) -> Counter[str]:
    """How many were noticed, live, have no test or were not tried; any other end is a test that never ended."""
    words = dict.fromkeys(NOTICED, "noticed") | dict.fromkeys(UNTESTED, "untested") | {LIVES: "lives", UNTRIED: ""}
    return Counter(words.get(code, "timeout") for code in found.values())


def row(name: str, counts: Counter[str]) -> str:
    """A line of the table in docs/mutation.md; a test that never ends has noticed."""
    noticed, made = counts["noticed"] + counts["timeout"], counts.total() - counts[""]
    score = f"{100 * noticed / made:.1f} %" if made else "not tried"
    return f"| {name} | {made} | {noticed} | {counts['lives']} | {counts['untested']} | {score} |"


def main() -> int:
    """Print the table; 1 where no mutants are there."""
    total: Counter[str] = Counter()
    rows = []
    for file in sorted(MADE.rglob("*.py.meta")):
        counts = counted(json.loads(file.read_text())["exit_code_by_key"])
        if counts:
            rows.append(row(str(file.relative_to(MADE)).removesuffix(".meta"), counts))
            total += counts
    if not rows:
        print("there are no mutants: tox -e mutation makes them", file=sys.stderr)
        return 1
    print("| module | mutants | killed | survived | without a test | score |", "|---|---|---|---|---|---|", sep="\n")
    print(*rows, row("all", total), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
