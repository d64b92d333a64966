"""The lock of a host set in the hands of a run, and the journal's copy beside it."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from .. import unexpected
from ..errors import HalfWay, Locked, Refused, TakenOver
from ..fleet import detached
from ..fleet.detached import RunFolder
from ..fleet.output import clean
from ..inventory.model import Host, HostSet
from ..journal.file import Journal, operator
from ..lines import below, ssh
from ..sop import kept
from ..sop.model import Facts
from ..sop.nvr import Nvr
from .advice import beside_a_run, forget
from .look import Reached

_RUN = re.compile("[0-9a-f]{8}")
ELSEWHERE = "elsewhere "
V0_1 = "d6d6b6f"  # the last commit of the version that wrote down no version of its own


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


class RunLock:
    """What a run does on the sync host to hold its set.

    Everything it sends takes the journal's new lines along. It is the run's driver from now on: hosts that were
    told of another driver later start no step for it.
    """

    def __init__(self, reached: Reached, journal: Journal) -> None:
        self.reached = reached
        self.machines = reached.machines
        self._set = reached.host_set
        self._app = reached.host_set.app
        self._journal = journal
        self.reconnect = self._set.reconnect
        self.run_folder: RunFolder = kept.run_folder(self._app, journal.run, f"{operator()} ({secrets.token_hex(4)})")

    def take(self, doing: str) -> str | None:
        """Take the lock; the run that held it last.

        Raises Locked, Refused if it could not be taken, and HalfWay where nobody saw whether it was.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        lock = Lock(self._journal.run, operator(), now, doing)
        unexpected.locks(self._set.name)
        found = self._told(kept.take(self._app, lock.run, lock.text, self._journal.unsent()))
        if "taken" not in found:
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

        Raises TakenOver where this run is not ours to carry out any more.
        """
        unexpected.locks(self._set.name)
        ask = kept.still_ours(self._app, self._journal.run, *self._driver_and_lines)
        self._check(self._told(f"{ask}\n{first}" if first else ask))

    def release(self, first: str = "true") -> None:
        """Give the lock back, after the shell `first` has succeeded; no lock there counts as released.

        Raises TakenOver, and leaves all as it is, where somebody else drives the run now, or another run has the lock.
        """
        self._check(self._told(kept.release(self._app, self._journal.run, *self._driver_and_lines, first)))
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
        """Let cron sync again, and do the shell `then`, although this run has lost its set.

        Raises Locked where another one holds it now.
        """
        ask = kept.give_cron_back(self._app, self._journal.run, self._journal.unsent())
        found = self._told(f"{ask}\n{then}" if then else ask)
        if "holder" in found:
            raise locked_by(self._set.sync, found["holder"], self._set)

    def _told(self, script: str) -> dict[str, str]:
        """What the sync host says in `name<TAB>value` lines."""
        return dict(line.split("\t", 1) for line in self._ask(script).splitlines() if "\t" in line)

    def _ask(self, script: str) -> str:
        sync = self._set.sync
        outcome = self.machines.ask({sync: script}, 60, "to answer for the lock", self._set.reconnect)[sync]
        if outcome.failure and not outcome.known:
            unseen = f"whether {self._set.name} is locked by run {self._journal.run} is not known"
            raise HalfWay(f"{sync.short}: {outcome.failure}", unseen, next_line=f"fab {self._set.name} status")
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


def holder(host_set: HostSet, facts: Mapping[Host, Facts]) -> tuple[Host, str] | None:
    """Where the set's lock is, and what stands in it.

    Every host counts, not only the sync host: who has another one as sync_host in hosts.yml holds the set all the same,
    also where our hosts.yml does not have that one: then the text is `elsewhere RUN SYNC`.
    """
    hosts = [host for host in (host_set.sync, *host_set.hosts) if host in facts]
    ours = {host.name for host in host_set.hosts}
    elsewhere = [
        (host, f"{ELSEWHERE}{run} {sync}") for host in hosts for run, sync in facts[host].open if sync not in ours
    ]
    locks = [(host, lock) for host in hosts if (lock := facts[host].lock) is not None]
    return next(iter([*locks, *elsewhere]), None)


def locked_by(host: Host, text: str, host_set: HostSet) -> Locked:
    """What the operator is told about the lock `text` on `host`."""
    name, lock = host_set.name, read_lock(text.removeprefix("earlier "))
    if lock and text.startswith("earlier "):
        return Locked(
            f"{name} is held by {lock}",
            f"{host.short}: version 0.1 of this tool started the run (state in {kept.EARLIER}); "
            "only that version can end it",
            next_line=f"git checkout {V0_1} && fab {name} resume",
        )
    if text.startswith(ELSEWHERE):
        run, sync = text.removeprefix(ELSEWHERE).split(" ", 1)
        return Locked(
            f"{name}: run {run} is unfinished on {host.short}; its lock is on {sync}",
            f"{sync} is not in {name} in hosts.yml: add it. If it is permanently gone, the next line discards the run",
            next_line=forget(host_set, host, run),
        )
    if lock is None:
        path = f"{kept.root(host_set.app)}/lock"
        return Locked(
            f"{name}: {path} on {host.short} is not a lock of this tool",
            next_line=f"{ssh(host.name, f'sudo cat {path}')}  # remove it if nobody needs it",
        )
    held = f"{name} is held by {lock}"
    if host != host_set.sync:
        here = f"not on {host_set.sync.short}: the run used another sync_host"
        why = f"its lock is on {host.short}, {here}"
        return Locked(held, why, next_line=f"fab {name} status  # after both operators use the same hosts.yml")
    return Locked(
        held,
        next_line=below(beside_a_run(host_set, lock.operator, runs=False)),
    )


def taken_over(host_set: HostSet, run: str, driver: str, *also: str) -> TakenOver:
    """What is told to whoever does not carry the run out any more; driver: as in RunFolder; also: what they did before
    they knew.
    """
    who = driver.rsplit(" (", 1)[0] or "somebody else"
    return TakenOver(
        f"{host_set.name}: {who} took over run {run} and will resume or abort it",
        *also,
        next_line=f"fab {host_set.name} status",
    )
