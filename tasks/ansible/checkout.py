"""The ansible checkout: what state its settings template is in, and what speaks against pushing from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from ..errors import Refused
from ..koji import local
from ..lines import word

_UNFINISHED = ("rebase-merge", "rebase-apply", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD")


@dataclass(frozen=True)
class Checkout:
    """root: the work tree; template: the file in it; branch: what is checked out; remote, merge: its upstream."""

    root: Path
    template: str
    branch: str
    remote: str
    merge: str

    @property
    def upstream(self) -> str:
        """The remote-tracking name of the upstream branch, e.g. `origin/main`."""
        return f"{self.remote}/{self.merge}"

    @property
    def file(self) -> Path:
        """The template as it is edited."""
        return self.root / self.template

    def git(self, *arguments: str) -> str:
        """What git prints. Raises Refused with git's words when it fails."""
        return git(self.root, *arguments)

    def to_type(self, arguments: str) -> str:
        """A git command on this checkout, for the operator."""
        return f"git -C {word(self.root)} {arguments}"


def find(folder: str, template: str) -> Checkout:
    """The checkout in `folder`, fit to push from; nothing is asked of its server.

    Raises Refused when it is none, has no template of its own (a link, another repository's), no branch (detached
    HEAD), an upstream that `git push` would not push to, an unfinished rebase or merge, or other staged changes.
    """
    root = Path(folder).expanduser()
    if not (root / ".git").exists():
        why = "there is no folder" if not root.exists() else "it is no git checkout"
        raise Refused(
            f"ansible.checkout is {root}: {why}",
            next_line="INVOKE_ANSIBLE_CHECKOUT=PATH invoke push-config  # or set ansible.checkout in invoke.yml",
        )
    _check_file(root, template)
    branch = local.run("git", "symbolic-ref", "--quiet", "--short", "HEAD", cwd=root).out.strip()
    if not branch:
        raise Refused(f"{root} is on no branch (detached HEAD)", next_line=f"git -C {word(root)} switch main")
    checkout = Checkout(root, template, branch, *_upstream(root, branch))
    _check_quiet(checkout)
    return checkout


def template_state(folder: Path, template: str, applied: str = "") -> list[str]:
    """What stands between the template as it is edited here and what the hosts can have got: one warning each.

    applied: the branch that the ansible host applies, empty for the remote's HEAD. Quick: some git calls, nothing is
    fetched. No checkout on this machine: no warnings.
    """
    root = folder.expanduser()
    if not (root / ".git").exists() or not (root / template).is_file():
        return []
    name = Path(template).name
    head = local.run("git", "symbolic-ref", "--quiet", "HEAD", cwd=root)  # also before the first commit
    if head.exited not in (0, 1):  # 1: HEAD is detached
        return [f"whether {name} is pushed cannot be told: git in {root}: {head.complaint}"]
    edited, committed = blob(root, template), _object(root, f"HEAD:{template}")
    warnings = [f"{name} has uncommitted changes in {root}: invoke push-config"] if edited != committed else []
    upstream, why = _applied(root, applied)
    if not upstream:
        return [*warnings, f"whether {name} is pushed cannot be told: {why}"]
    commits = git(root, "log", "--format=%h", f"{upstream}..HEAD", "--", template).split()
    if commits and committed != _object(root, f"{upstream}:{template}"):
        ahead = f"commits in {root} ({', '.join(commits)}) that {upstream} does not have"
        warnings.append(f"{name} has {ahead}: invoke push-config")
    return warnings


def git(root: Path, *arguments: str) -> str:
    """What git prints in `root`. Raises Refused with its complaint when it fails."""
    done = local.run("git", *arguments, cwd=root)
    if not done.exited:
        return done.out
    cure = re.search(r"git config --global --add safe\.directory .+", done.err)  # of somebody else's checkout
    raise Refused(
        f"git {arguments[0]} in {root}: {done.complaint}", next_line=cure[0] if cure else "invoke push-config"
    )


def blob(root: Path, template: str) -> str:
    """What git would name the template's content, as it is edited; also where an index says not to look."""
    return local.run("git", "hash-object", f"--path={template}", "--", root / template, cwd=root).out.strip()


