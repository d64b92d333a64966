"""From an SRPM to a finished build: the upload, the one call that must never be made twice, and wrong builders.

A noarch package may be sent to any builder, also to one for whose architecture its dependencies do not exist. That
is seen as soon as the task is assigned; it is then cancelled and submitted again from the same upload (K3).
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import SopError, TryLater
from .hub import Hub
from .hub_errors import LostAnswer
from .progress import Progress, told
from .tree import Attempt, Task, keeps_choosing
from .watch import Job, follow, look

PIN = "ExclusiveArch: x86_64 noarch"
CHUNK = 1 << 20
_TIMES = 3  # how often an answer may be lost before we believe that it always will be
_LOOKED_AT = 50  # the user's newest build tasks: more than anybody starts while an answer is lost


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


def upload(hub: Hub, srpm: Path, progress: Progress) -> str:
    """Send the SRPM in chunks, each repeatable, to a path that nobody else has; that path is returned.

    The path is also the submission's name: by it a task is found whose number never reached us.
    """
    folder = f"cli-build/{time.time():.6f}.{secrets.token_hex(4)}"
    size, sent = srpm.stat().st_size, 0
    with srpm.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            hub.call("rawUpload", chunk, sent, folder, srpm.name, overwrite=True)
            sent += len(chunk)
            progress.uploaded(sent, size)
    stored = hub.call("checkUpload", folder, srpm.name)
    if not stored or int(stored["size"]) != size:
        raise TryLater(f"the hub has {stored['size'] if stored else 'nothing'} of the {size} bytes of {srpm.name}")
    return f"{folder}/{srpm.name}"


def call_build(hub: Hub, submission: Submission, user: int, progress: Progress) -> int:
    """Have it built; the task's id, also when the answer with it was lost.

    Raises TryLater when answers are lost again and again.
    """
    for _ in range(_TIMES):
        try:
            return int(hub.once("build", submission.path, submission.target, submission.options))
        except LostAnswer as lost:
            progress.note(f"build: {lost}; looking for its task by the upload's path")
        found = find(hub, submission, user)
        if found:
            return found
    raise TryLater("the hub does not answer to build, and no task of it exists")


def find(hub: Hub, submission: Submission, user: int) -> int | None:
    """The task that was made of this submission, if there is one; it may have ended before anybody looked."""
    newest = {"order": "-id", "limit": _LOOKED_AT}
    tasks = hub.call("listTasks", {"owner": user, "method": "build", "decode": True}, newest)
    ours = (task["id"] for task in tasks if task.get("request") and task["request"][0] == submission.path)
    return max((task for task in ours if task > submission.after), default=None)


def open_tasks(hub: Hub, user: int) -> list[dict[str, Any]]:
    """Our own build tasks that have not ended; the build's row comes late, only after rebuildSRPM."""
    wanted = {"owner": user, "method": "build", "decode": True, "state": [0, 1, 4]}
    tasks: list[dict[str, Any]] = hub.call("listTasks", wanted)
    return [task for task in tasks if task.get("request")]


def build(job: Job, submission: Submission | None, task: int | None = None) -> int:
    """Submit (or follow `task`) until it is built on a builder of the right architecture; the task that did it.

    submission: taken from the task itself when there is none. Raises SopError for a build that failed by its own
    fault (K4), for a spent number of attempts, and for a hub that keeps choosing the same wrong builder.
    """
    attempts: list[Attempt] = []
    while True:
        if task is None:
            assert submission  # a task that is followed brings its own
            task = submit(job, submission)
        job.bookmark.task = task
        lost = follow(job, task)
        if lost is None:
            return task
        if isinstance(lost, int):
            job.progress.note(f"task {lost} builds the same: following it")
            task = lost
            continue
        job.bookmark.task = None  # it is over, whatever interrupts us from here on
        attempts.append(lost)
        job.progress.lost(lost, len(attempts))
        _worth_another(job, attempts)
        submission = Submission.of(look(job.hub, task).top)
        task = None


def submit(job: Job, submission: Submission) -> int:
    """Submit and say so; the task's id. After Ctrl-C the bookmark knows the task, if the hub has one."""
    try:
        task = call_build(job.hub, submission, job.user, job.progress)
        job.bookmark.task = task
        job.progress.note(f"submitted: task {task}, {job.hub.page(task)}")
    except KeyboardInterrupt:
        job.bookmark.task = job.bookmark.task or find(job.hub, submission, job.user)
        raise
    return task


def _worth_another(job: Job, attempts: list[Attempt]) -> None:
    """Stop at the limit, and before it when the hub does not draw lots but always chooses the same one."""
    last, spec_line = attempts[-1], f"add to the spec: {PIN}"
    if keeps_choosing(attempts, job.koji.same_builder):
        times = f"{job.koji.same_builder} times in a row"
        problem = f"the hub chose {last.builder} ({last.arch}) {times}: submitting again will not help"
    elif len(attempts) >= job.koji.attempts:
        problem = f"{len(attempts)} attempts, and no builder with {job.koji.arch}"
    else:
        return
    lost = [f"attempt {n}: {told(attempt)}" for n, attempt in enumerate(attempts, 1)]
    raise SopError(problem, *lost, next_line=f"{spec_line}, and then: invoke build")
