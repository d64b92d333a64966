"""The tags of a finished build: waiting for the robot that moves it to stg, and for the repo of the stg hosts.

Of the fleet only the stg hosts are asked: what they run, which is what a promotion stands on, and what they are
offered.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple

from invoke import Context

from ..errors import Refused, SopError
from ..fleet import setup
from ..lines import same
from .hub import Hub
from .hub_errors import HubFault, NotYet
from .options import Options
from .progress import by_at, duration
from .settings import Build
from .tree import OPEN, BuildState

if TYPE_CHECKING:
    from ..run.look import Reached


INFRA = "  # ask somebody of infra to type it"


class Obstacle(NamedTuple):
    """Why no build comes into a tag, and the line that ends that."""

    problem: str
    cure: str


def refused(obstacles: list[Obstacle]) -> Refused:
    """The end that obstacles are."""
    first, *more = dict.fromkeys(obstacle.cure for obstacle in obstacles)
    next_line = "\n".join([first, *(f"then: {cure}" for cure in more)])
    return Refused(*(one.problem for one in obstacles), next_line=next_line)


def obstacles(hub: Hub, name: str, package: str, key: str) -> list[Obstacle]:
    """What speaks against builds of `package` in the tag: is it there, open, and does it list the package?

    key: the setting that names the tag.
    """
    tag = hub.call("getTag", name)
    if not tag:
        return [Obstacle(f"the hub has no tag {name}", f"{hub.cli('list-tags')}  # {key} in invoke.yml names one")]
    found = []
    if tag["locked"]:
        who = _who(hub, "tag_config", tag=name)
        found.append(Obstacle(f"the tag {name} is locked{who}", f"koji edit-tag --unlock {name}{INFRA}"))
    if not hub.call("checkTagPackage", name, package):
        if (hub.call("getPackageConfig", name, package) or {}).get("blocked"):
            who = _who(hub, "tag_packages", tag=name, package=package)
            cure = f"koji unblock-pkg {name} {package}{INFRA}"
            found.append(Obstacle(f"the package {package} is blocked in {name}{who}", cure))
        else:
            cure = f"koji add-pkg --owner OWNER {name} {package}{INFRA}"
            found.append(Obstacle(f"the package {package} is not in the list of {name}", cure))
    return found


def wait_for_stg(hub: Hub, options: Options, nvr: str) -> None:
    """Wait until the build is in the stg tag (or in the prod tag already) and say who put it there, and when.

    Raises NotYet when it is not there in koji.tag_wait seconds (a late robot is no error), SopError for a build that is
    gone, Refused for one that cannot come.
    """
    settings, progress, line = options.koji, options.progress, options.bookmark.typed("wait-tag", nvr)
    began, stuck = time.monotonic(), 0
    while True:
        names = of(hub, options, nvr)
        there = [tag for tag in (settings.stg_tag, settings.prod_tag) if tag in names]
        if there:
            progress.moved(nvr, there[0], *_mover(hub, nvr, there[0]))
            return
        stopped = _cannot_come(hub, options, nvr, names)
        stuck = stuck + 1 if stopped else 0
        if stopped and stuck > 1:  # twice, for a robot that takes it out of one tag before it puts it into the next
            raise refused(stopped)
        waited = time.monotonic() - began
        if waited >= settings.tag_wait:
            raise NotYet(
                f"{nvr} is not in {settings.stg_tag} after {duration(waited)}; it is in {', '.join(names) or 'no tag'}",
                "the robot that moves builds is late; ask in #fedora-admin if it stays away",
                next_line=line,
            )
        progress.waiting(f"{nvr} in {settings.stg_tag}", began, settings.tag_typically)
        time.sleep(settings.tag_poll)


def of(hub: Hub, options: Options, nvr: str) -> list[str]:
    """The names of the build's tags. Raises SopError when it is no finished build (any more)."""
    build = find(hub, nvr)
    if build["state"] == BuildState.DELETED:
        raise SopError(
            f"{nvr} has been deleted", next_line=f"{options.bookmark.again}  # with a new release in the spec"
        )
    if build["state"] != BuildState.COMPLETE:
        follow = options.bookmark.typed("build", "--task", str(build["task_id"]))
        raise SopError(f"{nvr} is not built: it is {BuildState(build['state']).name.lower()}", next_line=follow)
    return [tag["name"] for tag in hub.call("listTags", nvr)]


