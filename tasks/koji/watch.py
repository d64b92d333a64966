"""A build task watched to its end: where it runs, how it ends, and whether that is its own fault."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from ..errors import Refused, SopError
from ..fleet.output import clean
from .hub import Hub
from .hub_errors import HubFault
from .options import Bookmark
from .progress import Progress
from .settings import Build, Koji
from .tree import ENDED, Attempt, Builder, BuildState, Task, TaskState, Tree, tree

_IN_PROGRESS = re.compile(r"Build already in progress \(task (\d+)\)")
_EXISTS = re.compile(r"Build already exists \(id=\d+, state=COMPLETE\)")
_NAMED = re.compile(r"see (\S+\.log)")
_MISSING = re.compile(r".*(?:No Package found for|No matching package to install|nothing provides) .*")
_LOGS = ("build.log", "root.log", "mock_output.log")


@dataclass
class Job:
    """What a build needs on its way. user: our id; a task of somebody else is watched, never cancelled."""

    hub: Hub
    koji: Koji
    build: Build
    progress: Progress
    bookmark: Bookmark
    user: int


def look(hub: Hub, task: int) -> Tree:
    """The task and its children now, in one request. Raises Refused for a task that is no build."""
    asked = {"request": True}
    top, children = hub.together(("getTaskInfo", (task,), asked), ("getTaskChildren", (task,), asked))
    if not top or top["method"] != "build":
        found = f"is {top['method']}, no build" if top else "does not exist"
        raise Refused(f"task {task} {found}", next_line="koji list-tasks --mine --method=build")
    return tree(top, children)


def follow(job: Job, task: int) -> Attempt | int | None:
    """Watch a task to its end: None when it is built, an Attempt when it went to a wrong builder, or the number of
    the task that builds the same NVR.

    Raises SopError for a failure of the build's own, and for a task that was cancelled.
    """
    began = time.monotonic()
    while True:
        now = look(job.hub, task)
        builders = _tell(job, now)
        if now.top.state is TaskState.CLOSED:
            return None
        if now.top.state is TaskState.FAILED:
            return _failed(job, now, began)
        if now.top.state is TaskState.CANCELED:
            raise SopError(f"task {task} was cancelled", job.hub.page(task), next_line="invoke build")
        wrong = _wrong(job, now, builders)
        if wrong and now.top.owner == job.user and _cancel(job, task):
            how = "wrong builder, cancelled"
            return Attempt(task, wrong.name, wrong.arches, how, time.monotonic() - began)
        time.sleep(job.koji.poll)


def _tell(job: Job, now: Tree) -> dict[int, Builder]:
    """Show what changed; the builders of the tasks that have one."""
    builders = {}
    for task in (now.top, *now.children):
        if task.host is not None:
            host = job.hub.host(task.host)
            builders[task.id] = Builder(host["name"], host["arches"])
        job.progress.task(task, builders[task.id].name if task.id in builders else "")
    return builders


def _wrong(job: Job, now: Tree, builders: dict[int, Builder]) -> Builder | None:
    """The builder without our architecture that a noarch buildArch has been given to, if there is one.

    The label is the architecture of the RPM: one that is not noarch is on its own architecture's builder by right.
    """
    given = (builders.get(child.id) for child in now.building if child.label == "noarch" and child.state not in ENDED)
    return next((builder for builder in given if builder and not builder.has(job.koji.arch)), None)


def _cancel(job: Job, task: int) -> bool:
    """Cancel, and look whether it was: the hub answers the same to a task that had ended by then."""
    try:
        job.hub.call("cancelTask", task)
    except HubFault as fault:
        job.progress.note(f"task {task} cannot be cancelled ({fault.text}); watching it")
        return False
    return look(job.hub, task).top.state is TaskState.CANCELED


def _failed(job: Job, now: Tree, began: float) -> Attempt | int | None:
    found = examine(job.hub, now)
    other = _IN_PROGRESS.search(found.said)
    if other:
        return int(other[1])
    if _EXISTS.search(found.said):
        return None
    if found.builder and found.by_routing(job.koji.arch):
        how = f"failed, root.log: {found.missing}"
        return Attempt(now.top.id, found.builder.name, found.builder.arches, how, time.monotonic() - began)
    if found.lines:
        job.progress.note(f"{found.log} of task {found.task.id}:")
        job.progress.lines(found.lines[-job.build.log_lines :])
    _only_untagged(job, now, found)
    raise _error(job.hub, found, now.top.id)


def _only_untagged(job: Job, now: Tree, found: Failure) -> None:
    """A failed task whose build is complete: only its tagging failed, and building again can never work."""
    builds = job.hub.call("listBuilds", taskID=now.top.id)
    if builds and builds[0]["state"] == BuildState.COMPLETE:
        target = job.hub.call("getBuildTarget", job.koji.target)
        raise SopError(
            f"{builds[0]['nvr']} is built, but could not be tagged: {found.said}",
            "building it again cannot help; somebody with the right has to tag it",
            next_line=f"koji tag-build {target['dest_tag_name'] if target else 'TAG'} {builds[0]['nvr']}",
        )


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


def _error(hub: Hub, failure: Failure, top: int) -> SopError:
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
