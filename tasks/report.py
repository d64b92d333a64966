"""Every sentence the operator sees. It is told what happens, and knows nothing of SSH.

On a terminal with colour and its width; in a pipe plain, one fact a line, the host first.
"""

from __future__ import annotations

import contextlib
import getpass
import io
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .errors import Refused

if TYPE_CHECKING:
    from .fleet.hosts import App, Host, HostSet
    from .procedure.history import Past
    from .procedure.keep import Lock
    from .procedure.plan import Plan
    from .procedure.preflight import Facts
    from .procedure.progress import Run
    from .procedure.sop import Phase
    from .procedure.todo import Left, States
    from .procedure.watch import Seen

PIPE_WIDTH = 200  # a pipe has no width: rows must not break where somebody wants to grep


class Report:
    """The operator's screen."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or _console()
        self._lock = threading.Lock()

    def looking(self, hosts: Sequence[Host]) -> None:
        """The preflight begins."""
        self._say(f"looking at {_names(hosts)}", style="dim")

    def resume(self, plan: Plan, lock: Lock, todo: Sequence[Left]) -> None:
        """A run that stopped: what it did, what still runs, what is left."""
        build = f": {plan.target}" if plan.target else ""
        self._say(f"{plan.request.host_set.name}: {plan.request.procedure.title}{build}", style="bold")
        self._say(f"begun by {lock}")
        self._say("")
        table = _table("", "step", "done on", "left on", "how")
        for number, (phase, left) in enumerate(zip(plan.phases, todo, strict=True), 1):
            done = [host for host in phase.hosts if host not in left.names]
            how = [f"{host.short}: still runs, is followed" for host in left.runs]
            how += [f"{host.short}: failed, or is no longer so: again" for host in left.again]
            names = _names(list(left.names)) or "-"
            table.add_row(str(number), phase.step.name, _names(done) or "-", names, "; ".join(how))
        self._console.print(table)

    def held(self, host_set: HostSet, lock: Lock, states: States) -> None:
        """Who holds a set, and whether a step of that run still runs."""
        self._say(f"{host_set.name} is held by {lock}", style="yellow")
        rows = [(host, step) for host, steps in states.items() for step, state in steps.items() if state == "runs"]
        for host, step in rows:
            self._say(f"{host.short}: {step} still runs", style="yellow")
        if not rows:
            self._say("no step of it runs now", style="yellow")

    def aborted(self, app: App, host_set: HostSet, lock: Lock, facts: Mapping[Host, Facts]) -> None:
        """A run was given up: what that leaves."""
        cron = "cron's sync is on again" if facts[host_set.sync].cron else "cron's sync is not there"
        self._say(f"{host_set.name}: run {lock.run} is given up, the lock is released, {cron}", style="bold")
        down = [host for host in host_set.serving if facts[host].service != "active"]
        if down:
            self._say(f"{app.service} is not running on {_names(down)}", style="red")
        self._say(f"next: fab {host_set.name} status")

    def plan(self, plan: Plan) -> None:
        """What would be done, in dnf's manner, and why one should think twice."""
        request = plan.request
        build = f": {plan.target}" if plan.target else ""
        self._say("")
        self._say(f"{request.host_set.name}: {request.procedure.title}{build}", style="bold")
        if plan.target:
            self._plan_table(plan)
        if plan.phases:
            self._say("")
            table = _table("", "step", "on", "what")
            for number, phase in enumerate(plan.phases, 1):
                table.add_row(str(number), phase.step.name, _names(phase.hosts), phase.step.says)
            self._print(table)
        for warning in plan.warnings:
            self._say(f"warning: {warning}", style="yellow")

    def commands(self, plan: Plan) -> None:
        """The commands behind the steps, as the SOP has them."""
        self._say("")
        for name, command in dict.fromkeys((phase.step.name, phase.step.shown) for phase in plan.phases):
            if command:
                self._say(f"{name}: {command}", style="dim")

    def nothing_to_do(self, plan: Plan) -> None:
        """The world is as wanted already."""
        verb = "has" if plan.request.procedure.name == "yum-update" else "is healthy with"
        self._say(f"nothing to do: {plan.request.host_set.name} {verb} {plan.target}", style="green")

    def phase(self, number: int, total: int, phase: Phase) -> None:
        """A phase begins."""
        self._say(f"[{number}/{total}] {phase.step.name} on {_names(phase.hosts)}: {phase.step.says}", style="bold")

    def line(self, host: Host, text: str) -> None:
        """A host said something."""
        self._print(Text(f"{host.short} | {text}", style="dim"), soft_wrap=True)

    def done(self, host: Host, seconds: float) -> None:
        """A host ended a phase as it should."""
        self._say(f"{host.short} | done in {seconds:.1f} s", style="green")

    def failed(self, host: Host, why: str) -> None:
        """A host did not."""
        self._say(f"{host.short} | FAILED: {why}", style="red")

    def unknown(self, host: Host, why: str) -> None:
        """Nobody saw how a phase ended on a host."""
        self._say(f"{host.short} | UNKNOWN: {why}", style="yellow")

    def waiting(self, seconds: float, why: str) -> None:
        """Nothing happens for a while, and that is right."""
        self._say(f"waiting {seconds:.0f} s {why}", style="dim")

    def finishing(self) -> None:
        """Ctrl-C was pressed once. Comes from a signal handler, which must not wait for anybody's lock."""
        with contextlib.suppress(OSError):
            os.write(2, b"\nCtrl-C: this step is finished first; press it again to leave at once\n")

    def recap(self, run: Run, seen: Seen | None) -> None:
        """Per host what was done, failed and not reached, and what its users saw."""
        plan = run.plan
        self._say("")
        table = _table("host", "done", "failed", "not reached", "installed", "httpd", "answers")
        for host in plan.request.host_set.hosts:
            now = run.afterwards.get(host)
            table.add_row(
                host.short,
                str(len(run.done_on(host)) or "-"),
                ", ".join(run.failed_on(host)) or "-",
                ", ".join(run.missing_on(host)) or "-",
                *(_now(now) if now else ("unknown",) * 3),
            )
        self._print_hosts(table)
        if seen and seen.requests:
            style = "red" if seen.failed else "green"
            outage = f", longest outage {seen.longest:.1f} s" if seen.failed else ""
            outage += ", still down" if seen.down else ""
            self._say(
                f"{plan.request.host_set.url}: {seen.requests} requests, {seen.failed} failed{outage}", style=style
            )
        self._say(f"journal: {run.journal.path} (run {run.journal.run})", style="dim")

    def finished(self, run: Run, next_line: str | None) -> None:
        """All of it was done, and the world looks as promised."""
        plan = run.plan
        what = f"runs {plan.target}" if plan.target else plan.request.procedure.name + " done"
        self._say(f"{plan.request.host_set.name}: {what}, {run.seconds:.1f} s", style="bold green")
        if next_line:
            self._say(f"next: {next_line}")

    def status(self, app: App, host_set: HostSet, facts: Mapping[Host, Facts]) -> None:
        """Every fact of every host, one row each."""
        where = f", {host_set.location}" if host_set.location else ""
        self._say(f"{host_set.name}{where}: {app.package}, {host_set.owner}, {host_set.contact}", style="bold")
        table = _table("host", "role", "installed", "offered", app.service, "answers", "schema", "cron", "free")
        for host in host_set.hosts:
            found = facts.get(host)
            if not found:
                table.add_row(host.short, host_set.roles(host), *["unknown"] * 7)
                continue
            newest = max(found.offered or (), default=None)
            table.add_row(
                host.short,
                host_set.roles(host),
                *_now(found)[:1],
                newest.vr if newest else "-",
                found.service,
                _answer(found),
                _schema(found),
                _cron(found),
                f"{found.free} MB" if found.free is not None else "-",
            )
        self._print_hosts(table)
        for host in host_set.hosts:
            for problem in _unknown(facts.get(host)):
                self._say(f"{host.short}: {problem}", style="yellow")

    def history(self, host_set: HostSet, runs: Sequence[Past]) -> None:
        """What was done to a set, one row a run, the latest last."""
        if not runs:
            self._say(f"{host_set.name}: no run is known")
            return
        table = _table("when", "who", "what", "from", "to", "ended", "httpd down", "took", "run")
        for past in runs:
            table.add_row(
                f"{past.began:%Y-%m-%d %H:%M}" if past.began else "-",
                ", ".join(past.who) or "-",
                past.what,
                ", ".join(build.vr for build in past.before) or "-",
                ", ".join(build.vr for build in past.after) or "-",
                past.how,
                *("-" if seconds is None else f"{seconds:.1f} s" for seconds in (past.httpd_down, past.seconds)),
                past.run,
            )
        self._print_hosts(table)

    def warning(self, text: str) -> None:
        """Something that changes nothing, and that somebody should know."""
        self._say(f"warning: {text}", style="yellow")

    def note(self, text: str) -> None:
        """A sentence of a task that carries out no procedure."""
        self._say(text)

    def verbatim(self, text: str) -> None:
        """A line that is not ours: a command, a diff, a log, a text to be copied. It is never broken."""
        self._print(Text(text), soft_wrap=True)

    def _plan_table(self, plan: Plan) -> None:
        table = _table("host", "installed", "target", "repo", "will")
        for host in plan.request.host_set.hosts:
            found = plan.facts[host]
            if host in plan.hosts:
                upgrade = "go back" if plan.request.procedure.back else "upgrade"
                what = upgrade if found.installed != plan.target else "make it healthy"
            else:
                what = "nothing: is there" if host in plan.request.hosts else "nothing: not asked for"
            repo = (found.offered or {}).get(plan.target, "-") if plan.target else "-"
            target = plan.target.vr if plan.target else "-"
            table.add_row(host.short, found.installed.vr if found.installed else "-", target, repo, what)
        self._print_hosts(table)

    def ask_password(self, host: Host, prompt: str) -> str:
        """What sudo on `host` wants to know, hidden. Raises Refused where nobody can be asked."""
        if not can_ask():
            raise Refused(
                f"{host.short}: sudo asks for a password, and there is no terminal to ask on",
                next_line="the same from a terminal, or with --prompt-for-sudo-password",
            )
        try:
            return getpass.getpass(f"{host.short}: {prompt.strip(' :') or 'sudo password'}: ")
        except EOFError:
            raise Refused(f"{host.short}: no password given") from None

    def _say(self, text: str, style: str | None = None) -> None:
        # Sentences wrap between words on a terminal; in a pipe a fact stays on its line.
        self._print(Text(text, style=style or ""), soft_wrap=not self._console.is_terminal)

    def _print_hosts(self, table: Table) -> None:
        """One row a host; where the terminal is too narrow for that, one block a host: no word is ever broken."""
        names = [str(column.header) for column in table.columns]
        widths = [max(map(len, map(str, (column.header, *column.cells)))) for column in table.columns]
        if sum(widths) + 2 * len(widths) <= self._console.width:
            self._print(table)
            return
        for host, *facts in zip(*(column.cells for column in table.columns), strict=True):
            self._say(str(host), style="bold")
            for name, fact in zip(names[1:], facts, strict=True):
                self._say(f"  {name}: {fact}")

    def _print(self, what: Text | Table, soft_wrap: bool = False) -> None:
        """Nor is a full disk behind `>` one."""
        try:
            with self._lock:
                self._console.print(what, soft_wrap=soft_wrap)
                self._console.file.flush()
        except (OSError, ValueError):
            self._console.on_broken_pipe()


