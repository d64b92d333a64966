"""Every fact about a host in one read-only round trip, before any host is changed."""

from __future__ import annotations

from ..inventory.model import HostSet
from ..sop import health, kept, updates
from ..sop.nvr import Nvr
from ..sop.shell import call

LATE_SECONDS = 30  # after which a fact hangs; yum has YUM_SECONDS more, for its repositories' metadata
YUM_SECONDS = 80
RUNS = 20  # the latest, whose journals are looked through for what yum has changed
# What the steps, and what keeps them, are written with, and the package that yum installs for it. ps is wanted only
# where there is no /proc; a Mac, which can be the sandbox's host, has neither that nor flock.
PROGRAMS = {
    "awk": "gawk",
    "curl": "curl",
    "find": "findutils",
    "flock": "util-linux",
    "grep": "grep",
    "pgrep": "procps-ng",
    "ps": "procps-ng",
    "sed": "sed",
    "service": "/usr/sbin/service",  # in initscripts, or in initscripts-service
    "setsid": "util-linux",
    "systemctl": "systemd",
    **dict.fromkeys(("base64", "sha256sum", "tail", "tr"), "coreutils"),
}


def script(
    host_set: HostSet,
    repos: bool = True,
    schema: bool = True,
    wanted: str = "",
    before: bool = False,
    after: bool = False,
) -> str:
    """The shell that finds the facts; it prints `fact<TAB>value` lines and always exits 0.

    repos: also ask what the repositories offer, which costs a look at their metadata. Refreshing yum's
    cache is the only thing on the host that this touches. schema: also ask for the database's.
    wanted: also ask what an update to this (as yum takes it) would change. before: another set is to get what this
    one runs: also ask for its build's digests and key, and what yum has changed here. after: packages were changed:
    also ask what still runs as it was before.
    All are asked at once; one that hangs is named, in LATE_SECONDS + YUM_SECONDS at most.
    """
    app, root = host_set.app, host_set.app.path("")
    status = host_set.schema_status if schema else None
    drain = host_set.balancer.drain if host_set.balancer else None
    asks = {
        "programs": call("fact_programs", *PROGRAMS),
        "rpm": call("fact_rpm", app.package),
        "systemctl": call("fact_httpd", app.service),
        "page": health.answer(app, host_set.health),
        "df": call("fact_disk", f"{root}/", f"{root}/var"),
        "yum": call("fact_yum", *_of_yum(host_set), "list" if repos else "", wanted, app.service),
        "updates": updates.fact(app),
        "files": call("fact_files", root, app.path(app.settings) if app.settings else "", kept.database_lock(app))
        + f"; {kept.cron_is_on(app)}; {kept.show(app)}"
        + (f"; {call('fact_drain_file', app.path(drain.file))}" if drain else ""),
        **({"schema": call("fact_schema", status)} if status else {}),
        **({"needs": call("fact_needs")} if after else {}),
        **({"signed": _what_it_ran(host_set)} if before else {}),
    }
    return call("facts", LATE_SECONDS, YUM_SECONDS, *(word for pair in asks.items() for word in pair))


def _what_it_ran(host_set: HostSet) -> str:
    return f"{call('fact_signed', host_set.app.package)}; {kept.transactions(host_set.app, RUNS)} | sed 's/^/ran\t/'"


def would(host_set: HostSet, verb: str, target: Nvr) -> str:
    """The shell that prints what `yum VERB target` would change, verb being update or downgrade; it changes nothing.

    It asks yum's cache, which a look has filled before.
    """
    root, package, enabling = _of_yum(host_set)
    ask = call("fact_would", root, package, host_set.app.service, enabling, verb, str(target))
    return f"export LC_ALL=C\n{ask}"


def _of_yum(host_set: HostSet) -> tuple[str, str, str]:
    return host_set.app.path(""), host_set.app.package, host_set.enabling.strip()
