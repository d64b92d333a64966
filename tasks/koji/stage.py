"""What the stg hosts run and are offered: the end of a build's way, and what a promotion stands on."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from invoke import Context

from ..errors import Refused
from ..fleet import setup
from .hub_errors import NotYet
from .progress import Progress, duration
from .settings import Build, Koji

if TYPE_CHECKING:
    from ..run.look import Reached


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
