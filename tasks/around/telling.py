"""Around a run: its beginning and end are told by a program of its own, which costs the run five seconds at most."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..journal.coding import Entry
    from ..journal.file import Journal

SECONDS = 5.0  # that a target which does not answer may cost, in all
LATE = f"no answer in {SECONDS:.0f} s"
LEFT = "it was not waited for"
ENDED = "the notifier exited without answering"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@contextmanager
def notifying(targets: Sequence[str], journal: Journal, warn: Callable[[str], None]) -> Iterator[Callable[[], None]]:
    """Tell `targets` that a run begins, when the given function is called, and at the end of the block how it ended.

    targets: addresses as in hosts.yml, with ${NAME} for what the environment holds; warn: is told in a sentence who
    could not be told. Where the function was not called there was no run; without targets nothing is started.
    """
    addresses, problems = _addresses(targets, os.environ)
    tellers: list[subprocess.Popen[str]] = []

    def begins() -> None:
        if addresses:
            tellers.append(_begin(addresses, journal.entries))

    try:
        yield begins
    finally:
        for teller in tellers:
            problems += _end(teller, addresses, journal.entries)
        for problem in problems:
            warn(problem)


def _addresses(targets: Iterable[str], environment: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The addresses by the name that a warning may use for them, and what is missing in the environment."""
    addresses, problems = {}, []
    for number, target in enumerate(targets):
        scheme = target.partition(":")[0]
        # Never the address: it holds a token. Nor a scheme that comes out of the environment.
        name = f"notify[{number}]" + (f" ({scheme})" if re.fullmatch("[a-z][a-z0-9+-]*", scheme) else "")
        missing = [variable for variable in _VARIABLE.findall(target) if not environment.get(variable)]
        if missing:
            problems.append(f"{name} was not told: {', '.join(missing)} is not set in the environment")
        else:
            addresses[name] = _VARIABLE.sub(lambda found: environment[found[1]], target)
    return addresses, problems


def _begin(addresses: Mapping[str, str], entries: Sequence[Entry]) -> subprocess.Popen[str]:
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
        teller.stdin.write(_line("begin", addresses, entries))
        teller.stdin.flush()
    return teller


def _end(teller: subprocess.Popen[str], addresses: Mapping[str, str], entries: Sequence[Entry]) -> list[str]:
    """Tell the end; returns what could not be told and why, once for each address. Ends what takes too long.

    Who presses Ctrl-C meanwhile ends the waiting, and nothing else: how the run ended is still to be said.
    """
    silence = ENDED
    try:
        said, _ = teller.communicate(_line("end", addresses, entries), timeout=SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt) as error:
        silence = LATE if isinstance(error, subprocess.TimeoutExpired) else LEFT
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


def _line(event: str, addresses: Mapping[str, str], entries: Sequence[Entry]) -> str:
    task = {"event": event, "entries": [entry.raw for entry in entries], "addresses": addresses, "seconds": SECONDS}
    return json.dumps(task) + "\n"
