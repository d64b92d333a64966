"""A node is taken out of the balancer, and put back: steps of ours, each a function of the job it is made for.

At the proxies, over haproxy's socket (shell/haproxy.sh, shell/drain.sh), or by a file on the node that makes its health
check answer 503 (shell/drained.sh). What is taken out is noted where that is done, with the run, and put back by
whoever ends the run, whatever way it ends.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..fleet.detached import RunFolder
from ..inventory.model import Balancer, Host, HostSet
from . import kept
from .model import Effect, Facts, Job, Phase, Step
from .shell import call

FILE = "file"  # as the note of a drain by a file is called
AWAY = "at,"  # begins the name of what is noted on the sync host: where a run may have taken something out


def while_drained(job: Job, batch: tuple[Host, ...], phases: list[Phase]) -> list[Phase]:
    """The phases, with those of the batch that serve drained meanwhile; and as they are where nobody is drained."""
    balancer, serving = job.host_set.balancer, tuple(host for host in batch if host.serves)
    if not (balancer and balancer.drains and serving):
        return phases
    at, at_once = (balancer.proxies, job.host_set.at_once) if balancer.proxies else (serving, len(serving))
    back = [Phase(undrain(job, serving), at, at_once)]
    if balancer.proxies:
        restart = next(n for n, phase in enumerate(phases) if phase.step.httpd == Effect.BOUNCE)
        look = Phase(still_drained(job, serving), at, at_once)
        phases = [*phases[:restart], look, *phases[restart:]]
    return [Phase(drain(job, serving), at, at_once), *phases, *back]


def drain(job: Job, batch: tuple[Host, ...]) -> Step:
    """No more requests for these hosts, and those that they have are answered."""
    balancer, root = _balancer(job), kept.root(job.app)
    if balancer.drain:
        seconds = math.ceil(balancer.seconds_to_leave + balancer.sessions)
        return Step(
            name="drain",
            says=f"let the balancer see a 503, and wait {seconds} s",
            command=call("file_drain", root, job.app.path(balancer.drain.file), seconds),
            still=lambda facts: facts.drain_file and _noted(facts, (FILE,)) == 1,
            until="undrain",
            encloses=True,
            changes=False,
            seconds=seconds + job.host_set.limits.service,
            brief=f"touch {balancer.drain.file}; sleep {seconds}",
            away=batch,
        )
    names = _servers(balancer, batch)
    seconds = math.ceil(balancer.sessions)
    return Step(
        name="drain",
        says=f"drain {_names(batch)}, {seconds} s at most for its sessions",
        command=call("haproxy_drain", *at(job.host_set), root, seconds, *names),
        still=lambda facts: _is_drained(balancer, facts, names),
        until="undrain",
        encloses=True,
        changes=False,
        seconds=seconds + job.host_set.limits.service,
        brief=_brief(balancer, names, "drain"),
        away=batch,
    )


def still_drained(job: Job, batch: tuple[Host, ...]) -> Step:
    """Right before a restart: haproxy may have been reloaded since, and another server may have gone down."""
    balancer = _balancer(job)
    seconds = math.ceil(balancer.sessions)
    return Step(
        name="still-drained",
        says=f"check that {_names(batch)} is still drained, and every other server is UP",
        command=":",
        proof=call("haproxy_still_drained", *at(job.host_set), kept.root(job.app), seconds, *_servers(balancer, batch)),
        changes=False,
        looks=True,
        seconds=seconds + job.host_set.limits.service,
    )


def undrain(job: Job, batch: tuple[Host, ...]) -> Step:
    """These hosts are well: requests for them again, where this tool has drained them."""
    balancer, root = _balancer(job), kept.root(job.app)
    if balancer.drain:
        seconds = math.ceil(balancer.seconds_to_return)
        return Step(
            name="undrain",
            says=f"take the 503 away, and wait {seconds} s",
            command=call("file_undrain", root, job.app.path(balancer.drain.file), seconds),
            still=lambda facts: not _noted(facts, (FILE,)),
            changes=False,
            seconds=seconds + job.host_set.limits.service,
            brief=f"rm {balancer.drain.file}; sleep {seconds}",
        )
    names = _servers(balancer, batch)
    seconds = math.ceil(balancer.seconds_to_return) + 10
    return Step(
        name="undrain",
        says=f"put {_names(batch)} back, and see it UP",
        command=call("haproxy_undrain", *at(job.host_set), root, seconds, *names),
        still=lambda facts: not _noted(facts, _notes(balancer, names)),
        changes=False,
        seconds=seconds + job.host_set.limits.service,
        brief=_brief(balancer, names, "ready"),
    )


def under_a_page(job: Job, outage: list[Phase]) -> list[Phase]:
    """The phases, with the maintenance page up meanwhile; and as they are where there is none."""
    if not (job.host_set.balancer and job.host_set.balancer.maintenance):
        return outage
    up, down = (Phase(step(job), job.host_set.proxies, job.host_set.at_once) for step in (page_up, page_down))
    return [up, *outage, down]


def page_up(job: Job) -> Step:
    """The set's own maintenance page at the proxies, before nobody serves any more."""
    return _page(job, "maintenance", "put the maintenance page up", "page_up", up=True)


