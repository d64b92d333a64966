"""Questions: asked on a terminal, never of a pipe."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable

from ..errors import Refused


def can_ask() -> bool:
    """Is there somebody to ask?"""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(question: str) -> str:
    """What the operator types at the question, without the blanks around it.

    Where stdout is a file or another program, it is asked on stderr: what goes there is not for people.
    """
    if sys.stdout.isatty():
        return input(question).strip()
    print(question, end="", file=sys.stderr, flush=True)
    return input().strip()


def answer(who: str, text: str, hidden: bool = True, moot: Callable[[], bool] = bool) -> str | None:
    """What the operator types when `who` (a host) asks `text`; None where `moot()` came true first.

    hidden: it is not shown. Raises Refused where nobody can be asked.
    """
    question = f"{who}: {text.strip().rstrip(':')}: "
    if not can_ask():
        more = ", or with --prompt-for-sudo-password" if "sudo" in text else ""
        raise Refused(
            f"{who} asks, and there is no terminal to answer on: {text.strip()}",
            next_line=f"the same from a terminal{more}",
        )
    try:
        return getpass.getpass(question) if hidden else input(question)
    except EOFError:
        raise Refused(f"{who}: no answer given") from None
