"""For people: sentences and tables, one fact a line, the host first."""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..errors import SopError
from ..lines import another_follows
from ..ranges import FEW, about, together
from ..run import left_behind
from ..run.observer import SAY_AGAIN_SECONDS, Again
from ..run.remaining import running as running_now
from . import fold, folded, recap, tables, words
from .asking import Terminal
from .progress import MOST, MOST_QUOTED, Progress
from .screen import Screen

if TYPE_CHECKING:
    from ..inventory.model import Host, HostSet
    from ..journal.events import Around, Judged
    from ..journal.history import Past
    from ..run.decide import Plan
    from ..run.lock_file import Lock
    from ..run.remaining import Remaining, States
    from ..run.state import Run
    from ..sop.model import Facts, Phase
    from ..sop.nvr import Nvr
    from ..sop.restarts import Restart

LAST_LINES = 12  # of a step that failed
ABOVE = 2  # lines: what is looked at, and for a resume whose run it is
ROOM = 22  # lines for a plan that is folded: what is looked at stands above it, and a question below
ROOM_TO_END = 16  # for a recap and a status: below them stands how it ended, and what to type next


class Human(Terminal):
    """Lines that stay as they are: what a pipe, a log and CI get, and a terminal that cannot be drawn on.

    verbose: also every line of every host; quiet: nothing between the plan and the recap;
    agreed: nobody is going to be asked, so that a quiet run need not show what would be agreed to.
    """

    def __init__(
        self, screen: Screen | None = None, verbose: bool = False, quiet: bool = False, agreed: bool = False
    ) -> None:
        self.screen = screen or Screen()
        self._verbose = verbose
        self._quiet = quiet and not verbose
        self._agreed = agreed
        self._step, self._goes_on = "", True
        self._said: dict[Host, deque[str]] = {}
        self._again = Again()
        self._same: dict[str, dict[str, int]] = {}  # a text → those it was told of, numbered
        self._back: tuple[int, int] | None = None  # which of the phases that put a batch back, of how many
        self._progress: Progress | None = None  # where a line for each host and step would be too many
        self._waits = (0.0, 0.0)  # until when is waited, and until when that need not be said again

    def close(self, error: BaseException | None) -> None:
        if self.screen.lost:
            raise SopError(f"what was printed could not be written: {self.screen.lost.strerror}")

    def said(self, who: str, text: str) -> None:
        if not self._said_of_many(who, text, FEW):
            self.screen.quote(f"{who} | {text}")

    def _said_of_many(self, who: str, text: str, most: int) -> bool:
        """Has the same been shown of more than `most` others? That is said once."""
        already = self._same.setdefault(text, {})
        new = already.setdefault(who, len(already) + 1)
        if new == most + 1 == len(already) and not self._verbose:
            self.screen.quote("and more hosts: the same")
        return new > most and not self._verbose

    def waits_for(self, hosts: Sequence[Host], what: str, seconds: float) -> None:
        if self._again.due(hosts, what):
            self._say(words.waits_for(hosts, what, seconds), "aside")

    def lost(self, host: Host, seconds: float) -> None:
        goes_on = "; the step may go on there" if self._goes_on else ""
        text = f"{host.short}: connection lost, trying again for {words.duration(seconds)}{goes_on}"
        self._of_one("lose their connection", text, "warn")

    def back(self, host: Host) -> None:
        self._of_one("are back", f"{host.short}: connection is back, following the step", "good")

    def restarted(self, restart: Restart) -> None:
        self._of_one("restarted", restart.text, "bad" if restart.service else "warn")

    def looking(self, hosts: Sequence[Host]) -> None:
        if not self._quiet:
            self._say(f"looking at {words.names(hosts)}", "aside")

    def plan(self, plan: Plan) -> None:
        folds = self._folds(plan, lambda screen: tables.plan(screen, plan))
        if self._quiet and (self._agreed or plan.request.host_set.confirm == "none"):
            return
        soak = words.soak(plan)
        if folds:
            fold.show(self.screen, folded.plan(plan), ROOM - bool(soak))
        else:
            tables.plan(self.screen, plan)
        if soak:
            self._say(soak, "aside")

    def commands(self, plan: Plan) -> None:
        if self._progress:
            return
        self._say("")
        for name, command in dict.fromkeys((phase.step.name, phase.step.shown) for phase in plan.phases):
            if command:
                self.screen.quote(f"{name}: {command}")  # to be copied: not broken

    def nothing_to_do(self, plan: Plan) -> None:
        verb = "is healthy with" if plan.request.procedure.upgrade else "has"
        self._say(f"nothing to do: {plan.request.host_set.name} {verb} {plan.target}", "good")

    def resume(self, plan: Plan, lock: Lock, remaining_phases: Sequence[Remaining]) -> None:
        self._say(tables.title(plan), "head")
        self._say(f"begun by {lock}")
        self._say("")
        if self._folds(plan, lambda screen: screen.rows(tables.left(plan, remaining_phases))):
            fold.show(self.screen, folded.left(plan, remaining_phases), ROOM - 3)
        else:
            self.screen.rows(tables.left(plan, remaining_phases))

    def _folds(self, plan: Plan, whole: fold.Draw) -> bool:
        """Is `whole` too long? Then what follows is told in few lines, too."""
        folds = not self._verbose and fold.needed(len(plan.request.host_set.hosts), whole, ABOVE)
        self._progress = Progress(plan) if folds else None
        return folds

    def held(self, host_set: HostSet, lock: Lock, states: States) -> None:
        self._say(f"{host_set.name} is held by {lock}", "warn")
        running = running_now(states)
        for text in together(f"{host.short}: {step} still runs" for host, step in running):
            self._say(text, "warn")
        if not running and states:
            where = "" if len(states) == len(host_set.machines) else f" on {words.names(list(states))}"
            self._say(f"no step of it runs now{where}", "warn")

    def aborted(
        self, host_set: HostSet, lock: Lock, facts: Mapping[Host, Facts], well: bool = True, bad: Nvr | None = None
    ) -> None:
        cron = f"{host_set.app.scheduler}'s sync is {'on' if facts[host_set.sync].cron else 'not there'}"
        self._say(f"{host_set.name}: run {lock.run} is aborted, its lock is released, {cron}", "head")
        self._down(host_set, facts)
        if well and not another_follows():
            self._say(f"next: {left_behind.left_behind(host_set, facts, bad=bad) or f'fab {host_set.name} status'}")

    def free(self, host_set: HostSet, facts: Mapping[Host, Facts], text: str, well: bool = True) -> None:
        self._say(text)
        if run := facts[host_set.sync].paused:
            self._say(f"{host_set.sync.short}: {host_set.app.scheduler}'s sync is paused by run {run}", "warn")
        if well:
            self.leftovers(host_set, facts)
        else:
            self._down(host_set, facts)

    def leftovers(self, host_set: HostSet, facts: Mapping[Host, Facts], bad: Nvr | None = None) -> None:
        self._down(host_set, facts)
        if next_line := left_behind.left_behind(host_set, facts, bad=bad):
            self._say(f"next: {next_line}")

    def _down(self, host_set: HostSet, facts: Mapping[Host, Facts]) -> None:
        for text in left_behind.left_over(host_set, facts):
            self._say(text, "warn")
        if down := left_behind.down(host_set, facts):
            self._say(f"{host_set.app.service} is not running on {words.names(down)}", "bad")

    def puts_back(self, place: int, total: int, says: str) -> None:
        if not (self._back or self._quiet):
            self._say(says, "warn")
        self._back = place, total

    def phase(self, number: int, total: int, phase: Phase) -> None:
        number, total = self._back or (number, total)
        self._step, self._goes_on = phase.step.name, not phase.step.looks
        self._said = {host: deque(maxlen=LAST_LINES) for host in phase.hosts}
        headline: str | None = f"[{number}/{total}] {phase.step.name} on {words.names(phase.hosts)}: {phase.step.says}"
        if self._progress:
            headline = self._progress.phase(number, phase, total if self._back else 0)
        if headline and not self._quiet:
            if number == 1:
                self._say("")
            self._say(headline, "head")

    def line(self, host: Host, text: str) -> None:
        if self._verbose:
            self.screen.quote(f"{host.short} | {text}")
        elif host in self._said:
            self._said[host].append(text)

    def done(self, host: Host, seconds: float) -> None:
        line: str | None = f"{host.short} | {self._step}: done in {words.took(seconds)}"
        if self._progress:
            line = self._progress.end("done")
        if line and not self._quiet:
            self._say(line, "good")

    def failed(self, host: Host, why: str) -> None:
        nth = self._of_one("fail", f"{host.short} | {self._step}: FAILED: {why}", "bad")
        for text in self._said.pop(host, ()) if nth <= MOST_QUOTED else ():
            self.screen.quote(f"{host.short} |   {text}")
        if self._progress and (line := self._progress.end("failed")) and not self._quiet:
            self._say(line, "bad")

    def unknown(self, host: Host, why: str) -> None:
        self._of_one("end unseen", f"{host.short} | {self._step}: UNKNOWN: {why}", "warn")

    def _of_one(self, what: str, text: str, style: str) -> int:
        """Say what has happened to one of the hosts; of very many only the first. Gives which of them it is.

        what: to the hosts, in words.
        """
        nth = self._progress.nth(what) if self._progress else 1
        if nth <= MOST:
            self._say(text, style)
        elif nth == MOST + 1:
            self._say(f"{self._step}: more hosts {what}; the recap tells of all", style)
        return nth

    def waiting(self, seconds: float, why: str) -> None:
        now = time.monotonic()
        ends, quiet_until = self._waits
        the_same = abs(now + seconds - ends) < 2 and now < quiet_until
        if not self._quiet and not the_same:
            self._waits = (now + seconds, now + SAY_AGAIN_SECONDS)
            self._say(f"waiting {words.duration(seconds)} {why}", "aside")

    def judged(self, judged: Judged) -> None:
        self._say(*words.judged(judged))

    def around(self, event: Around) -> None:
        text, style = words.around(event)
        if event.failure:
            self._say(f"warning: {text}", style)
        elif not self._quiet:
            self._say(text, style)

    def finishing(self, ending: bool = False) -> None:
        does = b"ending the run, which takes a moment" if ending else b"stopping after this step"
        with contextlib.suppress(OSError):
            os.write(2, b"\n" + does + b"; Ctrl-C again: exit now\n")

    def recap(self, run: Run) -> None:
        hosts = len(run.plan.request.host_set.hosts)
        if not self._verbose and fold.needed(hosts, lambda screen: recap.show(screen, run)):
            fold.show(self.screen, folded.ended(run, self.screen.arrow), ROOM_TO_END)
        else:
            recap.show(self.screen, run)

    def finished(self, run: Run, next_line: str | None) -> None:
        plan = run.plan
        served = any(phase.step.sees_it_serve for phase in plan.phases)  # installed is not running yet
        new = f"runs {plan.target}" if served else f"{plan.target} is installed"
        what = new if plan.target else f"{plan.request.procedure.name} done"
        self._say(f"{plan.request.host_set.name}: {what}, {words.took(run.seconds)}", "best")
        if next_line and not another_follows():
            self._say(f"next: {next_line}")

    def status(self, host_set: HostSet, facts: Mapping[Host, Facts]) -> None:
        hosts = len(host_set.hosts)
        if not self._verbose and fold.needed(hosts, lambda screen: tables.show_status(screen, host_set, facts)):
            fold.show(self.screen, folded.status(host_set, facts), ROOM_TO_END)
        else:
            tables.show_status(self.screen, host_set, facts)

    def history(self, host_set: HostSet, runs: Sequence[Past]) -> None:
        if runs:
            self.screen.rows(*tables.history(runs, self.screen.arrow))
        else:
            self._say(f"{host_set.name}: no run is known")

    def note(self, text: str) -> None:
        if not self._told_of_many("note", text):
            self._say(text)

    def warning(self, text: str) -> None:
        if not self._told_of_many("warning", text):
            self._say(f"warning: {text}", "warn")

    def _told_of_many(self, what: str, text: str) -> bool:
        who, rest = about(text)
        return rest.startswith(":") and self._said_of_many(who, f"{what}{rest}", MOST)

    def verbatim(self, text: str) -> None:
        self.screen.quote(text, "")

    def _say(self, text: str, style: str = "") -> None:
        self.screen.say(text, style)
