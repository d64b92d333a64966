from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tasks.procedure.watch import SLOW_SECONDS, Seen, Watch


@contextmanager
def site(statuses: Callable[[int], int], wanted: int) -> Iterator[tuple[str, threading.Event]]:
    """A web site whose n-th answer has the status `statuses(n)`; the event is set after `wanted` of them."""
    count, enough = [0], threading.Event()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            count[0] += 1
            status = statuses(count[0])
            self.send_response(status)
            if status == 302:
                self.send_header("Location", self.path)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")
            if count[0] >= wanted:
                enough.set()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", enough
        finally:
            server.shutdown()
            thread.join()


def watched(statuses: Callable[[int], int], wanted: int = 3) -> Seen:
    with site(statuses, wanted) as (url, enough), Watch(url) as watch:
        assert enough.wait(30)
    return watch.seen


def test_a_site_that_always_answers_has_no_failures() -> None:
    seen = watched(lambda n: 200)
    assert seen.requests >= 3
    assert (seen.failed, seen.longest) == (0, 0.0)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_error_of_the_server_is_a_failure(status: int) -> None:
    seen = watched(lambda n: status if n == 2 else 200)
    assert seen.failed == 1
    assert seen.longest > 0


@pytest.mark.parametrize("status", [401, 404])
def test_an_error_of_ours_is_an_answer(status: int) -> None:
    assert watched(lambda n: status).failed == 0


def test_H4_a_redirect_in_a_loop_is_a_failure() -> None:
    assert watched(lambda n: 302, wanted=15).failed


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://127.0.0.1:1/", id="nobody listens"),
        pytest.param("http://name.invalid/", id="no such name"),
        pytest.param("http://[broken/", id="no URL"),
        pytest.param("http://127.0.0.1:99999/", id="no port"),
        pytest.param("http://a\x00b/", id="a NUL"),
    ],
)
def test_it_is_a_failure_and_no_crash_when(url: str) -> None:
    assert Watch(url)._good() is False


def test_before_it_begins_nothing_has_been_seen() -> None:
    assert Watch("http://127.0.0.1:1/").seen == Seen(0, 0, 0.0)


def test_it_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    watched(lambda n: 200, wanted=1)
    assert threading.active_count() == before


def test_an_answer_that_was_held_back_is_told_although_nothing_failed() -> None:
    def answers(number: int) -> int:
        if number == 2:
            time.sleep(SLOW_SECONDS)
        return 200

    seen = watched(answers)
    assert seen.failed == 0
    assert [seconds >= SLOW_SECONDS for _, seconds in seen.slow][:1] == [True]
