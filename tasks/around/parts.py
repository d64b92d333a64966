"""Each kind of what stands around a run: how it is looked at, begun and undone, from here or on a host."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple

from ..fleet.outcome import Outcome
from ..inventory.around import Command, Downtime, Part, Silence
from ..sop.shell import call
from . import alertmanager, command
from .occasion import Occasion

REST_SECONDS = 5.0  # that a host's answer may take beside the part's own seconds
TIMED_OUT = 124  # as coreutils' timeout ends, and the functions of shell/around.sh
BROKEN_OFF = "to begin it was broken off: it may come up yet"
Ask = Callable[[str, str, float], Outcome | str]  # a host's name, a script, seconds → its answer, or why none


@dataclass(frozen=True)
class Means:
    """ask: has a host answer; waits: is told, where something here is not done in SOON_SECONDS, and once at most."""

    ask: Ask
    waits: Callable[[], None]


class Result(NamedTuple):
    """failure: why not, in a sentence; known: is it known that nothing came of it?"""

    failure: str = ""
    known: bool = True


def look(part: Part, occasion: Occasion, means: Means) -> Result:
    """Could it be begun, as far as that can be seen?"""
    if isinstance(part, Silence):
        return _of_alertmanager(part, lambda: alertmanager.look(part)).answer(means.waits)
    if isinstance(part, Downtime):
        there = call("nagios_there", occasion.host_set.app.path(part.file))
        return _on_a_host(part, f"around_able && {there}", means)
    return _on_a_host(part, "around_able", means) if part.at else Result()


def begin(part: Part, occasion: Occasion, means: Means) -> Result:
    """Begin it, once more where it is begun already. Who leaves meanwhile by Ctrl-C is told by `end` what is left."""
    if isinstance(part, Command) and not part.at:
        return _does(part, part.begin, occasion, means)  # ended with all that it has started
    request = _of_alertmanager(part, lambda: alertmanager.begin(part, occasion)) if isinstance(part, Silence) else None
    broken_off = occasion.run, part.label
    _broken_off[broken_off] = request
    result = request.answer(means.waits) if request else _begin_on_a_host(part, occasion, means)
    _broken_off.pop(broken_off, None)  # in a thread that was left: `end` may have waited for it, and be done with it
    return result


def _begin_on_a_host(part: Part, occasion: Occasion, means: Means) -> Result:
    if isinstance(part, Downtime):
        hosts = [part.called(host) for host in occasion.host_set.hosts]
        comment = occasion.mark(occasion.run)
        words = (f"{part.seconds:g}", f"{occasion.expires:.0f}", occasion.operator.replace(";", ","), comment, *hosts)
        return _on_a_host(part, call("nagios_down", occasion.host_set.app.path(part.file), *words), means)
    return _does(part, part.begin, occasion, means) if isinstance(part, Command) else Result()


def end(part: Part, occasion: Occasion, runs: Collection[str], means: Means) -> Result:
    """Undo it, whichever of these runs has begun it; it fails where its begin was broken off and may come yet."""
    broken_off = occasion.run, part.label
    request = _broken_off.get(broken_off)
    result = _end(part, occasion, runs, means, request)
    if request and not request.is_alive() and request.result.known:
        _broken_off.pop(broken_off, None)
    return Result(BROKEN_OFF, known=False) if broken_off in _broken_off and not result.failure else result


def _end(part: Part, occasion: Occasion, runs: Collection[str], means: Means, begun: Request | None) -> Result:
    """begun: what is waited for first, and was not waited for when it was begun."""
    if isinstance(part, Silence):

        def act() -> None:
            if begun and begun.is_alive():
                begun.join(part.seconds)
            alertmanager.end(part, occasion, runs)

        return _of_alertmanager(part, act).answer(means.waits)
    if isinstance(part, Downtime):
        comments = [occasion.mark(run) for run in runs]
        words = (occasion.host_set.app.path(part.file), f"{part.seconds:g}", *comments)
        return _on_a_host(part, call("nagios_up", *words), means)
    return _does(part, part.end, occasion, means) if isinstance(part, Command) and part.end else Result()


def _does(part: Command, line: str, occasion: Occasion, means: Means) -> Result:
    if not part.at:
        failure, known = command.run(line, occasion.environment, part.seconds, means.waits)
        return Result(failure, known)
    variables = [f"{name}={value}" for name, value in occasion.environment.items()]
    return _on_a_host(part, call("around_do", f"{part.seconds:g}", line, *variables), means)


def _on_a_host(part: Part, script: str, means: Means) -> Result:
    outcome = means.ask(part.at or "", script, part.seconds + REST_SECONDS)
    if isinstance(outcome, str):
        return Result(outcome)
    return Result(outcome.failure or "", outcome.known and outcome.exited != TIMED_OUT)


class Request(threading.Thread):
    """Something that is asked in a thread of its own: who leaves meanwhile does not wait for the answer.

    act: raises nothing. It is begun by `start`, or by who asks for the answer.
    """

    def __init__(self, act: Callable[[], Result]) -> None:
        super().__init__(daemon=True)
        self._act = act
        self.result = Result(BROKEN_OFF, known=False)

    def run(self) -> None:
        """Do it, and keep what became of it."""
        self.result = self._act()

    def answer(self, waits: Callable[[], None]) -> Result:
        """What becomes of it, in the end; waits: is told where that takes longer than SOON_SECONDS."""
        if self.ident is None:
            self.start()
        self.join(command.SOON_SECONDS)
        if self.is_alive():
            waits()
            self.join()
        return self.result


def _of_alertmanager(silence: Silence, act: Callable[[], None]) -> Request:
    def asked() -> Result:
        try:
            act()
        except alertmanager.Failed as error:
            return Result(str(error), error.known)
        except Exception as error:  # noqa: BLE001  # what it says may have a token of the address
            return Result(f"{silence.silence} cannot be asked: {type(error).__name__}", known=False)
        return Result()

    return Request(asked)


_broken_off: dict[tuple[str, str], Request | None] = {}  # what is being begun, or was when somebody left: run, label
