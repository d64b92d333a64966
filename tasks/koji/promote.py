"""From epel7-infra-stg to epel7-infra: the move, or the request to somebody who may."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ..errors import Refused, SopError
from . import tags
from .hub import Hub
from .hub_errors import HubFault, LostAnswer, NotYet, said
from .options import Options
from .progress import Progress
from .settings import Koji
from .tree import ENDED, OPEN, TaskState, newest, task

_LOOKED_AT = {"order": "-id", "limit": 50}
_MOVES = {"method": "tagBuild", "decode": True}


@dataclass(frozen=True)
class Move:
    """What is to be moved; why: how it was verified, for the ticket; request: how its task begins: tag, build."""

    nvr: str
    why: str
    request: tuple[int, int]


def promote(hub: Hub, options: Options, nvr: str, why: str) -> None:
    """Move the build, wait for the task that does it, and look at the tags again.

    why: how it was verified, for the ticket. Raises Refused when it is not in the stg tag, cannot be moved, or we may
    not (K7: with the line and the text to send), SopError when the move failed, NotYet when its task does not end.
    """
    settings, progress = options.koji, options.progress
    if there(hub, options, nvr):
        return
    build = tags.find(hub, nvr)
    no = tags.obstacles(hub, settings.prod_tag, build["package_name"], "koji.prod_tag")
    if no:
        raise tags.refused(no)
    move = Move(nvr, why, (hub.call("getTag", settings.prod_tag)["id"], build["build_id"]))
    moving = newest(hub.call("listTasks", _MOVES | {"state": OPEN}), move.request)  # whoever has begun it
    if not moving:
        _may(hub, options, move)
    if options.dry:
        how = f"would follow task {moving}, which moves" if moving else "would move"
        progress.note(f"{how} {nvr} from {settings.stg_tag} to {settings.prod_tag}")
        return
    if moving:
        progress.note(f"{nvr} is being moved: following task {moving}, nothing is submitted")
    else:
        moving = _submit(hub, options, move)
    if moving:
        _wait(hub, options, moving, nvr)
    _until_there(hub, options, nvr)


def line(settings: Koji, nvr: str) -> str:
    """The command that does the move, for whoever may: in their profile, whatever its name is."""
    return f"koji move-build {settings.stg_tag} {settings.prod_tag} {nvr}"


def there(hub: Hub, options: Options, nvr: str) -> bool:
    """Is the build in the prod tag? Said, if it is. Raises SopError when there is no such finished build."""
    if options.koji.prod_tag not in tags.of(hub, options, nvr):
        return False
    options.progress.note(f"{nvr} is in {options.koji.prod_tag}")
    return True


def _may(hub: Hub, options: Options, move: Move) -> None:
    """Raises Refused when it is not in the stg tag, or when we may not move it."""
    settings, names = options.koji, tags.of(hub, options, move.nvr)
    if settings.stg_tag not in names:
        where = ", ".join(names) or "no tag"
        wait = options.bookmark.typed("wait-tag", move.nvr)
        raise Refused(f"{move.nvr} is not in {settings.stg_tag}, it is in {where}", next_line=wait)
    no = _denied(hub, settings, move.nvr)
    if no:
        raise _request(settings, move, no, options.progress)


def _submit(hub: Hub, options: Options, move: Move) -> int | None:
    """Have it moved, once; the task that does it, or None where only the tags tell that it was moved.

    Raises NotYet when it is not known whether the move was submitted.
    """
    settings, bookmark = options.koji, options.bookmark
    mine = _MOVES | {"owner": hub.user}
    before = newest(hub.call("listTasks", mine, _LOOKED_AT), move.request) or 0
    bookmark.doubt = f"the move of {move.nvr} is unconfirmed: it may have been submitted"
    try:
        bookmark.moving = int(hub.once("moveBuild", settings.stg_tag, settings.prod_tag, move.nvr))
    except LostAnswer as lost:
        options.progress.note(f"moveBuild: {lost}; looking for its task")
        bookmark.moving = newest(hub.call("listTasks", mine, _LOOKED_AT), move.request, before)
        if not bookmark.moving and settings.prod_tag not in tags.of(hub, options, move.nvr):
            raise NotYet(f"moveBuild: {lost}, and the hub shows no task of it") from lost
    except KeyboardInterrupt:
        bookmark.moving = newest(hub.soon("listTasks", mine, _LOOKED_AT) or [], move.request, before)
        raise
    except HubFault as fault:
        bookmark.doubt = ""
        if fault.kind == "ActionNotAllowed":
            raise _request(settings, move, fault.text, options.progress) from None
        cure = hub.cli(f"list-history --build={move.nvr}")
        raise Refused(f"the hub does not move {move.nvr}: {fault.text}", next_line=cure) from None
    except SopError:
        bookmark.doubt = ""
        raise
    bookmark.doubt = ""
    return bookmark.moving


def _denied(hub: Hub, settings: Koji, nvr: str) -> str:
    """The hub's reason why we may not, asked before anything is tried; empty when we may, or nobody knows."""
    if not hub.user:
        return "not logged in"
    access, _override, reason = hub.call("checkTagAccess", settings.prod_tag)
    if not access:
        return str(reason)
    asked = {"operation": "move", "tag": settings.prod_tag, "fromtag": settings.stg_tag, "build": nvr}
    try:
        answer = str(hub.call("evalPolicy", "tag", asked | {"user_id": hub.user}))
    except HubFault:
        return ""  # a hub without such a policy (or, before 1.26, without the call): moveBuild itself will tell
    action, _, reason = answer.partition(" ")
    return (reason or action) if action == "deny" else ""


