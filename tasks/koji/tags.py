"""The tags of a finished build: waiting for the robot that moves it to stg."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..errors import Refused, SopError
from .hub import Hub
from .hub_errors import NotYet
from .progress import Progress, duration
from .settings import Koji
from .tree import BuildState


def wait_for_stg(hub: Hub, settings: Koji, nvr: str, progress: Progress, line: str) -> None:
    """Wait until the build is in the stg tag (or in the prod tag already) and say who put it there, and when.

    line: how to go on waiting. Raises NotYet when it is not there in settings.tag_wait seconds (a late robot is
    no error), SopError for a build that is gone.
    """
    began = time.monotonic()
    while True:
        names = of(hub, nvr)
        there = [tag for tag in (settings.stg_tag, settings.prod_tag) if tag in names]
        if there:
            progress.moved(nvr, there[0], *_mover(hub, nvr, there[0]))
            return
        waited = time.monotonic() - began
        if waited >= settings.tag_wait:
            raise NotYet(
                f"{nvr} is not in {settings.stg_tag} after {duration(waited)}; it is in {', '.join(names) or 'no tag'}",
                "the robot that moves builds is late; ask in #fedora-admin if it stays away",
                next_line=line,
            )
        progress.waiting(f"{nvr} in {settings.stg_tag}", began, settings.tag_typically)
        time.sleep(settings.tag_poll)


def of(hub: Hub, nvr: str) -> list[str]:
    """The names of the build's tags. Raises SopError when it is no finished build (any more)."""
    build = find(hub, nvr)
    if build["state"] == BuildState.DELETED:
        raise SopError(f"{nvr} has been deleted", next_line="a new release in the spec, and invoke build")
    if build["state"] != BuildState.COMPLETE:
        state = BuildState(build["state"]).name.lower()
        raise SopError(f"{nvr} is not built: it is {state}", next_line=f"invoke build --task {build['task_id']}")
    return [tag["name"] for tag in hub.call("listTags", nvr)]


def find(hub: Hub, nvr: str) -> Mapping[str, Any]:
    """The build. Raises Refused if the hub has none of that name."""
    build: Mapping[str, Any] | None = hub.call("getBuild", nvr)
    if not build:
        package = nvr.rsplit("-", 2)[0]
        raise Refused(f"koji has no build {nvr}", next_line=f"koji list-builds --package={package}, or invoke build")
    return build


def _mover(hub: Hub, nvr: str, tag: str) -> tuple[str, float]:
    """Who put the build into the tag it is in, and when; empty when the hub does not say."""
    rows = hub.call("queryHistory", build=nvr, tables=["tag_listing"]).get("tag_listing", [])
    active = [row for row in rows if row["active"] and row["tag.name"] == tag]
    return (active[-1]["creator_name"], active[-1]["create_ts"]) if active else ("", 0.0)
