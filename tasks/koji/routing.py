"""From a submission to a finished build, past builders that cannot build it.

A noarch package may be sent to any builder, also to one for whose architecture its dependencies do not exist. That
is seen as soon as the task is assigned; it is then cancelled and submitted again from the same upload (K3).
"""

from __future__ import annotations

from ..ansible.checks import PIN
from ..errors import SopError
from . import submit as submitting
from .progress import told
from .submit import Submission
from .tree import Attempt, keeps_choosing
from .watch import Job, follow, look


def build(job: Job, submission: Submission | None, task: int | None = None) -> int:
    """Submit (or follow `task`) until it is built on a builder of the right architecture; the task that did it.

    submission: taken from the task itself when there is none. Raises SopError for a build that failed by its own
    fault (K4), for a spent number of attempts, and for a hub that keeps choosing the same wrong builder.
    """
    attempts: list[Attempt] = []
    while True:
        if task is None:
            assert submission  # a task that is followed brings its own
            task = submit(job, submission)
        job.bookmark.task = task
        lost = follow(job, task)
        if lost is None:
            return task
        if isinstance(lost, int):
            job.progress.note(f"task {lost} builds the same: following it")
            task = lost
            continue
        job.bookmark.task = None  # it is over, whatever interrupts us from here on
        attempts.append(lost)
        job.progress.lost(lost, len(attempts))
        _worth_another(job, attempts)
        submission = Submission.of(look(job.hub, task).top)
        task = None


def submit(job: Job, submission: Submission) -> int:
    """Submit and say so; the task's id. After Ctrl-C the bookmark knows the task, if the hub has one."""
    try:
        task = submitting.submit(job.hub, submission, job.user, job.progress)
        job.bookmark.task = task
        job.progress.note(f"submitted: task {task}, {job.hub.page(task)}")
    except KeyboardInterrupt:
        job.bookmark.task = job.bookmark.task or submitting.find(job.hub, submission, job.user)
        raise
    return task


def _worth_another(job: Job, attempts: list[Attempt]) -> None:
    """Stop at the limit, and before it when the hub does not draw lots but always chooses the same one."""
    last, spec_line = attempts[-1], f"add to the spec: {PIN}"
    if keeps_choosing(attempts, job.koji.same_builder):
        times = f"{job.koji.same_builder} times in a row"
        problem = f"the hub chose {last.builder} ({last.arch}) {times}: submitting again will not help"
    elif len(attempts) >= job.koji.attempts:
        problem = f"{len(attempts)} attempts, and no builder with {job.koji.arch}"
    else:
        return
    lost = [f"attempt {n}: {told(attempt)}" for n, attempt in enumerate(attempts, 1)]
    raise SopError(problem, *lost, next_line=f"{spec_line}, and then: invoke build")
