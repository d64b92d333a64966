"""The proxies in front of a set: what they are asked, what that says, and what stands in the way of a drain."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from ..fleet.output import clean
from ..inventory.model import Balancer, Host, HostSet
from ..lines import shows, ssh
from ..sop import balanced, drains, kept, restarts
from ..sop.balanced import Balanced
from ..sop.model import UNREACHED, Facts, Phase
from ..sop.shell import call
from .facts import LATE_SECONDS, PROGRAMS, YUM_SECONDS
from .refusals import FactsOf, Reason, state
from .request import Request

TALKS = {"socat": "socat"}  # what a proxy is asked to have where it has nothing that can talk to a socket
_NEEDED = ("awk", "grep", "sed", "setsid", "base64", "tail", "tr")


def script(host_set: HostSet) -> str:
    """The shell that asks a proxy for its facts, as `facts.script` does a host of the set."""
    server = drains.at(host_set)
    first = host_set.balancer.server(host_set.serving[0]) if host_set.balancer and host_set.serving else ""
    root = host_set.app.path("")
    asks = {
        "programs": call("fact_programs", *_NEEDED),
        "haproxy": call("fact_haproxy", *server, first),
        "files": f"{call('fact_boot', root)}; {call('drained_show', kept.root(host_set.app))}",
    }
    return call("facts", LATE_SECONDS, YUM_SECONDS, *(word for pair in asks.items() for word in pair))


def read(host_set: HostSet, output: str) -> Facts:
    """The facts in what `script` printed."""
    said: dict[str, list[str]] = {}
    for line in output.splitlines():
        name, tab, value = line.partition("\t")
        if tab:
            said.setdefault(name, []).append(value)
    hangs = [text.split("\t")[0] for text in said.get("hangs", ())]
    socket = host_set.balancer.socket if host_set.balancer else ""
    why = f"{socket} gave no answer in {LATE_SECONDS} s" if "haproxy" in hangs else None
    return Facts(
        lacks=tuple(name for name in said.get("lacks", ()) if name in PROGRAMS or name in TALKS),
        boot=restarts.known((said.get("boot") or [""])[0].strip()),
        drained=balanced.drained(said.get("drained", ())),
        unanswered=bool(hangs),
        balanced=Balanced(
            servers=balanced.servers(said.get("server", ())),
            says=why or next((clean(text)[:300] for text in said.get("haproxy_says", ())), None),
            backends=tuple(clean(name)[:100] for name in said.get("backend", ())[:20]),
            may_not="may_not" in said,
            talks=next(iter(said.get("talks", ())), ""),
        ),
    )


def asked(request: Request) -> tuple[Host, ...]:
    """The proxies that this request has a use for."""
    balancer, procedure = request.host_set.balancer, request.procedure
    if not balancer or not (procedure.drains or procedure.balances or (procedure.pages and balancer.maintenance)):
        return ()
    return balancer.proxies


def reasons(request: Request, facts: FactsOf) -> list[Reason]:
    """What keeps nodes from being drained, on each proxy, or by whom they are drained already."""
    balancer, procedure = request.host_set.balancer, request.procedure
    if not (balancer and balancer.drains and (procedure.drains or procedure.balances)):
        return []
    if not balancer.proxies:
        return _file_is_there(request, facts)
    found = []
    for proxy in balancer.proxies:
        there = facts.get(proxy, UNREACHED)
        if there == UNREACHED:
            found.append(Reason(f"{proxy.short}: cannot be reached, nothing can be drained there"))
        else:
            found += _programs(proxy, there) or _of_a_proxy(request, balancer, proxy, there)
    return found


def _programs(proxy: Host, facts: Facts) -> list[Reason]:
    packages = " ".join(dict.fromkeys((PROGRAMS | TALKS)[name] for name in facts.lacks))
    if not packages:
        return []
    text = f"{proxy.short}: has no {' and no '.join(facts.lacks)}, which draining needs"
    return [Reason(text, ssh(proxy.name, f"sudo yum -y install {packages}"))]


def _of_a_proxy(request: Request, balancer: Balancer, proxy: Host, facts: Facts) -> list[Reason]:
    """Keys of hosts.yml that do not fit it, a socket that cannot be used, servers that somebody else has taken out."""
    there, key = facts.balanced or Balanced(), f"host_sets.{request.host_set.name}.balancer"
    if there.says and there.backends:
        has = ", ".join(there.backends)
        return [
            Reason(f"{proxy.short}: {there.says}: {key}.backend in hosts.yml is {balancer.backend}; haproxy has {has}")
        ]
    if there.says or not there.servers:
        return [Reason(f"{proxy.short}: {there.says or 'haproxy gave no answer'}: {key}.socket in hosts.yml")]
    if there.may_not:
        level = "stats socket … level admin in haproxy.cfg is wanted"
        return [Reason(f"{proxy.short}: {balancer.socket} may only be asked, nothing can be drained: {level}")]
    names = {host: balancer.server(host) for host in request.host_set.serving}
    missing = [host for host, name in names.items() if not there.server(name)]
    has = ", ".join(one.name for one in there.servers)
    found = [
        Reason(
            f"{proxy.short}: backend {balancer.backend} has no server {names[host]} for {host.short}, "
            f"haproxy has {has}: {key}.servers in hosts.yml"
        )
        for host in missing
    ]
    if not request.procedure.drains:
        return found
    return found + [
        one for host in request.hosts if host in names for one in _taken_out(request, proxy, facts, host, names[host])
    ]


def _taken_out(request: Request, proxy: Host, facts: Facts, host: Host, name: str) -> list[Reason]:
    """A server that is to be drained, and is taken out already."""
    server = facts.balanced.server(name) if facts.balanced else None
    backend = request.host_set.balancer.backend if request.host_set.balancer else ""
    run = next((run for run, noted in facts.drained if noted == f"{backend},{name}"), None)
    if run is not None:
        text = f"{proxy.short}: {host.short} is drained by {_of(run)} of this tool"
        return [Reason(text, f"fab -H {host.short} undrain")]
    if not server or server.word == "ready":
        return []
    text = f"{proxy.short}: server {name} is in {server.word}, and not by this tool: it is left so"
    tells = drains.by_hand(request.host_set, facts.balanced.talks if facts.balanced else "", f"{backend}/{name}")
    return [
        Reason(text, f"{ssh(proxy.name, shlex.quote(tells))}  # puts it back, if nobody needs that" if tells else None)
    ]


def _file_is_there(request: Request, facts: FactsOf) -> list[Reason]:
    """The file that drains a host is there before we have put it there."""
    if not request.procedure.drains:
        return []
    balancer, found = request.host_set.balancer, []
    for host in request.hosts:
        run = next((run for run, name in facts[host].drained if name == drains.FILE), None)
        if run is not None:
            text = f"{host.short}: is drained by {_of(run)} of this tool"
            found.append(Reason(text, f"fab -H {host.short} undrain"))
        elif facts[host].drain_file and balancer and balancer.drain:
            path = balancer.drain.file
            text = f"{host.short}: {path} is there, and not by this tool: somebody has drained that host"
            found.append(Reason(text, f"{shows(host.name, path)}  # take it away if nobody needs that"))
    return found


def in_the_way(request: Request, phases: Sequence[Phase], facts: FactsOf) -> list[Reason]:
    """What these phases cannot drain as it is now, one batch after the other."""
    balancer = request.host_set.balancer
    if not balancer or not balancer.proxies:
        return []
    batches = [[balancer.server(host) for host in phase.step.away] for phase in phases if phase.step.away]
    found = []
    for proxy in balancer.proxies if batches else ():
        told = balanced.in_the_way(facts.get(proxy, UNREACHED).balanced or Balanced(), batches)
        found += [Reason(f"{proxy.short}: {text}{_key(request, text)}", _one_of_them(request, facts)) for text in told]
    return found


def _one_of_them(request: Request, facts: FactsOf) -> str | None:
    """The line that drains the first of several hosts that can be drained alone, if one can."""
    balancer, procedure = request.host_set.balancer, request.procedure
    if not (balancer and procedure.drains and procedure.balances and len(request.hosts) > 1):
        return None
    there = [facts.get(proxy, UNREACHED).balanced or Balanced() for proxy in balancer.proxies]
    for host in request.host_set.serving:
        told = [balanced.in_the_way(one, [[balancer.server(host)]]) for one in there]
        if host in request.hosts and not any(told) and not state(replace(request, hosts=(host,)), facts):
            return f"fab -H {host.short} {procedure.name}"
    return None


def _key(request: Request, text: str) -> str:
    """The key of hosts.yml that would have to be another one, where no server is left."""
    host_set = request.host_set
    if not text.startswith("draining"):
        return ""
    if len(host_set.serving) == 1:
        return f": one host has no other: take host_sets.{host_set.name}.balancer.proxies out of hosts.yml"
    rolling = host_set.rolling != 1 and len(request.hosts) > 1 and not request.procedure.balances
    return f": host_sets.{host_set.name}.rolling in hosts.yml takes them together" if rolling else ""


def left_out(host_set: HostSet, facts: Mapping[Host, Facts]) -> dict[Host, list[tuple[str, str]]]:
    """Where something is taken out of the balancer by this tool: the run (empty: unknown), and what, in words.

    facts: where it was looked; what is UNREACHED is told by the sync host, which knows that it may be, but not what.
    """
    found: dict[Host, list[tuple[str, str]]] = {}
    for host in drains.where(host_set):
        if facts.get(host) == UNREACHED:
            noted = facts[host_set.sync].drained if host_set.sync in facts else ()
            rows = [(run, "") for run, name in noted if name == f"{drains.AWAY}{host.name}"]
        else:
            there = facts.get(host, UNREACHED)
            rows = [(run, words) for run, name in there.drained if (words := _words(host_set, name, there.balanced))]
        if rows:
            found[host] = rows
    return found


def is_out(host_set: HostSet, facts: Mapping[Host, Facts], host: Host, at: Host) -> bool:
    """Is it noted at that machine that this host is drained?"""
    balancer = host_set.balancer
    if not balancer or at not in facts:
        return False
    name = f"{balancer.backend},{balancer.server(host)}" if balancer.proxies else drains.FILE
    return (bool(balancer.proxies) or host == at) and name in {noted for _, noted in facts[at].drained}


def what_is_drained(
    host_set: HostSet, facts: Mapping[Host, Facts], by: str = "", but: Collection[Host] = ()
) -> list[str]:
    """The same as sentences: what is drained, and where a run may have left something that cannot be seen now.

    by: only what this run has taken out; of any, if it is empty. but: not at these.
    """
    out = left_out(host_set, facts)
    rows = [(host, run, what) for host, rows in out.items() if host not in but for run, what in rows if by in ("", run)]
    return [
        f"{host.short}: {what} by {_of(run)}"
        if what
        else f"{host.short}: cannot be asked; what {_of(run)} has drained there may still be drained"
        for host, run, what in rows
    ]


def taken_out_by_others(host_set: HostSet, facts: Mapping[Host, Facts]) -> list[tuple[Host, Host, str]]:
    """Where, which host and how (`in maintenance`, `drained`), by somebody's word, or by what no note of ours tells."""
    balancer, found = host_set.balancer, []
    for at in drains.where(host_set):
        there = facts.get(at, UNREACHED)
        for host in host_set.serving if balancer and balancer.proxies and there.balanced else ():
            server = there.balanced.server(balancer.server(host)) if balancer and there.balanced else None
            if server and server.word != "ready" and not is_out(host_set, facts, host, at):
                found.append((at, host, balanced.word(server)))
        if there.drain_file and not is_out(host_set, facts, at, at):
            found.append((at, at, "drained"))
    return found


def by_others(host_set: HostSet, facts: Mapping[Host, Facts]) -> list[str]:
    """The same as sentences."""
    return [
        f"{at.short}: {host.short} is {how}, and not by this tool, which leaves it so"
        for at, host, how in taken_out_by_others(host_set, facts)
    ]


def _of(run: str) -> str:
    return f"run {run}" if run else "an unknown run"


def _words(host_set: HostSet, name: str, there: Balanced | None) -> str:
    """What a note says, in words; nothing for one that is not of this set, or of another kind.

    there: what haproxy has. It is noted first and drained then; and a reload of haproxy's puts back what was drained.
    """
    balancer = host_set.balancer
    if name == drains.FILE:
        return "drained"
    if name == drains.page(host_set):
        return "the maintenance page was put up"
    backend, comma, server = name.partition(",")
    if not (balancer and comma and backend == balancer.backend):
        return ""
    named = [host.short for host in host_set.hosts if balancer.server(host) == server]
    found, called = there.server(server) if there else None, named[0] if named else server
    if found and found.word == "ready":
        return f"{called}, which is ready there, is noted as drained"
    return f"{called} was drained"
