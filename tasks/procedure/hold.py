"""The lock of a host set in the hands of a run, and the journal's copy beside it."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from ..errors import Locked, Refused
from ..fleet import detached
from ..fleet.detached import Keeping
from ..fleet.hosts import App, Host, HostSet
from ..fleet.machines import Machines
from . import keep
from .journal import Journal, operator
from .keep import Lock


class Hold:
    """What a run does on the sync host to hold its set.

    Everything it sends takes the journal's new lines along. It is the run's driver from now on: hosts that were
    told of another driver later start no step for it.
    """

    def __init__(self, machines: Machines, app: App, host_set: HostSet, journal: Journal) -> None:
        self._machines = machines
        self._app = app
        self._set = host_set
        self._journal = journal
        self.reconnect = host_set.reconnect
        self.keeping: Keeping = keep.keeping(app, journal.run, f"{operator()} ({secrets.token_hex(4)})")

    def take(self, doing: str) -> str | None:
        """Take the lock; the run that held it last. Raises Locked, or Refused if it could not be taken."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        lock = Lock(self._journal.run, operator(), now, doing)
        said = self._ask(keep.take(self._app, lock, self._journal.unsent()))
        found = dict(line.split("\t", 1) for line in said.splitlines() if "\t" in line)
        if "taken" in found:
            return found.get("last") or None
        raise locked_by(found.get("holder", ""), self._app, self._set)

    def script(self, host: Host, name: str, script: str, looks: bool) -> str:
        """What is sent to a host for a step: kept there and started once, unless it only looks."""
        sent = script if looks else detached.carry_out(self.keeping, name, script)
        lines = self._journal.unsent() if host == self._set.sync else []
        return f"{keep.append(self._app, self._journal.run, lines)}\n{sent}" if lines else sent

    def keep(self) -> None:
        """Send what the journal's copy lacks."""
        self._ask(keep.append(self._app, self._journal.run, self._journal.unsent()))

    def release(self, first: str = "true") -> None:
        """Give the lock back, after the shell `first` has succeeded."""
        self._ask(f"{first}\n" + keep.release(self._app, self._journal.run, self._journal.unsent()))

    def _ask(self, script: str) -> str:
        sync = self._set.sync
        outcome = self._machines.do({sync: script}, 1, seconds=60, reconnect=self._set.reconnect)[sync]
        if outcome.failure:
            raise Refused(f"{sync.short}: {outcome.failure}", next_line=f"fab {self._set.name} status")
        return outcome.output


def locked_by(text: str, app: App, host_set: HostSet) -> Locked:
    """What the operator is told about the lock `text`."""
    name, lock = host_set.name, keep.read_lock(text)
    if lock is None:
        path = f"{keep.root(app)}/lock"
        return Locked(
            f"{name}: {path} on {host_set.sync.short} is not a lock of this tool",
            next_line=f"ssh -t {host_set.sync.name} sudo ls -l {path}, and take it away if nobody needs it",
        )
    return Locked(
        f"{name} is held by {lock}",
        next_line=f"fab {name} status; if that run has stopped: fab {name} resume, or fab {name} abort",
    )
