"""The ansible checkout: what state its settings template is in, and what speaks against pushing it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import Refused
from ..koji import local

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

    def git(self, *arguments: str) -> str:
        """What git prints. Raises Refused with git's words when it fails."""
        return git(self.root, *arguments)

    def diff(self) -> list[str]:
        """The lines of the template's uncommitted changes, staged or not."""
        return self.git("diff", "--no-color", "--no-ext-diff", "HEAD", "--", self.template).splitlines()

    def unpushed(self) -> list[str]:
        """The files in commits that upstream, as last fetched, does not have."""
        files = self.git("log", "--format=", "--name-only", f"{self.upstream}..HEAD")
        return sorted(set(files.split("\n")) - {""})


def find(folder: str, template: str) -> Checkout:
    """The checkout in `folder`, fit to push from.

    Raises Refused when it is none, has no template, no branch (detached HEAD), no upstream, an unfinished rebase or
    merge, other staged changes, or unpushed commits that touch other files.
    """
    root = Path(folder).expanduser()
    if not (root / ".git").exists():
        raise Refused(
            f"{root} is no git checkout", next_line="ansible.checkout in invoke.yml, or INVOKE_ANSIBLE_CHECKOUT=…"
        )
    if not (root / template).is_file():
        raise Refused(f"{root} has no {template}", next_line="ansible.template in invoke.yml")
    branch = local.run("git", "symbolic-ref", "--quiet", "--short", "HEAD", cwd=root).out.strip()
    if not branch:
        raise Refused(f"{root} is on no branch (detached HEAD)", next_line=f"git -C {root} switch main")
    names = _upstream(root, branch)
    if names is None:
        raise Refused(
            f"{root}: {branch} has no upstream", next_line=f"git -C {root} branch --set-upstream-to=origin/{branch}"
        )
    checkout = Checkout(root, template, branch, *names)
    _check_quiet(checkout)
    return checkout


def template_state(folder: Path, template: str) -> list[str]:
    """What stands between the template as it is edited here and what the hosts can have got: one warning each.

    Quick: three git calls, nothing is fetched. No checkout on this machine: no warnings.
    """
    root = folder.expanduser()
    if not (root / ".git").exists() or not (root / template).is_file():
        return []
    name = Path(template).name
    changed = local.run("git", "status", "--porcelain", "--", template, cwd=root).out
    warnings = [f"{name} has uncommitted changes in {root}: invoke push-config"] if changed.strip() else []
    log = local.run("git", "log", "--format=%h", "@{upstream}..HEAD", "--", template, cwd=root)
    commits = log.out.split()
    if log.exited:
        warnings.append(f"whether {name} is pushed cannot be told: {root} has no upstream branch")
    elif commits:
        warnings.append(f"{name} has unpushed commits in {root} ({', '.join(commits)}): invoke push-config")
    return warnings


def git(root: Path, *arguments: str) -> str:
    """What git prints in `root`. Raises Refused with its complaint when it fails."""
    done = local.run("git", *arguments, cwd=root)
    if done.exited:
        raise Refused(
            f"git {arguments[0]} in {root}: {done.complaint}", next_line="the same again, when that is mended"
        )
    return done.out


def _upstream(root: Path, branch: str) -> tuple[str, str] | None:
    remote = local.run("git", "config", f"branch.{branch}.remote", cwd=root).out.strip()
    merge = local.run("git", "config", f"branch.{branch}.merge", cwd=root).out.strip()
    return (remote, merge.removeprefix("refs/heads/")) if remote and merge else None


def _check_quiet(checkout: Checkout) -> None:
    folder = Path(checkout.git("rev-parse", "--absolute-git-dir").strip())
    unfinished = [name for name in _UNFINISHED if (folder / name).exists()]
    if unfinished:
        raise Refused(f"{checkout.root}: {unfinished[0]} is not finished", next_line=f"git -C {checkout.root} status")
    staged = checkout.git("diff", "--cached", "--name-only").split("\n")
    others = [name for name in staged if name and name != checkout.template]
    if others:
        raise Refused(
            f"other changes are staged in {checkout.root}: {', '.join(others)}",
            next_line=f"git -C {checkout.root} restore --staged {others[0]}",
        )
    foreign = [name for name in checkout.unpushed() if name != checkout.template]
    if foreign:
        raise Refused(
            f"{checkout.branch} has unpushed commits that touch other files: {', '.join(foreign)}",
            next_line=f"git -C {checkout.root} push, or a branch of their own for them",
        )
