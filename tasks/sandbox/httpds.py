"""systemd's part: one httpd process for each host whose state says that it runs."""

from __future__ import annotations

import asyncio
import time
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

from . import start
from .programs._files import change_state, read_state

CODE = start.code("programs.httpd", "serve", "sys.argv[1]")


class Httpd:
    """The httpd of one host."""

    def __init__(self, home: Path, host: str) -> None:
        self.home = home
        self.host = host
        self.process: Process | None = None
        self.lock = asyncio.Lock()
        self.watcher: asyncio.Task[None] | None = None

    async def act(self, action: str) -> str | None:
        """start, stop or restart, one at a time; gives what went wrong."""
        async with self.lock:
            if read_state(self.home, self.host)["down"]:
                return "the host is down"
            if action in ("stop", "restart"):
                await self.end()
                self._note(running=False, failed=False, pid=0)
            if action in ("start", "restart") and self.process is None:
                installed = read_state(self.home, self.host)["installed"]
                self._note(loaded=installed)
                return await self.begin(time.time())
            return None

    async def begin(self, since: float) -> str | None:
        """Start the process with the code that the state says is loaded; gives what it says if it cannot listen."""
        root = str(self.home / "hosts" / self.host)
        self.process = await asyncio.create_subprocess_exec(
            start.PYTHON, *start.ALONE, "-c", CODE, root, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        if await self.process.stdout.readline() != b"listening\n":
            why = (await self.process.stderr.read()).decode().strip().splitlines()
            await self.process.wait()
            self.process = None
            self._note(running=False, failed=True, pid=0)
            return why[-1] if why else "it ended at once"
        self._note(running=True, failed=False, pid=self.process.pid, since=since)
        self.watcher = asyncio.create_task(self._watch(self.process))
        return None

    async def power_off(self) -> None:
        """End the process at once, after a start or stop that is under way."""
        async with self.lock:
            await self.end(grace=0)

    async def end(self, grace: float = 2.0) -> None:
        """Ask the process to end, then make it; the state is the caller's to write."""
        process, self.process = self.process, None
        if process is None:
            return
        if process.returncode is None:
            process.terminate() if grace else process.kill()
        try:
            await asyncio.wait_for(process.wait(), grace or None)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _watch(self, process: Process) -> None:
        """Notice an httpd that ended by itself; one that was stopped is no longer `self.process`."""
        await process.wait()
        if self.process is process:
            self.process = None
            self._note(running=False, failed=True, pid=0)

    def _note(self, **values: Any) -> None:
        change_state(self.home, self.host, lambda state: state["httpd"].update(values))
