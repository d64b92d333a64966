"""The build must be the one that the set before runs: the same name built again is another build."""

from __future__ import annotations

from . import yum
from .model import Job, Step
from .shell import call


def same_build(job: Job) -> Step:
    """The build's digests and its signing key, as it was fetched or is installed, are those that the set before runs.

    Before anything is installed or stopped. What is fetched is not looked at by name alone.
    """
    root, package = yum.root(job), job.app.package
    return Step(
        name="same-build",
        says=f"check that it is the very build that {job.host_set.after or 'the set before'} runs",
        guard=call("build_fetch", root, package, job.target, yum.fetch_at_once(job)) + "\n",
        command=":",
        proof=call("build_same", root, package, job.target, job.host_set.after or "the set before", *job.signed),
        changes=False,
        looks=True,
        refuses=True,
        seconds=job.host_set.limits.yum,
    )
