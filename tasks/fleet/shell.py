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
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paramiko.ssh_exception import SSHException

from .output import clean

if TYPE_CHECKING:
    from paramiko import Channel, Transport

OnLine = Callable[[str], None]

SEND_SECONDS = 60


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
    """A POSIX shell as root on one host, ready for use when `prompt` is None.

    transport: an authenticated connection.
    as_root: the login user is root already, sudo is not needed.
    seconds: how long sudo may take to say something.
    prompt: what sudo asks, until `answer` has satisfied it.

    Raises ShellError when sudo says no, ConnectionLost when the line drops.
    """

    def __init__(self, transport: Transport, as_root: bool = False, seconds: float = 30.0) -> None:
        self.transport = transport
        self._mark = f"--{secrets.token_hex(8)}"
        self._token = f"[{secrets.token_hex(8)}]"
        self._number = 0
        self._rest = b""
        self._seconds = seconds
        shell = f"printf '%s\\n' {shlex.quote(f'{self._mark} ready')}; exec sh"
        sudo = "" if as_root else f"sudo -S -p {shlex.quote(self._token)} "
        try:
            self._channel: Channel = transport.open_session(timeout=seconds)
            self._channel.set_combine_stderr(True)
            self._channel.exec_command(f"{sudo}sh -c {shlex.quote(shell)}")
        except (OSError, EOFError, SSHException) as error:
            raise ConnectionLost(str(error) or type(error).__name__) from error
        self.prompt = self._prompt()

    def answer(self, password: str) -> None:
        """Answer `prompt`; afterwards it is None, or what sudo asks next (again, if the password was wrong)."""
        self._send(f"{password}\n")
        self.prompt = self._prompt()

    def run(self, command: str, on_line: OnLine | None = None, timeout: float | None = None) -> Output:
        """Run `command` and return its output and status, calling `on_line` with each line as it comes.

        timeout: seconds; the command is not ended by it, only no longer waited for.
        Raises ConnectionLost and StepTimeout.
        """
        # In parentheses: an `exit` or `cd` in the command must not reach the next one, and the command must not read
        # the script that comes after it. By eval: an argument of another sh could not be longer than 128 kB, which the
        # journal of a set of hundreds of hosts is. Numbered marks: what an earlier command says too late is not its
        # answer; a line end before each: a mark stands alone whatever was said before it.
        self._number += 1
        mark = f"{self._mark}-{self._number}"
        self._send(
            f"printf '\\n%s begins\\n' {mark}; (eval {shlex.quote(command)}) </dev/null 2>&1; "
            f"printf '\\n%s ends %s\\n' {mark} $?\n"
        )
        ends = None if timeout is None else time.monotonic() + timeout
        try:
            return self._follow(mark, on_line, ends)
        except TimeoutError:
            raise StepTimeout(f"no end after {timeout or 0:g} s") from None

    def close(self) -> None:
        """End the shell; never raises."""
        with suppress(OSError, EOFError, SSHException):
            self._channel.close()

    def _prompt(self) -> str | None:
        """Wait until sudo asks for something, or has let us in."""
        ready, said = f"{self._mark} ready", ""
        ends = time.monotonic() + self._seconds
        while ready not in said:
            try:
                said += self._receive(1.0).decode("utf-8", "replace")
            except EOFError:
                raise ShellError(_reason(said, self._token)) from None
            except TimeoutError:
                # A second factor asks in its own words (pam ignores -p): an unfinished line is a prompt.
                if said and not said.endswith("\n"):
                    return clean(said.rsplit("\n", 1)[-1])
                if time.monotonic() > ends:
                    raise ShellError(f"sudo gave no answer in {self._seconds:g} s") from None
            if said.endswith(self._token):
                return ""
        self._rest = said.split(ready, 1)[1].encode()
        return None

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
            try:
                self._rest += self._receive(None if ends is None else max(0.0, ends - time.monotonic()))
            except EOFError:
                raise ConnectionLost("the connection was closed") from None
            except TimeoutError:
                if ends is None or time.monotonic() >= ends:
                    raise
                # paramiko waits by the wall clock, which may have been set meanwhile.

    def _send(self, text: str) -> None:
        try:
            self._channel.settimeout(SEND_SECONDS)
            self._channel.sendall(text.encode())
        except (OSError, EOFError, SSHException) as error:
            raise ConnectionLost(str(error) or "the connection was closed") from error

    def _receive(self, seconds: float | None) -> bytes:
        """What comes next. Raises TimeoutError, EOFError when the other side has closed, ConnectionLost."""
        try:
            self._channel.settimeout(seconds)
            chunk = self._channel.recv(65536)
        except TimeoutError:
            raise
        except (OSError, SSHException) as error:
            raise ConnectionLost(str(error) or type(error).__name__) from error
        if not chunk:
            raise EOFError
        return chunk


def _reason(said: str, token: str) -> str:
    """sudo's last words, e.g. `sudo: a password is required`."""
    lines = [clean(line) for line in said.replace(token, "").splitlines() if line.strip()]
    return lines[-1] if lines else "sudo ended without a word"