def page_down(job: Job) -> Step:
    """The maintenance page goes when all serve again."""
    return _page(job, "maintenance-end", "take the maintenance page down", "page_down", up=False)


def _page(job: Job, name: str, says: str, function: str, up: bool) -> Step:
    maintenance = _balancer(job).maintenance
    assert maintenance  # the workflow asks for this step only then
    note, command = page(job.host_set), maintenance.on if up else maintenance.off
    return Step(
        name=name,
        says=says,
        command=call(function, kept.root(job.app), note, command),
        still=lambda facts: bool(_noted(facts, (note,))) == up,
        until="maintenance-end" if up else "",
        encloses=up,
        changes=False,
        seconds=job.host_set.limits.service,
        brief=command,
    )


def page(host_set: HostSet) -> str:
    """What the note of the maintenance page is called: a proxy may be in front of several sets."""
    return f"maintenance,{host_set.name}"


def at(host_set: HostSet) -> tuple[str, str]:
    """The socket and the backend, as the shell functions take them."""
    assert host_set.balancer
    return host_set.app.path(host_set.balancer.socket), host_set.balancer.backend or ""


def by_hand(host_set: HostSet, talks: str, server: str) -> str:
    """What a person types on a proxy to put a server (BACKEND/NAME) back with `talks`; nothing where that is long."""
    socket, _ = at(host_set)
    to = {"socat": f"socat - UNIX-CONNECT:{socket}", "nc": f"nc -U {socket}"}.get(talks)
    return f"echo set server {server} state ready | sudo {to}" if to else ""


def undo(host_set: HostSet, host: Host, run: str, well: Iterable[Host] = ()) -> str:
    """Shell that puts back, on a proxy or a node, what a run has taken out there, any run where it is empty.

    well: the hosts that are known to serve; the others get requests when the balancer's check has found that they do.
    Prints `undrained<TAB>WHAT` for each, `left<TAB>WHY` for what somebody else keeps out; fails where something
    cannot be put back.
    """
    balancer, root = host_set.balancer, kept.root(host_set.app)
    assert balancer
    if balancer.drain:
        return call("file_undo", root, host_set.app.path(balancer.drain.file), run)
    healthy = [balancer.server(one) for one in well]
    lines = [call("haproxy_undo", *at(host_set), root, run, *healthy)]
    if balancer.maintenance:
        lines.append(call("page_undo", root, page(host_set), balancer.maintenance.off, run))
    return f"{lines[0]}; ended=$?\n{''.join(f'{line} || ended=1{chr(10)}' for line in lines[1:])}(exit $ended)"


def ours(run_folder: RunFolder) -> str:
    """Shell in front of it, which ends where somebody else carries the run out by now."""
    return call("drains_ours", run_folder.folder, run_folder.driver)


def note_away(host_set: HostSet, run: str, hosts: Iterable[Host]) -> str:
    """Shell for the sync host: this run may have taken something out of the balancer at these."""
    root = kept.root(host_set.app)
    return " && ".join(call("drain_note", root, f"{AWAY}{host.name}", run) for host in hosts)


def forget_away(host_set: HostSet, hosts: Iterable[Host]) -> str:
    """Shell for the sync host: nothing of this tool's is taken out at these any more."""
    return " && ".join(call("drain_forget", kept.root(host_set.app), f"{AWAY}{host.name}") for host in hosts)


def where(host_set: HostSet) -> tuple[Host, ...]:
    """Where hosts of the set are taken out of the balancer: the proxies, or the hosts themselves."""
    balancer = host_set.balancer
    if not balancer or not balancer.drains:
        return ()
    return balancer.proxies or host_set.serving


def notes(text: str) -> list[str]:
    """What a step has said for the operator, though it went well: lines that begin with `note: `."""
    return [line.removeprefix("note: ") for line in text.splitlines() if line.startswith("note: ")]


def _is_drained(balancer: Balancer, facts: Facts, names: tuple[str, ...]) -> bool:
    found = [facts.balanced.server(name) for name in names] if facts.balanced else []
    there = all(one and one.word != "ready" for one in found)
    return bool(found) and there and _noted(facts, _notes(balancer, names)) == len(names)


def _notes(balancer: Balancer, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{balancer.backend},{name}" for name in names)


def _noted(facts: Facts, wanted: tuple[str, ...]) -> int:
    return len({name for _, name in facts.drained} & set(wanted))


def _balancer(job: Job) -> Balancer:
    assert job.host_set.balancer  # whoever has none is refused before
    return job.host_set.balancer


def _servers(balancer: Balancer, hosts: tuple[Host, ...]) -> tuple[str, ...]:
    return tuple(balancer.server(host) for host in hosts)


def _names(hosts: tuple[Host, ...]) -> str:
    return ", ".join(host.short for host in hosts)


def _brief(balancer: Balancer, names: tuple[str, ...], word: str) -> str:
    return "; ".join(f"set server {balancer.backend}/{name} state {word}" for name in names)
