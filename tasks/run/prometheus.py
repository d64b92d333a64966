"""One number of a Prometheus, or why there is none."""

from __future__ import annotations

import http.client
import json
import math
import shlex
import urllib.error
from typing import Any
from urllib.parse import urlencode

from ..errors import Refused
from ..fleet.output import clean
from ..http_in_time import opener, within
from ..inventory.batches import Promql
from ..inventory.model import HostSet
from ..lines import Line, below
from ..paths import hosts_editor

SECONDS = 3.0  # for all of an answer
MOST_BYTES = 1 << 20


def ask(promql: Promql) -> float | str:
    """What the query says now; a sentence where that is no number. Takes SECONDS at most, and raises nothing."""
    url = f"{promql.url.rstrip('/')}/api/v1/query?{urlencode({'query': promql.query})}"
    try:
        with within(SECONDS), opener(redirects=True).open(url, timeout=SECONDS) as response:
            text = response.read(MOST_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            return _refusal(error)
    except TimeoutError:
        return f"{promql.url} does not answer in {SECONDS:g} s"
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"{promql.url} cannot be asked: {clean(str(getattr(error, 'reason', error)))[:200]}"
    return _number(text, promql)


def _refusal(error: urllib.error.HTTPError) -> str:
    """Prometheus says in JSON what is wrong with a query."""
    try:
        with within(SECONDS):
            said = json.loads(error.read(MOST_BYTES))["error"]
    except (OSError, http.client.HTTPException, ValueError, TypeError, KeyError, RecursionError):
        said = error.reason
    return f"the query is refused: {error.code} {clean(str(said))[:200]}"


def _number(text: bytes, promql: Promql) -> float | str:
    try:
        data = json.loads(text)["data"]
        kind = data["resultType"]
        if kind not in ("scalar", "vector"):
            return f"the query gives a {clean(str(kind))[:20]}, one number is wanted, as of sum(...) or vector(0)"
        rows: Any = [data["result"]] if kind == "scalar" else [one["value"] for one in data["result"]]
        numbers = [float(value) for _, value in rows]
    except (ValueError, TypeError, KeyError, RecursionError):
        return f"{promql.url} does not answer as a Prometheus does"
    if len(numbers) != 1:
        many = f"{len(numbers)} series" if numbers else "nothing"
        return f"the query gives {many}, one number is wanted, as of sum(...) or vector(0)"
    return numbers[0] if math.isfinite(numbers[0]) else f"the query gives {numbers[0]}, which is no number"


def check(host_set: HostSet) -> None:
    """Raises Refused where the query of a set that has one gives no number now."""
    promql = host_set.judge.promql if host_set.judge and host_set.soak else None
    said = ask(promql) if promql else 0.0
    if promql and isinstance(said, str):
        words = ["curl", "-sG", "--data-urlencode", f"query={promql.query}", f"{promql.url.rstrip('/')}/api/v1/query"]
        ways = [Line("next", hosts_editor()), Line("or", shlex.join(words))]
        raise Refused(f"host_sets.{host_set.name}.judge.promql in hosts.yml: {said}", next_line=below(ways))
