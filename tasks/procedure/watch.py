"""The set's public URL, asked again and again while an upgrade runs: what its users saw of it."""

from __future__ import annotations

import http.client
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from types import TracebackType
from typing import Self

INTERVAL_SECONDS = 0.1
REQUEST_SECONDS = 5.0
SLOW_SECONDS = 1.0  # a balancer that tries another node holds its answer back for about so long, or longer


@dataclass(frozen=True)
class Seen:
    """requests made, how many failed (no answer, or 5xx), and the longest time without a good answer, in seconds.

    down: had the last one failed too? outages: every time without a good answer: since when (seconds since 1970), and
    for how many seconds; slow: every good answer that was held back, likewise.
    """

    requests: int
    failed: int
    longest: float
    down: bool = False
    outages: tuple[tuple[float, float], ...] = ()
    slow: tuple[tuple[float, float], ...] = ()


class Watch:
    """Asks `url` every tenth of a second in a thread of its own; use it in a `with` statement, then read `seen`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="watch", daemon=True)
        self._requests = self._failed = 0
        self._outages: list[tuple[float, float]] = []  # the last of them may go on
        self._slow: list[tuple[float, float]] = []
        self._since: float | None = None  # when the first request of an unbroken row of failures began

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(REQUEST_SECONDS + 1)

    @property
    def seen(self) -> Seen:
        """What was seen so far."""
        outages = tuple(self._outages)
        longest = max((seconds for _, seconds in outages), default=0.0)
        return Seen(self._requests, self._failed, longest, self._since is not None, outages, tuple(self._slow))

    def _ask(self) -> None:
        while not self._stop.is_set():
            began, at = time.monotonic(), time.time()
            self._requests += 1
            if self._good():
                self._since = None
                if time.monotonic() - began >= SLOW_SECONDS:
                    self._slow.append((at, time.monotonic() - began))
            else:
                self._failed += 1
                if self._since is None:
                    self._since = began
                    self._outages.append((at, 0.0))
            if self._since is not None:
                self._outages[-1] = (self._outages[-1][0], time.monotonic() - self._since)
            self._stop.wait(max(0.0, INTERVAL_SECONDS - (time.monotonic() - began)))

    def _good(self) -> bool:
        try:
            with urllib.request.urlopen(self._url, timeout=REQUEST_SECONDS) as response:  # from hosts.yml
                response.read(1)
                return True
        except urllib.error.HTTPError as error:
            error.close()
            return 400 <= error.code < 500  # 3xx only comes here when redirects go in a circle
        except (OSError, http.client.HTTPException, ValueError):
            return False
