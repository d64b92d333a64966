"""What a proxy says of its servers, and which of them can be drained one batch after the other, by value."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.sop.balanced import Balanced, Server, drained, in_the_way, servers

A, B, C = (Server(name, "ready", 0, True, "UP") for name in "abc")


def test_a_line_of_haproxys_is_a_server_and_anything_else_is_none() -> None:
    lines = ["a ready 3 0 active checked UP", " b maint 0 12 backup - DOWN 1/2\n", "c ready x 0 active checked UP", ""]
    assert servers(lines) == (Server("a", "ready", 3, True, "UP"), Server("b", "maint", 0, False, "DOWN 1/2"))


@pytest.mark.parametrize(
    "line", ["a up 0 0 active checked UP", "a ready 0 0 spare checked UP", "a ready 0 0 active checked " + "x" * 41]
)
def test_s13_a_line_that_haproxy_would_not_write_is_left_out(line: str) -> None:
    assert servers([line]) == ()


def test_s13_only_a_run_and_a_name_are_a_note() -> None:
    lines = ["0123abcd bb,a", "0123abcd file", "x bb,a", "0123abcd $(reboot)", "0123abcd a b", "0123abcd", "", " bb,b"]
    assert drained(lines) == (("0123abcd", "bb,a"), ("0123abcd", "file"), ("", "bb,b"))


@pytest.mark.parametrize(
    ("server", "up"),
    [
        (A, True),
        (replace(A, status="UP 1/3"), True),
        (replace(A, status="DOWN"), False),
        (replace(A, word="drain"), False),
        (replace(A, word="maint"), False),
    ],
)
def test_a_server_gets_requests_where_it_is_ready_and_up(server: Server, up: bool) -> None:
    assert server.is_up is up
    assert Balanced((server, B)).server("a") == server
    assert Balanced((server,)).server("b") is None


LAST = "draining a leaves no server to take the requests"


@pytest.mark.parametrize(
    ("there", "batches", "why"),
    [
        pytest.param((A, B, C), [["a"], ["b", "c"]], [], id="all are up"),
        pytest.param(
            (A, B, C), [["a", "b", "c"]], ["draining a, b, c leaves no server to take the requests"], id="all"
        ),
        pytest.param((A,), [["a"]], [LAST], id="the only one"),
        pytest.param((A, replace(B, active=False)), [["a"]], [LAST], id="only a backup is left"),
        pytest.param((A, B, replace(C, status="DOWN")), [["a"]], ["server c is DOWN, not UP"], id="one is down"),
        pytest.param(
            (A, replace(C, word="maint"), replace(B, word="drain")),
            [["a"]],
            ["server b is drained, not UP", "server c is in maintenance, not UP", LAST],
            id="the others are out",
        ),
        pytest.param(
            (replace(A, status="DOWN"), replace(B, status="DOWN")), [["a"]], [], id="it gets nothing as it is"
        ),
        pytest.param((replace(A, status="DOWN"), B), [["a"], ["b"]], [], id="the first is up when it is back"),
        pytest.param(
            (replace(A, status="DOWN"), B), [["b"], ["a"]], ["server a is DOWN, not UP"], id="it comes too late"
        ),
        pytest.param((A, B), [["a", "z"]], [], id="a server that is not there"),
    ],
)
def test_n1_a_batch_can_be_drained_where_every_other_server_is_up(
    there: tuple[Server, ...], batches: list[list[str]], why: list[str]
) -> None:
    found = in_the_way(Balanced(there), batches)
    assert found[: len(why)] == why
    assert bool(found) == bool(why)
