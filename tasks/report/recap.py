"""The recap: per host and step what became of it, from what to what, and what the set's users saw."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from ..fleet.output import clean
from ..run import unanswered
from ..sop.model import Schema
from . import words
from .screen import SIDE_BY_SIDE, Screen, table

if TYPE_CHECKING:
    from rich.table import Table

    from ..inventory.model import Host
    from ..run.probe import Seen
    from ..run.state import Run
    from ..sop.model import Facts

LONE_SECONDS = 0.05  # an outage that is told as 0.0 s: one request failed, and none was made after it


def show(screen: Screen, run: Run) -> None:
    """All of it."""
    hosts = run.plan.request.host_set.hosts
    screen.say("")
    screen.rows(steps(run) if len(hosts) <= SIDE_BY_SIDE else counts(run))
    screen.say("")
    screen.rows(changes(run, screen.arrow))
    for restart in run.restarts:
        screen.say(restart.text, "bad" if restart.service else "warn")
    for text, hosts_warned in warned(run):
        screen.say(f"{', '.join(host.short for host in hosts_warned)}: {text}", "warn")
    for text in needs(run):
        screen.say(text, "warn")
    if run.plan.forecast and run.down_for:
        screen.say(run.plan.forecast.beside(run.down_for), "aside")
    for judged in run.verdicts.values():
        screen.say(*words.judged(judged))
    if run.users and run.users.requests:
        screen.say(*outage(run, run.users))
    for told in nodes(run):
        screen.say(*told)
    where(screen, run)


def needs(run: Run) -> list[str]:
    """What still runs as it was before packages were changed, in one line; nothing where that is not known."""
    alike: dict[tuple[str, ...], list[Host]] = {}
    for host in run.plan.request.host_set.hosts:
        if (found := run.afterwards.get(host)) and found.needs:
            alike.setdefault(found.needs, []).append(host)
    told = [f"{words.names(hosts)}: {', '.join(found)}" for found, hosts in alike.items()]
    return [f"needs a restart, says needs-restarting: {'; '.join(told)}"] if told else []


def warned(run: Run) -> list[tuple[str, list[Host]]]:
    """What rpm warned of in steps that succeeded, and on which hosts."""
    return [(f"{step} said: {clean(text)}", hosts) for (step, text), hosts in run.warnings.items()]


def nodes(run: Run) -> Iterator[tuple[str, str]]:
    """What was seen of each node's own page, and the style to say it in."""
    for host, seen in run.nodes.items():
        if seen.requests:
            now = run.afterwards.get(host)
            serves = bool(now and now.healthy(run.plan.request.host_set.health.status))
            why = unanswered.not_running(run, host)
            if not why and unanswered.reached(run, host):
                why = "down or failing all the time since it was resumed"
            yield node(host, seen, serves, why)


def where(screen: Screen, run: Run) -> None:
    """The journal, and what makes a page of the run."""
    screen.say(f"journal: {run.journal.path} (run {run.journal.run})", "aside")
    name = run.plan.request.host_set.name
    screen.say(f"for the ticket: fab {name} report --run {run.journal.run}", "aside")


def steps(run: Run) -> Table:
    """A row for each step, a column for each host, and one for all proxies."""
    hosts = run.plan.request.host_set.hosts
    proxies = dict.fromkeys(host for phase in run.plan.phases for host in phase.hosts if host not in hosts)
    made = table("step", *(host.short for host in hosts), *(["proxies"] if proxies else []))
    columns = [*((host,) for host in hosts), *([tuple(proxies)] if proxies else [])]
    for name in dict.fromkeys(phase.step.name for phase in run.plan.phases):
        made.add_row(name, *(_became(run, name, column) for column in columns))
    return made


def _became(run: Run, step: str, hosts: Collection[Host]) -> str:
    """What became of a step on these hosts: that it failed on one, or how long all of its phases took."""
    done = [[results[h] for h in hosts if h in results] for phase, results in run.outcomes if phase.step.name == step]
    outcomes = [outcome for row in done for outcome in row]
    if failed := [outcome for outcome in outcomes if outcome.failure]:
        return "FAILED" if any(outcome.known for outcome in failed) else "LOST"
    if outcomes and all(outcome.earlier for outcome in outcomes):
        return "before"
    if outcomes:
        return words.took(sum(max((outcome.seconds for outcome in row), default=0.0) for row in done))
    planned = any(phase.step.name == step and not set(hosts).isdisjoint(phase.hosts) for phase in run.plan.phases)
    return "not reached" if planned else "-"


class Count(NamedTuple):
    """What became of the steps on one host; seconds: that they took."""

    host: Host
    done: list[str]
    failed: list[str]
    missing: list[str]
    seconds: float


def counts(run: Run) -> Table:
    """A row for each host."""
    made = table("host", "done", "failed", "not reached", "time")
    for host, done, failed, missing, seconds in counted(run):
        cells = (", ".join(failed) or "-", ", ".join(missing) or "-", words.took(seconds))
        made.add_row(host.short, str(len(done) or "-"), *cells)
    return made


def counted(run: Run) -> list[Count]:
    """Of every host of the set, in one walk through the run: a set may have a thousand, and three times the phases."""
    found = {host.name: Count(host, [], [], [], 0.0) for host in run.plan.request.host_set.hosts}
    planned: dict[str, list[str]] = {name: [] for name in found}
    for phase in run.plan.phases:
        for host in phase.hosts:
            planned.get(host.name, []).append(phase.step.name)
    for phase, results in run.outcomes:
        for host, outcome in results.items():
            if one := found.get(host.name):
                (one.failed if outcome.failure else one.done).append(phase.step.name)
                found[host.name] = one._replace(seconds=one.seconds + outcome.seconds)
    for name, one in found.items():
        one.missing.extend(planned[name][len(one.done) + len(one.failed) :])
    return list(found.values())


