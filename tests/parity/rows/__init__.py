"""All rows, by chapter."""

from __future__ import annotations

from ..row import Row
from . import certificates, configuration, keys, known, ways

CHAPTERS: dict[str, tuple[Row, ...]] = {
    "Host certificates": certificates.ROWS,
    "Host keys": known.ROWS,
    "Configuration": configuration.ROWS,
    "Keys": keys.ROWS,
    "Ways": ways.ROWS,
}
ROWS = tuple(row for rows in CHAPTERS.values() for row in rows)
