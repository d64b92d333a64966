"""README's table: the SOP beside what is typed, from the steps, the workflows and the tasks themselves."""

from __future__ import annotations

import re

from tasks.collection import namespace
from tasks.inventory.model import Host, HostSet
from tasks.sop import model
from tasks.sop.nvr import Nvr
from tasks.sop.workflows import MAJOR, MINOR, PROCEDURES, RESTART

MARKS = re.compile(r"(?<=<!-- the SOP -->\n).*?(?=<!-- end -->)", re.S)
_GROUP = re.compile("^(SOP step|Upgrade|Build|Config|After a failure): ")
_HOST = Host(name="host.example")
_JOB = model.Job(
    HostSet(name="prod", hosts=(_HOST,), sync_host=_HOST.name),
    (_HOST,),
    Nvr("blockerbugs", "VERSION", "RELEASE"),
)
_WORKFLOWS = {"Minor upgrade": MINOR, "Major upgrade": MAJOR}
_OTHERS = {
    "before: build": "invoke build",
    "before: promote": "invoke promote",
    "before: settings": "invoke push-config",
    "look": "fab prod status",
    "look back": "fab prod history",
    "for the ticket": "fab prod report",
    "go back": "fab prod rollback",
    "out of the balancer": "fab prod drain",
    "and back": "fab prod undrain",
    "after a failure": "fab prod resume",
    "or": "fab prod abort",
    "a cut-off rpm transaction": "fab prod mend-rpm",
}


def table() -> str:
    """The rows in markdown, with a heading."""
    rows = [("SOP", "typed", "does")]
    for words, procedure in _WORKFLOWS.items():
        task, phases = procedure.name, PROCEDURES[procedure.name].phases(_JOB)
        steps = " → ".join(phase.step.name for phase in phases)
        rows.append((words, f"`fab stg {task}`, `fab prod {task}`", f"{_says(task)} {steps}"))
    typed_alone = [phase.step.name for phase in PROCEDURES[MAJOR.name].phases(_JOB) if phase.step.name in PROCEDURES]
    for number, name in enumerate([*typed_alone, RESTART.name], 1):
        step = next(phase.step for phase in PROCEDURES[name].phases(_JOB) if phase.step.name == name)
        once = ", once, on the sync host" if PROCEDURES[name].once else ""
        words = f"step {number}" if name in typed_alone else "restart"
        rows.append((words, f"`fab prod {name}`", f"`{step.command}`{once}"))
    rows += [(words, f"`{typed}`", _says(typed.split()[-1])) for words, typed in _OTHERS.items()]
    lines = ["| " + " | ".join(row) + " |\n" for row in rows]
    return lines[0] + "|---|---|---|\n" + "".join(lines[1:])


def _says(task: str) -> str:
    """The task's own sentence, as `fab --list` has it, without the group in front."""
    line = (namespace[task].__doc__ or "").splitlines()[0]
    said = _GROUP.sub("", line)
    return said[:1].upper() + said[1:]
