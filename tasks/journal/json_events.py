"""What only `--json` tells of a run, and of any task; with `events` and `looked` docs/json.md is written from here."""

from __future__ import annotations

from .events import Brought, Event, Restarted, Watched, described, key


@described
class OfAPlan(Event):
    """What stands in every event of a plan."""

    set: str = key("the host set")
    procedure: str = key("the task, as it is typed")
    target: str | None = key("the build to install, NAME-VERSION-RELEASE")


@described
class OfAStep(Event):
    """What stands in every event of a step on a host."""

    host: str = key("where")
    step: str = key("the step's name")


@described
class Said(Event, name="said"):
    """What sudo, or a login, said on a host or jump host before it let us in. Questions are asked on the terminal."""

    who: str = key("as messages call it")
    text: str = key("the line")


@described
class WaitsFor(Event, name="waits_for"):
    """Hosts have not answered for four seconds or longer. Told again when they are others, and every minute."""

    hosts: tuple[str, ...] = key("who is waited for")
    what: str = key("what they are waited for to do, and how long at most")
    seconds: float = key("so far")


@described
class Looking(Event, name="looking"):
    """Every host of the set is asked for every fact."""

    hosts: tuple[str, ...] = key("the hosts")


@described
class PlannedHost:
    """A host of the set."""

    host: str = key("its full name")
    installed: str | None = key("the build that it has")
    repo: str | None = key("the repository that offers the target")
    touched: bool = key("is anything done on it?")
    also: tuple[str, ...] | None = key("what yum changes there beside the build, a sentence each; null: not known")


@described
class PlannedPhase:
    """A phase of the plan."""

    number: int = key("from 1")
    step: str = key("the step's name")
    hosts: tuple[str, ...] = key("where")
    command: str = key("what the SOP says; empty for a step that only looks")


@described
class Planned(OfAPlan, name="plan"):
    """What will be done, or with `--plan` would be."""

    hosts: tuple[PlannedHost, ...] = key("every host of the set")
    phases: tuple[PlannedPhase, ...] = key("in order; empty: nothing to do")
    warnings: tuple[str, ...] = key("why one should think twice")
    migrations: tuple[Brought, ...] | None = key("the schema migrations that the target brings; null: not known")
    around: tuple[str, ...] = key("what is begun before the first step and undone at the end, a sentence each")


@described
class NothingToDo(OfAPlan, name="nothing_to_do"):
    """The world is as wanted already."""


@described
class RemainingPhase:
    """A phase of a run that stopped."""

    number: int = key("from 1")
    step: str = key("the step's name")
    done: tuple[str, ...] = key("hosts that are through with it")
    left: tuple[str, ...] = key("hosts that are not")
    running: tuple[str, ...] = key("of these, where it still runs")
    again: tuple[str, ...] = key("of these, where it failed, or is no longer so")


@described
class Remaining(OfAPlan, name="remaining"):
    """What is left of a run that stopped."""

    run: str = key("the run's id")
    operator: str = key("who began it")
    since: str = key("when, ISO 8601")
    phases: tuple[RemainingPhase, ...] = key("in order")


@described
class Line(OfAStep, name="line"):
    """A host said something."""

    text: str = key("the line")


@described
class Done(OfAStep, name="done"):
    """A host ended a step, and what it promised is so."""

    seconds: float = key("how long it took")


@described
class Failed(OfAStep, name="failed"):
    """A host did not, or nobody knows."""

    why: str = key("a sentence")


@described
class Unknown(OfAStep, name="unknown"):
    """Nobody saw how the step ended on a host (the line dropped, or its time ran out), and the host is asked for it.

    `done` or `failed` follows.
    """

    why: str = key("a sentence")


@described
class Lost(OfAStep, name="lost"):
    """The connection to a host was lost in the middle of a step, which goes on there."""

    seconds: float = key("for which it is tried again")


@described
class Back(OfAStep, name="back"):
    """A host that was lost is connected to again, and its step followed."""


@described
class Waiting(Event, name="waiting"):
    """Nothing happens for a while, and that is right."""

    seconds: float = key("at most")
    why: str = key("a sentence")


@described
class Interrupt(Event, name="interrupt"):
    """Ctrl-C was pressed once: the run ends after this step."""


@described
class StepBecame:
    """What became of a step that was planned for a host."""

    step: str = key("its name")
    state: str = key("done, done before (by the run that is resumed), failed, unknown, not reached")
    seconds: float = key("how long it took")
    warnings: tuple[str, ...] = key("what rpm warned of in it, where it succeeded")


@described
class HostBecame:
    """What became of a host."""

    host: str = key("its full name")
    installed_before: str | None = key("the build that it had")
    installed: str | None = key("the build that it has; null: not known")
    schema_before: str | None = key("the database's revision before")
    schema_now: str | None = key("the database's revision; null: not known")
    service: str = key("systemd's word for httpd, or unknown")
    answers: int | None = key("HTTP status; null: none, or not known")
    steps: tuple[StepBecame, ...] = key("every step that was planned for it")


@described
class Recap(OfAPlan, name="recap"):
    """What became of it."""

    run: str = key("the run's id")
    journal: str = key("the journal's file")
    hosts: tuple[HostBecame, ...] = key("every host of the set")
    restarts: tuple[Restarted, ...] = key("hosts that restarted meanwhile")
    users: Watched | None = key("what the set's users saw; null where hosts.yml has no url")
    nodes: tuple[Watched, ...] = key("what each host answered from here, where hosts.yml gives it a url")


@described
class Finished(OfAPlan, name="finished"):
    """All was done, and the world is as promised."""

    run: str = key("the run's id")
    seconds: float = key("how long it took")
    next: str | None = key("what may be typed now")


@described
class Note(Event, name="note"):
    """A sentence of a task that carries out no procedure."""

    text: str = key("the sentence")


@described
class Warned(Event, name="warning"):
    """Something that changes nothing, and that somebody should know."""

    text: str = key("a sentence")


@described
class Exit(Event, name="exit"):
    """The last line."""

    exit_code: int = key("README has the table")
    problems: tuple[str, ...] = key("why it did not end well")
    next: str | None = key("what to type now; a line for each way there is")
