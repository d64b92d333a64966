"""By what the parts of `around` are looked at, begun and undone; for a plan, whether they could be begun."""

from __future__ import annotations

from functools import partial

from ..around import parts
from ..around.occasion import Occasion
from ..errors import Refused
from ..fleet.outcome import Outcome
from ..inventory.around import Notify, Part
from ..inventory.model import HostSet
from ..journal.file import operator
from .look import Reached
from .observer import Report


class Looks:
    """A look at each of them. What is asked from here is asked from now on, beside the look at the hosts; the hosts
    that are named there are asked when that is done.
    """

    def __init__(self, reached: Reached, report: Report) -> None:
        self._reached, self._report = reached, report
        self._occasion = Occasion(reached.host_set, "", operator())
        quiet = parts.Means(partial(ask, reached), lambda: None)
        from_here = [part for part in all_of(reached.host_set) if not part.at]
        self._asked = {part: parts.Request(partial(parts.look, part, self._occasion, quiet)) for part in from_here}
        for request in self._asked.values():
            request.start()

    def check(self) -> tuple[str, ...]:
        """Of those that are best effort, what could not be begun, a sentence each.

        Raises Refused where a required part could not be begun, as far as that can be seen.
        """
        host_set = self._reached.host_set
        wrong = {part: why for part in all_of(host_set) if (why := self._failure(part))}
        if stops := [f"{place(host_set, part)}: {why}" for part, why in wrong.items() if part.required]:
            raise Refused(*stops, next_line=f"fab {host_set.name} status")
        return tuple(
            f"{part.label} could not be begun now ({why}); a run goes on without it" for part, why in wrong.items()
        )

    def _failure(self, part: Part) -> str:
        to_answer = means(self._reached, self._report, part, "look")
        if part in self._asked:
            return self._asked[part].answer(to_answer.waits).failure
        return parts.look(part, self._occasion, to_answer).failure


def means(reached: Reached, report: Report, part: Part, what: str) -> parts.Means:
    """By what it is looked at, begun or undone; what: `look`, `begin` or `end`."""
    does = {"look": "answer", "begin": "begin", "end": "be undone"}[what]
    return parts.Means(
        partial(ask, reached), lambda: report.waiting(part.seconds, f"at most for {part.label} to {does}")
    )


def ask(reached: Reached, name: str, script: str, seconds: float) -> Outcome | str:
    """What a host that hosts.yml names in `around` answers, or why nothing is sent to it."""
    host, machines = reached.host_set.beside[name], reached.machines
    if lost := machines.absent.get(host) or machines.unreachable.get(host):
        return lost.problems[0]
    found = machines.ask({host: script}, seconds, "to do what stands around the run").get(host)
    return found or f"{host.short}: cannot be reached"


def place(host_set: HostSet, part: Part) -> str:
    """Where it stands in hosts.yml, and its name."""
    return f"host_sets.{host_set.name}.around[{host_set.around.index(part)}] ({part.label})"


def all_of(host_set: HostSet) -> list[Part]:
    """Those that are begun and undone; who is told is none of them."""
    return [part for part in host_set.around if not isinstance(part, Notify)]
