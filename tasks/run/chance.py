"""How likely is what was seen by chance alone? The two tests of the judge. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise


def tail(failed: int, requests: int, share: float) -> float:
    """The chance that `failed` or more of `requests` fail, where each fails with the chance `share`."""
    if failed <= 0 or share >= 1:
        return 1.0
    if share <= 0 or failed > requests:
        return 0.0
    log, rest = math.log(share), math.log1p(-share)
    whole = math.lgamma(requests + 1)
    total = 0.0
    for k in range(failed, requests + 1):
        term = math.exp(whole - math.lgamma(k + 1) - math.lgamma(requests - k + 1) + k * log + (requests - k) * rest)
        total += term
        if k > requests * share and term < total * 1e-12:
            break
    return min(1.0, total)


def slower(new: Sequence[float], old: Sequence[float]) -> float:
    """The chance of so large a rank sum of `new` among both, if neither were larger (one-sided Mann-Whitney)."""
    if not new or not old:
        return 1.0
    u = _wins(new, old)
    n, m = len(new), len(old)
    ties = sum(t**3 - t for t in _ties([*new, *old]))
    size = n + m
    variance = n * m / 12 * ((size + 1) - ties / (size * (size - 1)))
    if variance <= 0:
        return 1.0
    z = (u - n * m / 2 - 0.5) / math.sqrt(variance)
    return 0.5 * math.erfc(z / math.sqrt(2))


def _wins(new: Sequence[float], old: Sequence[float]) -> float:
    """How many pairs of one of each have the larger one in `new`; equal ones count half."""
    rows = sorted([(value, 1) for value in new] + [(value, 0) for value in old])
    ranks, at = 0.0, 0
    while at < len(rows):
        end = at
        while end < len(rows) and rows[end][0] == rows[at][0]:
            end += 1
        ranks += sum(which for _, which in rows[at:end]) * (at + 1 + end) / 2
        at = end
    return ranks - len(new) * (len(new) + 1) / 2


def _ties(values: Iterable[float]) -> Iterator[int]:
    row = sorted(values)
    run = 1
    for one, other in pairwise(row):
        if one == other:
            run += 1
        else:
            yield run
            run = 1
    yield run
