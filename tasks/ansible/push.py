"""push-config: the settings template from the ansible checkout to its upstream.

Commit, rebase, checks and push happen in a temporary worktree beside the checkout. So whatever goes wrong, the
checkout's branch, index and files are as they were; only after the push is it brought to what was pushed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from shlex import join
from typing import Any

from ..errors import Interrupted, Refused, SopError
from ..fleet.output import clean
from ..koji import local, settings
from ..koji.settings import Ansible
from ..lines import word
from ..run.interrupt import endable
from ..run.observer import Report
from . import checkout as checkouts
from . import edited as edits
from . import worktree
from .change import Change
from .checkout import Checkout, git
from .edited import Edited
from .remote import Outcome, Remote

LINE = "invoke push-config"


@dataclass(frozen=True)
class Options:
    """What was typed: the commit's message, the branch, reasons to go past the checks, and how far to go."""

    message: str = ""
    branch: str = ""
    unchecked: str = ""
    literal: str = ""
    plan: bool = False
    yes: bool = False

    @property
    def line(self) -> str:
        """The line to type again."""
        given = {"--message": self.message, "--branch": self.branch}
        given |= {"--unchecked": self.unchecked, "--literal": self.literal}
        return join([*LINE.split(), *(word for flag, value in given.items() if value for word in (flag, value))])


def push_config(config: Any, options: Options, report: Report) -> None:
    """Fetch, commit, rebase, show, check, ask, push. Raises Refused for whatever speaks against it.

    Raises Interrupted when it is ended early, and SopError where it is not known whether the server took the push.
    """
    ansible = settings.read(Ansible, config)
    done: list[str] = []
    with endable():
        try:
            checkout = checkouts.find(ansible.checkout, ansible.template)
            _carry_out(checkout, ansible, options, report, done)
        except KeyboardInterrupt:
            problems = done or ["nothing was pushed, the checkout is as it was"]
            raise Interrupted(*problems, next_line=options.line) from None


def _carry_out(checkout: Checkout, ansible: Ansible, options: Options, report: Report, done: list[str]) -> None:
    """done: gets a sentence for what has been done by now, for an end in between."""
    edited = Edited.read(checkout)
    with worktree.made(checkout) as tree:
        remote = Remote(checkout, tree, ansible.timeout, report)
        applied = _destination(remote, ansible.branch, options.branch)
        change = Change(checkout, tree, remote.fetch())
        ours = _commit(change, edited, options) or bool(change.commits)
        pushed = _push(change, remote, ansible, options, report, done)
    if pushed and ours and not options.plan:
        edits.bring_forward(checkout, edited, pushed, report)
        if applied == checkout.merge:
            report.note(f"next, on the ansible host: {ansible.playbook}")
        else:
            report.note(f"the ansible host applies branch {applied}; you pushed {checkout.merge}: hosts are unchanged")


def _destination(remote: Remote, configured: str, typed: str) -> str:
    """The branch that is applied. Raises Refused when the checkout's is another, unless that one was typed."""
    checkout = remote.checkout
    head, branches = remote.heads()
    applied = configured or head
    to = checkout.to_type
    fetch = to(f"fetch --prune {checkout.remote}")
    if checkout.merge not in branches:
        cure = f"{fetch} && {to(f'branch --set-upstream-to={checkout.remote}/{head}')}" if head else fetch
        renamed = f"; its branch is {head} now" if head else ""
        raise Refused(f"{checkout.remote} has no branch {checkout.merge}{renamed}", next_line=cure)
    if not applied:
        raise Refused(
            f"{checkout.remote} has no HEAD, so the applied branch is unknown",
            next_line=f"INVOKE_ANSIBLE_BRANCH={word(checkout.merge)} {LINE}",
        )
    if typed and typed != checkout.merge:
        raise Refused(
            f"--branch {typed}: {checkout.branch} goes to {checkout.upstream}", next_line=to(f"switch {typed}")
        )
    if checkout.merge != applied and not typed:
        raise Refused(
            f"{checkout.branch} goes to {checkout.upstream}, but {checkout.remote}/{applied} is what is applied"
            f" ({'ansible.branch' if configured else f'the HEAD of {checkout.remote}'})",
            f"to push it there all the same: {LINE} --branch {checkout.merge}",
            next_line=to(f"switch {applied}"),
        )
    return applied


def _commit(change: Change, edited: Edited, options: Options) -> bool:
    """Commit the template, if it differs, and say whether. Raises Refused in git's or a hook's words."""
    tree, name = change.tree, change.checkout.template
    local.run("git", "update-index", "--no-skip-worktree", "--no-assume-unchanged", "--", name, cwd=tree)
    for _ in range(2):  # a hook that mends the file fails, and takes what it has made of it
        edited.put(tree / name)
        if not git(tree, "status", "--porcelain", "--", name).strip():
            break
        git(tree, "add", "--", name)
        done = local.run("git", "commit", "--quiet", "--only", "-m", _message(change, options), "--", name, cwd=tree)
        if not done.exited:
            break
        mended = (tree / name).read_bytes()
        if mended == edited.content:
            words = [clean(line) for line in (done.err or done.out).splitlines() if line.strip()]
            raise Refused(f"git did not commit {name}:", *words[-8:], next_line=options.line)
        edited = Edited(mended, edited.mode, edited.head)
    others = change.other_files()
    if others:
        raise Refused(
            f"{change.checkout.branch} has unpushed commits that touch other files: {', '.join(others)}",
            "they want to be pushed first, or a branch of their own",
            next_line=change.checkout.to_type("push"),
        )
    return git(tree, "rev-parse", "HEAD").strip() != edited.head


