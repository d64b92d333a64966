"""How tasks get on: build → rebuildSRPM → buildArch → tagBuild, on builders, in time.

Nothing runs by itself: `catch_up` carries out what is due at the clock's time, before each call is answered.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from .records import (  # fmt: skip
    ASSIGNED,
    BUILD_CANCELED,
    BUILD_FAILED,
    BUILDING,
    CANCELED,
    CLOSED,
    COMPLETE,
    DELETED,
    ENDED,
    FAILED,
    OPEN,
    Build,
    Host,
    HubError,
    Tag,
    Tagging,
    Task,
)
from .srpms import Srpm

ROOT_LOG = b"""\
DEBUG util.py:417:  Mock Version: 1.2 (stand-in)
DEBUG util.py:417:  chroot init of epel7-infra-build-13-1 for ppc64le
DEBUG util.py:417:  Executing command: yum-builddep %s.src.rpm
DEBUG util.py:417:  Error: No Package found for python-flask
DEBUG util.py:417:  nothing provides python-flask needed by this package on ppc64le
"""
LOGS = ("state.log", "hw_info.log", "mock_output.log", "root.log", "mock_config.log")
MOCK_30 = "error building package (arch noarch), mock exited with status 30; see root.log for more information"


@dataclass(frozen=True)
class Pace:
    """Seconds: before a task is made, until it is assigned, until it is opened, its work, and after it."""

    before: float = 0.0
    assign: float = 0.0
    open: float = 0.0
    work: float = 0.0
    after: float = 0.0


@dataclass
class Machine:
    """The hub's world. clock: seconds since 1970; pace: of the nth task of a method; robot: seconds until a build is
    moved to stg, None for never; route: the builders of the buildArch tasks to come, the last one for all others;
    failure: the fault and logs of builds on good builders, None for good ones.
    """

    clock: Callable[[], float]
    pace: Callable[[str, int], Pace] = lambda _method, _number: Pace()
    robot: float | None = 0.1
    route: list[str] = field(default_factory=lambda: ["buildx86"])
    failure: tuple[HubError, dict[str, bytes]] | None = None
    missing: bool = True  # python-flask, on every architecture but x86_64
    tag_fault: HubError | None = None
    label: str = "noarch"  # of the buildArch tasks: the architecture of the RPM
    first_build: int = 3
    holding: set[str] = field(default_factory=set)  # methods whose tasks stay open until a test lets them go
    hosts: dict[str, Host] = field(default_factory=dict)
    tags: dict[str, Tag] = field(default_factory=dict)
    tasks: dict[int, Task] = field(default_factory=dict)
    builds: dict[str, Build] = field(default_factory=dict)
    listing: list[Tagging] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)
    users: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._ids = itertools.count(15)
        self._made: dict[str, int] = {}
        self._now = 0.0

    def catch_up(self) -> None:
        """Carry out everything that is due by now."""
        while self._due and self._due[0][0] <= self.clock():
            self._now, _, act = heapq.heappop(self._due)
            act()
        self._now = self.clock()

    def submit(self, path: str, target: str, options: dict[str, object], owner: int) -> int:
        """A build task; nothing is checked yet, that is the task's own work."""
        self._now = self.clock()
        task, pace = self._task("build", [path, target, options], owner, None)
        self._run(self._build(task, pace))
        return task.id

    def move(self, build: Build, to: Tag, origin: Tag | None, owner: int) -> int:
        """A tagBuild task of its own."""
        self._now = self.clock()
        request: list[object] = [to.id, build.id, False, origin.id if origin else None]
        task, pace = self._task("tagBuild", request, owner, None)
        task.priority = 10
        self._run(self._tag_task(task, pace, build, to, origin))
        return task.id

    def cancel(self, top: Task) -> None:
        """Cancel a task, its children, and the build they make; nothing happens to what has ended."""
        if top.state in ENDED:
            return
        for task in (top, *(t for t in self.tasks.values() if t.parent == top.id)):
            if task.state not in ENDED:
                task.state, task.ended = CANCELED, self._now
        for build in self.builds.values():
            if build.task == top.id and build.state == BUILDING:
                build.state, build.ended = BUILD_CANCELED, self._now

    def put(self, nvr: str, tag: str | None, state: int = COMPLETE) -> Build:
        """A build that is there already, in `tag`."""
        name, version, release = nvr.rsplit("-", 2)
        number = self.first_build + len(self.builds)
        build = Build(number, name, version, release, f"{nvr}.src.rpm", 2, self.users[2], 0, self.clock(), state)
        build.ended = self.clock()
        self.builds[nvr] = build
        if tag:
            self.listing.append(Tagging(build, self.tags[tag], self.users[2], self.clock()))
        return build

    def tags_of(self, build: Build) -> list[Tag]:
        """The tags that a build is in."""
        return [row.tag for row in self.listing if row.build is build and row.revoked is None]

    def retag(self, build: Build, to: Tag, origin: Tag | None, who: str) -> None:
        """Put a build into a tag and take it out of another."""
        if origin:
            self.untag(build, origin, who)
        self.listing.append(Tagging(build, to, who, self._now))

    def untag(self, build: Build, tag: Tag, who: str) -> None:
        """Take a build out of a tag."""
        for row in self.listing:
            if row.build is build and row.tag is tag and row.revoked is None:
                row.revoked, row.revoker = self.clock(), who

    # A task's life is a generator that yields the seconds it waits; it ends when the task was cancelled meanwhile.

    def _run(self, life: Generator[float, None, None]) -> None:
        def step() -> None:
            wait = next(life, None)
            if wait is not None:
                heapq.heappush(self._due, (self._now + wait, next(self._order), step))

        step()

    def _task(self, method: str, request: list[object], owner: int, parent: Task | None) -> tuple[Task, Pace]:
        number = self._made[method] = self._made.get(method, 0) + 1
        task = Task(next(self._ids), method, request, owner, self._now)
        if parent:
            task.parent, task.priority = parent.id, parent.priority - 1
        self.tasks[task.id] = task
        return task, self.pace(method, number)

    def _next_pace(self, method: str) -> Pace:
        return self.pace(method, self._made.get(method, 0) + 1)

    def _begin(self, task: Task, pace: Pace, host: Host) -> Generator[float, None, None]:
        """Assigned, opened."""
        yield pace.assign
        _alive(task)
        task.state, task.host = ASSIGNED, host.id
        yield pace.open
        _alive(task)
        task.state, task.started = OPEN, self._now

    def _work(self, task: Task, pace: Pace) -> Generator[float, None, None]:
        yield pace.work
        while task.method in self.holding and task.state not in ENDED:
            yield 0.01

    def _end(self, task: Task, fault: HubError | None = None) -> None:
        if task.state not in ENDED:
            task.state, task.ended, task.fault = (FAILED if fault else CLOSED), self._now, fault

    def _build(self, top: Task, pace: Pace) -> Generator[float, None, None]:
        home = next(iter(self.hosts.values()))
        srpm = Srpm.read(PurePosixPath(str(top.request[0])).name, self.uploads.get(str(top.request[0]), b""))
        build: Build | None = None
        try:
            yield from self._begin(top, pace, home)
            rebuilt = yield from self._rebuild(top, home)
            build = self._recycle(srpm, top)
            yield from self._build_arch(top, srpm, rebuilt)
            if build:
                build.state, build.ended = COMPLETE, self._now
                yield from self._tag_candidate(top, build, home)
            yield pace.after
            self._end(top)
        except HubError as fault:
            yield pace.after
            if build and build.state == BUILDING and build.task == top.id and top.state not in ENDED:
                build.state, build.ended = BUILD_FAILED, self._now
            self._end(top, fault)

    def _child(
        self, top: Task, method: str, label: str, request: list[object]
    ) -> Generator[float, None, tuple[Task, Pace]]:
        yield self._next_pace(method).before
        _alive(top)
        task, pace = self._task(method, request, top.owner, top)
        task.label = label
        return task, pace

    def _rebuild(self, top: Task, host: Host) -> Generator[float, None, Task]:
        request = [top.request[0], 2, {"repo_id": 1, "scratch": top.request[2].get("scratch")}]
        task, pace = yield from self._child(top, "rebuildSRPM", "srpm", request)
        yield from self._begin(task, pace, host)
        yield from self._work(task, pace)
        self._end(task)
        yield pace.after
        return task

    def _recycle(self, srpm: Srpm, top: Task) -> Build | None:
        """kojihub's recycle_build: the row appears, or the NVR cannot be built (KOJI.md, section 5)."""
        _alive(top)
        if top.request[2].get("scratch"):
            return None
        if srpm.name not in self.tags["epel7-infra-candidate"].packages:
            raise HubError("BuildError", f"package {srpm.name} not in list for tag epel7-infra-candidate")
        nvr, old = srpm.nvr, self.builds.get(srpm.nvr)
        if old and old.state == BUILDING:
            raise HubError("GenericError", f"Build already in progress (task {old.task})")
        if old and old.state in (COMPLETE, DELETED):
            state = "COMPLETE" if old.state == COMPLETE else "DELETED"
            raise HubError("GenericError", f"Build already exists (id={old.id}, state={state}): {{'name': …}}")
        number = old.id if old else len(self.builds) + self.first_build
        row = Build(number, srpm.name, srpm.version, srpm.release, f"{nvr}.src.rpm", top.owner, self.users[top.owner],
                    top.id, self._now)  # fmt: skip
        self.builds[nvr] = row
        return row

    def _build_arch(self, top: Task, srpm: Srpm, rebuilt: Task) -> Generator[float, None, None]:
        source = f"tasks/{rebuilt.id}/{rebuilt.id}/{PurePosixPath(top.request[0]).name}"
        task, pace = yield from self._child(top, "buildArch", self.label, [source, 2, self.label, True, {"repo_id": 1}])
        host = self._choose(srpm)
        yield from self._begin(task, pace, host)
        task.logs = dict.fromkeys(LOGS, b"")
        yield from self._work(task, pace)
        _alive(task)
        fault, logs = self._outcome(host, srpm)
        task.logs |= logs
        self._end(task, fault)
        yield pace.after
        if fault:
            raise fault

    def _choose(self, srpm: Srpm) -> Host:
        """A host of the route, unless the spec pins the architecture to another (builder/kojid choose_taskarch)."""
        name = self.route.pop(0) if len(self.route) > 1 else self.route[0]
        arches = self.tags["epel7-infra-build"].arches.split()
        allowed = [arch for arch in arches if srpm.allows(arch)]
        fitting = [host for host in self.hosts.values() if set(host.arches.split()) & set(allowed)]
        return self.hosts[name] if self.hosts[name] in fitting else fitting[0]

    def _outcome(self, host: Host, srpm: Srpm) -> tuple[HubError | None, dict[str, bytes]]:
        if self.missing and "x86_64" not in host.arches.split():
            return HubError("BuildError", MOCK_30), {"root.log": ROOT_LOG % srpm.nvr.encode()}
        return self.failure or (None, {})

    def _tag_candidate(self, top: Task, build: Build, host: Host) -> Generator[float, None, None]:
        candidate = self.tags["epel7-infra-candidate"]
        task, pace = yield from self._child(top, "tagBuild", "tag", [candidate.id, build.id, False, None, True])
        yield from self._begin(task, pace, host)
        yield from self._work(task, pace)
        self._end(task, self.tag_fault)
        if self.tag_fault:
            raise self.tag_fault
        self.retag(build, candidate, None, build.owner_name)
        if self.robot is not None:
            self._run(self._robot(build, self.robot))

    def _robot(self, build: Build, delay: float) -> Generator[float, None, None]:
        yield delay
        candidate = self.tags["epel7-infra-candidate"]
        if candidate in self.tags_of(build):
            self.retag(build, self.tags["epel7-infra-stg"], candidate, "robot")

    def _tag_task(
        self, task: Task, pace: Pace, build: Build, to: Tag, origin: Tag | None
    ) -> Generator[float, None, None]:
        try:
            yield from self._begin(task, pace, next(iter(self.hosts.values())))
        except HubError:
            return
        yield from self._work(task, pace)
        names = [tag.name for tag in self.tags_of(build)]
        if to.name in names:
            self._end(task, HubError("TagError", f"build {build.nvr} already tagged ({to.name})"))
        elif origin and origin.name not in names:
            self._end(task, HubError("TagError", f"build {build.nvr} not in tag {origin.name}"))
        else:
            self.retag(build, to, origin, self.users[task.owner])
            self._end(task)


def _alive(task: Task) -> None:
    """A task that was cancelled does nothing more; if it is a child, its parent fails by that."""
    if task.state in ENDED:
        raise HubError("GenericError", f"Task {task.id} is canceled")
