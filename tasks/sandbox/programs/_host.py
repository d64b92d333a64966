"""What every program needs: the host that it runs on, words to say, faults to obey."""

from __future__ import annotations

import os
import sys
import time

from . import _faults, _files, _light
from ._ends import NoFleet, Quit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn


class Host:
    """The host a program was started on: `root` is its file system, `home` the whole sandbox; `program` how
    the program was called.
    """

    def __init__(self, root: str, program: str = "") -> None:
        self.root, self.program = root, program
        hosts, self.name = os.path.split(root)
        self.home = os.path.dirname(hosts)
        self._fleet: dict[str, Any] | None = None

    @property
    def fleet(self) -> dict[str, Any]:
        """fleet.json: ports, sets, pace, the application."""
        if self._fleet is None:
            self._fleet = _files.read_json(os.path.join(self.home, "fleet.json"))
        return self._fleet

    @property
    def app(self) -> dict[str, Any]:
        """The application: package, service, commands and files, page (see played.py)."""
        app: dict[str, Any] = self.fleet["app"]
        return app

    @property
    def package(self) -> str:
        """What its package is called."""
        package: str = self.app["package"]
        return package

    @property
    def set_name(self) -> str:
        """The host set this host is in."""
        name: str = self.fleet["hosts"][self.name]["set"]
        return name

    @property
    def database(self) -> str:
        """The one database that the hosts of the set share."""
        return os.path.join(self.home, "databases", f"{self.set_name}.sqlite")

    def state(self) -> dict[str, Any]:
        """This host's state, as it is now."""
        return _files.read_state(self.home, self.name)

    def change(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Edit this host's state under its lock."""
        _files.change_state(self.home, self.name, change)

    def path(self, name: str) -> str:
        """The file that the operator means: /etc/x is this host's, a relative name starts at the current folder."""
        if name.startswith("/") and not f"{name}/".startswith(f"{self.root}/"):
            return os.path.join(self.root, name.lstrip("/"))
        return os.path.join(os.getcwd(), name)

    def event(self, argv: list[str], phase: str, status: int | None = None) -> None:
        """Write down that a program began or ended."""
        event: dict[str, Any] = {"t": time.monotonic(), "host": self.name, "argv": argv, "phase": phase}
        event["pid"] = os.getpid()
        if status is not None:
            event["exit"] = status
        _files.append_line(os.path.join(self.home, "events.jsonl"), event)

    def work(self, seconds: float) -> None:
        """Take the time that the real program would take, at the sandbox's pace."""
        self.wait(seconds * float(self.fleet["pace"]))

    def wait(self, seconds: float | None) -> None:
        """Sleep, None for ever. A host without power runs nothing: the process dies when the fleet does."""
        if seconds is not None and seconds <= 0:
            return
        import select

        from . import _control  # sockets take as long to load as what many programs do

        try:
            line = _control.dial(self.home, "hold", host=self.name)
        except NoFleet:
            self._die()
        try:
            if select.select([line], [], [], seconds)[0]:
                self._die()
        finally:
            line.close()

    def _die(self) -> NoReturn:
        os.kill(os.getpid(), _light.SIGKILL)
        raise AssertionError("SIGKILL cannot be survived")

    def obey(self, step: str, fail: Callable[[], None], nothing: str = "") -> None:
        """Carry out the faults that wait for this step.

        fail: says what the real program says and leaves with Quit. nothing: what it says when it changes nothing.
        """
        kinds = _faults.PROGRAM_KINDS - (_faults.HTTPD_KINDS if step == "health" else frozenset())
        for fault in _faults.take(self.home, self.name, step, kinds):
            match fault["kind"]:
                case "fail":
                    fail()
                case "nothing":
                    say(nothing) if nothing else None
                    raise Quit(0)
                case "slow":
                    self.wait(fault["seconds"])
                case "hang":
                    self.wait(None)
                case cut:  # drop, down, restart
                    from . import _control

                    _control.ask(self.home, cut, host=self.name)
                    if cut != "drop":  # nothing of before outlives a host
                        self._die()


def say(text: str = "", end: str = "\n") -> None:
    """Print to stdout at once, as programs that talk to a person do."""
    print(text, end=end, flush=True)


def complain(text: str, end: str = "\n") -> None:
    """Print to stderr at once."""
    print(text, end=end, file=sys.stderr, flush=True)


def not_known(program: str, args: list[str]) -> Quit:
    """The end of what the real program can do and this one cannot: no answer is better than a wrong one."""
    complain(f"{program}: not known here: {' '.join(args)}")
    return Quit(2)


def log(text: str) -> None:
    """Print to stderr like Python's logging: a closed stderr is not an error."""
    try:
        complain(text)
    except OSError:
        return
