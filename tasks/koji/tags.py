"""The tags of a finished build: waiting for the robot that moves it to stg, and for the repo of the stg hosts.

Of the fleet only the stg hosts are asked: what they run, which is what a promotion stands on, and what they are
offered.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from invoke import Context

from ..errors import Refused, SopError
from ..fleet import setup
from .hub import Hub
from .hub_errors import NotYet
from .progress import Progress, duration
from .settings import Build, Koji
from .tree import BuildState

if TYPE_CHECKING:
    from ..run.look import Reached


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


def connect(context: Context, settings: Build) -> AbstractContextManager[Reached]:
    """Connect to the stg set of hosts.yml. Raises Refused when it has none, Unreachable when a host is not reached."""
    from ..report import opened
    from ..run.look import connected

    inventory = setup.inventory(context)
    host_set = inventory.host_sets.get(settings.stg_set)
    if host_set is None:
        raise Refused(f"hosts.yml has no set {settings.stg_set}", next_line="build.stg_set in invoke.yml")
    return connected(setup.ssh(context), opened(), host_set)


def wait_for_offer(context: Context, koji: Koji, build: Build, nvr: str, progress: Progress, line: str) -> None:
    """Wait until every stg host's repository offers the build: a tagged build is installable only after a dist-repo.

    Where stg cannot be asked (no such set, no way to its hosts) this is said, and is no failure of the build.
    Raises NotYet after koji.repo_wait seconds.
    """
    try:
        with connect(context, build) as stage:
            _until_offered(stage, koji, nvr, progress, line)
    except Refused as error:
        progress.note(f"whether the stg repo offers it already could not be asked: {error.problems[0]}")


def verified(context: Context, settings: Build) -> str:
    """The build that every stg host has installed and is healthy with.

    Raises Refused with every reason why there is none.
    """
    from ..run.look import look
    from ..run.which_build import verified_build

    with connect(context, settings) as stage:
        facts = look(stage, repos=False)
        host_set = stage.host_set
    nvr, reasons = verified_build(host_set, facts, settings.package)
    problems = [f"{host.short}: {text}" for host in host_set.hosts for text in facts[host].problems]
    problems += [reason.text for reason in reasons]
    if problems:
        cure = f'fab {host_set.name} status; --unverified "reason" overrides and is written down'
        raise Refused(*problems, next_line=cure)
    return str(nvr)


def _until_offered(stage: Reached, koji: Koji, nvr: str, progress: Progress, line: str) -> None:
    from ..run.look import look

    began = time.monotonic()
    while True:
        facts = look(stage, repos=True)
        late = [host.short for host in stage.host_set.hosts if nvr not in map(str, facts[host].offered or ())]
        if not late:
            progress.note(f"the repo of {stage.host_set.name} offers {nvr}")
            return
        waited = time.monotonic() - began
        if waited >= koji.repo_wait:
            raise NotYet(f"{', '.join(late)}: {nvr} is not on offer after {duration(waited)}", next_line=line)
        progress.waiting(f"{nvr} in the repo of {', '.join(late)}", began)
        time.sleep(koji.tag_poll)
