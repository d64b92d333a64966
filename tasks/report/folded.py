"""The screens of a set of many hosts, folded: each gives what draws it, however little room there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ..journal.events import GOOD
from ..ranges import together
from ..sop.model import NOT_REACHED
from . import along, recap, stands, tables, words
from .batches import Batch, Part, parts
from .fold import Folded, Row, alike, rows, sentences, who
from .screen import Screen, table

if TYPE_CHECKING:
    from ..inventory.model import Host, HostSet
    from ..run.decide import Plan
    from ..run.remaining import Remaining
    from ..run.state import Run
    from ..sop.model import Facts, Phase

TABLE = 3  # rows there is room for at least, where steps have a table and not a sentence
NAMES = 28  # letters for hosts in a table of steps


def plan(planned: Plan) -> Folded:
    """What would be done, and why one should think twice."""
    found = [Row(host, cells) for host, cells in tables.build_cells(planned)]
    steps = parts(planned.phases, planned.request.host_set.hosts)
    warnings = [f"warning: {text}" for text in together(planned.warnings)]
    others = list(along.sentences(planned))
    stand = list(stands.sentences(planned))
    brings = [text for text, _ in tables.migrations(planned)]

    def draw(screen: Screen, most: int) -> None:
        screen.say("")
        screen.say(tables.title(planned), "head")
        if planned.target:
            screen.rows(rows(tables.BUILDS, alike(found, most), most))
        for text in others:
            screen.say(text, "aside")
        if planned.phases:
            screen.say("")
            _steps(screen, planned, steps, most)
        sentences(screen, stand, most, "parts of around", "aside")
        sentences(screen, brings, most, "migrations")
        sentences(screen, warnings, most, "warnings")
        screen.say("folded; each host, step and command by itself: --verbose", "aside")

    return draw


def _steps(screen: Screen, planned: Plan, found: Sequence[Part], most: int) -> None:
    hosts = planned.request.host_set.hosts
    if most < TABLE:
        for part in found if most else ():
            screen.say(_sentence(planned, part))
        if not most:
            screen.say(f"steps: {', '.join(dict.fromkeys(phase.step.name for phase in planned.phases))}")
        return
    made = table("step", "on", "what")
    made.columns[-1].min_width = 24  # of so many columns it may wrap: the steps of a batch are many words
    for part in found:
        number, first = _number(part, planned.phases), planned.phases[part.at[0]]
        if len(part.at) == 1:
            made.add_row(f"{number} {first.step.name}", _part(first.hosts, hosts), first.step.says)
        else:
            made.add_row(f"{number} per host", part.how, ", ".join(part.steps(planned.phases)))
    screen.rows(made)


def _sentence(planned: Plan, part: Part) -> str:
    """The steps of a part, where there is no room for a table."""
    on, number = _part(part.hosts, planned.request.host_set.hosts), _number(part, planned.phases)
    steps = ", ".join(part.steps(planned.phases))
    return f"{number} {steps} on {on}" if len(part.at) == 1 else f"{number} per host, {part.how}: {steps}"


def _number(part: Part, phases: Sequence[Phase]) -> str:
    """`3`, `3-602`; as wide as the widest of the plan."""
    wide = len(str(len(phases)))
    first, last = part.at[0] + 1, part.at[-1] + 1
    return f"{first:{wide}}" if first == last else f"{first:{wide}}-{last}"


def _part(hosts: Sequence[Host], of: Sequence[Host]) -> str:
    names = {host.name for host in hosts}
    if len(hosts) > 1 and names == {host.name for host in of}:
        return f"all {len(hosts)}"
    return who(hosts, 1, NAMES) or "-"


def left(planned: Plan, remaining: Sequence[Remaining]) -> Folded:
    """The steps of a run that stopped: where each was done, and where and how it is left."""
    found = parts(planned.phases, planned.request.host_set.hosts)
    undone = [{host.name for batch in part.batches for host in _left_on(batch, remaining)} for part in found]
    how = together(text for part in found for batch in part.batches for text in _how(planned, batch, remaining))
    at = [at for at, rest in enumerate(remaining) if rest.names]
    begin = f", from {at[0] + 1} on" if at else ""

    def draw(screen: Screen, most: int) -> None:
        if most:
            made = table("step", "done on", "left on")
            for part, names in zip(found, undone, strict=True):
                of = part.hosts
                where = [
                    _part([host for host in of if (host.name in names) == is_left], of) for is_left in (False, True)
                ]
                name = planned.phases[part.at[0]].step.name if len(part.at) == 1 else "per host"
                made.add_row(f"{_number(part, planned.phases)} {name}", *where)
            screen.rows(made)
        else:
            screen.say(f"{len(at)} of {len(planned.phases)} phases are left{begin}")
        sentences(screen, how, most, "hosts in the middle of a step", "")
        screen.say("folded; each host and step by itself: --verbose", "aside")

    return draw


def _open(batch: Batch, remaining: Sequence[Remaining]) -> list[int]:
    return [at for at in batch.at if remaining[at].names]


def _left_on(batch: Batch, remaining: Sequence[Remaining]) -> Sequence[Host]:
    """The hosts of a batch that something is left on; all of them, where it is left on others (proxies) only."""
    names = {host.name for at in batch.at for host in remaining[at].names}
    return [host for host in batch.hosts if host.name in names] or (batch.hosts if names else ())


def _how(planned: Plan, batch: Batch, remaining: Sequence[Remaining]) -> Iterator[str]:
    """What is to be known of single hosts: what runs, what is tried again, and who is in the middle of a batch."""
    for at in batch.at:
        step, rest = planned.phases[at].step.name, remaining[at]
        yield from (f"{host.short}: {step}: running, will attach" for host in rest.runs)
        yield from (f"{host.short}: {step}: failed or undone, will run again" for host in rest.again)
    still = _open(batch, remaining)
    if still and still[0] != batch.at[0] and not (remaining[still[0]].runs or remaining[still[0]].again):
        step = planned.phases[still[0]].step.name
        yield from (f"{host.short}: goes on with {step}" for host in _left_on(batch, remaining))


def status(host_set: HostSet, facts: Mapping[Host, Facts]) -> Folded:
    """Every fact that hosts differ in, and above it those that all have in common."""
    names = tables.status_columns(host_set)[:-1]
    reached = [host for host in host_set.hosts if host in facts]
    cells = [tables.status_cells(host_set, host, facts[host])[:-1] for host in reached]
    common = [len({row[at] for row in cells}) == 1 for at in range(len(names))]
    columns = [name for at, name in enumerate(names) if not common[at]]
    found = [
        Row(host, tuple(cell for at, cell in enumerate(row) if not common[at]))
        for host, row in zip(reached, cells, strict=True)
    ]
    said = ", ".join(f"{name} {cells[0][at]}" for at, name in enumerate(names) if common[at])
    lost = [host for host in host_set.hosts if host not in facts]
    problems = [f"{host.short}: {text}" for host in host_set.hosts for text in words.unknown(facts.get(host))]

    def draw(screen: Screen, most: int) -> None:
        screen.say(tables.heading(host_set), "head")
        if reached:
            hosts = who(reached, most) if lost else f"all {len(reached)}"
            screen.say(f"{hosts}: {', '.join(filter(None, (said, _free(reached, facts))))}")
        if columns:
            screen.rows(rows(columns, alike(found, most), most))
        if lost:
            screen.say(f"{who(lost, most)}: {NOT_REACHED}", "bad")
        sentences(screen, together(problems), most, "facts that are not known")
        screen.say("folded; each host by itself: --verbose", "aside")

    return draw


def _free(hosts: Sequence[Host], facts: Mapping[Host, Facts]) -> str:
    """How much room there is, and where there is least of it."""
    known = [(free, host.short) for host in hosts if (free := facts[host].free) is not None]
    if not known:
        return "free -"
    (least, host), (largest, _) = min(known), max(known)
    return f"free {least} MB" if least == largest else f"free {least} MB ({host}) to {largest} MB"


def ended(run: Run, arrow: str) -> Folded:
    """Per host what became of it, from what to what, and what the set's users saw."""
    became = [
        Row(one.host, (str(len(one.done) or "-"), _first(one.failed), _first(one.missing)), one.seconds)
        for one in recap.counted(run)
    ]
    changed = [Row(host, cells) for host, cells in recap.change_cells(run, arrow)]
    warned = [f"{words.names(hosts)}: {text}" for text, hosts in recap.warned(run)]
    restarts = together(restart.text for restart in run.restarts)
    nodes = list(recap.nodes(run))
    verdicts = [words.judged(judged) for judged in run.verdicts.values() if judged.verdict != GOOD]
    good = len(run.verdicts) - len(verdicts)

    def draw(screen: Screen, most: int) -> None:
        screen.say("")
        screen.rows(rows(("done", "failed", "not reached", "time"), alike(became, most), most, words.took))
        screen.say("")
        screen.rows(rows(recap.change_columns(run), alike(changed, most), most))
        sentences(screen, restarts, most, "restarts")
        sentences(screen, warned, most, "warnings of rpm")
        for text in recap.needs(run):
            screen.say(text, "warn")
        if run.plan.forecast and run.down_for:
            screen.say(run.plan.forecast.beside(run.down_for), "aside")
        for text, style in verdicts[-most:] if most else ():
            screen.say(text, style)
        if good:
            screen.say(f"{good} batches were judged good", "good")
        if run.users and run.users.requests:
            screen.say(*recap.outage(run, run.users))
        sentences(screen, [text for text, style in nodes if style != "aside"], most, "hosts with failed requests")
        if calm := sum(style == "aside" for _, style in nodes):
            screen.say(f"{calm} hosts were watched by themselves: as they should be", "aside")
        recap.where(screen, run)

    return draw


def _first(steps: Sequence[str]) -> str:
    return f"{steps[0]} and {len(steps) - 1} more" if steps[2:] else ", ".join(steps) or "-"
