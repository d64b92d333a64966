"""What time it is, in a count that nobody sets: durations and order hold when the clock is put right in mid-run."""

from __future__ import annotations

import time


def steady() -> float:
    """Seconds that only grow, also while the machine sleeps where the system counts that."""
    counter = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if counter is None else time.clock_gettime(counter)


_OFFSET = time.time() - steady()


def now() -> float:
    """Seconds since 1970 by this machine's clock as it was when the program began, and `steady` since then."""
    return _OFFSET + steady()
