"""What is looked at before anything is uploaded: may it be built, is it built, is it being built?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import Refused
from .hub import Hub
from .hub_errors import HubFault
from .progress import by_at
from .settings import Koji
from .spec import Package
from .submit import PIN, Submission, open_tasks
from .tree import BuildState, task


@dataclass(frozen=True)
class Situation:
    """What the hub knows of the NVR.

    user: our id; built: by whom and when, if it is; follow: the task that is building it; hint: a line for the spec
    that would end the lottery over builders, or None.
    """

    user: int
    built: str = ""
    follow: int | None = None
    hint: str | None = None


def look(hub: Hub, settings: Koji, package: Package, scratch: bool) -> Situation:
    """Ask the hub everything that could speak against a build (KOJI.md, section 10.1 and 10.2).

    Raises Refused with every reason there is. A scratch build has no NVR and no tag to go to.
    """
    user = hub.call("getLoggedInUser")
    if not user:
        raise Refused("the hub does not know who we are: the profile logs nobody in", next_line="koji hello")
    target = hub.call("getBuildTarget", settings.target)
    if not target:
        raise Refused(f"the hub has no build target {settings.target}", next_line="koji list-targets")
    problems = [] if scratch else _rights(hub, user["id"], target, package)
    problems += [] if scratch else _destination(hub, target["dest_tag_name"], package.name)
    if problems:
        raise Refused(*problems, next_line="ask in #fedora-admin")
    hint = _hint(hub, settings, target["build_tag_name"], package)
    built, follow = ("", None) if scratch else _state(hub, settings, user["id"], package)
    return Situation(user["id"], built, follow, hint)


def _state(hub: Hub, settings: Koji, user: int, package: Package) -> tuple[str, int | None]:
    """By whom and when the NVR was built, or the task that builds it now (K5). A failed or cancelled one is as none."""
    build = hub.call("getBuild", package.nvr)
    state = BuildState(build["state"]) if build else None
    if state is BuildState.COMPLETE:
        return by_at(build["owner_name"], build["completion_ts"]), None
    if state is BuildState.BUILDING:
        return "", build["task_id"]
    return "", _own_task(hub, settings, user, package)


def _own_task(hub: Hub, settings: Koji, user: int, package: Package) -> int | None:
    for answer in open_tasks(hub, user):
        running = Submission.of(task(answer))
        if running.nvr == package.nvr and running.target == settings.target and not running.scratch:
            return int(answer["id"])
    return None


def _destination(hub: Hub, name: str, package: str) -> list[str]:
    """The tag that a finished build goes to: is it there, open, ours, and is the package in its list?"""
    tag = hub.call("getTag", name)
    if not tag:
        return [f"the hub has no tag {name}, which is where the target puts builds"]
    problems = [f"the tag {name} is locked"] if tag["locked"] else []
    if not hub.call("checkTagPackage", name, package):
        problems.append(f"the package {package} is not in the list of {name}")
    access, _override, reason = hub.call("checkTagAccess", name)
    if not access and not tag["locked"]:
        problems.append(f"no right to tag into {name}: {reason}")
    return problems


def _rights(hub: Hub, user: int, target: dict[str, Any], package: Package) -> list[str]:
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
    return [f"no right to build from an SRPM: {reason or action}"] if action == "deny" else []


def _hint(hub: Hub, settings: Koji, build_tag: str, package: Package) -> str | None:
    config = hub.call("getBuildConfig", build_tag) or {}
    others = [arch for arch in package.may_land_on((config.get("arches") or "").split()) if arch != settings.arch]
    return PIN if others and not (config.get("extra") or {}).get("noarch_arches") else None
