"""README's table: the SOP beside what is typed, from the steps, the workflows and the tasks themselves."""

from __future__ import annotations

import re

from tasks.collection import namespace
from tasks.inventory.model import Host, HostSet
from tasks.sop import model, steps, workflows
from tasks.sop.nvr import Nvr
from tasks.sop.workflows import PROCEDURES

MARKS = re.compile(r"(?<=<!-- the SOP -->\n).*?(?=<!-- end -->)", re.S)
_GROUP = re.compile("^(SOP step|Upgrade|Build|Config|After a failure): ")
_HOST = Host(name="host.example")
_JOB = model.Job(
    HostSet(name="prod", hosts=(_HOST,), sync_host=_HOST.name),
    (_HOST,),
    Nvr("blockerbugs", "VERSION", "RELEASE"),
)
_STEPS = {
    "1. stop": steps.stop_httpd,
    "2. update": steps.yum_update,
    "3. migrate": steps.upgrade_db,
    "4. check": steps.sync,
    "5. start": steps.start_httpd,
    "restart": steps.restart_httpd,
}
_WORKFLOWS = {"Minor upgrade": ("minor-upgrade", workflows.minor), "Major upgrade": ("major-upgrade", workflows.major)}
_OTHERS = {
    "before: build": "invoke build",
    "before: promote": "invoke promote",
    "before: settings": "invoke push-config",
    "look": "fab prod status",
    "look back": "fab prod history",
    "for the ticket": "fab prod report",
    "go back": "fab prod rollback",
    "after a failure": "fab prod resume",
    "or": "fab prod abort",
}


def table() -> str:
    """The rows in markdown, with a heading."""
    rows = [("SOP", "typed", "does")]
    for words, (task, workflow) in _WORKFLOWS.items():
        steps = " → ".join(phase.step.name for phase in workflow(_JOB))
        rows.append((words, f"`fab stg {task}`, `fab prod {task}`", f"{_says(task)} {steps}"))
    for words, make in _STEPS.items():
        step = make(_JOB)
        once = ", once, on the sync host" if PROCEDURES[step.name].once else ""
        rows.append((words, f"`fab prod {step.name}`", f"`{step.command}`{once}"))
    rows += [(words, f"`{typed}`", _says(typed.split()[-1])) for words, typed in _OTHERS.items()]
    lines = ["| " + " | ".join(row) + " |\n" for row in rows]
    return lines[0] + "|---|---|---|\n" + "".join(lines[1:])


def _says(task: str) -> str:
    """The task's own sentence, as `fab --list` has it, without the group in front."""
    line = (namespace[task].__doc__ or "").splitlines()[0]
    said = _GROUP.sub("", line)
    return said[:1].upper() + said[1:]
