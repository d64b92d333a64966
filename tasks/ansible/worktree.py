"""A temporary worktree beside the checkout: what is tried in it leaves the checkout's branch, index and files alone."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..koji import local
from .checkout import Checkout

_PREFIX = "push-config-"
# Hooks that follow a checkout are for the checkout; one that fails (git-lfs is missing) must not end this.
_NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")


@contextmanager
def made(checkout: Checkout) -> Iterator[Path]:
    """A detached worktree at the checkout's HEAD, gone afterwards; what a killed one left goes first."""
    clear(checkout)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            checkout.git(*_NO_HOOKS, "worktree", "add", "--quiet", "--detach", str(folder / "tree"), "HEAD")
            yield folder / "tree"
        finally:
            _remove(checkout, folder)


def clear(checkout: Checkout) -> None:
    """Take away the worktrees whose maker is dead: nobody holds their lock any more."""
    for line in checkout.git("worktree", "list", "--porcelain").split("\n"):
        folder = Path(line.removeprefix("worktree ")).parent
        if line.startswith("worktree ") and folder.name.startswith(_PREFIX) and _dead(folder / "lock"):
            _remove(checkout, folder)


def _dead(lock: Path) -> bool:
    try:
        with lock.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return not lock.parent.exists()
    except OSError:  # held, or another operator's
        return False
    return True


def _remove(checkout: Checkout, folder: Path) -> None:
    local.run("git", "worktree", "remove", "--force", "--force", folder / "tree", cwd=checkout.root)
    shutil.rmtree(folder, ignore_errors=True)
    local.run("git", "worktree", "prune", cwd=checkout.root)
