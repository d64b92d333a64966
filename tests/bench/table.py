"""The bench's table: what was measured, beside what was promised."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from statistics import median

from .measure import Sample

Samples = dict[str, list[Sample]]


class Table:
    """Lines as they come, and every number for the file."""

    def __init__(self) -> None:
        self.raw: dict[str, object] = {}

    def row(self, title: str, samples: Samples, what: str, unit: str = "s") -> None:
        """One row: median and min-max of one attribute of every peer's samples, and the ratio to the first peer."""
        base = None
        print(f"\n{title}")
        for peer, many in samples.items():
            values = [value for value in (getattr(sample, what) for sample in many) if value is not None]
            if not values:
                continue
            middle = median(values)
            base = base or middle
            print(
                f"  {peer:<24}{middle:>9.2f} {unit}  ({min(values):.2f}-{max(values):.2f}, n={len(values)})"
                f"  x {middle / base:.2f}",
                flush=True,
            )

    def keep(self, name: str, samples: Samples) -> None:
        """Every number of these samples; not what was said."""
        self.raw[name] = {
            peer: [{key: value for key, value in asdict(one).items() if key != "said"} for one in many]
            for peer, many in samples.items()
        }

    def promise(self, text: str, reached: float | None, at_most: float) -> None:
        """A promise, and whether it is kept."""
        if reached is not None:
            verdict = "kept" if reached <= at_most else "MISSED"
            print(f"  → {text}: {reached:.2f}, at most {at_most:g}: {verdict}", flush=True)
            self.raw.setdefault("promises", [])
            assert isinstance(self.raw["promises"], list)
            self.raw["promises"].append([text, reached, at_most, verdict])

    def save(self, file: Path) -> None:
        """All of it as JSON."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(self.raw, indent=1))
        print(f"\nraw numbers: {file}")


def middle(samples: Samples, peer: str, what: str) -> float | None:
    """The median of one attribute of a peer's samples."""
    values = [value for value in (getattr(sample, what) for sample in samples.get(peer, [])) if value is not None]
    return median(values) if values else None


def ratio(samples: Samples, peer: str, other: str, what: str, other_what: str | None = None) -> float | None:
    """How much more the one is than the other."""
    one, two = middle(samples, peer, what), middle(samples, other, other_what or what)
    return one / two if one is not None and two else None