def _object(root: Path, name: str) -> str:
    return local.run("git", "rev-parse", "--verify", "--quiet", name, cwd=root).out.strip()


def _applied(root: Path, branch: str) -> tuple[str, str]:
    """The remote-tracking name of the branch that is applied, as far as this checkout knows; or empty, and why."""
    upstream = local.run("git", "rev-parse", "--abbrev-ref", "@{upstream}", cwd=root)
    if upstream.exited:
        return "", f"{root} has no upstream branch"
    own = upstream.out.strip()
    remote = next((one for one in git(root, "remote").split() if own.startswith(f"{one}/")), "origin")
    head = local.run("git", "symbolic-ref", "--quiet", "--short", f"refs/remotes/{remote}/HEAD", cwd=root)
    applied = f"{remote}/{branch}" if branch else head.out.strip()
    if not applied and own.removeprefix(f"{remote}/") in ("main", "master"):
        applied = own
    if not applied:
        return (
            "",
            f"which branch is applied is not known in {root}: git -C {word(root)} remote set-head {remote} --auto",
        )
    if not _object(root, applied):
        return "", f"{root} has not fetched {applied}: git -C {word(root)} fetch {remote}"
    return applied, ""


def _check_file(root: Path, template: str) -> None:
    path = root / template
    if not path.is_file():
        raise Refused(
            f"ansible.template is {template}: there is no such file in {root}",
            next_line="INVOKE_ANSIBLE_TEMPLATE=PATH invoke push-config  # or set ansible.template in invoke.yml",
        )
    real = path.resolve()
    if real != root.resolve() / template:
        inside = real.is_relative_to(root.resolve())
        cure = (
            f"INVOKE_ANSIBLE_TEMPLATE={word(real.relative_to(root.resolve()))} invoke push-config" if inside else None
        )
        raise Refused(f"{template} is a link, to {real}: git keeps the link, not what it names", next_line=cure)
    top = Path(git(real.parent, "rev-parse", "--show-toplevel").strip())
    if top != root.resolve():
        names = f"INVOKE_ANSIBLE_CHECKOUT={top} INVOKE_ANSIBLE_TEMPLATE={real.relative_to(top)}"
        raise Refused(
            f"{template} is in a repository of its own, {top} (a submodule?)", next_line=f"{names} invoke push-config"
        )


def _upstream(root: Path, branch: str) -> tuple[str, str]:
    """The remote and the branch there that `branch` is pushed to. Raises Refused where there is no single answer."""

    def of(key: str) -> str:
        return local.run("git", "config", "--get", key, cwd=root).out.strip()

    remote, merge = of(f"branch.{branch}.remote"), of(f"branch.{branch}.merge").removeprefix("refs/heads/")
    cure = f"git -C {word(root)} branch --set-upstream-to={word(f'origin/{branch}')}"
    if not (remote and merge):
        raise Refused(f"{root}: {branch} has no upstream", next_line=cure)
    if remote == ".":
        raise Refused(f"{root}: the upstream of {branch} is a branch of this checkout, {merge}", next_line=cure)
    if remote not in git(root, "remote").split():
        raise Refused(f"{root}: the upstream of {branch} is at {remote}, which is no remote here", next_line=cure)
    for key in (f"branch.{branch}.pushRemote", "remote.pushDefault"):
        other = of(key)
        if other and other != remote:
            raise Refused(
                f"{root}: {branch} follows {remote}, but git would push it to {other} ({key})",
                next_line=f"git -C {word(root)} config {word(f'branch.{branch}.pushRemote')} {word(remote)}",
            )
        if other:
            break
    return remote, merge


def _check_quiet(checkout: Checkout) -> None:
    folder = Path(checkout.git("rev-parse", "--absolute-git-dir").strip())
    unfinished = [name for name in _UNFINISHED if (folder / name).exists()]
    if unfinished:
        raise Refused(f"{checkout.root}: {unfinished[0]} is not finished", next_line=checkout.to_type("status"))
    staged = checkout.git("diff", "--cached", "--name-only").split("\n")
    others = [name for name in staged if name and name != checkout.template]
    if others:
        raise Refused(
            f"other changes are staged in {checkout.root}: {', '.join(others)}",
            next_line=checkout.to_type(f"restore --staged {quote(others[0])}"),
        )
