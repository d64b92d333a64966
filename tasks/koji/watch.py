"""A build task watched to its end: where it runs, how it ends, and whether that is its own fault."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from ..errors import Refused, SopError
from ..fleet.output import clean
from .hub import Hub
from .hub_errors import HubFault, said
from .options import Options
from .tree import ENDED, Attempt, Builder, BuildState, Submission, Task, TaskState, Tree, tree

_IN_PROGRESS = re.compile(r"Build already in progress \(task (\d+)\)")
_EXISTS = re.compile(r"Build already exists \(id=\d+, state=COMPLETE\)")
_NAMED = re.compile(r"\b(\w+\.log)")
_MISSING = re.compile(r".*(?:No Package found for|No matching package to install|nothing provides) .*")
LOOKS_FOR_ANOTHER = 5  # for the task that builds the same NVR, `koji.poll` apart, when the first was cancelled
_LOGS = ("build.log", "root.log", "mock_output.log")


def look(hub: Hub, task: int) -> Tree:
    """The task and its children now, in one request. Raises Refused for a task that is no build."""
    asked = {"request": True}
    top, children = hub.together(("getTaskInfo", (task,), asked), ("getTaskChildren", (task,), asked))
    if not top or top["method"] != "build":
        found = f"is {top['method']}, no build" if top else "does not exist"
        raise Refused(f"task {task} {found}", next_line=hub.cli("list-tasks --mine --method=build"))
    return tree(top, children)


def follow(hub: Hub, options: Options, task: int) -> Attempt | int | None:
    """Watch a task to its end: None when it is built, an Attempt when it went to a wrong builder, or the number of
    the task that builds the same NVR.

    Raises SopError for a failure of the build's own, and for a task that was cancelled.
    """
    began = time.monotonic()
    while True:
        now = look(hub, task)
        builders = _tell(hub, options, now)
        if now.top.state is TaskState.CLOSED:
            return None
        if now.top.state is TaskState.FAILED:
            return _failed(hub, options, now, began)
        if now.top.state is TaskState.CANCELED:
            return _cancelled(hub, options, now)
        wrong = _wrong(options, now, builders)
        if wrong and now.top.owner == hub.user and _cancel(hub, options, task):
            how = "wrong builder, cancelled"
            return Attempt(task, wrong.name, wrong.arches, how, time.monotonic() - began)
        time.sleep(options.koji.poll)


def _tell(hub: Hub, options: Options, now: Tree) -> dict[int, Builder]:
    """Show what changed, and each minute what has not; the builders of the tasks that have one."""
    builders = {}
    for task in (now.top, *now.children):
        if task.host is not None:
            host = hub.host(task.host)
            builders[task.id] = Builder(host["name"], host["arches"])
        options.progress.task(task, builders[task.id].name if task.id in builders else "")
    running = [task for task in (now.top, *now.children) if task.state not in ENDED]
    if running:
        options.progress.still(running[-1], builders[running[-1].id].name if running[-1].id in builders else "")
    return builders


def _wrong(options: Options, now: Tree, builders: dict[int, Builder]) -> Builder | None:
    """The builder without our architecture that a noarch buildArch has been given to, if there is one."""
    given = (builders.get(child.id) for child in now.building if child.noarch and child.state not in ENDED)
    return next((builder for builder in given if builder and not builder.has(options.koji.arch)), None)


def _cancel(hub: Hub, options: Options, task: int) -> bool:
    """Cancel, and look whether it was: the hub answers the same to a task that had ended by then."""
    try:
        hub.change("cancelTask", task)
    except HubFault as fault:
        options.progress.note(f"task {task} cannot be cancelled ({fault.text}); watching it")
        return False
    return look(hub, task).top.state is TaskState.CANCELED


def _cancelled(hub: Hub, options: Options, now: Tree) -> int:
    """Somebody has cancelled it: the task that builds the same NVR now. Raises SopError if there is none."""
    options.bookmark.task = None
    submission = Submission.of(now.top)
    for number in range(0 if submission.scratch else LOOKS_FOR_ANOTHER):
        if number:  # a task that was just submitted has to unpack its SRPM before the hub knows what it builds
            time.sleep(options.koji.poll)
        build = hub.call("getBuild", submission.nvr)
        goes_on = build and build["state"] in (BuildState.BUILDING, BuildState.COMPLETE)
        if build and goes_on and build["task_id"] not in (None, now.top.id):
            options.progress.note(f"task {now.top.id} was cancelled")
            return int(build["task_id"])
    raise SopError(f"task {now.top.id} was cancelled", hub.page(now.top.id), next_line=options.bookmark.again)


def _failed(hub: Hub, options: Options, now: Tree, began: float) -> Attempt | int | None:
    found = examine(hub, now)
    other = _IN_PROGRESS.search(found.said)
    if other:
        return int(other[1])
    if _EXISTS.search(found.said):
        return None
    if found.builder and found.by_routing(options.koji.arch):
        how = f"failed, root.log: {found.missing}"
        return Attempt(now.top.id, found.builder.name, found.builder.arches, how, time.monotonic() - began)
    options.bookmark.task = None
    if found.lines:
        options.progress.note(f"{found.log} of task {found.task.id}:")
        options.progress.lines(found.lines[-options.build.log_lines :])
    _only_untagged(hub, options, now, found)
    where = f" on {found.builder.name} ({found.builder.arches})" if found.builder else ""
    raise SopError(
        f"task {found.task.id} {found.task.name}{where}: {found.said}",
        hub.page(now.top.id),
        next_line=f"{options.bookmark.again}  # when it is mended",
    )


def _only_untagged(hub: Hub, options: Options, now: Tree, found: Failure) -> None:
    """A failed task whose build is complete: only its tagging failed, and building again can never work."""
    builds = hub.call("listBuilds", taskID=now.top.id)
    if builds and builds[0]["state"] == BuildState.COMPLETE:
        target = hub.call("getBuildTarget", options.koji.target)
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
        if self.log != "root.log" or self.task.method != "buildArch" or not self.task.noarch:
            return ""
        return next((line for line in self.lines if _MISSING.fullmatch(line)), "")

    def by_routing(self, arch: str) -> bool:
        """Was it the builder's fault: wrong architecture and a package that is missing there? Both, or it is real."""
        return self.builder is not None and not self.builder.has(arch) and bool(self.missing)


