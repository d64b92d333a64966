from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tasks import http_in_time
from tasks.inventory.model import Host
from tasks.run import probe
from tasks.run.judge import Sample
from tasks.run.probe import INTERVAL_SECONDS, MOST_NODES, REQUEST_SECONDS, SLOW_SECONDS, JudgedBy, Seen, Watch, Watches
from tests.unit.builders import ONE, TWO, prod


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


class Drips(BaseHTTPRequestHandler):
    """Answers with a header that comes byte for byte, and does not end."""

    def do_GET(self) -> None:
        self.wfile.write(b"HTTP/1.0 200 OK\r\nX: ")
        with suppress(OSError):
            for _ in range(600):
                self.wfile.write(b"x")
                time.sleep(0.05)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def dripping(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a page that drips; requests have half a second."""
    monkeypatch.setattr(probe, "REQUEST_SECONDS", 0.5)
    with ThreadingHTTPServer(("127.0.0.1", 0), Drips) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


def test_h4_a_page_that_drips_has_not_answered_in_time_and_is_asked_again(dripping: str) -> None:
    with Watch(dripping) as watch:
        until(lambda: watch.seen.requests > 1)
    assert watch.seen.failed == watch.seen.requests


def test_s14_a_proxy_that_drips_keeps_nobody(dripping: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", dripping)
    began = time.monotonic()
    assert Watch("http://qa.example/")._good() is False
    assert time.monotonic() - began < 5


def test_h4_a_request_that_has_no_answer_yet_counts_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "REQUEST_SECONDS", 0.2)
    watch, answered = Watch("http://127.0.0.1:1/"), [True]
    ends = threading.Event()

    def good() -> bool:
        return answered.pop() if answered else ends.wait(20)

    monkeypatch.setattr(watch, "_good", good)
    with watch:
        until(lambda: bool(watch.seen.failed))
        assert (watch.seen.requests, watch.seen.down, len(watch.seen.outages)) == (2, True, 1)
        ends.set()


def test_w2_of_a_page_that_never_answered_no_outage_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with Watch("http://qa.example/") as watch:
        until(lambda: watch.seen.requests > 1)
    seen = watch.seen
    assert (seen.never, seen.outages, seen.longest, seen.proxy) == (True, (), 0.0, "http://127.0.0.1:9")


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


def test_an_outage_lasts_until_an_answer_comes_again() -> None:
    seen = watched(lambda n: 503 if n == 2 else 200)
    assert seen.longest >= INTERVAL_SECONDS


def until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + 30
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_a_node_is_watched_beside_the_public_page_and_its_redirect_is_an_answer() -> None:
    with site(lambda n: 200, 1) as (public, _), site(lambda n: 302, 3) as (url, enough):
        host_set = prod(url=public, hosts=(ONE.model_copy(update={"url": url}), TWO))
        with Watches(host_set) as watches:
            assert enough.wait(30)
            until(lambda: (watches.public() or Seen(0, 0, 0.0)).requests > 0)
    ((host, seen),) = watches.nodes().items()
    assert (host.short, seen.failed, seen.never) == (ONE.short, 0, False)
    assert seen.requests >= 2


def test_a_node_that_a_firewall_hides_is_not_reachable_and_holds_nobody_up() -> None:
    before = threading.active_count()
    with socket.socket() as hidden:  # listens, takes nobody in
        hidden.bind(("127.0.0.1", 0))
        hidden.listen(0)
        url = f"http://127.0.0.1:{hidden.getsockname()[1]}/"
        host_set = prod(hosts=(ONE.model_copy(update={"url": url}), TWO))
        with Watches(host_set) as watches:
            began = time.monotonic()
        assert time.monotonic() - began < REQUEST_SECONDS
        assert not watches.nodes()[host_set.hosts[0]].requests
        assert watches.public() is None
    until(lambda: threading.active_count() <= before)  # closed, it lets go of whoever still waits for it


def test_a_node_on_whose_port_nobody_listens_never_answered() -> None:
    host_set = prod(hosts=(ONE.model_copy(update={"url": "http://127.0.0.1:1/"}), TWO))
    with Watches(host_set) as watches:
        until(lambda: watches.nodes()[host_set.hosts[0]].requests > 1)
    assert watches.nodes()[host_set.hosts[0]].never


def test_of_a_large_set_only_some_nodes_are_watched() -> None:
    hosts = [ONE.model_copy(update={"name": f"web{n}.example", "aliases": (), "url": "http://x/"}) for n in range(20)]
    assert len(Watches(prod(hosts=hosts, sync_host="web0.example")).nodes()) == MOST_NODES


def test_each_request_is_kept_with_its_time_and_only_so_many_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "MOST_SAMPLES", 3)
    began = time.monotonic()
    with site(lambda n: 500 if n == 6 else 200, 6) as (url, enough), Watch(url) as watch:
        watch.asks_every(0.001)
        assert enough.wait(30)
    kept = watch.samples(began)
    assert len(kept) == 3
    assert [one.at for one in kept] == sorted(one.at for one in kept)
    assert all(0 < one.seconds < 30 for one in kept)
    assert not all(one.good for one in kept) or watch.seen.requests > 6
    assert watch.samples(time.monotonic()) == []


def test_j1_a_500_shows_that_the_host_is_there_unless_a_proxy_has_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    with site(lambda n: 500, 3) as (url, enough), Watch(url) as watch:
        assert enough.wait(30)
        until(lambda: bool(watch.samples(0)))
    assert all(one.refused and not one.good for one in watch.samples(0))
    with site(lambda n: 503, 1) as (url, enough):
        monkeypatch.setenv("http_proxy", url)
        with Watch("http://qa.example/") as watch:
            until(lambda: bool(watch.samples(0)))
    assert not any(one.refused or one.good for one in watch.samples(0))


def test_j1_what_failed_early_in_a_long_soak_is_not_forgotten() -> None:
    host = ONE.model_copy(update={"url": "http://127.0.0.1:1/"})
    watch = Watches(prod(hosts=(host, TWO), soak=300, url="http://127.0.0.1:1/"))._nodes[host]
    watch._samples.extend(Sample(n / 40, 0.01, n >= 60) for n in range(12000))
    assert sum(not one.good for one in watch.samples(0)) == 60


def test_how_it_was_before_is_what_was_seen_until_the_first_time_that_a_host_is_changed() -> None:
    with site(lambda n: 200, 3) as (url, enough):
        host = ONE.model_copy(update={"url": url})
        with Watches(prod(hosts=(host, TWO), soak=5)) as watches:
            assert enough.wait(30)
            watches.upgrade_begins([host])
            first = watches._nodes[host].before
            time.sleep(0.3)
            watches.upgrade_begins([host])
    assert first
    assert watches._nodes[host].before == first


def test_hosts_that_are_judged_are_asked_more_often_and_those_that_nobody_watched_are_asked_meanwhile() -> None:
    with site(lambda n: 200, 1) as (url, _):
        hosts = [ONE.model_copy(update={"name": f"web{n:02}.example", "aliases": (), "url": url}) for n in range(12)]
        with Watches(prod(hosts=tuple(hosts), sync_host=hosts[0].name)) as watches:
            since = time.monotonic()
            with watches.judging([hosts[11]], [hosts[1], TWO]) as judged:
                time.sleep(1.5)
                assert list(judged.hosts) == [hosts[11]]
                new, beside = judged.hosts[hosts[11]].samples(since), judged.beside[0].samples(since)
            assert len(judged.beside) == 1
    assert len(new) > 5
    assert len(beside) > 5


def test_soaks_side_by_side_share_what_is_asked_in_a_second() -> None:
    hosts = [Host(name=f"web{n:02}.example", url="http://127.0.0.1:9/") for n in range(12)]
    watches = Watches(prod(hosts=tuple(hosts), sync_host=hosts[0].name, soak=60))

    def rates(judged: Iterable[JudgedBy]) -> list[float]:
        return sorted({1 / watch._interval for one in judged for watch in (*one.hosts.values(), *one.beside)})

    with watches.judging([hosts[0]], hosts[6:8]) as first:
        assert rates([first]) == pytest.approx([40.0])
        with watches.judging(hosts[1:6], hosts[6:8]) as second:
            assert rates([first, second]) == pytest.approx([20.0])
        assert rates([first]) == pytest.approx([40.0])


def test_this_machines_authorities_are_not_read_for_who_asks_by_http(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object, **__: object) -> None:
        raise AssertionError("they were read")

    http_in_time._context.cache_clear()
    for name in ("create_default_context", "_create_default_https_context"):
        monkeypatch.setattr(ssl, name, read)
    http_in_time.opener(redirects=False)
