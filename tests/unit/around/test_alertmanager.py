"""A real Alertmanager, and all the ways in which one can be dead, lie, or be something else."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from tasks.around import alertmanager, command, parts
from tasks.around.alertmanager import Failed
from tasks.around.occasion import Occasion
from tasks.inventory.around import Silence
from tests.alertmanager import Alertmanager
from tests.alertmanager import alertmanager as started
from tests.unit.builders import checked, prod
from tests.wanted import wanted

REAL = wanted("prometheus-alertmanager", "prometheus-alertmanager")
RUN, OTHER = "0123abcd", "89abcdef"


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    with started(tmp_path_factory.mktemp("alertmanager")) as running:
        yield running


@pytest.fixture
def real(one: Alertmanager) -> Iterator[Alertmanager]:
    yield one
    alertmanager.end(silence(one.url), occasion(), [RUN, OTHER])


def silence(url: str, **keys: object) -> Silence:
    return checked(Silence, **{"silence": url, "matchers": {"service": "blockerbugs"}, "seconds": 5, **keys})


def occasion(run: str = RUN, **changes: Any) -> Occasion:
    return replace(Occasion(prod(), run, "lbrabec@laptop", "minor-upgrade", expires=600.0), **changes)


def test_r5_what_is_undone_while_a_thread_that_was_left_still_begins_it_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    part, means = silence("http://127.0.0.1:9"), parts.Means(lambda *_: "nobody", lambda: None)
    answers, told = threading.Event(), list[parts.Result]()
    left = threading.Thread(target=lambda: told.append(parts.begin(part, occasion(), means)), daemon=True)

    def end(*_: object) -> None:
        left.join(20)

    begun = threading.Event()

    def begin(*_: object) -> None:
        begun.set()
        assert answers.wait(20)

    monkeypatch.setattr(alertmanager, "begin", begin)
    monkeypatch.setattr(alertmanager, "end", end)
    left.start()
    assert begun.wait(20)
    answers.set()
    assert (parts.end(part, occasion(), {RUN}, means), told) == (parts.Result(), [parts.Result()])


@REAL
def test_r1_a_silence_says_whose_it_is_ends_by_itself_and_is_undone(real: Alertmanager) -> None:
    part = silence(real.url, matchers={"service": "~block.*", "severity": "page"})
    alertmanager.look(part)
    alertmanager.begin(part, occasion())
    (up,) = real.silences()
    assert up["comment"] == f"minor-upgrade on prod by lbrabec@laptop (blockerbugs-upgrade prod run {RUN})"
    assert [(one["name"], one["value"], one["isRegex"]) for one in up["matchers"]] == [
        ("service", "block.*", True),
        ("severity", "page", False),
    ]
    assert up["createdBy"] == "lbrabec@laptop"
    alertmanager.end(part, occasion(), [RUN])
    assert real.silences() == []


@REAL
def test_a_resume_prolongs_the_silence_that_is_up(real: Alertmanager) -> None:
    alertmanager.begin(silence(real.url), occasion(expires=60.0))
    (before,) = real.silences()
    alertmanager.begin(silence(real.url), occasion(expires=900.0, operator="kparal@desk"))
    (after,) = real.silences()
    assert after["id"] == before["id"]
    assert after["endsAt"] > before["endsAt"]


@REAL
def test_r1_nobody_elses_silence_is_undone(real: Alertmanager) -> None:
    for run in (RUN, OTHER):
        alertmanager.begin(silence(real.url), occasion(run))
    alertmanager.end(silence(real.url), occasion(), [RUN])
    assert [OTHER in up["comment"] for up in real.silences()] == [True]
    alertmanager.end(silence(real.url), occasion(), [RUN])  # once more is as good


@REAL
def test_what_alertmanager_refuses_is_told_in_its_words(real: Alertmanager) -> None:
    with pytest.raises(Failed, match=r"answers 400: .*error parsing regexp"):
        alertmanager.begin(silence(real.url, matchers={"service": "~(?=a)"}), occasion())


@contextmanager
def answering(status: int, body: str, date: str = "", drips: bool = False) -> Iterator[tuple[str, list[Any]]]:
    """A server that is no Alertmanager: its address, and what it was sent."""
    sent: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body_sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            sent.append((dict(self.headers), json.loads(body_sent or "0")))
            self.send_response_only(status)
            self.send_header("Date", date or self.date_time_string())
            self.send_header("Content-Length", str(len(body) or 100))
            self.end_headers()
            with suppress(OSError):  # whoever asked may have gone
                for piece in body if drips else [body]:
                    self.wfile.write(piece.encode())
                    time.sleep(0.1 if drips else 0)

        do_POST = do_GET

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads, server.block_on_close = True, False
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", sent
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, "<html>", "answers, but not as an Alertmanager (API v2) does"),
        (200, "{}", "answers, but not as an Alertmanager (API v2) does"),
        (404, "gone\x1b[31m\n", "answers 404: gone"),
        (500, "x" * 9000, "answers 500: xxx"),
        (302, "", "answers 302"),
    ],
    ids=["a page", "nothing", "404", "a flood", "a redirect"],
)
def test_x4_what_is_no_alertmanager_is_told_in_a_sentence(status: int, body: str, said: str) -> None:
    with answering(status, body) as (url, _):
        for act in (alertmanager.look, lambda part: alertmanager.begin(part, occasion())):
            with pytest.raises(Failed) as failed:
                act(silence(url))
            assert said in str(failed.value)
            assert "\x1b" not in str(failed.value)
            assert len(str(failed.value)) < 400


def test_x4_one_that_drips_or_never_answers_or_is_not_there_costs_its_seconds_at_most() -> None:
    began = time.monotonic()
    in_time = pytest.raises(Failed, match=r"does not answer in 0.3 s")
    with answering(200, "[" + " " * 600, drips=True) as (url, _), in_time as late:
        alertmanager.begin(silence(url, seconds=0.3), occasion())
    assert not late.value.known
    with closing(socket.socket()) as deaf:
        deaf.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(Failed, match=r"cannot be asked: .*refused") as refused:
            alertmanager.begin(silence(url), occasion())
        assert refused.value.known
        deaf.listen()
        with pytest.raises(Failed, match=r"does not answer in 0.3 s"):
            alertmanager.look(silence(url, seconds=0.3))
    assert time.monotonic() - began < 5


def test_w3_one_that_takes_its_time_is_said_to_be_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "SOON_SECONDS", 0.1)
    told: list[str] = []
    means = parts.Means(lambda *_: "not asked", lambda: told.append("waits"))
    with answering(200, "[" + " " * 600, drips=True) as (url, _):
        found = parts.look(silence(url, seconds=0.5), occasion(), means)
    assert found == parts.Result(f"{url} does not answer in 0.5 s", known=False)
    assert told == ["waits"]


def test_w5_the_silence_is_as_long_as_meant_also_where_the_clocks_differ() -> None:
    with answering(200, "[]", "Sat, 24 Nov 2029 10:00:00 GMT") as (url, sent):
        alertmanager.begin(silence(url), occasion())
    assert (sent[1][1]["startsAt"], sent[1][1]["endsAt"]) == ("2029-11-24T10:00:00.000Z", "2029-11-24T10:10:00.000Z")


def test_s6_a_token_comes_out_of_the_environment_and_is_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "hunter2")
    with answering(403, "no") as (url, sent):
        part = silence(f"{url}/${{TOKEN}}", headers={"Authorization": "Bearer ${TOKEN}"})
        with pytest.raises(Failed) as failed:
            alertmanager.look(part)
    assert sent[0][0]["Authorization"] == "Bearer hunter2"
    assert "hunter2" not in str(failed.value)
    monkeypatch.setenv("TOKEN", "hunter2\r\nx: y")
    with pytest.raises(Failed) as failed:
        alertmanager.look(part)
    assert "hunter2" not in str(failed.value)
    monkeypatch.delenv("TOKEN")
    with pytest.raises(Failed, match="TOKEN is not set in the environment"):
        alertmanager.look(part)


class Slow(BaseHTTPRequestHandler):
    """Puts a silence up only a while after it was asked to."""

    up: ClassVar[dict[str, Any]] = {}
    late = 1.0

    def _says(self, answer: object) -> None:
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self._says([*self.up.values()])

    def do_POST(self) -> None:
        wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(self.late)
        self.up["a1"] = {**wanted, "id": "a1", "status": {"state": "active"}}
        with suppress(OSError):
            self._says({"silenceID": "a1"})

    def do_DELETE(self) -> None:
        self.up.pop(self.path.rsplit("/", 1)[1], None)
        self._says({})

    def log_message(self, *_: object) -> None:
        pass


def left_in_the_middle(part: Silence, run: str, monkeypatch: pytest.MonkeyPatch) -> parts.Result:
    """What an end says, where Ctrl-C was pressed while its beginning was waited for."""

    def ctrl_c() -> None:
        raise KeyboardInterrupt

    def asked(*_: object) -> str:
        return "no host is asked"

    monkeypatch.setattr(command, "SOON_SECONDS", 0.1)
    with pytest.raises(KeyboardInterrupt):
        parts.begin(part, occasion(run), parts.Means(asked, ctrl_c))
    return parts.end(part, occasion(run), {run}, parts.Means(asked, lambda: None))


def test_r5_who_leaves_while_a_silence_is_put_up_leaves_none_that_nobody_knows_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        server.daemon_threads, server.block_on_close = True, False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        part = silence(f"http://127.0.0.1:{server.server_port}")
        assert left_in_the_middle(part, "00000001", monkeypatch) == parts.Result()
        assert Slow.up == {}
        Slow.late = 1.5
        never = silence(part.silence, seconds=0.5)
        told = left_in_the_middle(never, "00000002", monkeypatch)
        assert (told.failure, told.known) == ("to begin it was broken off: it may come up yet", False)
        server.shutdown()


def test_r2_where_its_name_cannot_be_resolved_it_is_known_that_nothing_was_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Failed, match=r"cannot be asked: .*Name or service not known") as failed:
        alertmanager.begin(silence("http://alertmanager.invalid:9093"), occasion())
    assert failed.value.known


def test_r2_an_answer_that_is_nested_too_deeply_is_told_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    means = parts.Means(lambda *_: "", lambda: None)
    with answering(200, "[" * 50_000) as (url, _):
        part = silence(url)
        assert "but not as an Alertmanager" in parts.look(part, occasion(), means).failure

    def breaks(part: Silence) -> None:
        raise OverflowError

    monkeypatch.setattr(alertmanager, "look", breaks)
    told = parts.look(part, occasion(), means)
    assert (told.failure, told.known) == (f"{part.silence} cannot be asked: OverflowError", False)


@pytest.mark.parametrize("token", ["abc\n", "a\rb", "\u2013"])
def test_r2_a_token_that_no_header_may_have_is_named_and_not_shown(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOK", token)
    part = silence("http://127.0.0.1:9", headers={"Authorization": "Bearer ${TOK}"})
    with pytest.raises(Failed) as told:
        alertmanager.look(part)
    why = "a line break, or a character that no header may have, as the environment fills it in"
    assert str(told.value) == f"headers: Authorization has {why}"
