"""What a push would change: the template at the server's commit and at ours, shown without secrets and checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from ..errors import Refused
from ..koji import local
from ..paths import editor
from . import secrets, template
from .checkout import Checkout, git

_AROUND = 3  # lines before and behind a change


@dataclass(frozen=True)
class Change:
    """From `base`, what the server has, to HEAD of the worktree `tree`."""

    checkout: Checkout
    tree: Path
    base: str

    @property
    def commits(self) -> list[str]:
        """The commits that would be pushed, the oldest first."""
        return git(self.tree, "rev-list", "--reverse", f"{self.base}..HEAD").split()

    def other_files(self) -> list[str]:
        """What the commits touch beside the template."""
        files = git(self.tree, "log", "--format=", "--name-only", f"{self.base}..HEAD").split("\n")
        return sorted(set(files) - {"", self.checkout.template})

    def lines(self) -> list[str]:
        """The difference as `diff -u` writes it, without secrets, but with the template's expressions as they are."""
        old, new = self._text(self.base), self._text("HEAD")
        name = self.checkout.template
        return [f"--- {self.checkout.upstream}:{name}", f"+++ {name}", *_hunks(old, new)]

    def notes(self) -> list[str]:
        """What the lines do not show: the file's mode, its line ends, more commits than one."""
        raw = git(self.tree, "diff", "--raw", self.base, "HEAD", "--", self.checkout.template).split()
        modes = [mode.lstrip(":") for mode in raw[:2]]
        notes = [f"the file's mode: {modes[0]} → {modes[1]}"] if modes and modes[0] not in (modes[1], "000000") else []
        ends = ["CRLF" if "\r\n" in self._text(commit) else "LF" for commit in (self.base, "HEAD")]
        if self._text("HEAD")[-1:] != "\n":
            notes.append("the last line has no end")
        if ends[0] != ends[1] and self._text(self.base):
            notes.append(f"the line ends: {ends[0]} → {ends[1]}, in all lines")
        if len(self.commits) > 1:
            subjects = git(self.tree, "log", "--reverse", "--format=%h %s", f"{self.base}..HEAD").splitlines()
            notes.append(f"{len(self.commits)} commits: {'; '.join(subjects)}")
        return notes

    def check_template(self, python: str, line: str) -> list[str]:
        """What cannot be said for sure of the template that would be pushed; line: what was typed.

        Raises Refused when it is wrong.
        """
        try:
            return template.check(self.tree / self.checkout.template, python)
        except Refused as error:
            raise Refused(
                *error.problems,
                f'if the template is right all the same: {line} --unchecked "reason"',
                next_line=editor(self.checkout.file),
            ) from None

    def check_secrets(self, line: str) -> None:
        """Raises Refused where a commit writes a secret into the template that the server does not have."""
        known = self._literals(self.base)
        problems = []
        for commit in self.commits:
            for (name, value), number in self._literals(commit).items():
                if (name, value) not in known:
                    known[name, value] = number
                    where = f"{self.checkout.template}, line {number}"
                    where += f" in {commit[:12]}" if commit != self.commits[-1] else ""
                    problems.append(f"{where}: {name} is in plain text; every reader of the repository can see it")
        if problems:
            raise Refused(
                *problems,
                "a secret belongs into a variable of the private repository: NAME = '{{ variable }}'",
                f'if it is none: {line} --literal "reason"',
                next_line=editor(self.checkout.file),
            )

    def _literals(self, commit: str) -> dict[tuple[str, str], int]:
        read = template.source(self._text(commit))
        return secrets.literals(read.text, read.marks)

    def _text(self, commit: str) -> str:
        shown = local.run("git", "show", f"{commit}:{self.checkout.template}", cwd=self.tree)
        return "" if shown.exited else shown.out


def _hunks(old: str, new: str) -> Iterator[str]:
    """The changed lines of two templates and what stands around them, each with its sign before it."""
    hidden = [secrets.shown(text, template.source(text).marks) for text in (old, new)]
    one, other = (text.removesuffix("\n").split("\n") if text else [] for text in (old, new))
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    for group in matcher.get_grouped_opcodes(_AROUND):
        (_, a, _, c, _), (_, _, b, _, d) = group[0], group[-1]
        yield f"@@ -{a + 1},{b - a} +{c + 1},{d - c} @@"
        for kind, a, b, c, d in group:
            if kind == "equal":
                yield from (f" {line}" for line in hidden[0][a:b])
            else:
                yield from (f"-{line}" for line in hidden[0][a:b])
                yield from (f"+{line}" for line in hidden[1][c:d])
