"""One root shell per host: sudo asks once, every further command costs one round trip and no login.

`sudo sh` is opened on a channel of its own, the password is typed at its prompt, and then commands are
written to it one after the other. That is one authentication per host and run, also where sudo caches
nothing (timestamp_timeout=0) or asks for a second factor.
"""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .output import clean

if TYPE_CHECKING:
    from paramiko import Channel, Transport

OnLine = Callable[[str], None]
AskPassword = Callable[[str], str]


class ShellError(Exception):
    """The shell could not be opened; the text says why."""


class ConnectionLost(Exception):
    """The connection went away while a command ran: what became of it is not known."""


class StepTimeout(Exception):
    """A command did not end in its time; it may still be running."""


@dataclass(frozen=True)
class Output:
    """What a command said (cleaned, stdout and stderr as one) and its exit status."""

    lines: tuple[str, ...]
    exited: int


class RootShell:
    """A POSIX shell as root on one host.

    transport: an authenticated connection.
    as_root: the login user is root already, sudo is not needed.
    ask: called with sudo's prompt, returns the password; called again if it was wrong.
    open_timeout: seconds for sudo to let us in, the operator's typing not counted.

    Raises ShellError when sudo says no, ConnectionLost when the line drops.
    """

    def __init__(
        self, transport: Transport, ask: AskPassword, as_root: bool = False, open_timeout: float = 30.0
    ) -> None:
        self._mark = f"--{secrets.token_hex(8)}"
        self._number = 0
        self._rest = b""
        try:
            self._channel: Channel = transport.open_session(timeout=open_timeout)
            self._open(ask, as_root, open_timeout)
        except (OSError, EOFError) as error:
            raise ConnectionLost(str(error) or type(error).__name__) from error

    def run(self, command: str, on_line: OnLine | None = None, timeout: float | None = None) -> Output:
        """Run `command` and return its output and status, calling `on_line` with each line as it comes.

        timeout: seconds; the command is not ended by it, only no longer waited for.
        Raises ConnectionLost and StepTimeout.
        """
        # A shell of its own: an `exit` or `cd` in the command must not reach the next one, and the command must not
        # read the script that comes after it. Numbered marks: what an earlier command says too late is not its answer.
        self._number += 1
        mark = f"{self._mark}-{self._number}"
        script = (
            f"printf '%s begins\\n' {mark}; sh -c {shlex.quote(command)} </dev/null 2>&1; "
            f"printf '\\n%s ends %s\\n' {mark} $?\n"
        )
        ends = None if timeout is None else time.monotonic() + timeout
        try:
            self._channel.sendall(script.encode())
            return self._follow(mark, on_line, ends)
        except TimeoutError:
            raise StepTimeout(f"no end after {timeout:g} s") from None
        except (OSError, EOFError) as error:
            raise ConnectionLost(str(error) or "the connection was closed") from error

    def close(self) -> None:
        """End the shell; never raises."""
        self._channel.close()

    def _open(self, ask: AskPassword, as_root: bool, timeout: float) -> None:
        token = f"[{secrets.token_hex(8)}]"
        ready = f"{self._mark} ready"
        shell = f"printf '%s\\n' {shlex.quote(ready)}; exec sh"
        self._channel.set_combine_stderr(True)
        sudo = "" if as_root else f"sudo -S -p {shlex.quote(token)} "
        self._channel.exec_command(f"{sudo}sh -c {shlex.quote(shell)}")
        said = ""
        ends = time.monotonic() + timeout
        while ready not in said:
            self._channel.settimeout(max(0.1, min(1.0, ends - time.monotonic())))
            try:
                chunk = self._channel.recv(65536)
            except TimeoutError:
                chunk = b""
                if time.monotonic() > ends:
                    raise ShellError(f"sudo gave no answer in {timeout:g} s") from None
                if not said or said.endswith("\n"):
                    continue
                # A second factor asks in its own words (pam ignores -p): an unfinished line is a prompt.
                prompt: str | None = said.rsplit("\n", 1)[-1]
            else:
                if not chunk:
                    raise ShellError(_reason(said, token))
                said += chunk.decode("utf-8", "replace")
                prompt = "" if said.endswith(token) else None
            if prompt is not None:
                self._channel.sendall(ask(clean(prompt)).encode() + b"\n")
                said = ""
                ends = time.monotonic() + timeout
        self._rest = said.split(ready, 1)[1].lstrip("\r\n").encode()

    def _follow(self, mark: str, on_line: OnLine | None, ends: float | None) -> Output:
        lines: list[str] = []
        begun = False
        while True:
            *whole, self._rest = self._rest.split(b"\n")
            for raw in whole:
                line = clean(raw.decode("utf-8", "replace"))
                if not begun:
                    begun = line == f"{mark} begins"
                elif line.startswith(f"{mark} ends "):
                    return Output(tuple(lines), int(line.rsplit(" ", 1)[1]))
                elif line:  # blank lines carry nothing, and printf has to add one before the mark
                    lines.append(line)
                    if on_line:
                        on_line(line)
            self._channel.settimeout(None if ends is None else max(0.0, ends - time.monotonic()))
            chunk = self._channel.recv(65536)
            if not chunk:
                raise EOFError
            self._rest += chunk


def _reason(said: str, token: str) -> str:
    """sudo's last words, e.g. `sudo: a password is required`."""
    lines = [clean(line) for line in said.replace(token, "").splitlines() if line.strip()]
    return lines[-1] if lines else "sudo ended without a word"
