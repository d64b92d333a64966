"""Ask every host of a set for its facts, all at once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from fabric import Config

from ..errors import Unreachable
from ..fleet.machines import Machines
from ..fleet.outcome import Outcome
from ..inventory.model import Host, HostSet
from ..sop.model import UNREACHED, Facts
from ..sop.shell import library
from . import proxies
from .answers import read
from .facts import script
from .observer import Report

LOOK_SECONDS = 120


@dataclass(frozen=True)
class Reached:
    """A host set and its open machines; those of the set that it comes after are among them, where they are wanted.

    proxies: the set's, where something is to be drained or may have been.
    """

    host_set: HostSet
    machines: Machines
    proxies: tuple[Host, ...] = ()

    @property
    def hosts(self) -> tuple[Host, ...]:
        """The hosts of the set, and the proxies."""
        return self.host_set.hosts + self.proxies


@contextmanager
def connected(
    config: Config,
    report: Report,
    *sets: HostSet,
    tolerant: bool = False,
    hosts: Sequence[Host] | None = None,
    also: tuple[Host, ...] = (),
    around: bool = False,
) -> Iterator[Reached]:
    """Open the machines of some sets, or only these hosts of them; the report asks, and tells what they say.

    The first set is the one that is meant; also: its proxies, if they are wanted; around: and where something is begun
    and undone around its runs, which may be away. tolerant: see Machines.
    Raises Unreachable as Machines does.
    """
    wanted = [*(host for one in sets for host in one.hosts), *also] if hosts is None else list(hosts)
    spare = [host for host in sets[0].beside.values() if host not in wanted] if around else []
    with Machines(
        [*wanted, *spare],
        config,
        report.answer,
        max((2, *(one.at_once for one in sets))),
        tolerant=tolerant,
        on_wait=report.waits_for,
        on_said=report.said,
        sudo_seconds={host: one.limits.sudo for one in reversed(sets) for host in (*one.hosts, *one.proxies)},
        library=library(),
        spare=spare,
    ) as machines:
        yield Reached(sets[0], machines, also)


def look(
    reached: Reached, repos: bool, schema: bool = True, stage: HostSet | None = None, wanted: str = ""
) -> dict[Host, Facts]:
    """The facts of every host of a set, and of the set that it comes after, all at once: see `ask_hosts`.

    Raises Unreachable for a host that is lost now.
    """
    found = ask_hosts(reached, repos, schema, stage, wanted)
    facts = dict.fromkeys(reached.machines.unreachable, UNREACHED) | found
    for asked, also in ((reached.host_set, reached.proxies), *([(stage, ())] if stage else [])):
        lost = [host for host in (*asked.hosts, *also) if host not in facts]
        if lost:
            problems = [
                f"{host.short}: was lost, or did not answer in {LOOK_SECONDS} s, while it was looked at"
                for host in lost
            ]
            raise Unreachable(*problems, next_line=f"fab {asked.name} status")
    return facts


def ask_hosts(
    reached: Reached,
    repos: bool,
    schema: bool = True,
    stage: HostSet | None = None,
    wanted: str = "",
    after: bool = False,
) -> dict[Host, Facts]:
    """The facts of those hosts of the set, and of the set that it comes after, that answer.

    repos: also what the repositories offer; schema: also the database's; wanted: also what an update of the set to
    this would change; after: packages were changed; see `facts.script`. A set shares one database: its sync host is
    asked, and what it says counts for every host that has the same build.
    """
    machines, host_set = reached.machines, reached.host_set
    found: dict[Host, Facts] = {}
    asked = {host_set: repos} | ({stage: False} if stage else {})
    scripts = {
        host: script(one, wants_repos, schema and host == one.sync, wanted if wants_repos else "", one == stage, after)
        for one, wants_repos in asked.items()
        for host in one.hosts
    }
    asked_at = time.time()
    outcomes = machines.ask(scripts | _of_proxies(reached), LOOK_SECONDS, "to be looked at")
    known = {host: outcome for host, outcome in outcomes.items() if outcome.known}
    for one, wants_repos in asked.items():
        facts = {
            host: _facts(one, known[host], wants_repos, schema and host == one.sync, asked_at)
            for host in one.hosts
            if host in known
        }
        found |= _with_the_schema(machines, one, facts) if schema else facts
    return found | {host: proxies.read(host_set, known[host].output) for host in reached.proxies if host in known}


def ask_proxies(reached: Reached) -> dict[Host, Facts]:
    """The facts of those of the proxies that answer."""
    outcomes = reached.machines.ask(_of_proxies(reached), LOOK_SECONDS, "to be looked at")
    return {host: proxies.read(reached.host_set, one.output) for host, one in outcomes.items() if one.known}


def _of_proxies(reached: Reached) -> dict[Host, str]:
    return dict.fromkeys(reached.proxies, proxies.script(reached.host_set)) if reached.proxies else {}


def _facts(host_set: HostSet, outcome: Outcome, repos: bool, schema: bool, asked_at: float) -> Facts:
    facts = read(host_set, outcome.output, repos, schema, asked_at)
    if outcome.failure:
        return replace(facts, problems=(f"cannot be looked at: {outcome.failure}",), unanswered=True)
    return facts


def _with_the_schema(machines: Machines, host_set: HostSet, facts: dict[Host, Facts]) -> dict[Host, Facts]:
    """The facts, with the schema on the other hosts too: asked themselves, in a second round trip, are those that have
    another build, which may want another schema, and all of them where the sync host does not answer.
    """
    sync = facts.get(host_set.sync, UNREACHED)
    others = [host for host in facts if host != host_set.sync and host_set.schema_status]
    own = [host for host in others if facts[host].installed != sync.installed or sync.installed is None]
    asks = script(host_set, repos=False)
    outcomes = machines.ask(dict.fromkeys(own, asks), LOOK_SECONDS, "to be looked at") if own else {}
    outputs = {host: outcomes[host].output if host in outcomes else "" for host in own}
    answers = {host: read(host_set, output, repos=False) for host, output in outputs.items()}
    return facts | {
        host: replace(
            facts[host],
            revision=answers.get(host, sync).revision,
            schema=answers.get(host, sync).schema,
            no_schema=answers[host].no_schema if host in answers else None,
        )
        for host in others
    }
