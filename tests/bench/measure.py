"""One run of a command, measured: its times, what it cost here, what the users behind the balancer saw meanwhile."""

from __future__ import annotations

import http.client
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import cycle, pairwise
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

LATE_SECONDS = 120.0
BACK_SECONDS = 30.0


@dataclass
class Sample:
    """wall, work, cpu, outage in seconds, memory in MB; work: from all connections being there, or from the
    operator's yes, to the end. failures: when each request that failed was asked, and what came of it. took: seconds
    of each request that was answered well.
    """

    wall: float
    cpu: float
    memory: float
    said: str
    work: float | None = None
    outage: float | None = None
    requests: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list)
    took: list[float] = field(default_factory=list)


class CommandFailed(Exception):
    """A peer did not do the work; the text has its last lines."""


def run(command: Sequence[str], environment: Mapping[str, str] | None = None, folder: str | None = None) -> Sample:
    """Run a command to its end. cpu and memory are its own and of all processes it waited for. Raises CommandFailed."""
    began = time.monotonic()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**_ours(), **(environment or {})}, cwd=folder,
    )  # fmt: skip
    assert process.stdout is not None
    said = process.stdout.read().decode(errors="replace")
    _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.stdout.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CommandFailed(f"{' '.join(command[:3])}: exit {process.returncode}: {said[-800:]}")
    sample = Sample(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, said)
    marks = dict(line.split()[:2] for line in said.splitlines() if line.startswith(("connected ", "done ")))
    if "connected" in marks and "done" in marks:
        sample.work = float(marks["done"]) - float(marks["connected"])
    return sample


def _ours() -> dict[str, str]:
    """Our environment, where Python keeps what it has compiled, as it does on an operator's machine."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True)
class _Answer:
    """asked, at: in seconds; clock: when it was asked, as a watch has it; said: a status or an error."""

    asked: float
    clock: str
    at: float
    said: str

    @property
    def well(self) -> bool:
        return self.said == "200"


@dataclass
class Prober:
    """Asks URLs in turn so many times a second, each time on a new connection, whether or not the last was answered.

    An answer counts as good if it is 200; the outage is the longest time between two good answers. It goes on until
    something that was asked after the end of the `with` statement is answered well, so that the outage has an end.
    """

    urls: Sequence[str]
    rate: float = 20.0
    _answers: list[_Answer] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._clock = threading.Thread(target=self._tick, daemon=True)
        self._clock.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        ended = time.monotonic()
        while time.monotonic() < ended + BACK_SECONDS and not any(
            one.asked > ended and one.well for one in self._answers
        ):
            time.sleep(0.05)
        self._stop.set()
        self._clock.join()
        for thread in self._threads:
            thread.join(LATE_SECONDS)

    def tell(self, sample: Sample) -> Sample:
        """Add what was seen to a sample."""
        good = sorted(one.at for one in self._answers if one.well)
        bad = sorted((one for one in self._answers if not one.well), key=lambda one: one.asked)
        sample.outage = max((b - a for a, b in pairwise(good)), default=None)
        sample.requests = len(self._answers)
        sample.failed = len(bad)
        sample.took = [round(one.at - one.asked, 4) for one in self._answers if one.well]
        sample.failures = [f"asked at {one.clock}, after {one.at - one.asked:.2f} s: {one.said}" for one in bad]
        return sample

    def _tick(self) -> None:
        due = time.monotonic()
        for url in cycle(self.urls):
            if self._stop.is_set():
                return
            thread = threading.Thread(target=self._ask, args=(url,), daemon=True)
            thread.start()
            self._threads.append(thread)
            due += 1 / self.rate
            self._stop.wait(max(0.0, due - time.monotonic()))

    def _ask(self, url: str) -> None:
        asked, clock = time.monotonic(), f"{datetime.now():%H:%M:%S.%f}"
        place = urlsplit(url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=LATE_SECONDS)
        try:
            connection.request("GET", place.path)
            said = str(connection.getresponse().status)
        except (OSError, http.client.HTTPException) as error:
            said = repr(error)
        finally:
            connection.close()
        self._answers.append(_Answer(asked, clock, time.monotonic(), said))
