"""What runs have put up around themselves and not taken down yet, as it is noted on the sync host. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..inventory.model import Host, HostSet
from ..journal.words import duration
from ..lines import Line, ssh
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
    return known(host_set, (up.part for up in what_is_up(host_set, facts)))


def known(host_set: HostSet, parts: Iterable[str]) -> list[str]:
    """Those of these names that hosts.yml has, each once."""
    has = {part.label for part in host_set.around}
    return list(dict.fromkeys(part for part in parts if part in has))


def undone_by_hand(host_set: HostSet, facts: Mapping[Host, Facts]) -> list[Up]:
    """Those that hosts.yml has no more: only a person knows how to undo them."""
    return [up for up in what_is_up(host_set, facts) if not known(host_set, [up.part])]


def forgetting(host_set: HostSet, facts: Mapping[Host, Facts], follows: bool) -> list[Line]:
    """For each of those the line that clears its note, to be typed when it is undone by hand. follows: another line."""
    return [
        Line(
            "then" if follows or number else "next",
            ssh(host_set.sync.name, f"sudo rm {kept.root(host_set.app)}/around/{gone.run},{gone.part}"),
            f"when {gone.part} is undone by hand",
        )
        for number, gone in enumerate(undone_by_hand(host_set, facts))
    ]


def sentences(host_set: HostSet, facts: Mapping[Host, Facts], still: bool = False) -> list[str]:
    """The same in words; still: somebody has tried to undo them."""
    ends = {part.label for part in host_set.around if part.ends_by_itself}
    return [
        f"{up.part}{' is still up,' if still else ':'} put up by run {up.run}"
        + (f", ends by itself in {duration(up.seconds)}" if up.part in ends else "")
        + ("" if known(host_set, [up.part]) else "; hosts.yml has it no more")
        for up in what_is_up(host_set, facts)
    ]