def _message(change: Change, options: Options) -> str:
    lines = [options.message or f"blockerbugs: change {Path(change.checkout.template).name}"]
    lines += [f"Pushed without a check of the template: {options.unchecked}"] if options.unchecked else []
    lines += [f"Written out where a secret's name is: {options.literal}"] if options.literal else []
    return "\n\n".join(lines)


def _push(change: Change, remote: Remote, ansible: Ansible, options: Options, report: Report, done: list[str]) -> str:
    """Rebase, show, check, ask and push; once more when somebody was faster.

    The commit that the server has now; empty where only a plan was asked for.
    """
    shown: list[str] = []
    for last in (False, True):
        _rebase(change)
        commit = git(change.tree, "rev-parse", "HEAD").strip()
        if not change.commits:
            report.note(f"nothing to push: {change.checkout.upstream} has {change.checkout.template} as it is here")
            return commit
        lines = change.lines()
        if lines != shown:
            shown = lines
            _show(change, lines, remote, report)
            _check(change, ansible, options, report)
            if options.plan:
                subject = git(change.tree, "log", "-1", "--format=%s").strip()
                report.note(f"would push to {change.checkout.upstream}: {subject}")
                return ""
            _agree(options, report)
        outcome, error = _sent(change, remote, commit, options)
        if outcome is Outcome.PUSHED:
            done.append(f"pushed {commit[:12]} to {change.checkout.upstream}")
            report.note(done[-1])
            return commit
        if error and (last or outcome is not Outcome.BEHIND):
            raise error
        report.note(f"somebody was faster: fetching {change.checkout.upstream} and rebasing once more")
        change = replace(change, base=remote.fetch())
    raise AssertionError  # the second round has ended above


def _rebase(change: Change) -> None:
    """Put our commits on the server's. Raises Refused where they conflict."""
    quiet = ("-c", "rebase.updateRefs=false", "-c", "rebase.autoStash=false", "-c", "rebase.autoSquash=false")
    rebased = local.run("git", *quiet, "rebase", "--quiet", change.base, cwd=change.tree)
    if not rebased.exited:
        return
    checkout, name = change.checkout, change.checkout.template
    as_it_was = f"the checkout {checkout.root} is as it was"
    if not git(change.tree, "ls-files", "--unmerged").strip():
        raise Refused(f"git rebase: {rebased.complaint}", as_it_was, next_line=LINE)
    raise Refused(
        f"{name} was changed in {checkout.upstream} as well, and the changes conflict",
        as_it_was,
        next_line=checkout.to_type(f"diff HEAD {checkout.upstream} -- {name}"),
    )


def _show(change: Change, lines: list[str], remote: Remote, report: Report) -> None:
    for line in lines:
        report.verbatim(f"  | {line}")
    for note in change.notes():
        report.note(note)
    for url in remote.urls():
        report.note(f"to {change.checkout.upstream}: {clean(url)}")


def _check(change: Change, ansible: Ansible, options: Options, report: Report) -> None:
    """Raises Refused where the template is wrong or has a secret in it, unless a reason goes past that."""
    if options.unchecked:
        report.warning(f"the template is not checked: {options.unchecked}")
    else:
        for note in change.check_template(ansible.python, options.line):
            report.warning(note)
    if options.literal:
        report.warning(f"secret check skipped; any literal value is pushed: {options.literal}")
    else:
        change.check_secrets(options.line)


def _agree(options: Options, report: Report) -> None:
    """Raises Refused unless the operator agrees."""
    if options.yes:
        return
    if not report.can_ask():
        raise Refused(
            "pushing wants to be confirmed, and there is no terminal to ask on", next_line=f"{options.line} --yes"
        )
    try:
        answer = report.ask("\nIs this ok [y/N]: ")
    except EOFError:
        answer = ""
    if answer.lower() not in ("y", "yes"):
        raise Refused("not confirmed")


def _sent(change: Change, remote: Remote, commit: str, options: Options) -> tuple[Outcome, SopError | None]:
    """Push. Ctrl-C may come too late: the server is looked at before this raises Interrupted."""
    try:
        return remote.push(change.base)
    except KeyboardInterrupt:
        try:
            found = remote.look(commit, looks=1)
        except KeyboardInterrupt:
            found = dict.fromkeys(remote.urls(), Outcome.NOT_KNOWN)
        raise Interrupted(
            f"in the push of {commit[:12]}, the checkout is as it was", *remote.told(found), next_line=options.line
        ) from None
