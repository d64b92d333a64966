"""A step that outlives its connection: shell that starts it once, keeps what it says, and follows it.

What is on the host, and the functions that are called here, are in detached.sh; only POSIX sh, coreutils and util-linux
(setsid) as EL7 has them. Everything here builds text, nothing is run.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import cache
from importlib import resources

NEVER, HELD, TAKEN_OVER, DIED = 94, 95, 96, 97  # as detached.sh and the lock's functions say it
_STEP = re.compile(r"[0-9]{2,4}-[a-z-]{1,40}(\.[0-9A-Za-z-]{1,60})?")
_STATE = re.compile("[0-9]{1,3}|runs|died|never")


@dataclass(frozen=True)
class RunFolder:
    """Where a run keeps its steps on its hosts.

    root: the folder of all runs; run: the run's id; driver: who carries it out. A host starts steps only for the
    driver it was told of last, so that a run which was taken over ends at its next step.
    """

    root: str
    run: str
    driver: str

    @property
    def folder(self) -> str:
        """The run's folder."""
        return f"{self.root}/{self.run}"


@cache
def functions() -> str:
    """The shell functions that what is built here calls."""
    return resources.files(__package__).joinpath("detached.sh").read_text(encoding="utf-8")


def call(function: str, *arguments: object) -> str:
    """A line that calls one of the shell functions, every argument quoted."""
    return " ".join([function, *(shlex.quote(str(argument)) for argument in arguments)])


def carry_out(run_folder: RunFolder, step: str, script: str, guard: str = ":") -> str:
    """Shell that starts `script` as `step` unless that was done before, follows it, and ends with its status.

    TAKEN_OVER: not started, somebody else drives; NEVER: it did not begin, and never will; DIED: it ended without a
    status; guard: shell that ends it otherwise.
    """
    return "\n".join(
        [
            call("step_open", run_folder.folder, step, mark(run_folder, step), run_folder.driver),
            guard,
            call("step_do", shlex.quote(script)),  # twice quoted: it is a word of the script that is written there
        ]
    )


def mark(run_folder: RunFolder, step: str) -> str:
    """The last line of a step's log, and an argument of its runner, by which it is told."""
    return f"{run_folder.run}/{step} ended"


def states(run_folder: RunFolder, take_over: bool = False) -> str:
    """Shell that prints `step<TAB>NAME<TAB>STATUS` for every step kept here, for `read_states`, and `driver<TAB>WHO`.

    take_over: from now on this host starts steps for `run_folder.driver` only; what has not begun never does.
    """
    return call("steps_states", run_folder.folder, run_folder.run, run_folder.driver if take_over else "")


def read_states(output: str) -> dict[str, str]:
    """What `states` printed: step → `0`, another exit status, `runs`, `died` (what it did is not known) or `never` (it
    did not begin). A folder that is no step's is left out; a state that is none is not known.
    """
    rows = (line.split("\t") for line in output.splitlines())
    steps = {row[1]: row[2] for row in rows if len(row) == 3 and row[0] == "step" and _STEP.fullmatch(row[1])}
    return {step: state if _STATE.fullmatch(state) else "died" for step, state in steps.items()}


def read_driver(output: str) -> str:
    """Who drives the run, out of what `states` printed; nothing where nobody does yet."""
    return next((line.split("\t", 1)[1] for line in output.splitlines() if line.startswith("driver\t")), "")
