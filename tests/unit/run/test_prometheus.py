"""One number of a Prometheus, or a sentence that says why there is none."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tasks.errors import Refused
from tasks.inventory.batches import Promql
from tasks.run import prometheus as asking
from tasks.run.prometheus import SECONDS, ask, check
from tests.endpoints import prometheus
from tests.unit.builders import prod, said


def query(url: str) -> Promql:
    return Promql(url=url, query="vector(0)", threshold=1.0)


@contextmanager
def silent(drip: bytes = b"") -> Iterator[str]:
    """A server that takes every connection, and says nothing, or this again and again."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        lines: list[socket.socket] = []

        def serve() -> None:
            with suppress(OSError):
                while True:
                    line, _ = server.accept()
                    lines.append(line)
                    while drip:
                        line.sendall(drip)
                        time.sleep(0.05)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    for line in lines:
        line.close()


def test_a_number_is_a_number() -> None:
    with prometheus([0.25]) as url:
        assert ask(query(url)) == 0.25
        assert ask(query(f"{url}/")) == 0.25


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, "the query gives nothing, one number is wanted"),
        (float("nan"), "the query gives nan, which is no number"),
        (float("inf"), "the query gives inf, which is no number"),
        ("unclosed left parenthesis", "the query is refused: 400 1:5: parse error: unclosed left parenthesis"),
    ],
    ids=str,
)
def test_what_is_no_number_is_a_sentence(answer: float | str | None, told: str) -> None:
    with prometheus([answer]) as url:
        found = ask(query(url))
    assert isinstance(found, str)
    assert told in found


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"data": 1}', b'{"data": {"resultType": "vector", "result": [{"value": 3}]}}'],
    ids=repr,
)
def test_a_web_server_that_is_none_is_said_to_be_none(body: bytes) -> None:
    found = asking._number(body, query("http://p.example"))
    assert found == "http://p.example does not answer as a Prometheus does"


def test_of_several_series_none_is_chosen() -> None:
    rows = [{"metric": {"host": name}, "value": [0, "1"]} for name in "ab"]
    body = json.dumps({"data": {"resultType": "vector", "result": rows}}).encode()
    assert "the query gives 2 series" in str(asking._number(body, query("http://p.example")))
    body = json.dumps({"data": {"resultType": "matrix", "result": []}}).encode()
    assert "the query gives a matrix" in str(asking._number(body, query("http://p.example")))
    body = json.dumps({"data": {"resultType": "scalar", "result": [0, "4"]}}).encode()
    assert asking._number(body, query("http://p.example")) == 4.0


@pytest.mark.parametrize("drip", [b"", b"x"], ids=["silent", "dripping"])
def test_one_that_does_not_end_its_answer_is_left_in_time(drip: bytes) -> None:
    began = time.monotonic()
    with silent(drip) as url:
        found = ask(query(url))
    assert isinstance(found, str)
    assert time.monotonic() - began < SECONDS + 10


def test_j4_a_set_whose_query_has_no_number_is_refused_with_the_keys_path() -> None:
    with prometheus([None]) as url:
        judge = {"promql": {"url": url, "query": "vector(0)", "threshold": 1}}
        with pytest.raises(Refused) as refused:
            check(prod(soak=5, judge=judge))
    first, edits, asks = said(refused.value).splitlines()
    assert "host_sets.prod.judge.promql in hosts.yml: the query gives nothing" in first
    assert edits.startswith("next: ${EDITOR:-vi} hosts.yml")
    assert asks.startswith("  or: curl -sG --data-urlencode 'query=vector(0)' http")
    check(prod())
