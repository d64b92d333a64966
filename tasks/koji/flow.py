"""The tasks of build.py from beginning to end: what is typed, in the order in which it happens."""

from __future__ import annotations

from pathlib import Path

from ..ansible import checks
from ..errors import Refused
from . import promote, routing, srpm, stage, submit, tags, watch
from .asked import Asked, line
from .bookmark import resumable
from .hub import Hub
from .settings import Koji
from .spec import Package
from .submit import Submission
from .watch import Job


def make_srpm(asked: Asked, named: str, version: str, tag: str) -> tuple[Package, Path]:
    """`invoke srpm`, and the first half of `invoke build`."""
    with resumable(asked.bookmark):
        return srpm.make(asked.build, asked.progress, named=named, version=version, tag=tag, dry=asked.dry)


def build_srpm(asked: Asked, package: Package, path: Path, scratch: bool, wait: bool) -> None:
    """From an SRPM to the stg tag and its repo: look, upload, submit, watch, wait."""
    srpm.check_dist(package, asked.build.dist)
    with resumable(asked.bookmark), asked.hub() as hub:
        situation = checks.look(hub, asked.koji, package, scratch)
        asked.progress.situation(package.nvr, situation.hint, situation.built, situation.follow)
        if asked.dry:
            asked.progress.note(_would(situation, path, asked.koji))
            return
        if situation.built:
            built(asked, hub, package.nvr, wait)
            return
        submission = None
        if not situation.follow:
            options = {"scratch": True} if scratch else {}
            submission = Submission(submit.upload(hub, path, asked.progress), asked.koji.target, options)
        job = Job(hub, asked.koji, asked.build, asked.progress, asked.bookmark, situation.user)
        _watch(asked, job, submission, situation.follow, wait)


def go_on(asked: Asked, task: int) -> None:
    """`invoke build --task ID`: follow what was submitted before."""
    asked.bookmark.start = f"invoke build --task {task}"
    with resumable(asked.bookmark), asked.hub() as hub:
        user = hub.call("getLoggedInUser") or {"id": 0}
        state = watch.look(hub, task).top.state.name.lower()
        if asked.dry:
            asked.progress.note(f"would follow task {task}, which is {state}")
            return
        job = Job(hub, asked.koji, asked.build, asked.progress, asked.bookmark, user["id"])
        _watch(asked, job, None, task, wait=True)


def wait_tag(asked: Asked, nvr: str) -> None:
    """`invoke wait-tag NVR`: until it is in the stg tag and its repo."""
    with resumable(asked.bookmark), asked.hub() as hub:
        now = ", ".join(tags.of(hub, nvr)) or "no tag"
        if asked.dry:
            asked.progress.note(f"{nvr} is in {now}; would wait for {asked.koji.stg_tag}")
        else:
            built(asked, hub, nvr, wait=True)


def move(asked: Asked, nvr: str, unverified: str) -> None:
    """`invoke promote`: what stg runs and is healthy with, moved to the prod tag."""
    if unverified and not nvr:
        raise Refused("--unverified: of which build?", next_line='invoke promote --nvr NVR --unverified "reason"')
    with resumable(asked.bookmark), asked.hub() as hub:
        if not (nvr and promote.there(hub, asked.koji, nvr, asked.progress)):
            nvr, why = _verified(asked, nvr, unverified)
            asked.bookmark.start = line("promote", nvr=nvr, unverified=unverified)
            promotion = promote.Promotion(nvr, why, asked.bookmark)
            promote.promote(hub, asked.koji, promotion, asked.progress, asked.dry)
    version = nvr.removeprefix(f"{asked.build.package}-")
    asked.progress.note(f"next: fab {asked.build.prod_set} minor-upgrade --version {version} (or major-upgrade)")


def built(asked: Asked, hub: Hub, nvr: str, wait: bool) -> None:
    """A build is complete: wait for its tag and repo, and say the line that installs it."""
    asked.bookmark.nvr = nvr
    if not wait:
        asked.progress.note(f"next: {asked.bookmark.line}")
        return
    tags.wait_for_stg(hub, asked.koji, nvr, asked.progress, asked.bookmark.line)
    stage.wait_for_offer(asked.context, asked.koji, asked.build, nvr, asked.progress, asked.bookmark.line)
    version = nvr.removeprefix(f"{asked.build.package}-")
    asked.progress.note(f"next: fab {asked.build.stg_set} minor-upgrade --version {version}")


def _verified(asked: Asked, nvr: str, unverified: str) -> tuple[str, str]:
    """The build that may go to prod, and why. Raises Refused when stg does not run `nvr`, or is not healthy with it.

    unverified: the operator's reason to do without; it goes into the journal and into the ticket.
    """
    from ..journal.file import Journal, operator

    if not unverified:
        running = stage.verified(asked.context, asked.build)
        if nvr and nvr != running:
            cure = f'invoke promote, or invoke promote --nvr {nvr} --unverified "reason"'
            raise Refused(f"{asked.build.stg_set} runs {running}, not {nvr}", next_line=cure)
        return running, f"All hosts of {asked.build.stg_set} run it and are healthy."
    if not asked.dry:
        journal = Journal()
        journal.write("promote", nvr=nvr, unverified=unverified, operator=operator())
        journal.close()
    return nvr, f"Not verified on {asked.build.stg_set}: {unverified}"


def _watch(asked: Asked, job: Job, submission: Submission | None, task: int | None, wait: bool) -> None:
    if not wait:
        job.bookmark.task = routing.submit(job, submission) if submission else task
        asked.progress.note(f"next: {job.bookmark.line}")
        return
    done = routing.build(job, submission, task)
    submission = Submission.of(watch.look(job.hub, done).top)
    if submission.scratch:
        asked.progress.note(f"task {done} is done: {job.hub.page(done)}")
        return
    builds = job.hub.call("listBuilds", taskID=done)  # none when another task has built it meanwhile
    nvr = builds[0]["nvr"] if builds else submission.nvr
    asked.progress.note(f"{nvr} is built")
    built(asked, job.hub, nvr, wait=True)


def _would(situation: checks.Situation, path: Path, koji: Koji) -> str:
    if situation.built:
        return f"would submit nothing: it is built already; would wait for {koji.stg_tag}"
    if situation.follow:
        return f"would submit nothing: would follow task {situation.follow}"
    return f"would upload {path.name} and build it in {koji.target}, at most {koji.attempts} attempts"
