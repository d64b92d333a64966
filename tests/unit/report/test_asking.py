"""Questions at a real terminal."""

from __future__ import annotations

import os
import pty
import select
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tasks.report import asking

Ask = Callable[..., Any]


class Sitting:
    """Somebody at a terminal: what they see, and what they type."""

    def __init__(self) -> None:
        self.keyboard, self.terminal = pty.openpty()

    def types(self, text: bytes) -> None:
        os.write(self.keyboard, text)

    def sees(self) -> str:
        said = b""
        while select.select([self.keyboard], [], [], 0.2)[0]:
            said += os.read(self.keyboard, 4096)
        return said.decode().replace("\r\n", "\n")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Sitting, Ask]]:
    somebody = Sitting()
    with os.fdopen(somebody.terminal, "r") as terminal:

        def answer(who: str, moot: Callable[[], bool] = bool) -> str | None:
            for stream in ("stdin", "stderr"):  # not in the fixture: pytest puts its own back when the test begins
                monkeypatch.setattr(sys, stream, terminal)
            return asking.answer(who, "password:", moot=moot)

        monkeypatch.setattr(asking, "OWN_TERMINAL", "/nonexistent")
        yield somebody, answer
    os.close(somebody.keyboard)


def test_S8_what_is_typed_is_not_shown(asked: tuple[Sitting, Ask]) -> None:
    somebody, answer = asked
    typist = threading.Timer(0.5, somebody.types, [b"secret\n"])
    typist.start()
    assert answer("prod01") == "secret"
    typist.join()
    assert somebody.sees() == "prod01: password: \n"


def test_S8_what_was_begun_for_one_host_never_reaches_the_next(
    asked: tuple[Sitting, Ask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "WITHDRAWN_SECONDS", 0.1)
    somebody, answer = asked
    looks = iter([False, True])

    def moot() -> bool:
        somebody.types(b"hal")
        return next(looks)

    assert answer("prod01", moot) is None
    assert "prod01: no answer is wanted any more; what was typed is thrown away" in somebody.sees()
    typist = threading.Timer(0.5, somebody.types, [b"other\n"])
    typist.start()
    assert answer("prod02") == "other"
    typist.join()
