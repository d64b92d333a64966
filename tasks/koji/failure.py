"""Why a build task failed: the hub's words, and the last lines of the log that they mean."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import SopError
from ..fleet.output import clean
from .hub import Hub
from .hub_errors import HubFault
from .tree import Builder, Task, Tree

_NAMED = re.compile(r"see (\S+\.log)")
_MISSING = re.compile(r".*(?:No Package found for|No matching package to install|nothing provides) .*")
_LOGS = ("build.log", "root.log", "mock_output.log")


@dataclass(frozen=True)
class Failure:
    """task: the one that failed; said: the hub's words; log: its name; lines: all of it; builder: where it ran."""

    task: Task
    said: str
    log: str
    lines: tuple[str, ...]
    builder: Builder | None

    @property
    def missing(self) -> str:
        """The line of root.log that says a package is not there for this architecture, or empty."""
        if self.log != "root.log" or self.task.method != "buildArch":
            return ""
        return next((line for line in self.lines if _MISSING.fullmatch(line)), "")

    def by_routing(self, arch: str) -> bool:
        """Was it the builder's fault: wrong architecture and a package that is missing there? Both, or it is real."""
        return self.builder is not None and not self.builder.has(arch) and bool(self.missing)


def examine(hub: Hub, tree: Tree) -> Failure:
    """What is known of the failure of `tree`: from the child that failed, or from the build task itself."""
    task = tree.failed or tree.top
    said = _said(hub, task)
    log, lines = _log(hub, task, said)
    return Failure(task, said, log, lines, _builder(hub, task))


def error(hub: Hub, failure: Failure, top: int) -> SopError:
    """The end that a real failure is (K4)."""
    where = f" on {failure.builder.name} ({failure.builder.arches})" if failure.builder else ""
    return SopError(
        f"task {failure.task.id} {failure.task.name}{where}: {failure.said}",
        hub.page(top),
        next_line="mend it, and invoke build",
    )


def _said(hub: Hub, task: Task) -> str:
    try:
        result = hub.call("getTaskResult", task.id, raise_fault=False)
    except HubFault as fault:
        return clean(fault.text.strip().rsplit("\n", 1)[-1])
    text = result.get("faultString", "") if isinstance(result, dict) else ""
    return clean(str(text).strip().rsplit("\n", 1)[-1]) or "no reason given"


def _log(hub: Hub, task: Task, said: str) -> tuple[str, tuple[str, ...]]:
    present = hub.call("listTaskOutput", task.id)
    named = _NAMED.search(said)
    wanted = [name for name in ((named[1],) if named else ()) + _LOGS if name in present]
    if not wanted:
        return "", ()
    content: bytes = hub.call("downloadTaskOutput", task.id, wanted[0])
    text = bytes(content).decode("utf-8", "replace")
    return wanted[0], tuple(clean(line) for line in text.splitlines() if line.strip())


def _builder(hub: Hub, task: Task) -> Builder | None:
    """Where it ran: the buildroot knows the architecture exactly, the host only what it could have been."""
    if task.host is None:
        return None
    host = hub.call("getHost", task.host)
    roots = hub.call("listBuildroots", taskID=task.id)
    return Builder(host["name"], roots[0]["arch"] if roots else host["arches"])
