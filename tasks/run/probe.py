"""What is seen from here while an upgrade runs: the set's public URL, asked again and again, and each node's own."""

from __future__ import annotations

import http.client
import threading
import time
import urllib.error
import urllib.request
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from .. import clock
from ..http_in_time import opener, proxy_of, within
from ..inventory.model import Host, HostSet
from .judge import Sample

INTERVAL_SECONDS = 0.1
NODE_INTERVAL_SECONDS = 0.25
REQUEST_SECONDS = 5.0  # for all of it, also where the answer comes byte for byte
NODE_LEAVE_SECONDS = 0.5  # a firewall that swallows what is asked must not hold the recap up
SLOW_SECONDS = 1.0  # a balancer that tries another node holds its answer back for about so long, or longer
MOST_NODES = 8  # each is asked by a thread of its own, beside the upgrade's
MOST_SAMPLES = 4096  # that are kept of an address; more, where a soak asks it more often
JUDGED_SECONDS = 0.025  # between two requests to a host that is judged
JUDGED_A_SECOND = 160  # requests to all of them together, at most
MOST_JUDGED = 64
MOST_BESIDE = 4  # hosts that are asked only to compare with


@dataclass(frozen=True)
class Seen:
    """requests made, how many failed (no answer, or 5xx), and the longest time without a good answer, in seconds.

    down: had the last one failed too? outages: every time without a good answer: since when (seconds since 1970), and
    for how many seconds; slow: every good answer that was held back, likewise. proxy: that was asked instead.
    Where there was not one good answer nothing is known of outages: from here it may simply not be reachable.
    """

    requests: int
    failed: int
    longest: float
    down: bool = False
    outages: tuple[tuple[float, float], ...] = ()
    slow: tuple[tuple[float, float], ...] = ()
    proxy: str | None = None

    @property
    def never(self) -> bool:
        """Was there not one good answer?"""
        return self.requests == self.failed


class Watch:
    """Asks `url` ten times a second in a thread of its own; use it in a `with` statement, then read `seen`.

    node: it is one node's own URL: asked four times a second, a redirect is its answer (where it leads, another node
    may serve); often: ten times all the same, because there will be little time to see how it was before;
    keeps: so many requests are not forgotten.
    """

    def __init__(self, url: str, node: bool = False, often: bool = False, keeps: int = 0) -> None:
        self._url = url
        self._interval = self._usual = NODE_INTERVAL_SECONDS if node and not often else INTERVAL_SECONDS
        self._answers = range(300, 500) if node else range(400, 500)  # 3xx, followed: they went in a circle
        self._opener = opener(redirects=not node)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="watch", daemon=True)
        self._requests = self._failed = 0
        self._outages: list[tuple[float, float]] = []  # the last of them may go on
        self._slow: list[tuple[float, float]] = []
        self._running: tuple[float, float] | None = None  # when the last request began, on both clocks
        self._refused = False  # was the last request answered by an error of the server?
        self._since: float | None = None  # when the first request of an unbroken row of failures began
        self._samples: deque[Sample] = deque(maxlen=max(keeps, MOST_SAMPLES))
        self.before: tuple[Sample, ...] | None = None  # what was seen until it was upgraded

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.end(REQUEST_SECONDS + 1)

    def stop(self) -> None:
        """Ask no more."""
        self._stop.set()

    def end(self, seconds: float) -> None:
        """Ask no more, and wait so long at most for the last answer."""
        self.stop()
        self._thread.join(seconds)

    def samples(self, since: float) -> list[Sample]:
        """The latest requests that began at `since` (time.monotonic) or later; one that hangs has failed by now."""
        found, running = [one for one in list(self._samples) if one.at >= since], self._running
        if running and running[0] >= since and time.monotonic() - running[0] > REQUEST_SECONDS:
            found.append(Sample(running[0], time.monotonic() - running[0], False))
        return found

    def upgrade_begins(self) -> None:
        """What was seen up to now is how it was before; of several such moments the first counts."""
        self.before = tuple(self._samples) if self.before is None else self.before

    def asks_every(self, seconds: float | None) -> None:
        """From the next request on; None: as it used to."""
        self._interval = self._usual if seconds is None else seconds

    @property
    def seen(self) -> Seen:
        """What was seen so far; a request that has not been answered in time has failed."""
        outages, running = list(self._outages), self._running
        late = running is not None and time.monotonic() - running[0] > REQUEST_SECONDS
        if running and late:
            since, at = (self._since, outages.pop()[0]) if self._since is not None else running
            outages.append((at, time.monotonic() - since))
        requests, failed = self._requests + late, self._failed + late
        if requests == failed:
            return Seen(requests, failed, 0.0, bool(failed), proxy=proxy_of(self._url))
        longest = max((seconds for _, seconds in outages), default=0.0)
        return Seen(requests, failed, longest, late or self._since is not None, tuple(outages), tuple(self._slow))

    def _ask(self) -> None:
        while not self._stop.is_set():
            began, at = self._running = time.monotonic(), clock.now()
            self._refused = False
            good = self._good()
            self._running = None
            self._requests += 1
            self._samples.append(Sample(began, time.monotonic() - began, good, self._refused))
            if self._since is not None:  # up to the beginning of this answer, if it is one
                until = began if good else time.monotonic()
                self._outages[-1] = (self._outages[-1][0], until - self._since)
            if good:
                self._since = None
                if time.monotonic() - began >= SLOW_SECONDS:
                    self._slow.append((at, time.monotonic() - began))
            else:
                self._failed += 1
                if self._since is None:
                    self._since = began
                    self._outages.append((at, time.monotonic() - began))
            self._stop.wait(max(0.0, self._interval - (time.monotonic() - began)))

    def _good(self) -> bool:
        try:
            with within(REQUEST_SECONDS), self._opener.open(self._url, timeout=REQUEST_SECONDS) as response:
                response.read(1)
                return True
        except urllib.error.HTTPError as error:
            error.close()
            good = error.code in self._answers
            self._refused = not good and proxy_of(self._url) is None  # a proxy answers for a host that it cannot reach
            return good
        except (OSError, http.client.HTTPException, ValueError):
            return False


