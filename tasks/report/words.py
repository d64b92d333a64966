"""Facts in words, the same in every table and sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..fleet.output import clean
from ..fleet.output import duration as duration
from ..journal.events import BAD, GOOD
from ..journal.words import around as surrounds
from ..ranges import listed
from ..sop.model import Schema

if TYPE_CHECKING:
    from ..inventory.model import Host
    from ..journal.events import Around, Judged
    from ..run.decide import Plan
    from ..sop.model import Facts

MOST_REASONS = 3  # in one line; the journal has all of them


def names(hosts: Sequence[Host]) -> str:
    """`prod01, prod02`; of many hosts their ranges, or the first, and how many more."""
    return listed(host.short for host in hosts)


def around(event: Around) -> tuple[str, str]:
    """What became of something that stands around a run, and how it is shown."""
    return surrounds(event), "warn" if event.failure else "aside"


def took(seconds: float) -> str:
    """`0.3 s`, `42.0 s`, `2 min 5 s`."""
    return f"{seconds:.1f} s" if seconds < 60 else duration(seconds)


def about(seconds: float) -> str:
    """`0.3 s`, `42 s`, `2 min`, `3 h`: where there is no room for more."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    of, unit = (1, "s") if seconds < 100 else (60, "min") if seconds < 6000 else (3600, "h")
    return f"{seconds / of:.0f} {unit}"


def waits_for(hosts: Sequence[Host], what: str, seconds: float) -> str:
    """Who is waited for, to do what, and since when."""
    return f"waiting for {names(hosts)} {what}: {duration(seconds)} so far"


def judged(said: Judged) -> tuple[str, str]:
    """How a batch was judged, and why, and the style to say it in."""
    more = len(said.why) - MOST_REASONS
    why = "; ".join((*said.why[:MOST_REASONS], *([f"and {more} more"] if more > 0 else [])))
    style = {GOOD: "good", BAD: "bad"}.get(said.verdict, "warn")
    return f"judged {said.verdict} after {took(said.seconds)}: {clean(why)}", style


def soak(plan: Plan) -> str:
    """For how long each batch of a plan is judged, and what becomes of one that is bad; nothing where none is."""
    host_set = plan.request.host_set
    if not any(phase.judged for phase in plan.phases):
        return ""
    back = host_set.judge is not None and host_set.judge.rollback
    then = "is put back on the build that it had" if back else "ends the run"
    return f"each batch is judged for {duration(host_set.soak)} on the new build; one that is bad {then}"


def build(found: Facts) -> str:
    """What is installed, without the name that all of them have."""
    return found.installed.vr if found.installed else "-"


def answer(found: Facts) -> str:
    """What httpd answers, and which version it is that answers."""
    if found.answers is None:
        return "no"
    version = found.version or ("(old build)" if found.older else "(no version)")
    return f"{found.answers} {version}" if found.answers < 300 else str(found.answers)


def cron(found: Facts) -> str:
    """Whether cron's sync is there."""
    if found.paused and found.cron:
        return f"back, though paused by run {found.paused}"
    if found.paused:
        return f"paused by run {found.paused}"
    return "yes" if found.cron else "-"


def schema(found: Facts) -> str:
    """The database's revision, and whether it is the one that the build wants."""
    if found.schema == Schema.UNKNOWN:
        return "-"
    return f"{found.revision or 'none'} {'(head)' if found.schema == Schema.CURRENT else '(pending)'}"


def at_head(found: Facts) -> bool | None:
    """The same for programs; None: not known."""
    return None if found.schema == Schema.UNKNOWN else found.schema == Schema.CURRENT


def unknown(found: Facts | None) -> list[str]:
    """What a row of status cannot say; of a host that was not reached it says so, and the run's end says why."""
    return [*found.problems, *(text for text in (found.no_list, found.no_schema) if text)] if found else []
