"""One root shell per host: sudo asks once, every further command costs one round trip and no login.

`sudo sh` is opened on a channel of its own, the password is typed at its prompt, and then commands are
written to it one after the other. That is one authentication per host and run, also where sudo caches
nothing (timestamp_timeout=0) or asks for a second factor.

Where sudo wants a terminal (requiretty) it is given one, that echoes nothing and changes no line end; the shell behind
it is in a session of its own and has pipes: what runs there does not take it for a terminal, and does not end with it.
"""

from __future__ import annotations

import re
import secrets
import shlex
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paramiko.ssh_exception import SSHException

from .lines import Kept, Lines
from .output import clean
from .wire import SEND_SECONDS, ConnectionLost, Wire

if TYPE_CHECKING:
    from paramiko import Transport

OnLine = Callable[[str], None]

SUDO_SECONDS = 60.0  # `limits: sudo` in hosts.yml
QUIET_SECONDS = 1.0  # after which an unfinished line is a question
MOST_TOLD = 10_000  # lines of one command that are told as they come
MOST_LINES = 100  # that are told of what sudo says between two answers
LONGEST_LINE = 8192  # bytes of a line that does not end

_STATUS = re.compile(r"[0-9]{1,3}")
_WANTS_TERMINAL = re.compile(r"\btty\b", re.I)  # sudo says it in many languages, and `tty` in all of them


class ShellError(Exception):
    """The shell could not be opened; the text says why."""


class ShellEnded(ConnectionLost):
    """Somebody has ended the root shell; the connection is there."""


