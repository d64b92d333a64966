"""What happens on the hosts while they do a step, told to the reports."""

from __future__ import annotations

from ..fleet import detached
from ..fleet.outcome import Listener, Outcome
from ..inventory.model import Host
from ..sop import restarts
from .observer import Report
from .state import Run


class OutputListener(Listener):
    """Lets the report see what hosts say."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def line(self, host: Host, text: str) -> None:
        """A host said this; what is for the run is not for people."""
        if not restarts.is_ours(text):
            self._report.line(host, text)


class PhaseListener(OutputListener):
    """Lets the report see all that happens on the hosts of a phase; lost_once: those whose line dropped meanwhile."""

    def __init__(self, run: Run, report: Report) -> None:
        super().__init__(report)
        self._run = run
        self.lost_once: set[Host] = set()

    def ended(self, host: Host, outcome: Outcome) -> None:
        """The host has ended it, or nobody saw whether it has."""
        if outcome.known:
            self._run.at_work.remove(host)
            self.end(host, outcome)
        else:
            self._report.unknown(host, f"{outcome.failure}; looking")

    def end(self, host: Host, outcome: Outcome) -> None:
        """How it ended is known, or will not be."""
        if outcome.exited == detached.TAKEN_OVER:  # no failure of the host; how the run ends from here is told once
            return
        if outcome.failure:
            self._report.failed(host, outcome.failure)
        else:
            self._report.done(host, outcome.seconds)

    def lost(self, host: Host, seconds: float) -> None:
        """The line dropped: what it looks at may have been undone by a restart."""
        self.lost_once.add(host)
        self._report.lost(host, seconds)

    def back(self, host: Host) -> None:
        """The host is there again."""
        self._report.back(host)
