"""What is looked at before anything is uploaded: may it be built, is it built, is it being built?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import Refused
from .hub import Hub
from .hub_errors import HubFault
from .options import Options
from .progress import by_at
from .settings import Koji
from .spec import Package
from .submit import PIN, open_tasks
from .tags import Obstacle, obstacles, refused
from .tree import BuildState, Submission, task


@dataclass(frozen=True)
class Situation:
    """What the hub knows of the NVR.

    built: by whom and when, if it is; follow: the task that is building it; hint: a line for the spec that would end
    the lottery over builders, or None.
    """

    built: str = ""
    follow: int | None = None
    hint: str | None = None


def look(hub: Hub, options: Options, package: Package, scratch: bool) -> Situation:
    """Ask the hub everything that could speak against a build (KOJI.md, section 10.1 and 10.2).

    Raises Refused with every reason there is. A scratch build has no NVR and no tag to go to.
    """
    settings = options.koji
    if not hub.user:
        raise Refused("the hub does not know who we are: the profile logs nobody in", next_line=hub.cli("hello"))
    target = hub.call("getBuildTarget", settings.target)
    if not target:
        raise Refused(f"the hub has no build target {settings.target}", next_line=hub.cli("list-targets"))
    if not scratch:
        found = _rights(hub, hub.user, target, package)
        found += _destination(hub, target["dest_tag_name"], package.name)
        found += obstacles(hub, settings.stg_tag, package.name, "koji.stg_tag")
        if found:
            raise refused(found)
    hint = _hint(hub, settings, target["build_tag_name"], package)
    built, follow = ("", None) if scratch else _state(hub, options, package)
    return Situation(built, follow, hint)


def _state(hub: Hub, options: Options, package: Package) -> tuple[str, int | None]:
    """By whom and when the NVR was built, or the task that builds it now (K5). A failed or cancelled one is as none.

    Raises Refused for one that has been deleted: its name cannot be used again.
    """
    build = hub.call("getBuild", package.nvr)
    state = BuildState(build["state"]) if build else None
    if state is BuildState.DELETED:
        raise Refused(
            f"{package.nvr} has been deleted, and koji builds no name twice",
            next_line=f"{options.bookmark.again}  # with a new release in the spec",
        )
    if state is BuildState.COMPLETE:
        return by_at(build["owner_name"], build["completion_ts"]), None
    if state is BuildState.BUILDING:
        return "", build["task_id"]
    return "", _own_task(hub, options.koji, package)


def _own_task(hub: Hub, settings: Koji, package: Package) -> int | None:
    for answer in open_tasks(hub):
        running = Submission.of(task(answer))
        if running.nvr == package.nvr and running.target == settings.target and not running.scratch:
            return int(answer["id"])
    return None


def _ask(hub: Hub) -> str:
    return f"{hub.cli('list-permissions --mine')}  # what we may; for more ask in #fedora-admin"


def _destination(hub: Hub, name: str, package: str) -> list[Obstacle]:
    """The tag that a finished build goes to: also, may we tag into it?"""
    found = obstacles(hub, name, package, "koji.target")
    if not found:
        access, _override, reason = hub.call("checkTagAccess", name)
        if not access:
            found.append(Obstacle(f"no right to tag into {name}: {reason}", _ask(hub)))
    return found


def _rights(hub: Hub, user: int, target: dict[str, Any], package: Package) -> list[Obstacle]:
    """The hub's policy on SRPM builds, asked with what the builder will ask it with.

    Only a clear no is believed: a policy may want to know more than can be known before the task exists.
    """
    asked = {
        "user_id": user,
        "source": f"cli-build/{package.nvr}.src.rpm",
        "target": target["name"],
        "build_tag": target["build_tag_name"],
        "tag": target["dest_tag_name"],
        "skip_tag": False,
    }
    try:
        answer = str(hub.call("evalPolicy", "build_from_srpm", asked))
    except HubFault:
        return []
    action, _, reason = answer.partition(" ")
    no = Obstacle(f"no right to build from an SRPM: {reason or action}", _ask(hub))
    return [no] if action == "deny" else []


def _hint(hub: Hub, settings: Koji, build_tag: str, package: Package) -> str | None:
    config = hub.call("getBuildConfig", build_tag) or {}
    others = [arch for arch in package.may_land_on((config.get("arches") or "").split()) if arch != settings.arch]
    return PIN if others and not (config.get("extra") or {}).get("noarch_arches") else None
