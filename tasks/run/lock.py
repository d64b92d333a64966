"""The lock of a host set in the hands of a run, and the journal's copy beside it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from threading import Lock as Turn

from .. import unexpected
from ..errors import HalfWay, Refused, SopError, TakenOver
from ..fleet import detached
from ..fleet.detached import RunFolder
from ..inventory.model import Host
from ..journal.file import Journal, operator
from ..sop import kept
from .lock_file import Lock, read_lock
from .locked import locked_by, taken_over
from .look import Reached

SOON_SECONDS = 5  # that who leaves waits for the sync host at most


class RunLock:
    """What a run does on the sync host to hold its set.

    Everything it sends takes the journal's new lines along. It is the run's driver from now on: hosts that were
    told of another driver later start no step for it.

    holds: has this process locked the set? None: it is being taken or given back, or nobody saw what became of that.
    """

    holds: bool | None = False

    def __init__(self, reached: Reached, journal: Journal) -> None:
        self.reached = reached
        self.machines = reached.machines
        self._set = reached.host_set
        self._app = reached.host_set.app
        self._journal = journal
        self.reconnect = self._set.reconnect
        self._turn, self._begun, self._passed = Turn(), 0, 0  # checks: how many have begun, which was passed last
        self.run_folder: RunFolder = kept.run_folder(self._app, journal.run, f"{operator()} ({secrets.token_hex(4)})")

    def take(self, doing: str) -> str | None:
        """Take the lock; the run that held it last.

        Raises Locked, Refused if it could not be taken, and HalfWay where nobody saw whether it was.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        lock = Lock(self._journal.run, operator(), now, doing)
        unexpected.locks(self._set.name)
        self.holds = None
        found = self._told(kept.take(self._app, lock.run, lock.text, self._journal.unsent()), self._unseen)
        self.holds = "taken" in found
        if not self.holds:
            unexpected.unlocks(self._set.name)
            raise locked_by(self._set.sync, found.get("holder", ""), self._set)
        self._check_that_no_other_host_is_locked()
        return found.get("last") or None

    def _check_that_no_other_host_is_locked(self) -> None:
        """Who has another sync_host in hosts.yml may have taken a lock there since all hosts were looked at.

        After our own was taken: of two in the same instant at least one finds the other's.
        """
        others = [host for host in self._set.hosts if host != self._set.sync]
        alone = dict.fromkeys(others, self._nobody_else)
        for host, outcome in self.machines.ask(alone, 60, "to look for another lock").items():
            if outcome.exited == detached.HELD:
                self.release()
                raise locked_by(host, outcome.output, self._set)

    @property
    def _nobody_else(self) -> str:
        return kept.nobody_else(self._app, self._journal.run, self._set.sync.name)

    def script(self, host: Host, name: str, script: str, looks: bool) -> str:
        """What is sent to a host for a step: kept there and started once, unless it only looks."""
        sent = script if looks else detached.carry_out(self.run_folder, name, script, self._nobody_else)
        lines = self._journal.unsent() if host == self._set.sync else []
        return f"{kept.append(self._app, self._journal.run, lines)}\n{sent}" if lines else sent

    def check_still_ours(self, first: str = "") -> None:
        """Send what the journal's copy lacks, and do the shell `first` where the run is still ours.

        Hosts side by side may share a check: one that another host's thread has begun since this one came here.
        Raises TakenOver where this run is not ours to carry out any more.
        """
        wanted = self._begun + 1
        with self._turn:
            if self._passed >= wanted and not first:
                return
            self._begun += 1
            unexpected.locks(self._set.name)
            self.holds = True
            ask = kept.still_ours(self._app, self._journal.run, *self._driver_and_lines)
            self._check(self._told(f"{ask} && {first}" if first else ask))
            self._passed = self._begun

    def tell_soon(self, what: str) -> None:
        """Do the shell `what` where the run is still ours and the sync host answers SOON_SECONDS long; raises nothing.

        Also where a step is at work there: it is told in another shell.
        """
        ask = kept.still_ours(self._app, self._journal.run, *self._driver_and_lines)
        with suppress(SopError, KeyboardInterrupt):
            self.machines.ask({self._set.sync: f"{ask} && {what}"}, SOON_SECONDS, "to be told what is undone")

    def release(self, first: str = "true") -> None:
        """Give the lock back, after the shell `first` has succeeded; no lock there counts as released.

        first: one list, its parts joined by `&&`: what is given up is what its last part says.

        Raises TakenOver, and leaves all as it is, where somebody else drives the run now, or another run has the lock.
        """
        self.holds = None
        release = kept.release(self._app, self._journal.run, *self._driver_and_lines, first)
        self._check(self._told(release, self._unseen))
        self.holds = False
        unexpected.unlocks(self._set.name)
        # By this whoever has another sync_host in hosts.yml knows that we have ended.
        others = [host for host in self.reached.hosts if host != self._set.sync]
        self.machines.ask(dict.fromkeys(others, kept.ended(self._app, self._journal.run)), 60, "to be told of the end")

    @property
    def _driver_and_lines(self) -> tuple[str, list[str]]:
        return self.run_folder.driver, self._journal.unsent()

    def _check(self, found: Mapping[str, str]) -> None:
        if "driver" in found:
            raise taken_over(self._set, self._journal.run, found["driver"])
        if "holder" in found:
            name, lock = self._set.name, read_lock(found["holder"])
            now = f"it is now held by {lock}" if lock else "the lock file now is not a lock of this tool"
            raise TakenOver(
                f"{name}: run {self._journal.run} lost the lock; {now}",
                next_line=f"fab {name} status",
            )

    def give_back(self, then: str = "") -> None:
        """Let cron sync again, and then do the shell `then`, although this run has lost its set.

        Raises Locked where another one holds it now.
        """
        ask = kept.give_cron_back(self._app, self._journal.run, self._journal.unsent())
        found = self._told(f"{ask} && {then}" if then else ask)
        if "holder" in found:
            raise locked_by(self._set.sync, found["holder"], self._set)

    @property
    def _unseen(self) -> str:
        """What is not known where nobody saw whether the lock was taken, or given back."""
        return f"whether {self._set.name} is locked by run {self._journal.run} is not known"

    def _told(self, script: str, *unseen: str) -> dict[str, str]:
        """What the sync host says in `name<TAB>value` lines; unseen: what is said where it was lost meanwhile."""
        return dict(line.split("\t", 1) for line in self._ask(script, unseen).splitlines() if "\t" in line)

    def _ask(self, script: str, unseen: Sequence[str]) -> str:
        sync = self._set.sync
        outcome = self.machines.ask({sync: script}, 60, "to answer for the lock", self._set.reconnect)[sync]
        if outcome.failure and not outcome.known:
            raise HalfWay(f"{sync.short}: {outcome.failure}", *unseen, next_line=f"fab {self._set.name} status")
        if outcome.failure:
            raise Refused(f"{sync.short}: {outcome.failure}", next_line=f"fab {self._set.name} status")
        return outcome.output


def says(exited: int, last: str) -> str | None:
    """What the exit status of a step says by itself; last: its last line."""
    if exited == detached.HELD:
        return "another run holds the set"  # and the last line is that run's lock
    if exited == detached.TAKEN_OVER:
        return "this run was taken over, and is carried out from somewhere else"
    if exited == detached.NEVER:
        return "the step was killed or the host rebooted before it started; it changed nothing"
    if exited == detached.DIED:
        words = f" (last output: {last})" if last else ""
        return f"the step was killed or the host rebooted before it finished; result unknown{words}"
    return None
