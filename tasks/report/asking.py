"""Questions: asked on a terminal, never of a pipe."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import time
from collections.abc import Callable, Iterator

from ..errors import Refused
from ..lines import same
from ..run.observer import Report

OWN_TERMINAL = "/dev/tty"
MOOT_SECONDS = 0.1  # between two looks at whether an answer is still wanted
WITHDRAWN_SECONDS = 1.0  # for who is typing to see that it is not


def can_ask() -> bool:
    """Is there somebody to ask?"""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(question: str, moot: Callable[[], bool] | None = None) -> str:
    """What the operator types at the question, without the blanks around it; nothing where `moot()` came true first.

    Where stdout is a file or another program, it is asked on stderr: what goes there is not for people.
    """
    shown = sys.stdout and sys.stdout.isatty()
    if moot is None and shown:
        return input(question).strip()
    print(question, end="", file=sys.stdout if shown else sys.stderr, flush=True)
    if moot is None:
        return input().strip()
    typed = _line(sys.stdin.fileno(), moot)
    if typed == "":
        raise EOFError
    if typed is None:
        print(file=sys.stdout if shown else sys.stderr)
    return (typed or "").strip()


def answer(who: str, text: str, hidden: bool = True, moot: Callable[[], bool] = lambda: False) -> str | None:
    """What the operator types when `who` (a host) asks `text`; None where `moot()` came true first.

    hidden: it is not shown. Raises Refused where nobody can be asked.
    """
    if not can_ask():
        flags = ["--prompt-for-sudo-password"] if "sudo" in text else []
        raise Refused(
            f"{who} asks, and there is no terminal to answer on: {text.strip()}",
            next_line=same(*flags, does="from a terminal"),
        )
    with _terminal(hidden) as (keyboard, screen):
        os.write(screen, f"{who}: {text.strip().rstrip(':')}: ".encode(errors="backslashreplace"))
        try:
            typed = _line(keyboard, moot)
        finally:
            if hidden:
                os.write(screen, b"\n")
        if typed is None:  # who was typing must not give the rest to the next host that asks
            os.write(screen, f"{who}: no answer is wanted any more; what was typed is thrown away\n".encode())
            time.sleep(WITHDRAWN_SECONDS)
            termios.tcflush(keyboard, termios.TCIFLUSH)
    if typed == "":
        raise Refused(f"{who}: no answer given")
    return typed.rstrip("\n") if typed else None


class Terminal(Report):
    """A report that has somebody in front of it."""

    def can_ask(self) -> bool:
        """Is stdin a terminal?"""
        return can_ask()

    def ask(self, question: str, moot: Callable[[], bool] | None = None) -> str:
        """As the function of that name."""
        return ask(question, moot)

    def answer(self, who: str, text: str, hidden: bool, moot: Callable[[], bool]) -> str | None:
        """As the function of that name."""
        return answer(who, text, hidden, moot)


@contextlib.contextmanager
def _terminal(hidden: bool) -> Iterator[tuple[int, int]]:
    """Where is typed and where is asked; hidden: without what is typed being shown. getpass cannot be told to stop."""
    try:
        own = os.open(OWN_TERMINAL, os.O_RDWR | os.O_NOCTTY)
    except OSError:
        own = None
    keyboard, screen = (sys.stdin.fileno(), sys.stderr.fileno()) if own is None else (own, own)
    before = termios.tcgetattr(keyboard)
    silent = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    try:
        if hidden:
            termios.tcsetattr(keyboard, termios.TCSAFLUSH, silent)
        yield keyboard, screen
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
        if own is not None:
            os.close(own)


def _line(keyboard: int, moot: Callable[[], bool]) -> str | None:
    """One line with its end, nothing at the end of the input, and None when it is not wanted any more."""
    typed = b""
    while not typed.endswith(b"\n"):
        if moot():
            return None
        if select.select([keyboard], [], [], MOOT_SECONDS)[0]:
            came = os.read(keyboard, 4096)
            if not came:
                break
            typed += came
    return typed.decode(sys.stdin.encoding or "utf-8", "surrogateescape")
