"""Keys of hosts.yml: how a minor upgrade goes through the hosts of a set, and by what each batch of them is judged.

A share is text as "5%" there; `share` makes a number of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from .declared import BeforeValidator, Discriminator, Field, PlainValidator, Tag
from .host import Number, Strict
from .texts import Line, Url

_SHARE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3})?%")


def share(text: object) -> float:
    """`"5%"` as 0.05, 0 as 0. Raises ValueError for what is no share, and for more than 100 %."""
    if text == 0 and not isinstance(text, bool):
        return 0.0
    if isinstance(text, str) and _SHARE.fullmatch(joined := "".join(text.split())) and joined != text.strip():
        raise ValueError(f'{text!r} has a blank inside: write "{joined}"')
    if not isinstance(text, str) or not _SHARE.fullmatch(text.strip()):
        raise ValueError('a share is wanted, as "5%", with the quotes')
    found = float(text.strip()[:-1]) / 100
    if found > 1:
        raise ValueError("a share is not more than 100%")
    return found


def _size(value: object) -> int | str:
    """How many hosts a batch has: a number, or a share of those that are meant."""
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 1:
            raise ValueError("a batch has one host or more")
        return value
    if not isinstance(value, str):
        raise ValueError('a number of hosts is wanted, or a share of them as "10%"')
    if share(value) == 0:
        raise ValueError(f"{value} of the hosts is none: no batch would ever be taken")
    return value.strip()


def _share(value: object) -> int | str:
    share(value)
    return value.strip() if isinstance(value, str) else 0


Share = Annotated[int | str, PlainValidator(_share)]
Size = Annotated[int | str, PlainValidator(_size)]


def _alone(value: object) -> object:
    if isinstance(value, str):
        raise ValueError(f'a share stands in a list, as [1, "50%"]: {value!r} is none')
    return value


_One = Annotated[int, BeforeValidator(_alone), Field(ge=1), Tag("[number]")]
_List = Annotated[tuple[Size, ...], Field(min_length=1, strict=False), Tag("[list]")]
Rolling = Annotated[
    _One | _List, Discriminator(lambda value: "[list]" if isinstance(value, list | tuple) else "[number]")
]


class Promql(Strict):
    """A query that a Prometheus answers with one number, which shall not be above the threshold."""

    url: Url
    query: Line
    threshold: Number


class Judge(Strict):
    """By what a batch that serves the new build is judged.

    rollback: a batch that is bad is put back on its build; errors: the share of requests that may fail, where no
    larger one did before; latency: so many times as slow as the hosts that are compared with is still well;
    min_requests: of fewer than these no batch is called good; inconclusive: what is done then.
    """

    rollback: bool = False
    errors: Share = "0.5%"
    latency: Annotated[Number, Field(ge=1.1, le=1000)] = 2.0
    min_requests: Annotated[int, Field(ge=1, le=100000)] = 50
    inconclusive: Literal["ask", "continue"] = "ask"
    promql: Promql | None = None

    @property
    def tolerated(self) -> float:
        """The share of requests that may fail in any case."""
        return share(self.errors)


def check(key: str, value: Any, others: Mapping[str, Any]) -> None:
    """What no key knows alone; others: those in front of it that are good. Raises ValueError."""
    hosts = others.get("hosts", ())
    if key == "rolling" and isinstance(value, tuple) and len(hosts) == 1:
        for at, size in enumerate(value):
            if isinstance(size, str):
                raise ValueError(f"entry {at + 1} is {size} of one host: a set of one host has no shares")
    if key == "fail_budget" and value and len(hosts) == 1:
        raise ValueError(f"{value} of one host: a set of one host has no shares")
    if key == "window" and value is not None and others.get("rolling", 1) != 1:
        raise ValueError("the next host starts when one ends: it cannot stand beside rolling, which makes batches")
    if key == "balancer" and value and value.proxies:
        for other in ("window", "fail_budget"):
            if others.get(other):
                raise ValueError(f"proxies drain a host only while all others are UP: {other} cannot stand beside them")
    if key == "judge" and "soak" in others:
        _check_judge(value, others)


def _check_judge(judge: Judge | None, others: Mapping[str, Any]) -> None:
    if not others["soak"]:
        if judge:
            raise ValueError("wants soak, the seconds for which each batch is judged")
        return
    watched = [others.get("url"), *(host.url for host in others.get("hosts", ()) if host.serves)]
    if not any(watched) and not (judge and judge.promql):
        raise ValueError("soak has nothing to judge by: the set's url, its hosts' own url, or promql is wanted")


def cut(sizes: int | tuple[int | str, ...], hosts: int) -> list[int]:
    """How large each batch is, the last entry again and again, until so many hosts are in one.

    A share of the hosts is rounded down, and is one host at least.
    """
    row = [sizes] if isinstance(sizes, int) else list(sizes)
    numbers = [one if isinstance(one, int) else max(1, int(share(one) * hosts + 1e-9)) for one in row]
    made: list[int] = []
    while sum(made) < hosts:
        made.append(min(numbers[min(len(made), len(numbers) - 1)], hosts - sum(made)))
    return made
