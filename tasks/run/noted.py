"""What runs have put up around themselves and not taken down yet, as it is noted on the sync host. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..inventory.model import Host, HostSet
from ..journal.words import duration
from ..lines import ssh
from ..sop import kept
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


def undone_by_abort(host_set: HostSet, facts: Mapping[Host, Facts]) -> list[str]:
    """The names of those that hosts.yml still says how to undo, each once."""
    known = {part.label for part in host_set.around}
    return list(dict.fromkeys(up.part for up in what_is_up(host_set, facts) if up.part in known))


def undone_by_hand(host_set: HostSet, facts: Mapping[Host, Facts]) -> list[Up]:
    """Those that hosts.yml has no more: only a person knows how to undo them."""
    known = {part.label for part in host_set.around}
    return [up for up in what_is_up(host_set, facts) if up.part not in known]


def forgets(host_set: HostSet, gone: Up) -> tuple[str, str]:
    """The line to type when that has been undone by hand, which clears its note; and what it is for."""
    note = f"{kept.root(host_set.app)}/around/{gone.run},{gone.part}"
    return ssh(host_set.sync.name, f"sudo rm {note}"), f"when {gone.part} is undone by hand"


def sentences(host_set: HostSet, facts: Mapping[Host, Facts], still: bool = False) -> list[str]:
    """The same in words; still: somebody has tried to undo them."""
    ends = {part.label for part in host_set.around if part.ends_by_itself}
    known = {part.label for part in host_set.around}
    return [
        f"{up.part}{' is still up,' if still else ':'} put up by run {up.run}"
        + (f", ends by itself in {duration(up.seconds)}" if up.part in ends else "")
        + ("" if up.part in known else "; hosts.yml has it no more")
        for up in what_is_up(host_set, facts)
    ]
