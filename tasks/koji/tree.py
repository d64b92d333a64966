"""A build's tasks as values: `build` on top, below it rebuildSRPM, buildArch, tagBuild. Nothing here asks the hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import PurePosixPath
from typing import Any


class TaskState(IntEnum):
    """koji.TASK_STATES."""

    FREE = 0
    OPEN = 1
    CLOSED = 2
    CANCELED = 3
    ASSIGNED = 4
    FAILED = 5


class BuildState(IntEnum):
    """koji.BUILD_STATES."""

    BUILDING = 0
    COMPLETE = 1
    DELETED = 2
    FAILED = 3
    CANCELED = 4


ENDED = frozenset({TaskState.CLOSED, TaskState.CANCELED, TaskState.FAILED})
OPEN = [state.value for state in TaskState if state not in ENDED]  # as listTasks wants it


@dataclass(frozen=True)
class Task:
    """One task; host: the builder's id, known from the moment it is assigned."""

    id: int
    method: str
    label: str
    state: TaskState
    host: int | None
    owner: int | None
    request: tuple[Any, ...]

    @property
    def name(self) -> str:
        """`buildArch (noarch)`."""
        return f"{self.method} ({self.label})" if self.label else self.method

    @property
    def noarch(self) -> bool:
        """Does it make noarch RPMs? The label is their architecture; others are on its own builders by right."""
        return self.label == "noarch"


@dataclass(frozen=True)
class Tree:
    """A build task and its children, as they were at one moment."""

    top: Task
    children: tuple[Task, ...]

    @property
    def building(self) -> tuple[Task, ...]:
        """The tasks that decide where it is built; the top task's own host says nothing about that."""
        return tuple(child for child in self.children if child.method == "buildArch")

    @property
    def failed(self) -> Task | None:
        """The child that failed, if it was a child: buildArch before others."""
        failed = [child for child in (*self.building, *self.children) if child.state is TaskState.FAILED]
        return failed[0] if failed else None


@dataclass(frozen=True)
class Submission:
    """What `build` is called with: the uploaded SRPM's path on the hub, the target, options (`scratch`).

    after: the last task that was made of the same upload; this submission's own has a higher number.
    """

    path: str
    target: str
    options: dict[str, Any] = field(default_factory=dict)
    after: int = 0

    @classmethod
    def of(cls, task: Task) -> Submission:
        """The submission that a build task was made of; its upload can be built again."""
        path, target, *rest = task.request
        return cls(path, target, rest[0] if rest and isinstance(rest[0], dict) else {}, after=task.id)

    @property
    def scratch(self) -> bool:
        """Is it only to be looked at? Then it has no NVR on the hub, and no tag."""
        return bool(self.options.get("scratch"))

    @property
    def nvr(self) -> str:
        """The build's name, by the file's: true where the release has the builders' dist, which is checked before."""
        return PurePosixPath(self.path).name.removesuffix(".src.rpm")


@dataclass(frozen=True)
class Builder:
    """A build host and the architectures it has."""

    name: str
    arches: str

    def has(self, arch: str) -> bool:
        """Can it build for `arch`?"""
        return arch in self.arches.split()


@dataclass(frozen=True)
class Attempt:
    """A submission that ended on the wrong builder: which, how it ended, and the seconds it cost."""

    task: int
    builder: str
    arch: str
    how: str
    seconds: float


def task(answer: Mapping[str, Any]) -> Task:
    """A task out of what getTaskInfo or getTaskChildren answered."""
    return Task(
        id=answer["id"],
        method=answer["method"],
        label=answer.get("label") or "",
        state=TaskState(answer["state"]),
        host=answer.get("host_id"),
        owner=answer.get("owner"),
        request=tuple(answer.get("request") or ()),
    )


def tree(top: Mapping[str, Any], children: Sequence[Mapping[str, Any]]) -> Tree:
    """The tree out of the answers to getTaskInfo and getTaskChildren."""
    return Tree(task(top), tuple(sorted(map(task, children), key=lambda child: child.id)))


def keeps_choosing(attempts: Sequence[Attempt], times: int) -> bool:
    """Did the last `times` attempts all end on one builder? An idle hub ranks (since 1.34)."""
    last = attempts[-times:]
    return len(last) == times and len({attempt.builder for attempt in last}) == 1


def newest(answers: Sequence[Mapping[str, Any]], begin: Sequence[Any], after: int = 0) -> int | None:
    """The newest task out of what listTasks answered, above `after`, whose request begins like this."""
    ours = (a["id"] for a in answers if list(a.get("request") or ())[: len(begin)] == list(begin))
    return max((number for number in ours if number > after), default=None)