def _request(settings: Koji, move: Move, no: str, progress: Progress) -> Refused:
    """K7: the ticket's text on the screen, and the end that names the one line."""
    command = line(settings, move.nvr)
    # Without anything in front of the lines: this is there to be copied.
    for text in (
        "for https://pagure.io/fedora-infrastructure/new_issue, title and text:",
        "",
        f"Move {move.nvr} to {settings.prod_tag}",
        "",
        f"Please move {move.nvr} from {settings.stg_tag} to {settings.prod_tag}:",
        "",
        f"    {command}",
        "",
        move.why,
        "",
    ):
        progress.verbatim(text)
    return Refused(f"no right to tag into {settings.prod_tag}: {no}", next_line=f"{command}{tags.INFRA}")


def _wait(hub: Hub, options: Options, moving: int, nvr: str) -> None:
    """Wait for the tagBuild task: moveBuild answers before anything has been checked."""
    settings, progress, again = options.koji, options.progress, options.bookmark.again
    options.bookmark.moving = moving
    began = time.monotonic()
    while True:
        now = task(hub.call("getTaskInfo", moving, request=True))
        progress.task(now, "")
        if now.state in ENDED:
            break
        if time.monotonic() - began > settings.move_wait:
            raise NotYet(f"task {moving} does not end: {hub.page(moving)}", next_line=again)
        progress.still(now, "")
        time.sleep(min(settings.poll, 2.0))
    options.bookmark.moving = None
    if now.state is TaskState.CLOSED or settings.prod_tag in tags.of(hub, options, nvr):
        return
    if now.state is TaskState.CANCELED:
        raise Refused(f"task {moving}, which was to move {nvr}, was cancelled: {hub.page(moving)}", next_line=again)
    result = hub.call("getTaskResult", moving, raise_fault=False)
    reason = said(str(result.get("faultString", ""))) if isinstance(result, dict) else "no reason given"
    raise SopError(f"task {moving}: {reason}", hub.page(moving), next_line=hub.cli(f"list-history --build={nvr}"))


def _until_there(hub: Hub, options: Options, nvr: str) -> None:
    """Look whether the tags became what was promised."""
    ends = time.monotonic() + options.koji.move_wait
    while not there(hub, options, nvr):
        if time.monotonic() > ends:
            raise NotYet(f"{nvr} is not in {options.koji.prod_tag} yet", next_line=options.bookmark.again)
        time.sleep(min(options.koji.poll, 2.0))
