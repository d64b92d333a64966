"""Bad builds and clean upgrades on the sandbox, judged: `python -m tests.bench.judge [--bad 30] [--clean 200]`.

A line for each upgrade, and what was promised of all of them: a bad build is stopped within 20 s of showing it, one
batch has had it at most, and that is put back; a clean upgrade is never stopped. Needs no root. `--side-by-side N`
carries out so many at the same time, each on a sandbox of its own.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.operator.conftest import two_sets
from tests.operator.fleets import ONE, TWO, Fleet
from tests.operator.judged import MINOR, is_bad, judge, verdicts

LATE_SECONDS = 30.0
PROMISED_SECONDS = 20.0
OLD = ("blockerbugs-1.0.0-1.el7", "1.0.0")


@dataclass(frozen=True)
class Bad:
    """A way in which a build is bad: kind of fault, where, from when on, and for how long each batch is judged."""

    name: str
    kind: str
    hosts: tuple[str, ...] = (ONE, TWO)
    after: float = 0.0
    soak: float = 25.0


KINDS = (
    Bad("5 % of 500s", "errors"),
    Bad("90 ms slower", "slower"),
    Bad("5 % of 500s after 30 s", "errors", after=LATE_SECONDS, soak=60.0),
    Bad("90 ms slower after 30 s", "slower", after=LATE_SECONDS, soak=60.0),
    Bad("5 % of 500s on one host", "errors", hosts=(TWO,)),
    Bad("90 ms slower on one host", "slower", hosts=(TWO,)),
)


@contextmanager
def _fleet() -> Iterator[Fleet]:
    with tempfile.TemporaryDirectory(prefix="judge-") as folder, two_sets(Path(folder), "1.0.1", patient=True) as fleet:
        fleet.environment["XDG_STATE_HOME"] = f"{folder}/state"
        yield fleet


def bad(number: int) -> tuple[bool, str]:
    """One bad build: was it as promised, and the line."""
    one = KINDS[number % len(KINDS)]
    with _fleet() as fleet:
        judge(fleet, soak=one.soak, judge={"rollback": True})
        is_bad(fleet, one.kind, *one.hosts, seconds=one.after)
        ended = fleet.types(MINOR)
        said = verdicts(fleet)
        stopped = [verdict for verdict in said if verdict["verdict"] == "bad"]
        exposed = {host for _, host, _ in fleet.moments("yum", "-C", "update")} & set(one.hosts)
        back = all(fleet.runs(host) == OLD for host in one.hosts)
    seconds = max(0.0, stopped[0]["seconds"] - one.after) if stopped else float("inf")
    well = bool(stopped) and seconds <= PROMISED_SECONDS and len(exposed) == 1 and back and ended.code in (1, 5)
    why = stopped[0]["why"][0] if stopped else "; ".join(why for one in said for why in one["why"])
    told = f"{one.name:<30} {seconds:5.1f} s, hosts exposed: {len(exposed)}, put back: {'yes' if back else 'NO'}"
    return well, f"{told}, exit {ended.code}: {why}"


def clean(soak: float) -> tuple[bool, str]:
    """One upgrade to a good build: did it go through, and the line."""
    with _fleet() as fleet:
        judge(fleet, soak=soak, judge={"rollback": True})
        ended = fleet.types(MINOR)
        said = verdicts(fleet)
    well = ended.code == 0 and [one["verdict"] for one in said] == ["good", "good"]
    return well, f"exit {ended.code}: {'; '.join(why for one in said for why in one['why'])}"


def main() -> int:
    """All of them; 1 if one was not as promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bad", type=int, default=30)
    parser.add_argument("--clean", type=int, default=200)
    parser.add_argument("--soak", type=float, default=20.0, help="seconds for each batch of a clean upgrade")
    parser.add_argument("--side-by-side", type=int, default=1)
    typed = parser.parse_args()
    began, failed = time.monotonic(), 0
    with ThreadPoolExecutor(typed.side_by_side) as pool:
        rows = [("bad", pool.submit(bad, number)) for number in range(typed.bad)]
        rows += [("clean", pool.submit(clean, typed.soak)) for _ in range(typed.clean)]
        done = {"bad": 0, "clean": 0}
        for what, row in rows:
            well, told = row.result()
            done[what] += well
            failed += not well
            print(f"{'' if well else 'NOT AS PROMISED: '}{what}: {told}", flush=True)
    print(f"bad builds stopped and put back: {done['bad']} of {typed.bad}")
    print(f"clean upgrades not stopped: {done['clean']} of {typed.clean}")
    print(f"{time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
