"""Questions: asked on a terminal, never of a pipe."""

from __future__ import annotations

import getpass
import sys

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


def password(host: str, prompt: str) -> str:
    """What sudo on `host` wants to know, hidden. Raises Refused where nobody can be asked."""
    if not can_ask():
        raise Refused(
            f"{host}: sudo asks for a password, and there is no terminal to ask on",
            next_line="the same from a terminal, or with --prompt-for-sudo-password",
        )
    try:
        return getpass.getpass(f"{host}: {prompt.strip(' :') or 'sudo password'}: ")
    except EOFError:
        raise Refused(f"{host}: no password given") from None
