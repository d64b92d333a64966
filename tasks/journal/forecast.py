"""How long an upgrade took on another set, as its journal tells: what to expect of the same build here. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..sop.nvr import Nvr
from .coding import Entry
from .events import Ended
from .history import Past
from .words import duration


@dataclass(frozen=True)
class Took:
    """What a run took: down, for how many seconds the service ran nowhere; migration, the migration's own, if known."""

    set: str
    service: str
    run: str
    down: float
    migration: float | None = None

    @property
    def text(self) -> str:
        """`on stg httpd was down for 37 s with this build, the migration took 21 s (run 0123abcd)`."""
        migrated = f", the migration took {duration(self.migration)}" if self.migration is not None else ""
        down = f"on {self.set} {self.service} was down for {duration(self.down)} with this build"
        return f"{down}{migrated} (run {self.run})"

    def beside(self, down: float) -> str:
        """The same in a recap, beside what it was here."""
        there = f"on {self.set}, with the same build, for {duration(self.down)}"
        return f"{self.service} was down for {duration(down)}; {there}"


def with_build(past: Sequence[Past], target: Nvr) -> Past | None:
    """The last run that brought this build, well and with the service down for a known time."""
    fitting = (one for one in reversed(past) if one.well and one.stops_httpd and one.after == (target,) != one.before)
    return next((one for one in fitting if one.httpd_down), None)


def migration(entries: Iterable[Entry], run: str) -> float | None:
    """For how many seconds the run's migration worked, where it ended well; None where that is not written down."""
    events = [entry.event for entry in entries if entry.run == run]
    took = [
        became.seconds
        for event in events
        if isinstance(event, Ended) and event.migrates and not event.failed
        for became in event.hosts.values()
    ]
    return next((seconds for seconds in reversed(took) if seconds is not None), None)
