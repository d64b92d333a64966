"""From an SRPM to a finished build: the upload, the one call that must never be made twice, and wrong builders.

A noarch package may be sent to any builder, also to one for whose architecture its dependencies do not exist. That
is seen as soon as the task is assigned; it is then cancelled and submitted again from the same upload (K3).
"""

from __future__ import annotations

import secrets
import time
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import Refused, SopError
from .hub import Hub
from .hub_errors import LostAnswer, NotYet
from .options import Options
from .progress import Progress, told
from .tree import OPEN, Attempt, Submission, TaskState, keeps_choosing, newest
from .watch import follow, look

PIN = "ExclusiveArch: x86_64 noarch"
_LOOKED_AT = {"order": "-id", "limit": 50}  # the user's newest: more than anybody starts while an answer is lost


def upload(hub: Hub, srpm: Path, progress: Progress) -> str:
    """Send the SRPM to a path that nobody else has; that path is returned.

    The path is also the submission's name: by it a task is found whose number never reached us.
    """
    folder = f"cli-build/{time.time():.6f}.{secrets.token_hex(4)}"
    hub.upload(srpm, folder, progress.uploaded)
    return f"{folder}/{srpm.name}"


def find(hub: Hub, submission: Submission) -> int | None:
    """The newest task that was made of this submission, if there is one, also if it has ended."""
    return newest(hub.call("listTasks", _builds(hub), _LOOKED_AT), [submission.path], submission.after)


def submitted(hub: Hub, submission: Submission, again: str) -> int | None:
    """The task of an earlier session's upload, None if none was made of it, or only one that was cancelled.

    again: the line that begins anew. Raises Refused for an upload that the hub does not have.
    """
    path = PurePosixPath(submission.path)
    task = find(hub, submission)
    if task:
        return None if look(hub, task).top.state is TaskState.CANCELED else task
    if not hub.call("checkUpload", str(path.parent), path.name):
        raise Refused(f"the hub has no upload {path}, and no task of it", next_line=again)
    return None


def open_tasks(hub: Hub) -> list[dict[str, Any]]:
    """Our own build tasks that have not ended; the build's row comes late, only after rebuildSRPM."""
    tasks: list[dict[str, Any]] = hub.call("listTasks", _builds(hub) | {"state": OPEN})
    return [task for task in tasks if task.get("request")]


def build(hub: Hub, options: Options, submission: Submission | None, task: int | None = None) -> int:
    """Submit (or follow `task`) until it is built on a builder of the right architecture; the task that did it.

    submission: taken from the task itself when there is none. Raises SopError for a build that failed by its own
    fault (K4), for a spent number of attempts, and for a hub that keeps choosing the same wrong builder.
    """
    attempts: list[Attempt] = []
    while True:
        if task is None:
            assert submission  # a task that is followed brings its own
            task = submit(hub, options, submission)
        options.bookmark.task = task
        lost = follow(hub, options, task)
        if lost is None:
            return task
        if isinstance(lost, int):
            options.progress.note(f"task {lost} builds the same: following it")
            task = lost
            continue
        options.bookmark.task = None  # it is over, whatever interrupts us from here on
        attempts.append(lost)
        options.progress.lost(lost, len(attempts))
        _worth_another(options, attempts)
        submission = Submission.of(look(hub, task).top)
        task = None


def submit(hub: Hub, options: Options, submission: Submission) -> int:
    """Have it built, once, and say so; the task's id, also when the answer with it was lost.

    Raises NotYet when it is not known whether it was submitted: the bookmark then has the line that finds out.
    """
    bookmark, mine = options.bookmark, _builds(hub)
    bookmark.upload, bookmark.doubt = (
        submission.path,
        f"submission of {submission.nvr} is unconfirmed: it may have been submitted",
    )
    try:
        task = int(hub.once("build", submission.path, submission.target, submission.options))
    except LostAnswer as lost:
        options.progress.note(f"build: {lost}; looking for its task by the upload's path")
        found = find(hub, submission)
        if not found:
            raise NotYet(f"build: {lost}, and the hub shows no task of it") from lost
        task = found
    except KeyboardInterrupt:
        tasks = hub.soon("listTasks", mine, _LOOKED_AT) or []
        bookmark.task = newest(tasks, [submission.path], submission.after)
        raise
    except SopError:
        bookmark.upload = bookmark.doubt = ""  # the hub's no, or a hub that was never reached
        raise
    bookmark.task, bookmark.upload, bookmark.doubt = task, "", ""
    options.progress.note(f"submitted: task {task}, {hub.page(task)}")
    return task


def _builds(hub: Hub) -> dict[str, Any]:
    return {"owner": hub.user, "method": "build", "decode": True}


def _worth_another(options: Options, attempts: list[Attempt]) -> None:
    """Stop at the limit, and before it when the hub does not draw lots but always chooses the same one."""
    last = attempts[-1]
    if keeps_choosing(attempts, options.koji.same_builder):
        times = f"{options.koji.same_builder} times in a row"
        problem = f"the hub chose {last.builder} ({last.arch}) {times}: submitting again will not help"
    elif len(attempts) >= options.koji.attempts:
        problem = f"{len(attempts)} attempts, and no builder with {options.koji.arch}"
    else:
        return
    lost = [f"attempt {n}: {told(attempt)}" for n, attempt in enumerate(attempts, 1)]
    raise SopError(problem, *lost, next_line=f"{options.bookmark.again}  # with a line in the spec: {PIN}")
