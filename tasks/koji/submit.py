"""The upload, and the one call that must never be made twice: `build`."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import TryLater
from .hub import Hub
from .hub_errors import LostAnswer
from .progress import Progress
from .tree import Task

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


def submit(hub: Hub, submission: Submission, user: int, progress: Progress) -> int:
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
