"""The tasks of build.py from beginning to end: what is typed, in the order in which it happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import Interrupted, Refused, SopError, TryLater
from . import preflight, promote, srpm, submit, tags, watch
from .hub import Hub
from .options import Options, line, resumable
from .settings import Koji
from .spec import Package
from .tree import Submission


def make_srpm(options: Options, named: str, version: str, tag: str) -> tuple[Package, Path]:
    """`invoke srpm`, and the first half of `invoke build`."""
    with resumable(options.bookmark):
        typed = options.bookmark.start
        return srpm.make(
            options.build, options.progress, named=named, version=version, tag=tag, dry=options.dry, typed=typed
        )


def build_srpm(options: Options, package: Package, path: Path, scratch: bool, wait: bool) -> None:
    """From an SRPM to the stg tag and its repo: look, upload, submit, watch, wait."""
    srpm.check_dist(package, options.build.dist)
    with resumable(options.bookmark), options.hub() as hub:
        situation = preflight.look(hub, options, package, scratch)
        options.progress.situation(package.nvr, situation.hint, situation.built, situation.follow)
        if options.dry:
            options.progress.note(_would(situation, path, options.koji))
        elif situation.built:
            built(options, hub, package.nvr, wait)
        elif situation.follow:
            _watch(options, hub, None, situation.follow, wait)
        else:
            uploaded = submit.upload(hub, path, options.progress)
            _watch(options, hub, _submission(options, uploaded, scratch), None, wait)


def go_on(options: Options, task: int) -> None:
    """`invoke build --task ID`: follow what was submitted before."""
    options.bookmark.start, options.bookmark.begin = f"invoke build --task {task}", options.bookmark.start
    with resumable(options.bookmark), options.hub() as hub:
        state = watch.look(hub, task).top.state.name.lower()
        if options.dry:
            options.progress.note(f"would follow task {task}, which is {state}")
        else:
            _watch(options, hub, None, task, wait=True)


def go_on_with_upload(options: Options, upload: str, scratch: bool, wait: bool) -> None:
    """`--upload PATH`: follow the task that was made of this upload; if there is none, submit it."""
    options.bookmark.upload = upload
    with resumable(options.bookmark), options.hub() as hub:
        submission = _submission(options, upload, scratch)
        task = submit.submitted(hub, submission, options.bookmark.again)
        if options.dry:
            options.progress.note(f"would follow task {task}" if task else f"would submit {upload}")
        else:
            options.progress.note(f"{upload}: {f'task {task}' if task else 'no task runs'}")
            _watch(options, hub, None if task else submission, task, wait)


def wait_tag(options: Options, nvr: str) -> None:
    """`invoke wait-tag NVR`: until it is in the stg tag and its repo."""
    with resumable(options.bookmark), options.hub() as hub:
        now = ", ".join(tags.of(hub, options, nvr)) or "no tag"
        if options.dry:
            options.progress.note(f"{nvr} is in {now}; would wait for {options.koji.stg_tag}")
        else:
            built(options, hub, nvr, wait=True)


def move(options: Options, nvr: str, unverified: str) -> None:
    """`invoke promote`: what stg runs and is healthy with, moved to the prod tag."""
    if unverified and not nvr:
        raise Refused("--unverified: of which build?", next_line='invoke promote --nvr NVR --unverified "reason"')
    with resumable(options.bookmark), options.hub() as hub:
        if not (nvr and promote.there(hub, options, nvr)):
            nvr, why = _verified(options, nvr, unverified)
            options.bookmark.start = line("promote", nvr=nvr, unverified=unverified)
            with _written_down(options, nvr, unverified):
                promote.promote(hub, options, nvr, why)
    version = nvr.removeprefix(f"{options.build.package}-")
    fab = f"fab {options.build.prod_set}"
    options.progress.note(f"next: {fab} minor-upgrade --version {version}")
    options.progress.note(f"  or: {fab} major-upgrade --version {version}  # where a migration comes with it")


def built(options: Options, hub: Hub, nvr: str, wait: bool) -> None:
    """A build is complete: wait for its tag and repo, and say the line that installs it."""
    options.bookmark.nvr = nvr
    if not wait:
        options.progress.note(f"next: {options.bookmark.line}")
        return
    tags.wait_for_stg(hub, options, nvr)
    tags.wait_for_offer(options, nvr)
    version = nvr.removeprefix(f"{options.build.package}-")
    options.progress.note(f"next: fab {options.build.stg_set} minor-upgrade --version {version}")


def _verified(options: Options, nvr: str, unverified: str) -> tuple[str, str]:
    """The build that may go to prod, and why. Raises Refused when stg does not run `nvr`, or is not healthy with it.

    unverified: the operator's reason to do without; it goes into the journal and into the ticket.
    """
    if unverified:
        return nvr, f"Not verified on {options.build.stg_set}: {unverified}"
    running = tags.verified(options.context, options.build)
    if nvr and nvr != running:
        again = options.bookmark.typed("promote")
        cure = f'{again}\n  or: {options.bookmark.typed("promote", "--nvr", nvr)} --unverified "reason"'
        raise Refused(f"{options.build.stg_set} runs {running}, not {nvr}", next_line=cure)
    return running, f"All hosts of {options.build.stg_set} run it and are healthy."


@contextmanager
def _written_down(options: Options, nvr: str, unverified: str) -> Iterator[None]:
    """Write into the journal what became of a promotion, and why it may go to prod."""
    from ..journal.events import Promote
    from ..journal.file import Journal, operator

    outcome, why = "moved", ""
    try:
        yield
    except (KeyboardInterrupt, Interrupted):
        outcome, why = "interrupted", options.bookmark.what
        raise
    except SopError as error:
        kinds = {TryLater: "not yet", Refused: "refused"}
        outcome = next((name for kind, name in kinds.items() if isinstance(error, kind)), "failed")
        why = "; ".join(error.problems)
        raise
    finally:
        if not options.dry:
            journal = Journal()
            journal.write(Promote(operator(), nvr, unverified or None, outcome, why or None))
            journal.close()


def _submission(options: Options, uploaded: str, scratch: bool) -> Submission:
    return Submission(uploaded, options.koji.target, {"scratch": True} if scratch else {})


def _watch(options: Options, hub: Hub, submission: Submission | None, task: int | None, wait: bool) -> None:
    if not wait:
        options.bookmark.task = submit.submit(hub, options, submission) if submission else task
        options.progress.note(f"next: {options.bookmark.line}")
        return
    done = submit.build(hub, options, submission, task)
    submission = Submission.of(watch.look(hub, done).top)
    if submission.scratch:
        options.progress.note(f"task {done} is done: {hub.page(done)}")
        return
    builds = hub.call("listBuilds", taskID=done)  # none when another task has built it meanwhile
    nvr = builds[0]["nvr"] if builds else submission.nvr
    options.progress.note(f"{nvr} is built")
    built(options, hub, nvr, wait=True)


def _would(situation: preflight.Situation, path: Path, koji: Koji) -> str:
    if situation.built:
        return f"would submit nothing: it is built already; would wait for {koji.stg_tag}"
    if situation.follow:
        return f"would submit nothing: would follow task {situation.follow}"
    return f"would upload {path.name} and build it in {koji.target}, at most {koji.attempts} attempts"
