"""Programs that start without importing anything: one interpreter has imported it all, and forks for each of them.

Most of the processor time of `fab prod status` is Python reading modules, and the operator's tests type hundreds of
such lines. A fork of an interpreter that has only imported is what a fresh one is after its imports: nothing ran in
it yet. It gets the arguments, folder, environment, streams and session that it would have been started with, the
same signals end it, and it ends as Python ends (atexit, threads, exit status). What it does not have is a hash seed
and a command line (`ps`) of its own. `pytest --fresh` starts every program anew.

    python -P warm.py SOCKET IMPORTS    imports, then forks for each request (`serve`; the tests' end of it is `Warm`)
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

LENGTH = 8  # bytes of hexadecimal before each request
READ_AT_START = ("PYTHON", "LC_", "LANG")  # variables that an interpreter looks at once, before it imports


class Program(subprocess.Popen[str]):
    """Its `with` ends it when the test fails in there, and does not wait for one that may be stopped, or never ends."""

    def __exit__(self, kind: type[BaseException] | None, *more: Any) -> None:
        if kind:
            self.kill()
        super().__exit__(kind, *more)


class Started:
    """A program that runs, with those parts of subprocess.Popen that tests have a use for."""

    def __init__(self, line: socket.socket, stdin: int | None, stdout: int, stderr: int | None) -> None:
        self._line = line.makefile("r")
        line.close()
        self.pid = int(self._line.readline())
        self.returncode: int | Any = None  # as typeshed has Popen's
        self.stdin: IO[str] | None = None if stdin is None else os.fdopen(stdin, "w")
        self.stdout: IO[str] = os.fdopen(stdout)
        self.stderr: IO[str] | None = None if stderr is None else os.fdopen(stderr)

    def poll(self) -> int | None:
        """The exit status, if it has ended."""
        if self.returncode is None and select.select([self._line], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, minus the signal's number if one ended it. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._line], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            with self._line:
                self.returncode = int(self._line.readline())
        return self.returncode

    def send_signal(self, signum: int) -> None:
        """Nothing is sent to what has ended: the number may be another's by now."""
        if self.poll() is None:
            os.kill(self.pid, signum)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, given: str | None = None, timeout: float | None = None) -> tuple[str, str]:
        """Write `given`, and read both streams to their ends. Raises subprocess.TimeoutExpired."""
        ends = None if timeout is None else time.monotonic() + timeout
        said = ["", ""]

        def read(number: int, stream: IO[str]) -> None:
            with stream:
                said[number] = stream.read()

        streams = [stream for stream in (self.stdout, self.stderr) if stream]
        threads = [threading.Thread(target=read, args=each) for each in enumerate(streams)]
        threads.append(threading.Thread(target=self._write, args=(given or "",)))
        for thread in threads:
            thread.daemon = True
            thread.start()
        for thread in threads:
            thread.join(_left(ends))
            if thread.is_alive():
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        self.wait(_left(ends))
        return said[0], said[1]

    def _write(self, given: str) -> None:
        if self.stdin is not None:
            with suppress(BrokenPipeError), self.stdin:  # it may end without listening
                self.stdin.write(given)

    def __enter__(self) -> Started:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind:
            self.kill()
        for stream in filter(None, (self.stdin, self.stdout, self.stderr)):
            stream.close()
        self.wait()


