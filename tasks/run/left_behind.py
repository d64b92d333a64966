"""What is left to do on a set that no run has locked, and the lines that do it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from ..inventory.model import Host, HostSet
from ..lines import Line, below
from ..paths import hosts_editor
from ..ranges import listed, together
from ..sop.model import NOT_REACHED, UNREACHED, Facts, Job, Procedure, Schema
from ..sop.nvr import Nvr
from ..sop.workflows import MAJOR, MEND, MINOR, PROCEDURES, RESTART, ROLLBACK, START, UNDRAIN, by_hand
from .noted import forgetting, undone_by_abort
from .proxies import is_out, left_out

BY_HAND = "by hand, step by step"
IF_OFFERED = "if the build is still in the repo"


@dataclass(frozen=True)
class _Set:
    """A set that no run has locked, as it is; facts: of every host, NOT_REACHED where one is lost; the rest: below."""

    host_set: HostSet
    facts: Mapping[Host, Facts]
    bad: Nvr | None = None
    tried: bool = False

    @property
    def fab(self) -> str:
        return f"fab {self.host_set.name}"

    @property
    def sync(self) -> Facts:
        return self.facts[self.host_set.sync]

    @cached_property
    def reached(self) -> dict[Host, Facts]:
        return {host: found for host, found in self.facts.items() if found.service != NOT_REACHED}

    @cached_property
    def builds(self) -> list[Nvr]:
        return builds(self.reached.values())

    @cached_property
    def down(self) -> list[Host]:
        return down(self.host_set, self.facts)

    @property
    def when(self) -> str:
        """When what wants all hosts can be typed; nothing where they are all there."""
        lost = [host.short for host in self.host_set.hosts if host not in self.reached]
        return f"when {listed(lost)} can be reached again" if lost else ""

    @property
    def pending(self) -> bool:
        return self.sync.believed == Schema.PENDING

    @property
    def minor(self) -> bool:
        """Does a minor upgrade lead to one build everywhere?"""
        return not self.pending and (self.sync.believed == Schema.CURRENT or not self.down)

    @property
    def is_bad(self) -> bool:
        """Has the newest build been judged bad?"""
        return self.bad is not None and self.bad in self.builds[-1:]

    @property
    def half(self) -> bool:
        """Was a minor upgrade left half-way?"""
        return len(self.builds) > 1 and self.minor


Way = tuple[str, str]  # what can be typed, and what it does


def left_behind(
    host_set: HostSet, facts: Mapping[Host, Facts], after: str = "", bad: Nvr | None = None, tried: bool = False
) -> str:
    """What to type where no run holds the set and something is left to do; nothing where all is well.

    facts: of every host, NOT_REACHED where one is lost. after: the step of the SOP that was just done by itself.
    bad: the build that the last run of the set was stopped for, if it was judged bad: the way back comes first, then.
    tried: has `abort` just tried to undo what is up?
    """
    found = _Set(host_set, facts, bad, tried)
    builds_first = (_earlier_build, _one_build) if found.is_bad else (_one_build, _earlier_build)
    ways = [way for look in (_cron, _updates, _rpm, *builds_first, _start, _stale) for way in look(found)]
    ways += _by_hand(found, after, alone=not ways)
    marks = ["next", *["or"] * len(ways)]
    if found.sync.paused:
        marks[1:2] = ["then"]
    out = _drained(found)
    if out and not found.down:  # an upgrade is refused as long as a host of its set is drained
        ways, marks = [*out, *ways], ["next", *["or"] * (len(out) - 1), "then", *marks[1 : len(ways)]]
    else:
        ways, marks = [*ways, *out], [*marks[: len(ways)], *["then" if ways else "next"] * len(out)]
    lines = [Line(mark, typed, does) for mark, (typed, does) in zip(marks, ways, strict=False)]
    return below([*lines, *forgetting(host_set, facts, follows=bool(lines))])


def _updates(found: _Set) -> list[Way]:
    off = any(host.held_off for host in found.reached.values())
    return [(f"{found.fab} abort", "gives automatic updates back")] if off and not found.sync.paused else []


def _cron(found: _Set) -> list[Way]:
    return [(f"{found.fab} abort", f"lets {found.host_set.app.scheduler} sync again")] if found.sync.paused else []


def _drained(found: _Set) -> list[Way]:
    """What is out of the balancer; what else this tool has put up there, and what cannot be seen, is abort's."""
    host_set, facts = found.host_set, found.facts
    out = left_out(host_set, facts)
    drained = [host for host in host_set.hosts if any(is_out(host_set, facts, host, at) for at in out)]
    ways = [(f"fab -H {','.join(host.short for host in drained)} {UNDRAIN.name}", "if it is well")] if drained else []
    rest = [at for at in out if not any(is_out(host_set, facts, host, at) for host in drained)]
    does = ["puts back what a run has taken out of the balancer"] if rest else []
    if up := undone_by_abort(host_set, facts):
        does.append(f"undoes {', '.join(up)}")
    lost = [at for at in rest if facts.get(at, UNREACHED) == UNREACHED]
    gone = listed(at.short for at in lost)
    if does and not found.sync.paused:
        ways.append((f"{found.fab} abort", f"{f'when {gone} can be reached: ' if gone else ''}{', '.join(does)}"))
    if proxies := listed(at.short for at in lost if at in host_set.proxies):
        ways.append((hosts_editor(), f"if {proxies} is gone for good: take it out of balancer.proxies, and abort"))
    if up and found.tried:
        ways.append((hosts_editor(), f"if what undoes {', '.join(up)} is wrong there: mend `end` in around, and abort"))
    return ways


