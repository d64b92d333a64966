"""push-config: the settings template from the ansible checkout to its upstream.

Commit, rebase and push happen in a temporary worktree beside the checkout. So whatever goes wrong, the checkout's
branch, index and files are as they were; only after the push is it brought to what was pushed.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from invoke import Context

from ..errors import Interrupted, Refused
from ..fleet.output import clean
from ..koji import local, settings
from ..koji.progress import Progress
from ..koji.settings import Ansible
from . import checkout as checkouts
from . import template
from .checkout import Checkout


def push_config(context: Context, message: str) -> None:
    """Show, check, commit, rebase, push. Raises Refused for whatever speaks against it, before or at the push."""
    from ..report import opened

    ansible = settings.read(Ansible, context.config)
    progress = Progress(opened())
    checkout = checkouts.find(ansible.checkout, ansible.template)
    diff = checkout.diff()
    unpushed = checkout.unpushed()
    if not diff and not unpushed:
        progress.note(f"nothing to push: {ansible.template} is as {checkout.upstream} was last seen")
        return
    progress.lines(clean(line) for line in diff)
    template.check(checkout.root / ansible.template)
    message = message or f"blockerbugs: change {Path(ansible.template).name}"
    if context.config.run.dry:
        progress.note(f"would commit {ansible.template} ({message!r}), rebase on {checkout.upstream} and push")
        return
    try:
        pushed = _push(checkout, message if diff else None)
    except KeyboardInterrupt:
        raise Interrupted("the checkout is as it was", next_line="invoke push-config") from None
    progress.note(f"pushed {pushed[:12]} to {checkout.upstream}")
    _bring_forward(checkout, pushed, progress)
    progress.note(f"next, on the ansible host: {ansible.playbook}")


def _push(checkout: Checkout, message: str | None) -> str:
    """Do it all in a worktree of its own; the pushed commit. message: None when everything is committed already."""
    checkout.git("fetch", "--quiet", checkout.remote)
    with _worktree(checkout) as tree:
        if message:
            shutil.copyfile(checkout.root / checkout.template, tree / checkout.template)
            checkouts.git(tree, "commit", "--quiet", "--only", "-m", message, "--", checkout.template)
        rebased = local.run("git", "rebase", "--quiet", checkout.upstream, cwd=tree)
        if rebased.exited:
            raise Refused(
                f"{checkout.template} was changed in {checkout.upstream} as well, and the changes conflict",
                f"the checkout {checkout.root} is as it was",
                next_line=f"git -C {checkout.root} diff HEAD {checkout.upstream} -- {checkout.template}",
            )
        pushed = checkouts.git(tree, "rev-parse", "HEAD").strip()
        sent = local.run("git", "push", "--quiet", checkout.remote, f"HEAD:refs/heads/{checkout.merge}", cwd=tree)
        if sent.exited:
            raise Refused(
                f"{checkout.remote} rejected the push: {_reason(sent)}",
                f"the checkout {checkout.root} is as it was",
                next_line="invoke push-config, when that is mended (or somebody was faster)",
            )
        return pushed


@contextmanager
def _worktree(checkout: Checkout) -> Iterator[Path]:
    """A detached worktree at the checkout's HEAD, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="push-config-"))
    try:
        checkout.git("worktree", "add", "--quiet", "--detach", str(folder), "HEAD")
        yield folder
    finally:
        local.run("git", "worktree", "remove", "--force", folder, cwd=checkout.root)
        shutil.rmtree(folder, ignore_errors=True)
        local.run("git", "worktree", "prune", cwd=checkout.root)


def _bring_forward(checkout: Checkout, pushed: str, progress: Progress) -> None:
    """Put the checkout on what was pushed, without a touch on other changed files (`reset --keep` refuses that).

    The template's changes are in the pushed commit, so they need not be kept beside it. Where this cannot be done
    the checkout stays behind, which is said and no failure: what was asked for has been pushed.
    """
    path = checkout.root / checkout.template
    edited = path.read_bytes()
    for words in (("checkout", "--quiet", "HEAD", "--", checkout.template), ("reset", "--quiet", "--keep", pushed)):
        done = local.run("git", *words, cwd=checkout.root)
        if done.exited:
            path.write_bytes(edited)
            progress.note(f"{checkout.root} stays behind {checkout.upstream}: {done.complaint}")
            return


def _reason(sent: local.Done) -> str:
    """git's line about the ref, or the server's own words."""
    lines = [clean(line.strip()) for line in sent.err.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("! [", "remote: "))]
    return "; ".join(told[:3]) or (lines[-1] if lines else "no reason given")
