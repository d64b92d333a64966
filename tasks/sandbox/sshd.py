"""One host's sshd: asyncssh in front, the system's own sh behind."""

from __future__ import annotations

import asyncio
import os
import signal
import termios
from contextlib import suppress
from typing import TYPE_CHECKING

import asyncssh

from . import start

if TYPE_CHECKING:
    from pathlib import Path

# A session leader takes the terminal it was given as its own; then it becomes the command.
TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
# The loop closes a pipe some turns after it was asked to: one for the channel, one for the process, one for the pipe.
TURNS_TO_CLOSE = 6


class Sshd:
    """Listens on a host's port; every session is a real shell whose PATH begins with the host's programs."""

    def __init__(self, home: Path, host: str, port: int) -> None:
        self.home = home
        self.host = host
        self.port = port
        self.listener: asyncssh.SSHAcceptor | None = None
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self.shells: set[asyncio.subprocess.Process] = set()

    async def begin(self) -> None:
        """Listen. OSError when the port is taken."""
        self.listener = await asyncssh.listen(
            "127.0.0.1",
            self.port,
            server_factory=lambda: _Door(self.connections),
            process_factory=self._session,
            server_host_keys=[str(self.home / "hostkeys" / self.host)],
            authorized_client_keys=str(self.home / "id_ed25519.pub"),
            encoding=None,
            line_editor=False,
            agent_forwarding=False,
            gss_host=None,
            password_auth=False,
            kbdint_auth=False,
            compression_algs=None,
            reuse_address=True,
        )

    async def cut(self) -> None:
        """Every connection is gone without a word, and whoever still writes to one is told so, when this returns."""
        cut = list(self.connections)
        for connection in cut:
            connection.abort()
        await asyncio.gather(*(connection.wait_closed() for connection in cut))
        for _ in range(TURNS_TO_CLOSE):
            await asyncio.sleep(0)

    async def end(self) -> None:
        """Stop listening, cut the connections, end the shells with all that runs in their groups."""
        listener, self.listener = self.listener, None
        if listener is not None:
            listener.close()
        await self.cut()
        if listener is not None:
            await listener.wait_closed()  # since Python 3.12 that waits for the connections, too
        for shell in list(self.shells):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(shell.pid, signal.SIGKILL)
        for shell in list(self.shells):
            await shell.wait()

    async def _session(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        """Run one exec or shell request to its end."""
        command = ["/bin/sh", "-c", process.command] if process.command is not None else ["/bin/sh"]
        term = process.term_type
        shell = await (self._on_pipes(process, command) if term is None else self._on_terminal(process, command, term))
        process.set_redirect_pid(-shell.pid)  # a signal goes to the whole group, as OpenSSH sends it
        self.shells.add(shell)
        status = await shell.wait()
        self.shells.discard(shell)
        process.set_redirect_pid(None)
        # The connection may have ended long before the shell: then there is nobody to tell.
        with suppress(asyncssh.Error, OSError):
            await process.stdout.drain()
            await process.stderr.drain()
            if status < 0:
                process.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"))
            else:
                process.exit(status)

    async def _on_pipes(
        self, process: asyncssh.SSHServerProcess[bytes], command: list[str]
    ) -> asyncio.subprocess.Process:
        (theirs_in, ours_in), (ours_out, theirs_out), (ours_err, theirs_err) = os.pipe(), os.pipe(), os.pipe()
        shell = await self._spawn(command, theirs_in, theirs_out, theirs_err)
        for end in (theirs_in, theirs_out, theirs_err):
            os.close(end)
        await process.redirect(stdin=ours_in, stdout=ours_out, stderr=ours_err, send_eof=False)
        return shell

    async def _on_terminal(
        self, process: asyncssh.SSHServerProcess[bytes], command: list[str], term: str
    ) -> asyncio.subprocess.Process:
        ours, theirs = os.openpty()
        columns, rows, *_ = process.term_size
        termios.tcsetwinsize(theirs, (rows, columns))  # asyncssh says it, too, but only when the shell runs already
        command = [start.PYTHON, *start.ALONE, "-c", TAKE_TERMINAL, *command]
        shell = await self._spawn(command, theirs, theirs, theirs, TERM=term)
        os.close(theirs)
        await process.redirect(stdin=os.dup(ours), stdout=ours, send_eof=False)
        return shell

    async def _spawn(
        self, command: list[str], stdin: int, stdout: int, stderr: int, **more: str
    ) -> asyncio.subprocess.Process:
        root = self.home / "hosts" / self.host
        environment = {
            "PATH": f"{root / 'usr/bin'}:/usr/bin:/bin",
            "HOME": str(root),
            "USER": "operator",
            "LOGNAME": "operator",
            "SHELL": "/bin/sh",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            **more,
        }
        return await asyncio.create_subprocess_exec(
            *command, stdin=stdin, stdout=stdout, stderr=stderr, cwd=root, env=environment, start_new_session=True
        )


class _Door(asyncssh.SSHServer):
    """Keeps the list of open connections, and lets a host be a jump host to the others."""

    def __init__(self, connections: set[asyncssh.SSHServerConnection]) -> None:
        self.connections = connections
        self.connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Someone came."""
        self.connection = conn
        self.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        """Someone left."""
        if self.connection is not None:
            self.connections.discard(self.connection)

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        """Forward to this machine only: that is where every host of the sandbox is."""
        return dest_host == "127.0.0.1"
