"""The phases of a plan, those that come again for batch after batch as one. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ..inventory.model import Host
    from ..sop.model import Phase

MOST_SIZES = 6  # of batches that grow, which are named


class Batch(NamedTuple):
    """Hosts that are done together, and where their phases stand in the plan, counted from 0."""

    hosts: tuple[Host, ...]
    at: tuple[int, ...]


class Part(NamedTuple):
    """Batches that follow one another; of a phase that stands alone one, with that phase."""

    batches: tuple[Batch, ...]
    window: int = 0  # hosts that go through it side by side

    @property
    def at(self) -> list[int]:
        """Where its phases stand, counted from 0."""
        return [at for batch in self.batches for at in batch.at]

    @property
    def hosts(self) -> list[Host]:
        """All its hosts."""
        return [host for batch in self.batches for host in batch.hosts]

    def steps(self, phases: Sequence[Phase]) -> list[str]:
        """The names of the steps that every host goes through, in their order."""
        longest = max(self.batches, key=lambda batch: len(batch.at))
        return [phases[at].step.name for at in longest.at]

    @property
    def how(self) -> str:
        """`one after the other`, `20 at a time`, `in batches of 10`, `in batches of 1, 20, 50`."""
        sizes = [len(batch.hosts) for batch in self.batches]
        if self.window:
            return f"{self.window} at a time"
        if set(sizes) == {1}:
            return "one after the other"
        if len(set(sizes[:-1] or sizes)) == 1 and sizes[-1] <= sizes[0]:
            return f"in batches of {sizes[0]}"
        if len(sizes) <= MOST_SIZES:
            return f"in batches of {', '.join(map(str, sizes))}"
        return f"in {len(sizes)} batches of {min(sizes)} to {max(sizes)}"


def parts(phases: Sequence[Phase], members: Collection[Host]) -> list[Part]:
    """The parts of a plan in their order; members: the set's hosts. Others (proxies) work for the batch they stand in.

    A step that comes more than once comes for batch after batch: from the first such phase to the last.
    """
    often = {name for name, times in Counter(phase.step.name for phase in phases).items() if times > 1}
    places = [at for at, phase in enumerate(phases) if phase.step.name in often]
    first, last = (places[0], places[-1]) if places else (len(phases), len(phases))
    alone = [Part((Batch(phase.hosts, (at,)),)) for at, phase in enumerate(phases)]
    known = {host.name for host in members}
    cut = _cut(phases, range(first, min(last + 1, len(phases))), known)
    return [*alone[:first], *([Part(tuple(cut), phases[first].window)] if cut else []), *alone[last + 1 :]]


def _cut(phases: Sequence[Phase], places: range, known: set[str]) -> list[Batch]:
    """A batch begins where a step comes again that it has, or with the first host that is not of it."""
    batches: list[Batch] = []
    names: set[str] = set()
    for at in places:
        phase = phases[at]
        hosts = tuple(host for host in phase.hosts if host.name in known)
        before = batches[-1] if batches else Batch((), ())
        if not batches or phase.step.name in names or (hosts and before.hosts and not _share(hosts, before.hosts)):
            batches.append(Batch(hosts, (at,)))
            names = set()
        else:
            batches[-1] = Batch(hosts if len(hosts) > len(before.hosts) else before.hosts, (*before.at, at))
        names.add(phase.step.name)
    return batches


def _share(one: Sequence[Host], other: Sequence[Host]) -> bool:
    return bool({host.name for host in one} & {host.name for host in other})
