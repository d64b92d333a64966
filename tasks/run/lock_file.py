"""What stands in the file that is a set's lock."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from ..fleet.output import clean
from ..sop.nvr import Nvr

_RUN = re.compile("[0-9a-f]{8}")


@dataclass(frozen=True)
class Lock:
    """Who holds a set: the run, who typed it where, when (ISO 8601), and what."""

    run: str
    operator: str
    since: str
    doing: str

    @property
    def text(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    def __str__(self) -> str:
        return f"{self.operator}, since {self._since_here} ({self.age}): {self.doing}, run {self.run}"

    @property
    def _since_here(self) -> str:
        """On this machine's clock, as history and the recap tell time; what is no time stays as it is."""
        try:
            return f"{datetime.fromisoformat(self.since).astimezone():%Y-%m-%d %H:%M:%S}"
        except (TypeError, ValueError, OverflowError, OSError):
            return self.since

    @property
    def age(self) -> str:
        """`5 min ago`; a clock that is behind ours says `just now`."""
        try:
            seconds = (datetime.now(UTC) - datetime.fromisoformat(self.since)).total_seconds()
        except (TypeError, ValueError):
            return "age unknown"
        if seconds < 60:
            return f"{seconds:.0f} s ago" if seconds >= 1 else "just now"
        return f"{seconds / 60:.0f} min ago" if seconds < 7200 else f"{seconds / 3600:.0f} h ago"


def doing(procedure: str, target: Nvr | None) -> str:
    """What a lock says that its run does: `minor-upgrade blockerbugs-1.0.1-1.el7`, `sync`."""
    return f"{procedure} {target or ''}".strip()


def read_lock(text: str) -> Lock | None:
    """The lock that `text` is, fit to be shown (S10), or None if that is no lock of ours."""
    try:
        lock = Lock(**json.loads(text))
    except (TypeError, ValueError, RecursionError):
        return None
    parts = asdict(lock)
    if not (all(isinstance(part, str) for part in parts.values()) and _RUN.fullmatch(lock.run)):
        return None
    # JSON's \u001b is an escape only now: what came over the wire was clean.
    return Lock(**{name: " ".join(clean(part).split()) for name, part in parts.items()})
