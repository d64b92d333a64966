"""sudo: asks for a password, or does not, then becomes the command. Nothing is cached."""

from __future__ import annotations

import os
import sys

from ._ends import Quit
from ._host import Host, complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

TRIES = 3


def run(host: Host, args: list[str]) -> None:
    """`sudo [-nSkHE] [-u USER] [-p PROMPT] [--] [NAME=VALUE…] COMMAND…`."""
    flags, prompt, command = _options(args)
    if not command:
        complain("usage: sudo [-nS] [-p prompt] [-u user] [VAR=value] command")
        raise Quit(1)
    sudo = host.state()["sudo"]
    if sudo["mode"] == "asks":
        if "n" in flags:
            complain("sudo: a password is required")
            raise Quit(1)
        _authenticate(sudo["password"], prompt, from_stdin="S" in flags)
    while command and "=" in command[0].split("/")[0]:
        name, _, value = command.pop(0).partition("=")
        os.environ[name] = value
    program = _which(command[0]) if command else None
    if program is None:
        complain(f"sudo: {command[0] if command else ''}: command not found")
        raise Quit(1)
    # The command takes over this process: its signals, its stdin and its exit status are the session's.
    host.event(["sudo", *args], "end", 0)
    os.execv(program, command)


def _which(name: str) -> str | None:
    """The program's file: shutil.which, without the 10 ms that importing shutil takes."""
    places = [name] if "/" in name else [f"{p}/{name}" for p in os.environ.get("PATH", "").split(":") if p]
    return next((place for place in places if os.access(place, os.X_OK) and os.path.isfile(place)), None)


def _options(args: list[str]) -> tuple[str, str, list[str]]:
    """The single-letter flags, the prompt, and the command that is left."""
    flags, prompt, rest = "", f"[sudo] password for {os.environ.get('USER', 'root')}: ", list(args)
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        if word == "--":
            break
        for at, letter in enumerate(word[1:], 1):
            if letter in "pu":
                value = word[at + 1 :] or (rest.pop(0) if rest else "")
                prompt = value if letter == "p" else prompt
                break
            if letter not in "nSkHEb":
                complain(f"sudo: invalid option -- '{letter}'")
                raise Quit(1)
            flags += letter
    return flags, prompt, rest


def _authenticate(password: str, prompt: str, from_stdin: bool) -> None:
    """Ask up to three times; leaves with Quit when it was never right."""
    ask = _from_stdin if from_stdin else _from_terminal
    for attempt in range(1, TRIES + 1):
        answer = ask(prompt)
        if answer == password:
            return
        if answer is None:
            wrong = attempt - 1
            complain("sudo: no password was provided" if not wrong else _incorrect(wrong))
            raise Quit(1)
        if attempt < TRIES:
            complain("Sorry, try again.")
    complain(_incorrect(TRIES))
    raise Quit(1)


def _incorrect(times: int) -> str:
    return f"sudo: {times} incorrect password attempt{'s' if times > 1 else ''}"


def _from_stdin(prompt: str) -> str | None:
    complain(prompt, end="")
    return _line(lambda: os.read(0, 1))


def _from_terminal(prompt: str) -> str | None:
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        complain("sudo: no tty present and no askpass program specified")
        raise Quit(1) from None
    import termios

    before = termios.tcgetattr(terminal)
    silent = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    termios.tcsetattr(terminal, termios.TCSAFLUSH, silent)
    try:
        os.write(terminal, prompt.encode())
        return _line(lambda: os.read(terminal, 1))
    finally:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
        os.write(terminal, b"\n")


def _line(read: Callable[[], bytes]) -> str | None:
    """One line, byte by byte: what follows belongs to the command. None at the end of the input."""
    got = b""
    while (byte := read()) != b"\n":
        if not byte:
            return None
        got += byte
    return got.decode(sys.getfilesystemencoding(), "replace")
