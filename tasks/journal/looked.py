"""What only `--json` tells of a look at a host set: who holds it, what its hosts are like, what was done to it."""

from __future__ import annotations

from .events import MOMENT, Event, described, key


@described
class OfALock(Event):
    """What stands in every event of a lock."""

    set: str = key("the host set")
    run: str = key("the id of the run that took it")
    operator: str = key("who began that")
    since: str = key("when, ISO 8601")


@described
class Running:
    """A step that runs."""

    host: str = key("where")
    step: str = key("its name")


@described
class Held(OfALock, name="held"):
    """Another run holds the set."""

    running: tuple[Running, ...] = key("the steps of that run that still run")


@described
class Aborted(OfALock, name="aborted"):
    """A run was aborted: its lock is released, cron syncs again, nothing else was changed."""

    down: tuple[str, ...] = key("hosts on which httpd does not run")
    cron: bool = key("is the sync's cron file there?")


@described
class Free(Event, name="free"):
    """No run holds the set (any more)."""

    set: str = key("the host set")
    text: str = key("a sentence")
    down: tuple[str, ...] = key("hosts on which httpd does not run")
    cron_paused_by: str | None = key("the run that has paused cron's sync and not given it back")


@described
class HostFacts:
    """What is known of a host."""

    host: str = key("its full name")
    asked: bool = key("false: it could not be asked, and the rest is not known")
    role: str = key("what it is for")
    installed: str | None = key("the build that it has")
    offered: str | None = key("the newest build that its repositories have")
    service: str = key("systemd's word for httpd, or unknown")
    answers: int | None = key("HTTP status")
    version: str | None = key("the version that answers")
    schema_now: str | None = key("the database's revision")
    at_head: bool | None = key("has the database the schema that the build wants?")
    cron: bool | None = key("is the sync's cron file there?")
    cron_paused_by: str | None = key("the run that has paused it")
    free_mb: int | None = key("on the fuller one of / and /var")
    problems: tuple[str, ...] = key("what could not be found out")


@described
class TakenOut:
    """A host that the balancer sends no new requests to, or a maintenance page; by whom, where this tool did it."""

    at: str = key("the proxy, or the host itself where a file drains it")
    what: str = key("in words; empty: what a run has drained at a machine that cannot be asked")
    run: str | None = key("the run that did it; empty: an unknown one; null: none of this tool's")


@described
class Up:
    """What stands around a run."""

    part: str = key("its name in hosts.yml, or its kind")
    run: str = key("the run that has put it up")
    seconds: int = key("in so many a silence or a downtime ends by itself")


@described
class Status(Event, name="status"):
    """Every fact of every host."""

    set: str = key("the host set")
    package: str = key("what is installed there")
    hosts: tuple[HostFacts, ...] = key("every host of the set")
    taken_out: tuple[TakenOut, ...] = key("what is out of the balancer")
    around: tuple[Up, ...] = key("what runs have put up around themselves, and not taken down yet")


@described
class PastRun:
    """A run."""

    run: str = key("its id")
    began: MOMENT | None = key("when it began")
    who: tuple[str, ...] = key("who typed it, and who went on with it")
    what: str = key("the task, as it was typed")
    before: tuple[str, ...] = key("the builds that the hosts had")
    after: tuple[str, ...] = key("the builds that they have had since")
    how: str = key("how it ended")
    well: bool = key("did it end well?")
    httpd_down: float | None = key("seconds for which it ran on no host of the set; null: not known")
    stops_httpd: bool = key("was it going to stop httpd?")
    still_down: bool | None = key("did it run nowhere at the end? Then it was down for longer; null: not known")
    seconds: float | None = key("from its begin to its last end, resumed or not")
    target: str | None = key("the build that it was to install")
    put_back: tuple[str, ...] = key("the hosts that were put back on the build that they had, as the new one was bad")


@described
class History(Event, name="history"):
    """What was done to a set."""

    set: str = key("the host set")
    runs: tuple[PastRun, ...] = key("the latest last")
