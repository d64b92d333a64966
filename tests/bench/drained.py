"""Drained minor upgrades under load: how many requests are lost, and what the slowest ones wait."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import quantiles

from .field import Field
from .measure import Prober, Sample, run
from .peers import PROJECT
from .table import Samples, Table

RATE, BUSY_LOOPS = 60, 3
QUIET_SECONDS = 10.0
LINES = {"minor-upgrade": "minor-upgrade --version {version} --yes", "rollback": "rollback --yes"}


def up_and_down(place: Field, version: str, times: int, samples: Samples) -> None:
    """So many upgrades to `version`, and after each one the way back; before each a while in which nothing is done.

    samples: filled meanwhile.
    """
    samples |= {"undisturbed": [], **{name: [] for name in LINES}}
    fab = [sys.executable, "-m", "fabric", "--ssh-config", str(place.ssh_config), "prod"]
    environment = {"FABRIC_HOSTS_FILE": str(place.hosts_yml), "XDG_STATE_HOME": str(place.folder / "state")}
    with _busy():
        for number in range(times):
            samples["undisturbed"].append(_undisturbed(place))
            for name, line in LINES.items():
                with Prober(place.urls, RATE) as prober:
                    time.sleep(0.3)
                    sample = run([*fab, *line.format(version=version).split()], environment, str(PROJECT))
                samples[name].append(prober.tell(sample))
                p99 = f"p99 {_p99([sample]):.2f} s, undisturbed {_p99(samples['undisturbed'][-1:]):.2f} s"
                told = f"{sample.failed} of {sample.requests} lost, {sample.wall:.2f} s, {p99}"
                print(f"  {name} {number + 1}: {told}", file=sys.stderr, flush=True)


def _undisturbed(place: Field) -> Sample:
    with Prober(place.urls, RATE) as prober:
        time.sleep(QUIET_SECONDS)
    return prober.tell(Sample(QUIET_SECONDS, 0.0, 0.0, ""))


@contextmanager
def _busy() -> Iterator[None]:
    """Others have work for this machine, too."""
    with ExitStack() as loops:
        for _ in range(BUSY_LOOPS):
            loop = loops.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            loops.callback(loop.kill)
        yield


def tell(table: Table, samples: Samples) -> None:
    """The requests that were lost, and the 99th of a hundred users beside what it is when nothing is done."""
    table.row("drained, the whole command", {name: samples[name] for name in LINES}, "wall")
    many = [sample for name in LINES for sample in samples[name]]
    lost, asked = sum(sample.failed for sample in many), sum(sample.requests for sample in many)
    print(f"\nlost: {lost} of {asked} in {len(many)} runs, {RATE} a second, {BUSY_LOOPS} busy loops beside them")
    for failure in (each for sample in many for each in sample.failures):
        print(f"    {failure}")
    quiet_lost = sum(sample.failed for sample in samples["undisturbed"])
    print(f"  undisturbed: {quiet_lost} of {sum(sample.requests for sample in samples['undisturbed'])}")
    table.promise("requests lost", lost, 0)
    if not asked:
        return
    quiet, during = _p99(samples["undisturbed"]), _p99(many)
    print(f"  p99: {during * 1000:.0f} ms, undisturbed {quiet * 1000:.0f} ms")
    table.promise("p99 to the undisturbed", during / quiet, 2)


def _p99(samples: list[Sample]) -> float:
    """Of all requests in these samples that were answered well, in seconds."""
    return quantiles([seconds for sample in samples for seconds in sample.took], n=100)[98]