class _Console(Console):
    """rich ends the program when nobody listens any more (`| head`): no reason to leave an upgrade half-way."""

    def on_broken_pipe(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # what is still in the buffer has to go somewhere, too
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _console() -> Console:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a host may say what this terminal has no letters for
    console = _Console(highlight=False, emoji=False, markup=False)
    if not console.is_terminal:
        console = _Console(highlight=False, emoji=False, markup=False, width=PIPE_WIDTH)
    return console


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _names(hosts: Sequence[Host]) -> str:
    return ", ".join(host.short for host in hosts) if len(hosts) <= 4 else f"{hosts[0].short} and {len(hosts) - 1} more"


def _now(found: Facts) -> tuple[str, str, str]:
    return found.installed.vr if found.installed else "-", found.service, _answer(found)


def _answer(found: Facts) -> str:
    if found.answers is None:
        return "no"
    return f"{found.answers} {found.version or '(old build)'}" if found.answers < 300 else str(found.answers)


def _cron(found: Facts) -> str:
    if found.paused:
        return f"paused by run {found.paused}"
    return "yes" if found.cron else "-"


def _schema(found: Facts) -> str:
    if found.at_head is None:
        return "-"
    return f"{found.revision or 'none'} {'(head)' if found.at_head else '(pending)'}"


def _unknown(found: Facts | None) -> list[str]:
    """What a row of status cannot say."""
    if not found:
        return ["could not be asked"]
    return [*found.problems, *(text for text in (found.no_list, found.no_schema) if text)]


def can_ask() -> bool:
    """Is there somebody to ask?"""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(question: str) -> str:
    """What the operator types at the question, without the blanks around it."""
    return input(question).strip()
