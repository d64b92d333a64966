"""The tasks of build.py from beginning to end: what is typed, in the order in which it happens."""

from __future__ import annotations

from pathlib import Path

from ..errors import Refused
from . import preflight, promote, srpm, submit, tags, watch
from .hub import Hub
from .options import Options, line, resumable
from .settings import Koji
from .spec import Package
from .submit import Submission
from .watch import Job


def make_srpm(options: Options, named: str, version: str, tag: str) -> tuple[Package, Path]:
    """`invoke srpm`, and the first half of `invoke build`."""
    with resumable(options.bookmark):
        return srpm.make(options.build, options.progress, named=named, version=version, tag=tag, dry=options.dry)


def build_srpm(options: Options, package: Package, path: Path, scratch: bool, wait: bool) -> None:
    """From an SRPM to the stg tag and its repo: look, upload, submit, watch, wait."""
    srpm.check_dist(package, options.build.dist)
    with resumable(options.bookmark), options.hub() as hub:
        situation = preflight.look(hub, options.koji, package, scratch)
        options.progress.situation(package.nvr, situation.hint, situation.built, situation.follow)
        if options.dry:
            options.progress.note(_would(situation, path, options.koji))
            return
        if situation.built:
            built(options, hub, package.nvr, wait)
            return
        submission = None
        if not situation.follow:
            uploaded = submit.upload(hub, path, options.progress)
            submission = Submission(uploaded, options.koji.target, {"scratch": True} if scratch else {})
        job = Job(hub, options.koji, options.build, options.progress, options.bookmark, situation.user)
        _watch(options, job, submission, situation.follow, wait)


def go_on(options: Options, task: int) -> None:
    """`invoke build --task ID`: follow what was submitted before."""
    options.bookmark.start = f"invoke build --task {task}"
    with resumable(options.bookmark), options.hub() as hub:
        user = hub.call("getLoggedInUser") or {"id": 0}
        state = watch.look(hub, task).top.state.name.lower()
        if options.dry:
            options.progress.note(f"would follow task {task}, which is {state}")
            return
        job = Job(hub, options.koji, options.build, options.progress, options.bookmark, user["id"])
        _watch(options, job, None, task, wait=True)


def wait_tag(options: Options, nvr: str) -> None:
    """`invoke wait-tag NVR`: until it is in the stg tag and its repo."""
    with resumable(options.bookmark), options.hub() as hub:
        now = ", ".join(tags.of(hub, nvr)) or "no tag"
        if options.dry:
            options.progress.note(f"{nvr} is in {now}; would wait for {options.koji.stg_tag}")
        else:
            built(options, hub, nvr, wait=True)


def move(options: Options, nvr: str, unverified: str) -> None:
    """`invoke promote`: what stg runs and is healthy with, moved to the prod tag."""
    if unverified and not nvr:
        raise Refused("--unverified: of which build?", next_line='invoke promote --nvr NVR --unverified "reason"')
    with resumable(options.bookmark), options.hub() as hub:
        if not (nvr and promote.there(hub, options.koji, nvr, options.progress)):
            nvr, why = _verified(options, nvr, unverified)
            options.bookmark.start = line("promote", nvr=nvr, unverified=unverified)
            promotion = promote.Promotion(nvr, why, options.bookmark)
            promote.promote(hub, options.koji, promotion, options.progress, options.dry)
    version = nvr.removeprefix(f"{options.build.package}-")
    options.progress.note(f"next: fab {options.build.prod_set} minor-upgrade --version {version} (or major-upgrade)")


def built(options: Options, hub: Hub, nvr: str, wait: bool) -> None:
    """A build is complete: wait for its tag and repo, and say the line that installs it."""
    options.bookmark.nvr = nvr
    if not wait:
        options.progress.note(f"next: {options.bookmark.line}")
        return
    tags.wait_for_stg(hub, options.koji, nvr, options.progress, options.bookmark.line)
    tags.wait_for_offer(options.context, options.koji, options.build, nvr, options.progress, options.bookmark.line)
    version = nvr.removeprefix(f"{options.build.package}-")
    options.progress.note(f"next: fab {options.build.stg_set} minor-upgrade --version {version}")


def _verified(options: Options, nvr: str, unverified: str) -> tuple[str, str]:
    """The build that may go to prod, and why. Raises Refused when stg does not run `nvr`, or is not healthy with it.

    unverified: the operator's reason to do without; it goes into the journal and into the ticket.
    """
    from ..journal.events import Promote
    from ..journal.file import Journal, operator

    if not unverified:
        running = tags.verified(options.context, options.build)
        if nvr and nvr != running:
            cure = f'invoke promote, or invoke promote --nvr {nvr} --unverified "reason"'
            raise Refused(f"{options.build.stg_set} runs {running}, not {nvr}", next_line=cure)
        return running, f"All hosts of {options.build.stg_set} run it and are healthy."
    if not options.dry:
        journal = Journal()
        journal.write(Promote(operator(), nvr, unverified))
        journal.close()
    return nvr, f"Not verified on {options.build.stg_set}: {unverified}"


def _watch(options: Options, job: Job, submission: Submission | None, task: int | None, wait: bool) -> None:
    if not wait:
        job.bookmark.task = submit.submit(job, submission) if submission else task
        options.progress.note(f"next: {job.bookmark.line}")
        return
    done = submit.build(job, submission, task)
    submission = Submission.of(watch.look(job.hub, done).top)
    if submission.scratch:
        options.progress.note(f"task {done} is done: {job.hub.page(done)}")
        return
    builds = job.hub.call("listBuilds", taskID=done)  # none when another task has built it meanwhile
    nvr = builds[0]["nvr"] if builds else submission.nvr
    options.progress.note(f"{nvr} is built")
    built(options, job.hub, nvr, wait=True)


def _would(situation: preflight.Situation, path: Path, koji: Koji) -> str:
    if situation.built:
        return f"would submit nothing: it is built already; would wait for {koji.stg_tag}"
    if situation.follow:
        return f"would submit nothing: would follow task {situation.follow}"
    return f"would upload {path.name} and build it in {koji.target}, at most {koji.attempts} attempts"
