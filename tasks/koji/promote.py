"""From epel7-infra-stg to epel7-infra: the move, or the request to somebody who may."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ..errors import Refused, SopError
from . import tags
from .hub import Hub
from .hub_errors import HubFault, LostAnswer, NotYet
from .options import Bookmark
from .progress import Progress
from .settings import Koji
from .tree import ENDED, TaskState, task


@dataclass(frozen=True)
class Promotion:
    """What is to be moved; why: how it was verified, for the ticket; bookmark: told which task does it."""

    nvr: str
    why: str
    bookmark: Bookmark


def promote(hub: Hub, settings: Koji, promotion: Promotion, progress: Progress, dry: bool) -> None:
    """Move the build, wait for the task that does it, and look at the tags again.

    Raises Refused when it is not in the stg tag, or we may not (K7: with the line and the text to send), SopError
    when the move failed, NotYet when its task does not end.
    """
    nvr = promotion.nvr
    if there(hub, settings, nvr, progress):
        return
    names = tags.of(hub, nvr)
    if settings.stg_tag not in names:
        where = ", ".join(names) or "no tag"
        raise Refused(f"{nvr} is not in {settings.stg_tag}, it is in {where}", next_line=f"invoke wait-tag {nvr}")
    no = _denied(hub, settings, nvr)
    if no:
        raise _request(settings, promotion, no, progress)
    if dry:
        progress.note(f"would move {nvr} from {settings.stg_tag} to {settings.prod_tag}")
        return
    _move(hub, settings, promotion, progress)
    _until_there(hub, settings, nvr, progress)


def line(settings: Koji, nvr: str) -> str:
    """The command that does the move, for whoever may."""
    profile = "" if settings.profile == Koji.profile else f"-p {settings.profile} "
    return f"koji {profile}move-build {settings.stg_tag} {settings.prod_tag} {nvr}"


def there(hub: Hub, settings: Koji, nvr: str, progress: Progress) -> bool:
    """Is the build in the prod tag? Said, if it is. Raises SopError when there is no such finished build."""
    if settings.prod_tag not in tags.of(hub, nvr):
        return False
    progress.note(f"{nvr} is in {settings.prod_tag}")
    return True


def _move(hub: Hub, settings: Koji, promotion: Promotion, progress: Progress) -> None:
    """Have it moved and wait for the task. A lost answer is no reason to ask again: the tags will tell."""
    try:
        moving = int(hub.once("moveBuild", settings.stg_tag, settings.prod_tag, promotion.nvr))
    except LostAnswer as lost:
        progress.note(f"moveBuild: {lost}; looking at the tags")
        return
    except HubFault as fault:
        if fault.kind == "ActionNotAllowed":
            raise _request(settings, promotion, fault.text, progress) from None
        raise
    promotion.bookmark.moving = moving
    _wait(hub, settings, moving, promotion.nvr, progress)


def _denied(hub: Hub, settings: Koji, nvr: str) -> str:
    """The hub's reason why we may not, asked before anything is tried; empty when we may, or nobody knows."""
    user = hub.call("getLoggedInUser")
    if not user:
        return "not logged in"
    access, _override, reason = hub.call("checkTagAccess", settings.prod_tag)
    if not access:
        return str(reason)
    asked = {"operation": "move", "tag": settings.prod_tag, "fromtag": settings.stg_tag, "build": nvr}
    try:
        answer = str(hub.call("evalPolicy", "tag", asked | {"user_id": user["id"]}))
    except HubFault:
        return ""  # a hub without such a policy (or, before 1.26, without the call): moveBuild itself will tell
    action, _, reason = answer.partition(" ")
    return (reason or action) if action == "deny" else ""


def _request(settings: Koji, promotion: Promotion, no: str, progress: Progress) -> Refused:
    """K7: the ticket's text on the screen, and the end that names the one line."""
    command = line(settings, promotion.nvr)
    # Without anything in front of the lines: this is there to be copied.
    for text in (
        "for https://pagure.io/fedora-infrastructure/new_issue, title and text:",
        "",
        f"Move {promotion.nvr} to {settings.prod_tag}",
        "",
        f"Please move {promotion.nvr} from {settings.stg_tag} to {settings.prod_tag}:",
        "",
        f"    {command}",
        "",
        promotion.why,
        "",
    ):
        progress.verbatim(text)
    return Refused(f"no right to tag into {settings.prod_tag}: {no}", next_line=f"somebody of infra: {command}")


def _wait(hub: Hub, settings: Koji, moving: int, nvr: str, progress: Progress) -> None:
    """Wait for the tagBuild task: moveBuild answers before anything has been checked."""
    began = time.monotonic()
    while True:
        now = task(hub.call("getTaskInfo", moving, request=True))
        progress.task(now, "")
        if now.state in ENDED:
            break
        if time.monotonic() - began > settings.move_wait:
            raise NotYet(f"task {moving} does not end: {hub.page(moving)}", next_line=f"invoke promote --nvr {nvr}")
        time.sleep(min(settings.poll, 2.0))
    if now.state is not TaskState.CLOSED and settings.prod_tag not in tags.of(hub, nvr):
        result = hub.call("getTaskResult", moving, raise_fault=False)
        said = result.get("faultString", "") if isinstance(result, dict) else "cancelled"
        raise SopError(f"task {moving}: {said}", hub.page(moving), next_line=f"koji list-history --build={nvr}")


def _until_there(hub: Hub, settings: Koji, nvr: str, progress: Progress) -> None:
    """Look whether the tags became what was promised; the task of a lost answer may still be at it."""
    ends = time.monotonic() + settings.move_wait
    while not there(hub, settings, nvr, progress):
        if time.monotonic() > ends:
            raise NotYet(f"{nvr} is not in {settings.prod_tag} yet", next_line=f"invoke promote --nvr {nvr}")
        time.sleep(min(settings.poll, 2.0))
