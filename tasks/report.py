"""Every sentence the operator sees. It is told what happens, and knows nothing of SSH.

On a terminal with colour and its width; in a pipe plain, one fact a line, the host first.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from .fleet.hosts import App, Host, HostSet
    from .procedure.plan import Plan
    from .procedure.preflight import Facts
    from .procedure.run import Run
    from .procedure.sop import Phase
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
            self._console.print(table)
        for warning in plan.warnings:
            self._say(f"warning: {warning}", style="yellow")

    def commands(self, plan: Plan) -> None:
        """The commands behind the steps, as they would be sent."""
        self._say("")
        shown = dict.fromkeys((phase.step.name, phase.step.command) for phase in plan.phases)
        for name, command in shown:
            if command != ":":
                self._say(f"{name}: {command}", style="dim")

    def nothing_to_do(self, plan: Plan) -> None:
        """The world is as wanted already."""
        what = f" runs {plan.target} and is healthy" if plan.target else ""
        self._say(f"nothing to do: {plan.request.host_set.name}{what}", style="green")

    def phase(self, number: int, total: int, phase: Phase) -> None:
        """A phase begins."""
        self._say(f"[{number}/{total}] {phase.step.name} on {_names(phase.hosts)}: {phase.step.says}", style="bold")

    def line(self, host: Host, text: str) -> None:
        """A host said something."""
        self._say(f"{host.short} | {text}", style="dim")

    def done(self, host: Host, seconds: float) -> None:
        """A host ended a phase as it should."""
        self._say(f"{host.short} | done in {seconds:.1f} s", style="green")

    def failed(self, host: Host, why: str) -> None:
        """A host did not."""
        self._say(f"{host.short} | FAILED: {why}", style="red")

    def waiting(self, seconds: float, why: str) -> None:
        """Nothing happens for a while, and that is right."""
        self._say(f"waiting {seconds:.0f} s {why}", style="dim")

    def finishing(self) -> None:
        """Ctrl-C was pressed once."""
        self._say("Ctrl-C: this step is finished first; press it again to leave at once", style="yellow")

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
        self._console.print(table)
        if seen and seen.requests:
            style = "red" if seen.failed else "green"
            outage = f", longest outage {seen.longest:.1f} s" if seen.failed else ""
            self._say(
                f"{plan.request.host_set.url}: {seen.requests} requests, {seen.failed} failed{outage}", style=style
            )
        self._say(f"journal: {run.journal_path} (run {run.id})", style="dim")

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
                "yes" if found.cron else "-",
                f"{found.free} MB" if found.free is not None else "-",
            )
        self._console.print(table)
        for host in host_set.hosts:
            for problem in facts[host].problems if host in facts else ("the connection was lost while it was asked",):
                self._say(f"{host.short}: {problem}", style="yellow")

    def note(self, text: str) -> None:
        """A sentence of a task that carries out no procedure."""
        self._say(text)

    def _plan_table(self, plan: Plan) -> None:
        table = _table("host", "installed", "target", "repo", "will")
        for host in plan.request.host_set.hosts:
            found = plan.facts[host]
            if host in plan.hosts:
                what = "upgrade" if found.installed != plan.target else "make it healthy"
            else:
                what = "nothing: is there, healthy" if host in plan.request.hosts else "nothing: not asked for"
            repo = (found.offered or {}).get(plan.target, "-") if plan.target else "-"
            target = plan.target.vr if plan.target else "-"
            table.add_row(host.short, found.installed.vr if found.installed else "-", target, repo, what)
        self._console.print(table)

    def _say(self, text: str, style: str | None = None) -> None:
        with self._lock:
            self._console.print(Text(text, style=style or ""), soft_wrap=True)


def _console() -> Console:
    console = Console(highlight=False, emoji=False, markup=False, safe_box=True)
    if not console.is_terminal:
        console = Console(highlight=False, emoji=False, markup=False, width=PIPE_WIDTH)
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


def _schema(found: Facts) -> str:
    if found.at_head is None:
        return "-"
    return f"{found.revision or 'none'} {'(head)' if found.at_head else '(pending)'}"


def can_ask() -> bool:
    """Is there somebody to ask?"""
    return sys.stdin.isatty()


def ask(question: str) -> str:
    """What the operator types at the question, without the blanks around it."""
    return input(question).strip()
