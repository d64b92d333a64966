"""What a run leaves behind, event by event: the lines of the journal. docs/journal.md is written from here.

An event's docstring says when it is written, each key what it means. Who reads a line gets an empty value for what it
has not, or has and cannot be. What only `--json` tells is in json_events and looked.
"""

from __future__ import annotations

from collections.abc import Mapping

from .described import BY_NAME as BY_NAME
from .described import MOMENT as MOMENT
from .described import TEXT as TEXT
from .described import VERSION as VERSION
from .described import Event as Event
from .described import described as described
from .described import key as key


@described
class Span:
    """A stretch of time."""

    began: MOMENT = key("when it began")
    seconds: float = key("how long it took")

    @property
    def ended(self) -> float:
        """When it ended, in seconds since 1970."""
        return self.began + self.seconds


@described
class Brought:
    """A schema migration that a build brings."""

    file: str = key("its path")
    verdict: str = key("adds, changes or unknown: does it only add, by what its file says?")
    why: tuple[str, ...] = key("what it does, or why that cannot be told")
    whole: bool = key("does it commit nothing in its middle, as far as its file says?")


@described
class Begin(Event, name="begin"):
    """A run is about to take the lock."""

    operator: str = key("who typed it, and where: `USER@MACHINE`")
    set: str = key("the host set")
    procedure: str = key("the task, as it is typed")
    target: str | None = key("the build to install, NAME-VERSION-RELEASE")
    unverified: str | None = key("the reason to install a build that the set before does not run")
    hosts: Mapping[str, str] = key("host → build before")
    schema: str | None = key("the database's revision before")
    asked_as: str = key("whom the operator named: the set, or `-H HOST`")
    order: tuple[str, ...] = key("the hosts that are meant, in the order in which they are worked on")
    serial: bool = key("one host after the other?")
    migrated: bool = key("was the database at the target's schema already?")
    signed: tuple[str, ...] = key("digests and signing key of the build, as the set before runs it; each NAME:VALUE")
    together: bool = key("are all hosts restarted at once?")
    steps: tuple[tuple[str, ...], ...] = key("the phases that are planned: each a step and its hosts")
    hosts_yml: Mapping[str, str] = key("key of hosts.yml that changes what is done → what tells if it is the same")
    settings: Mapping[str, str] = key("every other key of hosts.yml → its value, as JSON")
    version: str = key("the version of this tool; none before 0.2")
    stops_httpd: bool = key("does a step of it stop httpd?", True)
    migrations: tuple[Brought, ...] | None = key("the schema migrations that the target brings; null: not known")
    down: tuple[str, ...] = key("the hosts of the set on which httpd did not run at the begin; not in older journals")
    journal: int = key("the version of the journal's lines", VERSION)


@described
class Phase(Event, name="phase"):
    """A phase is about to begin on these hosts. The next one begins when all of them have ended it."""

    set: str = key("the host set")
    number: int = key("from 1; the plan's, also when the run is resumed, which leaves out what is done")
    total: int = key("how many phases the plan has", 0)
    step: str = key("the step's name")
    says: str = key("what it does")
    command: TEXT = key("as it is typed by hand; empty for a step that only looks")
    httpd: str = key("what it does to httpd, or has seen of it: none, down, up, or bounce (away, and back)", "none")
    hosts: tuple[str, ...] = key("where")


@described
class Became:
    """What became of a step on one host."""

    state: str = key("done, failed, or unknown (it may still run)")
    began: MOMENT | None = key("when it began")
    seconds: float | None = key("how long it took")
    failure: TEXT | None = key("why it failed, in a sentence")
    output: tuple[str, ...] = key("its last 400 lines; only in the operator's own journal")


@described
class Ended(Event, name="ended"):
    """A phase has ended on all its hosts."""

    set: str = key("the host set")
    number: int = key("the phase's")
    step: str = key("the step's name")
    httpd: str = key("as the phase has it", "none")
    failed: bool = key("on any host?")
    migrates: bool = key("does the step migrate the database?", False)
    hosts: Mapping[str, Became] = key("host → what became of it there")


@described
class Changed:
    """What became of one package."""

    does: str = key("install, update, reinstall, downgrade or remove")
    name: str = key("the package")
    evr: str = key("version and release afterwards, or of what was removed; with the epoch, if there is one")
    arch: str = key("for which architecture")


@described
class Transacted(Event, name="transaction"):
    """What yum has changed for a build, as it said itself: the set after this one may get no other packages."""

    set: str = key("the host set")
    target: str = key("the build, NAME-VERSION-RELEASE")
    hosts: tuple[str, ...] = key("where it was just so")
    changes: tuple[Changed, ...] = key("every package, the build's own too")


@described
class Blocked(Event, name="blocked"):
    """A migration has failed because it waited too long for a lock."""

    set: str = key("the host set")
    host: str = key("where it ran")
    limit: float | None = key("seconds that it was to wait; null: hosts.yml has no lock_timeout")
    holders: tuple[str, ...] = key("who held a lock, as lock_holders in hosts.yml prints it")
    schema_before: str | None = key("the database's revision before the run")
    schema: str | None = key("what it was found at; null: not known")
    migrated: bool | None = key("was anything migrated? null: not known")