class Warm:
    """The tests' end: an interpreter that has carried out `imports`. It ends with who started it.

    usual: what the variables are that an interpreter looks at when it starts; a program that is to have others is
    started anew. As the first program has them, if not given. fresh: whether none is to be used (`pytest --fresh`).
    within: a command that runs what stands behind it somewhere else, in a namespace for one.
    """

    fresh = False

    def __init__(self, imports: str, usual: Mapping[str, str] | None = None, within: Sequence[str] = ()) -> None:
        self._imports = imports
        self._within = within
        self._line: socket.socket | None = None
        self._usual = usual

    def start(
        self,
        begin: Sequence[str],
        words: Sequence[str],
        cwd: Path,
        environment: Mapping[str, str],
        stdin: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
        session: bool = False,
    ) -> Started | subprocess.Popen[str]:
        """What `python BEGIN WORDS` starts, as subprocess.Popen would; what it says on stdout comes through a pipe.

        begin: -m and a module, or -c and code; -P before that keeps it from importing out of its folder.
        stdin: PIPE or DEVNULL. stderr: PIPE or STDOUT. session: it gets one of its own.
        """
        if self._usual is None:
            self._usual = _looked_at(environment)
        if self.fresh or _looked_at(environment) != self._usual:
            return Program(
                [*self._within, sys.executable, *begin, *words], stdin=stdin, stdout=subprocess.PIPE, stderr=stderr,
                text=True, cwd=cwd, env=environment, start_new_session=session,
            )  # fmt: skip
        if self._line is None:
            self._begin(environment)
        request = {"begin": begin, "words": words, "cwd": str(cwd), "env": dict(environment), "session": session}
        return self._fork(request, stdin, stderr)

    def close(self) -> None:
        """End the warm interpreter; what it has started goes on."""
        if self._line is not None:
            self._line.close()
            self._line = None
            self._process.wait()

    def _fork(self, request: Mapping[str, Any], stdin: int, stderr: int) -> Started:
        assert self._line
        text = json.dumps(request).encode()
        ours, its = socket.socketpair()
        reads, given = (os.open(os.devnull, os.O_RDONLY), None) if stdin == subprocess.DEVNULL else os.pipe()
        said, says = os.pipe()
        complained, complains = (None, says) if stderr == subprocess.STDOUT else os.pipe()
        streams = [its.fileno(), reads, says, complains]
        socket.send_fds(self._line, [f"{len(text):0{LENGTH}x}".encode()], streams)
        self._line.sendall(text)
        its.close()
        for end in {reads, says, complains}:
            os.close(end)
        return Started(ours, given, said, complained)

    def _begin(self, environment: Mapping[str, str]) -> None:
        self._line, its = socket.socketpair()
        self._process = subprocess.Popen(
            [*self._within, sys.executable, "-P", __file__, str(its.fileno()), self._imports],
            stdin=subprocess.DEVNULL, pass_fds=[its.fileno()], cwd=Path(__file__).parents[1], env=environment,
        )  # fmt: skip
        its.close()


def _left(ends: float | None) -> float | None:
    return None if ends is None else max(0.0, ends - time.monotonic())


def _looked_at(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(READ_AT_START)}


def serve(line: socket.socket) -> dict[str, Any]:
    """Fork for every request that comes, and tell how each fork ended. Returns in the forks only, with the request."""
    ended, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    gc.freeze()  # a collection in a fork would copy all that was imported
    clients: dict[int, socket.socket] = {}
    while True:
        for ready in select.select([line.fileno(), ended], [], [])[0]:
            if ready == ended:
                os.read(ended, 4096)
                _tell_of_the_dead(clients)
                continue
            header, streams, _, _ = socket.recv_fds(line, LENGTH, 4)
            if not header:
                os._exit(0)
            client, *streams = streams
            text = line.recv(int(header, 16), socket.MSG_WAITALL)
            pid = os.fork()
            if not pid:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for end in (ended, tell, client, *(other.detach() for other in clients.values())):
                    os.close(end)
                line.close()
                return {**json.loads(text), "streams": streams}
            clients[pid] = socket.socket(fileno=client)
            clients[pid].sendall(f"{pid}\n".encode())
            for end in streams:
                os.close(end)


def _tell_of_the_dead(clients: dict[int, socket.socket]) -> None:
    while clients:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with clients.pop(pid) as client, suppress(BrokenPipeError):  # who started it may not want to know
            client.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def become(request: dict[str, Any]) -> None:
    """Take over what the program would have been started with, and run it to its end."""
    if request["session"]:
        os.setsid()
    os.chdir(request["cwd"])
    # What an interpreter looks at when it starts is the same for both, and in the C locale it adds LC_CTYPE to it.
    started_with = _looked_at(os.environ)
    os.environ.clear()
    os.environ.update({**request["env"], **started_with})
    for number, end in enumerate(request["streams"]):
        os.dup2(end, number)
        os.close(end)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = _stream(getattr(sys, name), number)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    *flags, kind, program = request["begin"]
    sys.argv = [kind, *request["words"]]
    if flags != ["-P"]:
        sys.path.insert(0, request["cwd"] if kind == "-m" else "")
    if kind == "-m":
        runpy.run_module(program, run_name="__main__", alter_sys=True)
    else:
        exec(program, {"__name__": "__main__"})


def _stream(fresh: Any, number: int) -> Any:
    """A stream as `fresh` was at the start of this interpreter, on what the number stands for now."""
    mode, buffering = ("r", -1) if number == 0 else ("w", 1 if number == 2 else -1)
    return open(number, mode, buffering, fresh.encoding, fresh.errors, "\n", closefd=False)


if __name__ == "__main__":
    exec(sys.argv[2], {})
    become(serve(socket.socket(fileno=int(sys.argv[1]))))
