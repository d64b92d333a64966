"""What runs have put up around themselves and not taken down yet, as it is noted on the sync host. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..inventory.model import Host, HostSet
from ..journal.words import duration
from ..sop.model import Facts


class Up(NamedTuple):
    """A part of hosts.yml's `around` that a run has put up; seconds: in which it ends, if it does so by itself."""

    part: str
    run: str
    seconds: int


def what_is_up(host_set: HostSet, facts: Mapping[Host, Facts]) -> list[Up]:
    """All of them, but for what has ended by itself meanwhile."""
    sync = facts.get(host_set.sync)
    ends = {part.label for part in host_set.around if part.ends_by_itself}
    rows = [Up(part, run, seconds) for run, seconds, part in (sync.around if sync else ())]
    return [up for up in rows if up.seconds > 0 or up.part not in ends]


def sentences(host_set: HostSet, facts: Mapping[Host, Facts]) -> list[str]:
    """The same in words."""
    ends = {part.label for part in host_set.around if part.ends_by_itself}
    known = {part.label for part in host_set.around}
    return [
        f"{up.part}: put up by run {up.run}"
        + (f", ends by itself in {duration(up.seconds)}" if up.part in ends else "")
        + ("" if up.part in known else "; hosts.yml has it no more")
        for up in what_is_up(host_set, facts)
    ]