@described
class AutomaticUpdates(Event, name="automatic-updates"):
    """Automatic updates were held off for the run, or given back."""

    set: str = key("the host set")
    what: str = key("held off, or given back")
    hosts: Mapping[str, str] = key("host → the units, in one line")


@described
class Backup(Event, name="backup"):
    """The database was saved before anything was stopped."""

    set: str = key("the host set")
    file: str | None = key("where, on the sync host")
    size: int | None = key("bytes")
    seconds: float = key("how long it took")


@described
class Waited(Event, name="waited"):
    """The balancer was given time to see a host back."""

    why: str = key("why, in a sentence")
    seconds: float = key("how long")


@described
class Measured:
    """What was seen of one address while a batch was judged."""

    who: str = key("the host whose own page it is; users: the set's URL; promql: the query")
    verdict: str = key("good, bad or inconclusive")
    why: str = key("a sentence with the numbers")
    requests: int | None = key("how many were made; null: none, or a query")
    failed: int | None = key("how many of them had no good answer")
    allowed: float | None = key("the share that may fail: as before the upgrade, or what hosts.yml tolerates")
    median: float | None = key("seconds of a good answer; null: too few to compare")
    beside: float | None = key("seconds of a good answer of what it was compared with")


GOOD, BAD, INCONCLUSIVE = "good", "bad", "inconclusive"  # verdicts


@described
class Judged(Event, name="judged"):
    """A batch has served the new build for a while."""

    set: str = key("the host set")
    number: int = key("of the phase after which it was judged")
    hosts: tuple[str, ...] = key("the batch")
    verdict: str = key("good, bad or inconclusive")
    why: tuple[str, ...] = key("the reasons, a sentence each")
    seconds: float = key("for which it was judged")
    stops: bool = key("does the run stop here?")
    back: tuple[str, ...] = key("the hosts that are put back on the build that they had")
    measured: tuple[Measured, ...] = key("address by address")


@described
class Around(Event, name="around"):
    """Something that stands around the run was begun, or undone, or could not be."""

    set: str = key("the host set")
    part: str = key("its name in hosts.yml, or its kind: silence, downtime, command")
    what: str = key("begin or end")
    seconds: float = key("how long it took")
    expires: float | None = key("seconds after which it ends by itself; null: it does not, or was undone")
    failure: str | None = key("why it could not be, in a sentence")


@described
class Restarted(Event, name="restarted"):
    """A host restarted while the run was on."""

    set: str = key("the host set")
    host: str = key("the host")
    meanwhile: str = key("what the run did since the host was last seen, e.g. `during upgrade-db`")
    service: str | None = key("what came back by itself, ran there, and is stopped again")


@described
class Watched(Event, name="watched"):
    """What was seen from the operator's machine meanwhile, of the set's URL and of each host that has one."""

    host: str | None = key("the host whose own page it is; null: the set's, which its users see")
    url: str = key("what was asked")
    requests: int = key("how many were made")
    failed: int = key(
        "no answer, or 5xx; as many as requests: not reachable from here, or down or failing all the time"
    )
    longest: float = key("seconds without a good answer, at the longest")
    down: bool = key("had the last one failed?")
    outages: tuple[Span, ...] = key("every time without a good answer")
    slow: tuple[Span, ...] = key("every good answer that took a second or longer")
    because: str | None = key("of the set's, if the last one failed and every host answers: why, as far as is known")


@described
class End(Event, name="end"):
    """The client ends. A run that was resumed has one for each client that lived to write it: the last one counts."""

    set: str = key("the host set")
    how: str = key("how it ended, in words")
    code: int | None = key("the exit code")
    seconds: float | None = key("since this client began")
    httpd_down: float | None = key("seconds for which httpd ran on no host of the set, since the run began")
    httpd_still_down: bool | None = key("did it run nowhere at the end, as far as is known? Then add `at least`")
    hosts: Mapping[str, str] = key("host → build now; hosts that could not be looked at are left out")
    schema: str | None = key("the database's revision now")
    put_back: tuple[str, ...] = key("the hosts that were put back on the build that they had, as the new one was bad")


@described
class Deposed(Event, name="taken-over"):
    """Instead of an end: somebody else drives the run now."""

    set: str = key("the host set")
    why: str = key("who, in a sentence")


@described
class Typed(Event):
    """What somebody typed for a run that was begun."""

    operator: str = key("who, and where")
    set: str = key("the host set")


@described
class Resume(Typed, name="resume"):
    """Somebody goes on with the run."""


@described
class Abort(Typed, name="abort"):
    """Somebody aborts the run: cron syncs again, the lock is released."""

    httpd_down: float | None = key("seconds for which httpd ran on no host of the set, since the run began")
    httpd_still_down: bool | None = key("does it run nowhere now, as far as is known?")


@described
class Unlock(Typed, name="unlock"):
    """Somebody releases the run's lock, and nothing else."""


@described
class Promote(Event, name="promote"):
    """A build was to be moved to prod's tag; on the operator's machine alone, in no run."""

    operator: str = key("who, and where")
    nvr: str = key("the build")
    unverified: str | None = key("the reason to move a build that stg does not run")
    outcome: str = key("moved, refused, failed, not yet or interrupted")
    why: str | None = key("what was said, where it was not moved")