def find(hub: Hub, nvr: str) -> Mapping[str, Any]:
    """The build. Raises Refused if the hub has none of that name."""
    try:
        build: Mapping[str, Any] | None = hub.call("getBuild", nvr)
    except HubFault as fault:  # no NVR at all
        raise Refused(
            f"koji has no build {nvr}: {fault.text}", next_line=hub.cli("list-builds --package=NAME")
        ) from None
    if not build:
        package = nvr.rsplit("-", 2)[0]
        raise Refused(f"koji has no build {nvr}", next_line=hub.cli(f"list-builds --package={package}"))
    return build


def being_moved(hub: Hub, build: int) -> bool:
    """Does a task that has not ended tag this build, whoever has begun it?"""
    tasks = hub.call("listTasks", {"method": "tagBuild", "decode": True, "state": OPEN})
    return any(list(task.get("request") or ())[1:2] == [build] for task in tasks)


def _cannot_come(hub: Hub, options: Options, nvr: str, names: list[str]) -> list[Obstacle]:
    """Why the robot will never bring it to stg, if that is known: it takes builds from the target's tag."""
    settings = options.koji
    build = find(hub, nvr)
    found = obstacles(hub, settings.stg_tag, build["package_name"], "koji.stg_tag")
    target = hub.call("getBuildTarget", settings.target)
    origin = target["dest_tag_name"] if target else ""
    rows = hub.call("queryHistory", build=nvr, tables=["tag_listing"]).get("tag_listing", [])
    left = [row for row in rows if not row["active"]]
    was_there = any(row["tag.name"] == settings.stg_tag for row in left)
    if found or origin in names or (names and not was_there) or being_moved(hub, build["build_id"]):
        return found
    now = f"is in {', '.join(names)}" if names else "is in no tag"
    if not left:
        cure = f"koji tag-build {origin or settings.stg_tag} {nvr}"
        return [Obstacle(f"{nvr} {now} and never was in one", cure)]
    last = max(left, key=lambda row: row["revoke_ts"] or 0)
    who = by_at(last["revoker_name"] or "somebody", last["revoke_ts"])
    cure = f"koji tag-build {last['tag.name']} {nvr}"
    return [Obstacle(f"{nvr} {now}: taken out of {last['tag.name']} {who}", cure)]


def _who(hub: Hub, table: str, **of: str) -> str:
    """` (by admin, 2026-11-25 21:18)`: who has made the row of the hub's history that holds; empty if it has none."""
    try:
        rows = hub.call("queryHistory", tables=[table], **of).get(table, [])
    except HubFault:
        return ""
    active = [row for row in rows if row["active"]]
    return f" ({by_at(active[-1]['creator_name'], active[-1]['create_ts'])})" if active else ""


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
        first = next(iter(inventory.host_sets), "SET")
        raise Refused(
            f"hosts.yml has no set {settings.stg_set}", next_line=same(variable=f"INVOKE_BUILD_STG_SET={first}")
        )
    return connected(setup.ssh(context), opened(), host_set)


def wait_for_offer(options: Options, nvr: str) -> None:
    """Wait until every stg host's repository offers the build: a tagged build is installable only after a dist-repo.

    Where stg cannot be asked (no such set, no way to its hosts) this is said, and is no failure of the build.
    Raises NotYet after koji.repo_wait seconds.
    """
    try:
        with connect(options.context, options.build) as stage:
            _until_offered(stage, options, nvr)
    except Refused as error:
        options.progress.note(f"whether the stg repo offers it already could not be asked: {error.problems[0]}")


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
        cure = f'fab {host_set.name} status  # --unverified "reason" overrides that, and is recorded'
        raise Refused(*problems, next_line=cure)
    return str(nvr)


def _until_offered(stage: Reached, options: Options, nvr: str) -> None:
    from ..run.look import look

    began = time.monotonic()
    while True:
        facts = look(stage, repos=True)
        late = [host.short for host in stage.host_set.hosts if nvr not in map(str, facts[host].offered or ())]
        if not late:
            options.progress.note(f"the repo of {stage.host_set.name} offers {nvr}")
            return
        waited = time.monotonic() - began
        if waited >= options.koji.repo_wait:
            raise NotYet(
                f"{', '.join(late)}: {nvr} is not on offer after {duration(waited)}",
                next_line=options.bookmark.typed("wait-tag", nvr),
            )
        options.progress.waiting(f"{nvr} in the repo of {', '.join(late)}", began)
        time.sleep(options.koji.tag_poll)