def examine(hub: Hub, tree: Tree) -> Failure:
    """What is known of the failure of `tree`: from the child that failed, or from the build task itself."""
    task = tree.failed or tree.top
    reason = _reason(hub, task)
    log, lines = _log(hub, task, reason)
    return Failure(task, reason, log, lines, _builder(hub, task))


def _reason(hub: Hub, task: Task) -> str:
    try:
        result = hub.call("getTaskResult", task.id, raise_fault=False)
    except HubFault as fault:
        return fault.text
    return said(str(result.get("faultString", "")) if isinstance(result, dict) else "") or "no reason given"


def _log(hub: Hub, task: Task, reason: str) -> tuple[str, tuple[str, ...]]:
    """The first log that has anything in it: of those that the reason names, then of all."""
    present = hub.call("listTaskOutput", task.id)
    for name in dict.fromkeys((*_NAMED.findall(reason), *_LOGS)):
        content = bytes(hub.call("downloadTaskOutput", task.id, name)) if name in present else b""
        lines = [clean(line) for line in content.decode("utf-8", "replace").splitlines() if line.strip()]
        if lines:
            return name, tuple(lines)
    return "", ()


def _builder(hub: Hub, task: Task) -> Builder | None:
    """Where it ran: the buildroot knows the architecture exactly, the host only what it could have been."""
    if task.host is None:
        return None
    host = hub.call("getHost", task.host)
    roots = hub.call("listBuildroots", taskID=task.id)
    return Builder(host["name"], roots[0]["arch"] if roots else host["arches"])