class Watches:
    """The watch of a set's public URL, and of each node that has a URL, as far as hosts.yml names them."""

    def __init__(self, host_set: HostSet) -> None:
        self._keeps = int(host_set.soak / JUDGED_SECONDS)  # a host that failed early has failed
        self._public = Watch(host_set.url, keeps=self._keeps) if host_set.url else None
        urls = {host: host.url for host in host_set.serving if host.url}
        often = bool(host_set.soak)
        self._turn, self._wanted = threading.Lock(), Counter[Watch]()  # by how many soaks, side by side in a window
        some = list(urls.items())[:MOST_NODES]
        self._nodes = {host: Watch(url, node=True, often=often, keeps=self._keeps) for host, url in some}

    def __enter__(self) -> Self:
        for watch in (self._public, *self._nodes.values()):
            if watch:
                watch.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        ends = time.monotonic() + NODE_LEAVE_SECONDS
        for watch in self._nodes.values():  # none asks on while another is waited for
            watch.stop()
        for watch in self._nodes.values():
            watch.end(max(0.0, ends - time.monotonic()))
        if self._public:
            self._public.end(REQUEST_SECONDS + 1)

    def upgrade_begins(self, hosts: Iterable[Host]) -> None:
        """These are changed now: what was seen of them, and of the set, up to now is how it was before."""
        for watch in (self._public, *(self._nodes.get(host) for host in hosts)):
            if watch:
                watch.upgrade_begins()

    @contextmanager
    def judging(self, hosts: Sequence[Host], beside: Sequence[Host]) -> Iterator[JudgedBy]:
        """Ask the own pages of these hosts more often meanwhile, and those of some that they are compared with."""
        judged = [host for host in hosts if host.url][:MOST_JUDGED]
        others = sorted((host for host in beside if host.url), key=lambda host: host not in self._nodes)[:MOST_BESIDE]
        new = {
            h: Watch(h.url, node=True, keeps=self._keeps) for h in (*judged, *others) if h.url and h not in self._nodes
        }
        watches = {host: self._nodes.get(host) or new[host] for host in (*judged, *others)}
        self._asks_more_often(watches.values(), 1)
        for watch in new.values():
            watch.__enter__()
        try:
            yield JudgedBy({host: watches[host] for host in judged}, [watches[host] for host in others], self._public)
        finally:
            self._asks_more_often(watches.values(), -1)
            for watch in new.values():
                watch.stop()

    def _asks_more_often(self, watches: Iterable[Watch], more: int) -> None:
        """These are wanted by one soak more, or one less: all that are wanted share what is asked in a second."""
        with self._turn:
            for watch in watches:
                self._wanted[watch] += more
                if not self._wanted[watch]:
                    del self._wanted[watch]
                    watch.asks_every(None)
            for watch in self._wanted:
                watch.asks_every(max(JUDGED_SECONDS, len(self._wanted) / JUDGED_A_SECOND))

    def public(self) -> Seen | None:
        """What the set's users saw so far; None where hosts.yml has no URL."""
        return self._public.seen if self._public else None

    def nodes(self) -> dict[Host, Seen]:
        """What each watched node answered so far."""
        return {host: watch.seen for host, watch in self._nodes.items()}


@dataclass(frozen=True)
class JudgedBy:
    """The watches that a batch is judged by: its hosts' own, those of other hosts, and the one of the set's URL."""

    hosts: Mapping[Host, Watch]
    beside: Sequence[Watch]
    public: Watch | None