def _rpm(found: _Set) -> list[Way]:
    cut = any(host.cut_off for host in found.reached.values())
    return [(f"{found.fab} {MEND.name}", "mends what a cut-off rpm transaction left")] if cut else []


def _one_build(found: _Set) -> list[Way]:
    if not found.builds or not (found.pending or len(found.builds) > 1):
        return []
    upgrade, newest = MINOR if found.minor else MAJOR, found.builds[-1].vr
    does = f"{'in spite of the verdict: ' if found.is_bad else ''}all hosts to {newest}"
    return [(f"{found.fab} {upgrade.name} --version {newest}", found.when or does)]


def _earlier_build(found: _Set) -> list[Way]:
    """What half of the hosts have still; and where a migration has not been done, what all of them had."""
    if found.when:
        return []
    if found.pending:
        before, at = found.sync.previous, found.sync.revision
        there = bool(before) and bool(at) and at == found.sync.previous_schema and before not in found.builds
        does = f"rolls back to the build that fits the database, {IF_OFFERED}"
        return [(f"{found.fab} {ROLLBACK.name} --version {before.vr}", does)] if before and there else []
    if not found.half or found.down:
        return []
    new = [host for host in found.reached.values() if host.installed == found.builds[-1]]
    earlier = {host.previous for host in new} & set(found.builds)
    does = f"rolls back {IF_OFFERED}"
    return [(f"{found.fab} {ROLLBACK.name} --version {nvr.vr}", does) for nvr in earlier if nvr]


def _start(found: _Set) -> list[Way]:
    if not (found.half and found.down):
        return []
    return [(f"{found.fab} {START.name}", found.when or "with the builds that are there")]


def _stale(found: _Set) -> list[Way]:
    if found.half or found.pending:
        return []
    old = [host for host in stale(found.host_set, found.reached) if host in found.host_set.serving]
    return (
        [(f"fab -H {','.join(host.short for host in old)} {RESTART.name}", "loads the installed build")] if old else []
    )


def stale(host_set: HostSet, facts: Mapping[Host, Facts]) -> list[Host]:
    """Where another build answers than the one that is installed: an update or a downgrade without its restart."""
    return [
        host
        for host, found in facts.items()
        if found.answers == host_set.health.status
        and found.installed
        and found.version not in (None, found.installed.version)
    ]


def _by_hand(found: _Set, after: str, alone: bool) -> list[Way]:
    """The steps that are left of the SOP; alone: no other way was found."""
    if found.half or not (found.down or found.pending):
        return []
    left = left_of_the_sop(found.host_set, found.reached, _up_to(found.host_set, after))
    newest = f" --version {found.builds[-1].vr}" if found.builds else ""
    words = [f"{one.name}{newest}" if one.installs else one.name for one in left]
    fab, does = found.fab, found.when or ("" if alone or not words[1:] else BY_HAND)
    if found.when and all(one.tolerant and not one.outage for one in left):
        fab, does = f"fab -H {','.join(host.short for host in found.down)}", ""
    return [(" ".join([fab, *words]), does)] if words else []


def _up_to(host_set: HostSet, after: str) -> dict[str, bool]:
    """The steps of a major upgrade that were done when `after` was."""
    names = [phase.step.name for phase in PROCEDURES[MAJOR.name].phases(Job(host_set, host_set.hosts))]
    return dict.fromkeys(names[: names.index(after) + 1] if after in names else (), True)


def left_of_the_sop(
    host_set: HostSet, facts: Mapping[Host, Facts], done: Mapping[str, bool], target: Nvr | None = None
) -> list[Procedure]:
    """What of a major upgrade is left, whatever begun it: all steps where a migration is wanted, or has just been."""
    newest = target or next(reversed(builds(facts.values())), None)
    phases = PROCEDURES[MAJOR.name].phases(Job(host_set, host_set.hosts, newest))
    return by_hand(phases, facts, done, _migrating(facts.get(host_set.sync)))


def _migrating(sync: Facts | None) -> bool:
    """Is a migration wanted, or has one been done since the build before; or can nobody tell?"""
    if sync is None or sync.believed != Schema.CURRENT:
        return True
    moved = bool(sync.previous_schema) and sync.revision != sync.previous_schema
    return moved or (sync.migrated and sync.migrated_with == sync.installed)


def builds(facts: Iterable[Facts]) -> list[Nvr]:
    """What is installed, each build once, the newest last."""
    return sorted({found.installed for found in facts if found.installed})


def down(host_set: HostSet, facts: Mapping[Host, Facts]) -> list[Host]:
    """Where httpd is known not to run."""
    return [host for host in host_set.serving if facts[host].runs is False]


def left_over(host_set: HostSet, facts: Mapping[Host, Facts]) -> list[str]:
    """What hosts that serve well have left over all the same: different builds, transactions that were cut off."""
    there = {host: facts[host] for host in host_set.hosts if host in facts}
    sentences = []
    if len(builds(there.values())) > 1:
        have = together(f"{host.short} has {found.installed.vr}" for host, found in there.items() if found.installed)
        sentences.append(f"half upgraded: {', '.join(have)}")
    for host in stale(host_set, there):
        sentences.append(f"{host.short} serves {there[host].version}, but {there[host].installed} is installed")
    return sentences + cut_off(host_set, facts)


def cut_off(host_set: HostSet, facts: Mapping[Host, Facts]) -> list[str]:
    """Where an rpm transaction that was cut off has left something, and what mends that on all of them."""
    cut = [host.short for host in host_set.hosts if host in facts and facts[host].cut_off]
    mends = f"fab {host_set.name} {MEND.name} mends that"
    return [f"{listed(cut)}: an rpm transaction was cut off; {mends}"] if cut else []