class _TerminalWanted(Exception):
    """sudo says that it does nothing without a terminal."""


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
    seconds: how long sudo may take after it was begun, and after each answer.
    on_said: called with each line that sudo says, as it comes; an unfinished one is a question.
    library: shell functions that commands may call; it is sent once, and $library has its text.
    prompt: what sudo asks, until `answer` has satisfied it: an empty text for sudo's own password.

    Raises ShellError when sudo says no, ConnectionLost when the line drops.
    """

    def __init__(
        self,
        transport: Transport,
        as_root: bool = False,
        seconds: float = SUDO_SECONDS,
        on_said: OnLine | None = None,
        library: str = "",
    ) -> None:
        self.transport = transport
        self._mark = f"--{secrets.token_hex(8)}"
        self._token = f"[{secrets.token_hex(8)}]"
        self._number = 0
        self._seconds = self._left = seconds
        self._on_said = on_said
        self._library = f'library={shlex.quote(library)}\neval "$library"\n' if library else ""
        sudo = "" if as_root else f"sudo -S -p {shlex.quote(self._token)} "
        try:
            try:
                self.prompt = self._opened(sudo)
            except _TerminalWanted:
                self.close()
                self.prompt = self._opened(sudo, terminal=True)
        except BaseException:
            self.close()  # a sudo that hangs would hang there on
            raise

    def answer(self, text: str) -> None:
        """Answer `prompt`; afterwards it is None, or what sudo asks next (again, if the password was wrong).

        Should sudo have let us in without the answer, nobody reads it.
        """
        self._rest = b""
        self._said = 0
        self._left = self._seconds
        self._wire.send(f"{text}\n")
        self.prompt = self._listen()

    def listen(self) -> None:
        """Hear what sudo has said since it asked; afterwards `prompt` is what it asks now, or None."""
        self.prompt = self._listen()

    @property
    def spoke(self) -> bool:
        """Has sudo said more, or ended, since it asked?"""
        return self._wire.spoke

    def _opened(self, sudo: str, terminal: bool = False) -> str | None:
        """Begin, and say what is asked first."""
        self._rest, self._asked = b"", b""
        self._said, self._last, self._begun, self._terminal = 0, "", False, terminal
        # A terminal must be silent before sudo is there. The shell reads from pipes in any case: it would take a
        # terminal for a person. What is typed at a question that is none any more is not for the shell: it begins when
        # it is told to.
        inner = "cat | setsid sh 2>&1 | cat" if terminal else "exec sh"
        shell = (
            f"printf '\\n%s\\n' {shlex.quote(f'{self._mark} ready')}; "
            f"while IFS= read -r line; do case $line in {self._mark}) {inner}; exit;; esac; done"
        )
        silent = "stty raw -echo && " if terminal else ""
        command = f"{silent}printf '\\n%s\\n' {shlex.quote(f'{self._mark} asks')} && "
        try:
            channel = self.transport.open_session(timeout=SEND_SECONDS)
            self._wire = Wire(self.transport, channel)
            channel.set_combine_stderr(True)
            if terminal:
                channel.get_pty("dumb")
            channel.exec_command(f"{command}exec {sudo}sh -c {shlex.quote(shell)}")
        except (OSError, EOFError, SSHException) as error:
            if terminal and self.transport.is_active():
                raise ShellError(
                    f"sudo wants a terminal (requiretty), and the host's sshd gives none (PermitTTY): {error}"
                ) from None
            raise ConnectionLost(str(error) or type(error).__name__) from error
        return self._listen()

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
        self._wire.send(
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
        with suppress(AttributeError):  # it may have none yet
            self._wire.close()

    def _listen(self) -> str | None:
        """Wait until sudo asks for something, or has let us in; tell what it says meanwhile."""
        ends = time.monotonic() + self._left
        try:
            return self._listen_until(ends)
        finally:
            self._left = ends - time.monotonic()

    def _listen_until(self, ends: float) -> str | None:
        heard = time.monotonic()
        while True:
            reached = self._hear()
            left = ends - time.monotonic()  # what it takes to hear it counts, too: a flood leaves nothing to wait for
            if reached:
                self._lines = Lines()
                self._wire.send(f"{self._mark}\n{self._library}")
                return None
            text = self._rest.decode("utf-8", "replace")
            if text.endswith(self._token):
                self._tell(text.removesuffix(self._token))
                self._rest = b""
                return ""
            if left <= 0:
                said = f"; it said last: {self._last}" if self._last else ""
                raise ShellError(f"sudo gave no answer in {self._seconds:g} s (limits: sudo in hosts.yml){said}")
            try:
                self._rest += self._wire.receive(min(QUIET_SECONDS, left))
                heard = time.monotonic()
            except EOFError:
                self._ended()
            except TimeoutError:
                # A second factor asks in its own words (pam ignores -p): an unfinished line is a prompt.
                silent = time.monotonic() - heard > QUIET_SECONDS / 2
                if silent and self._begun and clean(text).strip():
                    self._asked = self._rest
                    return clean(text)

    def _hear(self) -> bool:
        """Tell the lines that have come whole, and say whether the shell was reached."""
        *lines, self._rest = self._rest.split(b"\n")
        for raw in lines:
            line = raw.decode("utf-8", "replace")
            if line.strip("\r") == f"{self._mark} ready":
                return True
            if line.strip("\r") == f"{self._mark} asks":  # what came before it is the login's, not sudo's
                self._begun = True
            elif raw != self._asked:
                self._tell(line)
            self._asked = b""
        self._rest = self._rest[-LONGEST_LINE:]
        return False

    def _tell(self, line: str) -> None:
        line = clean(line.replace(self._token, "")).strip()
        self._last = line or self._last
        if not (line and self._begun) or (not self._terminal and _WANTS_TERMINAL.search(line)):
            return
        self._said += 1
        if self._on_said and self._said <= MOST_LINES:
            self._on_said(line if self._said < MOST_LINES else "(it says more, which is not shown)")

    def _ended(self) -> None:
        """sudo is gone. Raises what that means."""
        if not self.transport.is_active():
            raise ConnectionLost("the connection was closed") from None
        self._tell(self._rest.decode("utf-8", "replace"))
        if self._begun and not self._terminal and _WANTS_TERMINAL.search(self._last):
            raise _TerminalWanted from None
        raise ShellError(self._last or "sudo ended without a word") from None

    def _follow(self, mark: str, on_line: OnLine | None, ends: float | None) -> Output:
        kept, shown, begun, ends_with = Kept(), 0, False, f"{mark} ends "
        while True:
            try:
                piece = self._wire.next(ends)
            except EOFError:
                if self.transport.is_active():
                    raise ShellEnded("its root shell was ended, and not by this program") from None
                raise ConnectionLost("the connection was closed") from None
            for raw in self._lines.take(piece):
                if not begun:
                    begun = raw == f"{mark} begins"
                elif raw.startswith(ends_with) and _STATUS.fullmatch(raw, len(ends_with)):
                    return Output(kept.lines, int(raw[len(ends_with) :]))
                elif line := kept.add(raw):  # blank lines carry nothing, and printf has to add one before the mark
                    shown += 1
                    if on_line and shown <= MOST_TOLD:
                        on_line(line if shown < MOST_TOLD else "(it says more, which is not shown)")