def change_columns(run: Run) -> tuple[str, ...]:
    """The columns of `changes`, but for the host's."""
    return "build", "schema", run.plan.request.app.service, "answers"


def changes(run: Run, arrow: str) -> Table:
    """From which build and schema to which, and what the hosts are like now."""
    made = table("host", *change_columns(run))
    for host, cells in change_cells(run, arrow):
        made.add_row(host.short, *cells)
    return made


def change_cells(run: Run, arrow: str) -> Iterator[tuple[Host, tuple[str, ...]]]:
    """The rows of `changes`, each with its host."""
    for host in run.plan.request.host_set.hosts:
        before, now = run.plan.facts[host], run.afterwards.get(host)
        if not now:
            yield host, ("unknown",) * len(change_columns(run))
            continue
        build = _change(words.build(before), words.build(now), arrow)
        schema = _change(_revision(before), _revision(now), arrow)
        yield host, (build, schema, now.service, words.answer(now))


def outage(run: Run, seen: Seen) -> tuple[str, str]:
    """What the set's users saw, and the style to say it in."""
    host_set, since = run.plan.request.host_set, " since it was resumed" if run.resumed else ""
    told = f"{clean(host_set.url or '')}{since}: {seen.requests} requests, {seen.failed} failed"
    down = unanswered.not_running(run)
    if seen.never:
        return f"{told}: {'; '.join(filter(None, (down, _never(run, seen, bool(down)))))}", "warn"
    if seen.failed:
        told += f", longest outage {seen.longest:.1f} s{_when(seen.outages)}"
    if seen.slow:
        slowest = max(seconds for _, seconds in seen.slow)
        responses = "1 slow response" if len(seen.slow) == 1 else f"{len(seen.slow)} slow responses"
        told += f"; {responses}, slowest {slowest:.1f} s{_when(seen.slow)}"
    end = f"; {_still_down(run)}" if seen.failed and seen.down else ""
    if seen.failed and down:
        return f"{told}: {down}{end}", "warn"
    if seen.outages and (judged := unanswered.while_judged(run, _longest(seen.outages))):
        return f"{told}: while the new build was judged on {judged}{end}", "bad"
    served = any(run.plan.facts[host].runs for host in host_set.serving)
    if seen.failed and served and run.plan.request.procedure.rolling and len(host_set.serving) > 1:
        return f"{told}: should not be: other hosts were in service{end}", "worst"
    return told + end, "bad" if seen.failed else "warn" if seen.slow else "good"


def _still_down(run: Run) -> str:
    """Of a set's URL that did not answer at the end: who keeps it from its users?"""
    if run.plan.request.host_set.balancer:
        return unanswered.though_all_answer(run) or "still down"
    return "still down, though every host answers" if unanswered.all_answer(run) else "still down"


def _never(run: Run, seen: Seen, was_down: bool) -> str:
    """Of a set's URL that never answered this client; was_down: httpd ran nowhere when it began."""
    if unanswered.reached(run) or (was_down and not unanswered.all_answer(run)):
        return _still_down(run)
    return unreached(seen, unanswered.balancer_behind(run) if was_down else "")


def unreached(seen: Seen, why: str = "") -> str:
    """Of a page that never answered: what is not known, and who was asked instead of it; why: what else may be so."""
    proxy = f"; the proxy {clean(seen.proxy)} was asked" if seen.proxy else ""
    return f"not reachable from here, or {why or 'down or failing all the time'}{proxy}"


def node(host: Host, seen: Seen, serves: bool = False, why: str = "") -> tuple[str, str]:
    """What one node answered, and the style: that it was away while it was upgraded is as it should be.

    serves: it was asked on the host itself at the end, and is well; why: it has never answered, where that is known.
    """
    told = f"{host.short}: {seen.requests} requests"
    if seen.never and serves:
        return f"{told}, none from this machine succeeded; the health check on the host itself passes", "aside"
    if seen.never:
        return f"{told}, none was answered well: {why or unreached(seen)}", "aside"
    if not seen.failed:
        return f"{told}, all answered", "aside"
    last_alone = seen.down and bool(seen.outages) and seen.outages[-1][1] < LONE_SECONDS
    outages = seen.outages[:-1] if last_alone else seen.outages
    if outages or not last_alone:
        times = f"{len(outages)} times, the longest " if len(outages) > 1 else ""
        told += f", away {times}for {seen.longest:.1f} s{_when(outages)}"
    if last_alone:
        return f"{told}, the last one failed", "warn"
    return (f"{told}, still away", "warn") if seen.down else (told, "aside")


def _when(spans: Sequence[tuple[float, float]]) -> str:
    """When the longest of them began, on this machine's clock."""
    if not spans:
        return ""
    return f" at {datetime.fromtimestamp(_longest(spans)):%H:%M:%S}"


def _longest(spans: Sequence[tuple[float, float]]) -> float:
    """When the longest of them began, in seconds since 1970."""
    return max(spans, key=lambda span: span[1])[0]


def _change(before: str, now: str, arrow: str) -> str:
    return now if before == now else f"{before} {arrow} {now}"


def _revision(found: Facts) -> str:
    return "-" if found.schema == Schema.UNKNOWN else found.revision or "none"
