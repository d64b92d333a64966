"""`python -m tests.bench [--rounds 5] [ROW…]`: the table of docs/bench.md, on the lab that is up."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from tests.lab.errors import LabError

from . import drained, field, peers
from .field import Field
from .measure import CommandFailed, Prober, Sample, run
from .peers import PROJECT, Peer, Work
from .table import Samples, Table, ratio

MINOR, MAJOR = "1.0.1", "1.1.0"
DRAINED_UPGRADES = 30
NAMES = tuple(node.name for node in field.PROD)
Make = Callable[[Work], Peer]
DOWNLOADED: Make = partial(peers.raw, what="major-downloaded")


class Bench:
    """The rows; each is a method."""

    def __init__(self, place: Field, rounds: int) -> None:
        self.place, self.rounds, self.table = place, rounds, Table()

    def minor(self) -> None:
        """A minor upgrade of prod by everybody. Nobody waits for the balancer, and nobody else asks for pages."""
        self.place.stg_runs(MINOR)
        rivals = [peers.raw, peers.ours, peers.naive_fabric, peers.pyinfra, peers.ansible]
        self._upgrade_rows("minor", self._alternating("minor", MINOR, rivals, alone=True))

    def traffic(self) -> None:
        """Minor upgrades of prod under twenty requests a second: twenty of ours, and some by the script beside them."""
        self.place.stg_runs(MINOR)
        samples = self._alternating("minor", MINOR, [peers.raw, peers.ours])
        more = self._alternating("minor", MINOR, [peers.ours], rounds=max(0, 20 - self.rounds))
        samples["ours"] += more.get("ours", [])
        self.table.keep("minor under traffic", samples)
        self.table.row("minor under traffic, the whole command", samples, "wall")
        print("\nfailed requests in minor upgrades")
        for name, many in samples.items():
            failed, asked = (sum(getattr(one, what) for one in many) for what in ("failed", "requests"))
            print(f"  {name:<24}{failed:>6} of {asked} in {len(many)} upgrades")
        for failure in (each for one in samples["ours"] for each in one.failures):
            print(f"    ours: {failure}")
        self.table.promise("failed requests by us", sum(one.failed for one in samples["ours"]), 0)

    def drained(self) -> None:
        """Minor upgrades of prod and back again, under sixty requests a second and three busy loops."""
        self.place.stg_runs(MINOR)
        self.place.back()
        samples: Samples = {}
        try:
            drained.up_and_down(self.place, MINOR, max(DRAINED_UPGRADES, self.rounds), samples)
        finally:  # also of a bench that is ended before all of it
            self.table.keep("drained", samples)
            drained.tell(self.table, samples)

    def major(self) -> None:
        """A major upgrade of prod by everybody."""
        self.place.stg_runs(MAJOR)
        rivals: Sequence[Make] = [peers.raw, DOWNLOADED, peers.ours, peers.naive_fabric, peers.pyinfra, peers.ansible]
        samples = self._alternating("major", MAJOR, rivals)
        self._upgrade_rows("major", samples)
        self.table.row("downtime of a major upgrade, through haproxy", samples, "outage")
        first = ratio(samples, "ours", "raw, downloaded first", "outage")
        self.table.promise("downtime to raw, downloaded first", first, 1.02)
        cpu = ratio(samples, "ours", "naive Fabric", "cpu")
        self.table.promise("CPU to naive Fabric", cpu, 1.3)
        self.place.back()
        floor = field.remote_floor(self.place.settings)
        print("\nthe floor of the downtime: " + ", ".join(f"{name} {seconds:.2f}" for name, seconds in floor.items()))
        print(f"  together {sum(floor.values()):.2f} s")
        self.table.raw["floor"] = floor

    def metadata(self) -> None:
        """A major upgrade of prod with repos as large as a distribution's."""
        self.place.stg_runs(MAJOR)
        samples = self._alternating("major", MAJOR, [peers.raw, DOWNLOADED, peers.ours], large=True)
        self.table.keep("metadata", samples)
        self.table.row("downtime of a major upgrade, distribution-sized metadata", samples, "outage")
        self.table.promise("downtime to plain raw", ratio(samples, "ours", "raw", "outage"), 0.65)

    def far(self) -> None:
        """Both upgrades at a round trip of 50 ms."""
        for what, version in (("minor", MINOR), ("major", MAJOR)):
            self.place.stg_runs(version)
            rivals = [peers.raw, peers.ours, peers.pyinfra]
            samples = self._alternating(what, version, rivals, far=True, alone=what == "minor")
            self._upgrade_rows(f"{what} at 50 ms round trip", samples)

    def many(self) -> None:
        """500 hosts, and 1000."""
        for number, rounds in ((500, self.rounds), (1000, max(1, self.rounds // 2))):
            samples = self._many(number, rounds)
            self.table.keep(f"{number} hosts", samples)
            self.table.row(f"{number} hosts, connect and three steps", samples, "wall")
            self.table.row(f"{number} hosts, CPU", samples, "cpu")
            self.table.row(f"{number} hosts, memory of the largest process", samples, "memory", "MB")
            self.table.promise("wall to raw", ratio(samples, "ours", "raw", "wall"), 0.6)
            self.table.promise("MB", max(sample.memory for sample in samples["ours"]), 70)

    def start_up(self) -> None:
        """fab --list beside fab --version."""
        samples: Samples = {"fab --version": [], "fab --list": []}
        for _ in range(2 * self.rounds):
            for name, many in samples.items():
                many.append(run([sys.executable, "-m", "fabric", name.split()[1]], folder=str(PROJECT)))
        self.table.keep("start-up", samples)
        self.table.row("fab --list", samples, "wall")
        self.table.row("fab --list, CPU", samples, "cpu")
        self.table.promise("CPU of --list to --version", ratio(samples, "fab --list", "fab --version", "cpu"), 1.1)

    def _upgrade_rows(self, title: str, samples: Samples) -> None:
        self.table.keep(title, samples)
        self.table.row(f"{title}, from the yes to the recap (others: from being connected)", samples, "work")
        self.table.promise(f"{title} to raw", ratio(samples, "ours", "raw", "work"), 1.05)
        self.table.row(f"{title}, the whole command", samples, "wall")
        self.table.promise(f"{title}, whole, to raw", ratio(samples, "ours", "raw", "wall"), 1.35)
        self.table.promise(f"{title}, whole, to pyinfra", ratio(samples, "ours", "pyinfra", "wall"), 1.0)
        self.table.row(f"{title}, CPU here", samples, "cpu")

    def _alternating(
        self,
        what: str,
        version: str,
        makers: Sequence[Make],
        rounds: int | None = None,
        large: bool = False,
        far: bool = False,
        alone: bool = False,
    ) -> Samples:
        """Every peer once, and again, so that what disturbs the machine disturbs all. alone: without other requests."""
        samples: Samples = {}
        config = self.place.far_ssh_config if far else self.place.ssh_config
        hosts_yml = self.place.plain_hosts_yml if alone else self.place.hosts_yml
        work = Work(what, version, config, hosts_yml, self.place.folder, NAMES)
        for number in range(self.rounds if rounds is None else rounds):
            for make in makers:
                peer = make(work)
                self.place.back()
                if large:
                    self.place.large_metadata()
                with self.place.far() if far else nullcontext():
                    sample = self._one(peer, alone)
                self.place.check(version)
                samples.setdefault(peer.name, []).append(sample)
                print(f"  {what} {number + 1}: {peer.name}: {sample.wall:.2f} s", file=sys.stderr, flush=True)
        return samples

    def _one(self, peer: Peer, alone: bool) -> Sample:
        with nullcontext() if alone else Prober(self.place.urls[:1]) as prober:
            time.sleep(0.3)
            sample = run(peer.command, peer.environment, str(PROJECT))
        if prober:
            prober.tell(sample)
        if peer.name == "ours":
            state = Path(peer.environment["XDG_STATE_HOME"])
            sample.work = field.began_and_ended(state / "blockerbugs-upgrade/journal.jsonl")
        return sample

    def _many(self, number: int, rounds: int) -> Samples:
        samples: Samples = {"raw": [], "ours": []}
        with field.many_hosts(number) as (config, names):
            raw = ["bash", str(peers.HERE / "raw_many.sh"), str(config), *names]
            hosts_yml = self.place.folder / "many.yml"
            hosts_yml.write_text(f"host_sets: {{prod: {{hosts: [{', '.join(names)}], sync_host: {names[0]}}}}}\n")
            ours = [sys.executable, "-m", "tests.bench.many", str(config), str(hosts_yml)]
            environment = {"XDG_CACHE_HOME": str(self.place.folder)}
            run(ours, environment, str(PROJECT))  # hosts.yml is new to it, as it is to nobody's second line
            for _ in range(rounds):
                for name, command in (("raw", raw), ("ours", ours)):
                    samples[name].append(run(command, environment, str(PROJECT)))
                    print(f"  {number}: {name}: {samples[name][-1].wall:.1f} s", file=sys.stderr, flush=True)
        return samples


ROWS = ("start_up", "minor", "traffic", "drained", "major", "metadata", "far", "many")


def main() -> int:
    """The rows that are asked for, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="What an upgrade costs, beside others.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"{', '.join(ROWS)}; default: all")
    asked = parser.parse_args()
    unknown = set(asked.rows) - set(ROWS)
    if unknown:
        parser.error(f"no row {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state")
    began = time.strftime("%Y-%m-%dT%H:%M:%S")
    bench = None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended, what was measured is kept
    try:
        with tempfile.TemporaryDirectory(prefix="bench") as folder:
            bench = Bench(Field(field.as_it_is_up(), Path(folder)), asked.rounds)
            for name in asked.rows or ROWS:
                getattr(bench, name)()
    except (LabError, CommandFailed) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        if bench:
            bench.table.save(state / f"blockerbugs-upgrade/bench/{began}.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
