"""Others are told when a run begins and how it ended, by a program of its own, which does not hold the run up."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from . import variables

if TYPE_CHECKING:
    from ..inventory.around import Notify
    from ..journal.coding import Entry
    from ..journal.file import Journal

LEFT = "it was not waited for"
ENDED = "the notifier exited without answering"


@contextmanager
def notifying(
    targets: Mapping[str, Notify], journal: Journal, warn: Callable[[str], None]
) -> Iterator[Callable[[], None]]:
    """Tell `targets` that a run begins, when the given function is called, and at the end of the block how it ended.

    targets: by their places in hosts.yml; ${NAME} is what the environment holds; warn: is told in a sentence who
    could not be told. Where the function was not called there was no run; without targets nothing is started.
    """
    addresses, problems = _addresses(targets, os.environ)
    seconds = max((one.seconds for one in targets.values()), default=0.0)
    tellers: list[subprocess.Popen[str]] = []

    def begins() -> None:
        if addresses:
            tellers.append(_begin(addresses, seconds, journal.entries))

    try:
        yield begins
    finally:
        for teller in tellers:
            problems += _end(teller, addresses, seconds, journal.entries)
        for problem in problems:
            warn(problem)


def _addresses(targets: Mapping[str, Notify], environment: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The addresses by the name that a warning may use for them, and what is missing in the environment."""
    addresses, problems = {}, []
    for place, target in targets.items():
        scheme = target.notify.partition(":")[0]
        # Never the address: it holds a token. Nor a scheme that comes out of the environment.
        name = place + (f" ({scheme})" if re.fullmatch("[a-z][a-z0-9+-]*", scheme) else "")
        if missing := variables.missing(target.notify, environment):
            problems.append(f"{name} was not told: {', '.join(missing)} is not set in the environment")
        else:
            addresses[name] = variables.filled(target.notify, environment)
    return addresses, problems


def _begin(addresses: Mapping[str, str], seconds: float, entries: Sequence[Entry]) -> subprocess.Popen[str]:
    """Tell the beginning. What tells it loads its libraries while the run goes on, and waits for the end.

    A session of its own: Ctrl-C is for the run, not for this. Addresses go through a pipe, so that `ps` has none.
    """
    teller = subprocess.Popen(
        [sys.executable, "-m", "tasks.around.send"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        cwd=Path(__file__).parents[2],  # where `tasks` is
    )
    assert teller.stdin
    with suppress(OSError):  # it has died; its missing answer will say so
        teller.stdin.write(_line("begin", addresses, seconds, entries))
        teller.stdin.flush()
    return teller


def _end(
    teller: subprocess.Popen[str], addresses: Mapping[str, str], seconds: float, entries: Sequence[Entry]
) -> list[str]:
    """Tell the end; returns what could not be told and why, once for each address. Ends what takes too long.

    Who presses Ctrl-C meanwhile ends the waiting, and nothing else: how the run ended is still to be said.
    """
    silence = ENDED
    try:
        said, _ = teller.communicate(_line("end", addresses, seconds, entries), timeout=seconds)
    except (subprocess.TimeoutExpired, KeyboardInterrupt) as error:
        silence = f"no answer in {seconds:.0f} s" if isinstance(error, subprocess.TimeoutExpired) else LEFT
        teller.kill()
        said, _ = teller.communicate()
    except OSError:  # it died before it heard of the end
        assert teller.stdout
        with teller.stdout:
            said = teller.stdout.read()
        teller.wait()
    answers = dict(line.split("\t", 1) for line in said.splitlines() if "\t" in line)
    problems = []
    for name in addresses:
        wrong = [answer for event in ("begin", "end") if (answer := answers.get(f"{event} {name}", silence)) != "told"]
        if wrong:
            problems.append(f"{name} was not told: {wrong[-1]}")
    return problems


def _line(event: str, addresses: Mapping[str, str], seconds: float, entries: Sequence[Entry]) -> str:
    task = {"event": event, "entries": [entry.raw for entry in entries], "addresses": addresses, "seconds": seconds}
    return json.dumps(task) + "\n"
