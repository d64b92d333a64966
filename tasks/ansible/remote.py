"""The server that the checkout is pushed to: which branch it applies, what it has, whether it took a push."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from shlex import join

from ..errors import Refused, SopError, Unreachable
from ..fleet.output import clean
from ..koji import local
from ..run.observer import Report
from .checkout import Checkout

_FIRST_SECONDS = 4.0  # before it is said that the server is waited for; then again each minute
_AGAIN_SECONDS = 60.0
_LOOK_SECONDS = 20.0  # at most for a look at what became of a push
_LOOKS = 3  # a server may still be at work when the connection to it is lost

# git's answers that name nobody who could not be reached.
_NO_REPOSITORY = re.compile(r"does not appear to be a git repository|repository .*not found|not exist", re.I)
_AWAY = re.compile(
    r"could not read from remote|unable to access|authentication failed|could not read (user|pass)|unable to connect"
    r"|hung up|early eof|rpc failed|connection|could not resolve|permission denied|host key|timed out",
    re.I,
)
_CHATTER = re.compile(
    r"Please make sure you have the correct access|and the repository exists\.|Warning: Permanently added|@+$|hint:|To "
)
# What tells the cause, in what ssh says before or after other things.
_CAUSE = re.compile(
    r"host key verification failed|identification has changed|permission denied|refused|could not resolve|timed out"
    r"|no route|unreachable|connection (closed|reset)|too many authentication|certificate|no such identity",
    re.I,
)
# No connection was made, so that the server cannot have taken anything.
_NOT_CONNECTED = re.compile(
    r"host key verification failed|permission denied \(|connection refused|could not resolve|no route to host"
    r"|network is unreachable|failed to connect|certificate problem|authentication failed|returned error: 40\d",
    re.I,
)
_BEHIND = re.compile(
    r"stale info|fetch first|non-fast-forward|cannot lock ref|failed to update ref|incorrect old value"
)


class Outcome(Enum):
    """What became of a push."""

    PUSHED = "pushed"
    BEHIND = "somebody was faster"
    NOT_PUSHED = "not pushed"
    NOT_KNOWN = "not known"


@dataclass(frozen=True)
class Remote:
    """The checkout's remote. tree: where git runs; timeout: seconds that one exchange may take; report: who is told."""

    checkout: Checkout
    tree: Path
    timeout: float
    report: Report

    @property
    def name(self) -> str:
        """Its name here, e.g. `origin`."""
        return self.checkout.remote

    def urls(self) -> list[str]:
        """Where a push goes; more than one where several push URLs are configured."""
        return self.checkout.git("remote", "get-url", "--push", "--all", self.name).split("\n")[:-1]

    def heads(self) -> tuple[str, set[str]]:
        """The branch that the server's HEAD is (empty where it is none), and all its branches. Raises as `fetch`."""
        done = self._exchange("ls-remote", "--symref", self.name, "HEAD", "refs/heads/*")
        if done.exited:
            raise self.trouble("ls-remote", done)
        lines = [line.split("\t") for line in done.out.split("\n") if "\t" in line]
        head = [
            value.removeprefix("ref: refs/heads/") for value, name in lines if (name, value[:5]) == ("HEAD", "ref: ")
        ]
        return (head or [""])[0], {name.removeprefix("refs/heads/") for _, name in lines if name != "HEAD"}

    def fetch(self) -> str:
        """The upstream branch as the server has it now: a commit. Raises Unreachable or Refused, in ssh's words."""
        done = self._exchange("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", self.name, self._ref)
        if done.exited:
            raise self.trouble("fetch", done)
        return self._git("rev-parse", "FETCH_HEAD").out.strip()

    def push(self, base: str) -> tuple[Outcome, SopError | None]:
        """Push HEAD onto `base`, which the server had at the last fetch; an error with all but PUSHED."""
        lease = f"--force-with-lease={self._ref}:{base}"  # so that a branch that has gone is not made again
        to = f"HEAD:{self._ref}"
        done = self._exchange(
            "push", "--porcelain", "--no-follow-tags", "--recurse-submodules=no", lease, self.name, to
        )
        if not done.exited:
            return Outcome.PUSHED, None
        refused = [line.split("\t")[-1] for line in done.out.split("\n") if line.startswith("!\t")]
        if len(self.urls()) > 1:
            return self._after(done)
        if any(_BEHIND.search(line) for line in refused):
            return Outcome.BEHIND, Refused(
                f"{self.name} rejected the push: {self._words(done, refused)}", self._as_it_was
            )
        if any(line.startswith(("[remote rejected]", "[rejected]")) for line in refused):
            problem = f"{self.name} rejected the push: {self._words(done, refused)}"
            return Outcome.NOT_PUSHED, Refused(problem, self._as_it_was, next_line="invoke push-config")
        if not refused and not done.late and self._has_hook() and not _AWAY.search(done.err):
            problem = f"a hook of {self.checkout.root} (pre-push) stopped the push: {self._words(done, [])}"
            return Outcome.NOT_PUSHED, Refused(problem, self._as_it_was, next_line="invoke push-config")
        if _NOT_CONNECTED.search(done.err):
            return Outcome.NOT_PUSHED, self.trouble("push", done)
        return self._after(done)

    def has(self, url: str, commit: str) -> Outcome:
        """Does the server at `url` have the commit in its branch?"""
        seen = self._exchange("ls-remote", url, self._ref, limit=_LOOK_SECONDS)
        if seen.exited:
            return Outcome.NOT_KNOWN
        there = seen.out.split("\t")[0].strip()
        if there in ("", commit):
            return Outcome.PUSHED if there else Outcome.NOT_PUSHED
        self._exchange("fetch", "--quiet", "--no-tags", url, self._ref, limit=_LOOK_SECONDS)
        above = self._git("merge-base", "--is-ancestor", commit, there).exited
        return {0: Outcome.PUSHED, 1: Outcome.NOT_PUSHED}.get(above, Outcome.NOT_KNOWN)

    def look(self, commit: str, looks: int = _LOOKS) -> dict[str, Outcome]:
        """What became of a push whose answer was lost, by URL."""
        found = dict.fromkeys(self.urls(), Outcome.NOT_KNOWN)
        for left in reversed(range(looks)):
            found = {url: was if was is Outcome.PUSHED else self.has(url, commit) for url, was in found.items()}
            if left and any(was is not Outcome.PUSHED for was in found.values()):
                time.sleep(1.0)
        return found

    def told(self, found: dict[str, Outcome]) -> list[str]:
        """What `look` found, a sentence for each URL."""
        branch = self.checkout.merge
        words = {
            Outcome.PUSHED: "{url} has it in {branch}",
            Outcome.NOT_PUSHED: "{url} does not have it in {branch} now",
            Outcome.NOT_KNOWN: "whether {url} has it in {branch} is not known",
        }
        return [words[was].format(url=clean(url), branch=branch) for url, was in found.items()]

    def trouble(self, verb: str, done: local.Done) -> Refused:
        """Why nothing came of an exchange before anything was pushed: ssh's words, then git's."""
        where = f"git {verb} with {self.name} in {self.checkout.root}"
        lines = _lines(done)
        if done.late:
            return Unreachable(
                f"{where}: no end after {self.timeout:g} s (ansible.timeout)",
                *lines[-3:],
                next_line="invoke push-config",
            )
        if _NO_REPOSITORY.search(done.err) or not _AWAY.search(done.err):
            return Refused(f"{where}: {done.complaint}", *lines[:-1][-5:], next_line="invoke push-config")
        lines.sort(key=lambda line: not _CAUSE.search(line))
        return Unreachable(f"{where}: {lines[0]}", *lines[1:], next_line=self._ssh() or "invoke push-config")

    def _after(self, done: local.Done) -> tuple[Outcome, SopError | None]:
        commit = self._git("rev-parse", "HEAD").out.strip()
        self.report.note(f"the push did not end well: looking at {self.name}")
        found = self.look(commit)
        if all(was is Outcome.PUSHED for was in found.values()):
            return Outcome.PUSHED, None
        some = Outcome.PUSHED in found.values()
        problems = (f"pushing {commit[:12]}: {(_lines(done) or ['no reason given'])[0]}", *self.told(found))
        if some:
            again = join(["git", "-C", str(self.checkout.root), "push", self.name, f"{commit}:{self._ref}"])
            return Outcome.NOT_KNOWN, SopError(*problems, next_line=again)
        return Outcome.NOT_KNOWN, SopError(
            *problems, "the server may still be at work: the next look tells", next_line="invoke push-config"
        )

    def _has_hook(self) -> bool:
        return os.access(self.tree / self._git("rev-parse", "--git-path", "hooks/pre-push").out.strip(), os.X_OK)

    @property
    def _as_it_was(self) -> str:
        return f"the checkout {self.checkout.root} is as it was"

    @property
    def _ref(self) -> str:
        return f"refs/heads/{self.checkout.merge}"

    def _words(self, done: local.Done, refused: list[str]) -> str:
        """A hook's words and git's reason for the branch."""
        complaints = [clean(line) for line in done.err.split("\n") if line.startswith("remote: ") and line[8:].strip()]
        complaints = complaints or ([] if refused else _lines(done))
        return "; ".join([*complaints[-5:], *map(clean, refused)]) or "no reason given"

    def _ssh(self) -> str | None:
        """The line that shows by itself why ssh does not get in."""
        match = re.match(
            r"(?:ssh://(?P<user>[^/@]+@)?(?P<host>[^/:]+)(?::(?P<port>\d+))?/|(?P<short>[^/:]+):(?!//))", self.urls()[0]
        )
        if not match:
            return None
        port = ["-p", match["port"]] if match["port"] else []
        return join(["ssh", "-T", *port, match["short"] or f"{match['user'] or ''}{match['host']}"])

    def _git(self, *words: str) -> local.Done:
        return local.run("git", *words, cwd=self.tree)

    def _exchange(self, *words: str, limit: float = 0.0) -> local.Done:
        """A git command that talks to the server; what it waits for is said, and it is ended at its limit."""
        limit = limit or self.timeout
        said = [_FIRST_SECONDS]

        def waiting(seconds: float) -> None:
            if seconds >= said[0]:
                said[0] += _AGAIN_SECONDS
                self.report.note(f"waiting for {self.name}: git {words[0]}, {seconds:.0f} s, at most {limit:g} s")

        return local.run("git", *words, cwd=self.tree, limit=limit, waiting=waiting)


def _lines(done: local.Done) -> list[str]:
    lines = [clean(line.strip()) for line in done.err.split("\n")]
    return [line for line in lines if line and not _CHATTER.match(line)]
