"""The template as it is edited in the checkout, and the checkout brought to what was pushed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..koji import local
from ..run.observer import Report
from .checkout import Checkout


@dataclass(frozen=True)
class Edited:
    """The template as it is edited: its bytes and its mode, and the commit it is edited on."""

    content: bytes
    mode: int
    head: str

    @classmethod
    def read(cls, checkout: Checkout) -> Edited:
        """As it is now."""
        mode = checkout.file.stat().st_mode & 0o777
        return cls(checkout.file.read_bytes(), mode, checkout.git("rev-parse", "HEAD").strip())

    def put(self, path: Path) -> None:
        """Write it there."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.content)
        path.chmod(self.mode | 0o600)


def bring_forward(checkout: Checkout, edited: Edited, pushed: str, report: Report) -> None:
    """Put the checkout on what was pushed, without a touch on other changed files (`reset --keep` refuses that).

    The template's changes are in the pushed commit, so they need not be kept beside it. Where this cannot be done
    the checkout stays behind, which is said and no failure: what was asked for has been pushed.
    """
    behind = f"{checkout.root} stays behind {checkout.upstream}"
    on = local.run("git", "symbolic-ref", "--quiet", "--short", "HEAD", cwd=checkout.root).out.strip()
    if on != checkout.branch or Edited.read(checkout) != edited:
        report.note(f"{behind}: it was changed meanwhile")
        return
    try:
        why = _reset(checkout, pushed)
    except BaseException:
        if checkout.git("rev-parse", "HEAD").strip() != pushed:  # else the file is what was pushed already
            edited.put(checkout.file)
        raise
    if why:
        edited.put(checkout.file)
        report.note(f"{behind}: {why}")


def _reset(checkout: Checkout, pushed: str) -> str:
    """Take the template's changes away and move to the pushed commit; why that cannot be, empty where it was done."""
    tracked = checkout.git("ls-tree", "HEAD", "--", checkout.template).strip()
    away = ("checkout", "--quiet", "HEAD", "--") if tracked else ("rm", "--quiet", "--cached", "--ignore-unmatch", "--")
    done = local.run("git", *away, checkout.template, cwd=checkout.root)
    if not done.exited:
        if not tracked:
            checkout.file.unlink()
        done = local.run("git", "reset", "--quiet", "--keep", pushed, cwd=checkout.root)
    return done.complaint if done.exited else ""
