"""The tables: what would be done, what is left, what every host is like. Values in, a table out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ..sop.migrations import ADDS
from ..sop.model import NOT_REACHED
from . import along, stands, words
from .screen import GAP, Screen, table

if TYPE_CHECKING:
    from rich.table import Table

    from ..inventory.model import Host, HostSet
    from ..journal.history import Past
    from ..run.decide import Plan
    from ..run.remaining import Remaining
    from ..sop.model import Facts


MOST_BUILDS = 3  # of a set before or after a run, that are named
BUILDS = ("installed", "target", "repo", "will")


def title(plan: Plan) -> str:
    """The set, what is done on it, and the build."""
    build = f": {plan.target}" if plan.target else ""
    return f"{plan.request.host_set.name}: {plan.request.procedure.title}{build}"


def plan(screen: Screen, planned: Plan) -> None:
    """What would be done, and why one should think twice."""
    screen.say("")
    screen.say(title(planned), "head")
    if planned.target:
        screen.rows(builds(planned))
    for text in along.sentences(planned):
        screen.say(text, "aside")
    if planned.phases:
        screen.say("")
        screen.rows(phases(planned))
    for text in stands.sentences(planned):
        screen.say(text, "aside")
    for text, style in migrations(planned):
        screen.say(text, style)
    for warning in planned.warnings:
        screen.say(f"warning: {warning}", "warn")


def migrations(plan: Plan) -> Iterator[tuple[str, str]]:
    """What each schema migration of the build would do, and how that is printed."""
    if plan.migrations is not None and not plan.migrations:
        yield f"{plan.target} brings no schema migration", "aside"
    for one in plan.migrations or ():
        yield f"migration {one.text}", "aside" if one.verdict == ADDS else "warn"


def builds(plan: Plan) -> Table:
    """Per host what is installed, what will be, and out of which repository."""
    made = table("host", *BUILDS)
    for host, cells in build_cells(plan):
        made.add_row(host.short, *cells)
    return made


def build_cells(plan: Plan) -> Iterator[tuple[Host, tuple[str, ...]]]:
    """The rows of `builds`, each with its host."""
    touched, meant = set(plan.hosts), set(plan.request.hosts)
    for host in plan.request.host_set.hosts:
        found = plan.facts[host]
        if host in touched:
            upgrade = "go back" if plan.request.procedure.back else "upgrade"
            what = upgrade if found.installed != plan.target else "repair"
        else:
            what = "nothing: at the target" if host in meant else "nothing: not asked for"
        repo = (found.offered or {}).get(plan.target, "-") if plan.target else "-"
        yield host, (words.build(found), plan.target.vr if plan.target else "-", repo, what)


def phases(plan: Plan) -> Table:
    """The steps, numbered, and on which hosts."""
    made = table("   step", "on", "what")
    for number, phase in enumerate(plan.phases, 1):
        on = _part(phase.hosts, plan.request.host_set.hosts)
        made.add_row(f"{number:2} {phase.step.name}", on, phase.step.says)
    return made


def left(plan: Plan, remaining_phases: Sequence[Remaining]) -> Table:
    """The steps of a run that stopped: where each was done, and where and how it is left."""
    made = table("   step", "done on", "left on", "how")
    for number, (phase, rest) in enumerate(zip(plan.phases, remaining_phases, strict=True), 1):
        done = [host for host in phase.hosts if host not in rest.names]
        how = [f"{host.short}: running, will attach" for host in rest.runs]
        how += [f"{host.short}: failed or undone, will run again" for host in rest.again]
        where = (_part(hosts, phase.hosts) for hosts in (done, list(rest.names)))
        made.add_row(f"{number:2} {phase.step.name}", *where, "; ".join(how))
    return made


def _part(hosts: Sequence[Host], of: Sequence[Host]) -> str:
    return "all" if len(of) > 1 and set(hosts) == set(of) else words.names(hosts) or "-"


def heading(host_set: HostSet) -> str:
    """What a set is, and whose."""
    where = f", {host_set.location}" if host_set.location else ""
    return f"{host_set.name}{where}: {host_set.app.package}, {host_set.owner}, {host_set.contact}"


def status_columns(host_set: HostSet) -> tuple[str, ...]:
    """What is told of a host, in this order."""
    return ("role", "installed", "offered", host_set.app.service, "answers", "schema", "cron", "free")


def show_status(screen: Screen, host_set: HostSet, facts: Mapping[Host, Facts]) -> None:
    """Every fact of every host, and what could not be found out."""
    screen.say(heading(host_set), "head")
    screen.rows(status(host_set, facts))
    for host in host_set.hosts:
        for problem in words.unknown(facts.get(host)):
            screen.say(f"{host.short}: {problem}", "warn")


def status(host_set: HostSet, facts: Mapping[Host, Facts]) -> Table:
    """Every fact of every host, one row each."""
    made = table("host", *status_columns(host_set))
    for host in host_set.hosts:
        found = facts.get(host)
        cells = status_cells(host_set, host, found) if found else (host_set.roles(host), NOT_REACHED)
        made.add_row(host.short, *cells)
    return made


def status_cells(host_set: HostSet, host: Host, found: Facts) -> tuple[str, ...]:
    """A row of `status`, without its host."""
    newest = max(found.offered or (), default=None)
    return (
        host_set.roles(host),
        words.build(found),
        newest.vr if newest else "-",
        found.service,
        words.answer(found),
        words.schema(found),
        words.cron(found),
        f"{found.free} MB" if found.free is not None else "-",
    )


def history(runs: Sequence[Past], arrow: str) -> list[Table]:
    """What was done, one row a run; the table with the most columns first, the last one fits on 40."""
    years = {_local(past.began).year for past in runs if past.began is not None}
    day = "%m-%d" if len(years) < 2 else "%Y-%m-%d"
    whole, short = [_whole(past) for past in runs], [_short(past, day, arrow) for past in runs]
    change = f"from {arrow} to"
    return [
        _of(whole, "when", "who", "what", "from", "to", "ended", "down", "took", "run"),
        _of(short, "run", "when", "who", "what", change, "down", "ended"),
        _of(short, "run", "when", "who", "what", change, "down", "ended", gap=1),
        _of(short, "run", "when", "what", change, "down", "ended", gap=1),
        _of(short, "run", "when", "what and how", gap=1),
    ]


def _of(rows: Sequence[Mapping[str, str]], *columns: str, gap: int = GAP) -> Table:
    made = table(*columns, gap=gap)
    made.columns[-1].min_width = 9  # "half-way," is the longest word; a sentence wraps
    for row in rows:
        made.add_row(*(row[column] for column in columns))
    return made


def _whole(past: Past) -> dict[str, str]:
    return {
        "when": _when(past, "%Y-%m-%d"),
        "who": ", ".join(past.who) or "-",
        "what": past.what,
        "from": _builds([build.vr for build in past.before]),
        "to": _after(past, [build.vr for build in past.after]),
        "ended": past.how,
        "down": _down(past, words.took),
        "took": "-" if past.seconds is None else words.took(past.seconds),
        "run": past.run,
    }


def _short(past: Past, day: str, arrow: str) -> dict[str, str]:
    """Without what is the same in nearly every row: the year, where somebody typed, the builds' release."""
    names = list(dict.fromkeys(who.partition("@")[0] for who in past.who))
    rebuilt = past.before != past.after and {b.version for b in past.before} == {b.version for b in past.after}
    bad = [(past.target,)] if past.target and _is_gone(past) else []
    stages = (past.before, *bad, past.after)
    sides = [_builds([build.vr if rebuilt else build.version for build in builds]) for builds in stages]
    what = past.what.removesuffix("-upgrade")
    return {
        "run": past.run,
        "when": _when(past, day),
        "who": " +".join([names[0], *([str(len(names) - 1)] if names[1:] else [])]) if names else "-",
        "what": what,
        f"from {arrow} to": f" {arrow} ".join(sides if bad else dict.fromkeys(sides)),
        "down": _down(past, words.about),
        "ended": past.how,
        "what and how": f"{what}: {past.how}",
    }


def _builds(names: Sequence[str]) -> str:
    """Those that a set's hosts had; of more than a few the first."""
    more = len(names) - MOST_BUILDS
    return ", ".join(names[:MOST_BUILDS]) + (f" and {more} more" if more > 0 else "") or "-"


def _is_gone(past: Past) -> bool:
    """Was the build that was to be installed judged bad, and taken off every host again?"""
    return bool(past.put_back) and past.target not in past.after


def _after(past: Past, builds: Sequence[str]) -> str:
    """The builds afterwards; where a bad one was taken off again, that one first."""
    return f"{past.target.vr}, back to {_builds(builds)}" if past.target and _is_gone(past) else _builds(builds)


def _down(past: Past, said: Callable[[float], str]) -> str:
    if not (past.stops_httpd or past.httpd_down):
        return "-"
    if past.httpd_down is None or (past.still_down is None and past.httpd_down == 0):
        return "?"
    return f"{'' if past.still_down is False else '> '}{said(past.httpd_down)}"


def _when(past: Past, day: str) -> str:
    return "-" if past.began is None else f"{_local(past.began):{day} %H:%M}"


def _local(moment: float) -> datetime:
    """On this machine's clock."""
    return datetime.fromtimestamp(moment)
