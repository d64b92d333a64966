"""The lines that an operator is told to type: each with what stood before the tasks on the line that was typed.

`FABRIC_HOSTS_FILE=mine.yml fab --ssh-config lab prod status` must not answer with `fab prod resume`, which is another
file's prod. Whoever makes a line writes `fab prod resume`; where it is shown, `again` adds the rest. A line for ssh is
made by `ssh` alone, which keeps the file of --ssh-config. What explains a line stands behind the shell's comment sign.
"""

from __future__ import annotations

import re
import shlex
import shutil
import textwrap
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

VARIABLES = ("HOSTS_FILE", "SSH_CONFIG_PATH", "RUNTIME_CONFIG")  # after FABRIC_ and INVOKE_
COMMENT = "  # "
RUN = Path(__file__).parents[1] / "run"
WIDE = 30  # columns up to which the lines to type are given the same width: 80 must do for the most of them
_NOTHING = re.compile("(?!)")


class Line(NamedTuple):
    """What can be typed as it stands, and what it would do or when it can be done; mark: `next`, `or`, `then`.

    The latter is a comment of the shell's, so that the whole line can be pasted. Where nothing can be typed, `does`
    says why: a line that is a comment alone.
    """

    mark: str
    typed: str
    does: str = ""

    def shown(self, wide: int) -> str:
        """As it is printed; wide: the columns that what is typed is given."""
        mark = f"{self.mark:>4}: " if self.typed else " " * 6
        return f"{mark}{self.typed:<{wide}}{f'{COMMENT}{self.does}' if self.does else ''}".rstrip()


class _Typed:
    """What was typed before the tasks, and where it belongs."""

    pattern = _NOTHING
    environment = ""
    flags: Mapping[str, str] = {}
    line: Sequence[str] = ()
    to_come = 0
    only_plans = False
    worst = 0
    ssh_config: str | None = None


def typed(
    tool: str, flags: Sequence[str], environment: Mapping[str, str], words: Collection[str], line: Sequence[str] = ()
) -> None:
    """Remember how this program was started.

    tool: fab or invoke; flags: its own that say how hosts are reached, with their values; words: what may come first
    on a line that is for these hosts (the sets); line: all that was typed, from `fab` or `invoke` on.
    """
    _Typed.line = line
    names = [f"{program}_{name}" for program in ("FABRIC", "INVOKE") for name in VARIABLES]
    _Typed.environment = "".join(f"{name}={shlex.quote(environment[name])} " for name in names if environment.get(name))
    _Typed.flags = {tool: "".join(f" {flag}" for flag in map(shlex.quote, flags))}
    first = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    if _Typed.environment or flags:
        before = f"(?:{re.escape(_Typed.environment)})?" if _Typed.environment else ""
        follows = rf"(?= (?:-H |--list|(?:{first})(?![\w.-])))"
        _Typed.pattern = re.compile(rf"(?<![\w./-]){before}((?:\S*/run )?)(fab|inv(?:oke)?){follows}")


def again(text: str) -> str:
    """`text` with every line in it that is to be typed made whole; done twice it is the same as done once."""
    return _Typed.pattern.sub(
        lambda found: f"{_Typed.environment}{found[1]}{found[2]}{_Typed.flags.get(found[2], '')}", text
    )


def runs(line: str) -> str:
    """A line for fab or invoke as it can be typed here: where PATH has none, ./run of this checkout starts it."""
    if shutil.which(line.split()[0]) or not RUN.exists():
        return line
    return f"{'./run' if Path.cwd() == RUN.parent else word(RUN)} {line}"


def fitted(text: str, width: int) -> str:
    """`text` for a terminal of `width` columns: what explains a line that is longer stands below it, in comments.

    A terminal breaks a line inside words, and what is pasted of it then could be half a word, and a command.
    """
    return "\n".join(part for line in text.split("\n") for part in _parts(line, width))


def _parts(line: str, width: int) -> list[str]:
    typed, comment, does = line.partition(COMMENT)
    if not comment or len(line) <= width:
        return [line]
    begin = f"{' ' * 6}# "
    options: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}
    below = textwrap.wrap(does, max(20, width), initial_indent=begin, subsequent_indent=begin, **options)
    return [*([typed.rstrip()] if typed.strip() else []), *below]


def same(*flags: str, does: str = "", variable: str = "") -> str | None:
    """The line that was typed once more; None where that is not known (a test, a tool).

    flags: the program's own, which are added; does: what is said behind it; variable: `NAME=VALUE` for it alone.
    """
    return _whole([*_Typed.line[:1], *flags, *_Typed.line[1:]], does, variable) if _Typed.line else None


def mended(wrong: str, right: str) -> str | None:
    """The line that was typed, with `right` where `wrong` was: a word, the value behind a `=`, one of a list; or None
    where it was not typed so.
    """
    part = re.compile(rf"(?<![^=,]){re.escape(wrong)}(?![^,])")
    words = [part.sub(lambda _: right, word) for word in _Typed.line]
    return _whole(words) if words != list(_Typed.line) else None


def _whole(words: Sequence[str], does: str = "", variable: str = "") -> str:
    set_first = f"{variable} " if variable else ""
    return f"{_Typed.environment}{set_first}{shlex.join(words)}{COMMENT if does else ''}{does}"


def reached_by(ssh_config: str | None) -> None:
    """Remember the file of --ssh-config (or None) that hosts are reached with, for `ssh`."""
    _Typed.ssh_config = ssh_config


def word(value: object) -> str:
    """A path, or another value that somebody has chosen, as one word of a line to type."""
    return shlex.quote(str(value))


def ssh(host: str, command: str = "", flags: str = "-t") -> str:
    """The ssh line that runs `command` on `host` and reaches it the way this program does; flags: ssh's own."""
    words = ["ssh", *(["-F", _Typed.ssh_config] if _Typed.ssh_config else []), *([flags] if flags else []), host]
    return f"{shlex.join(words)}{' ' if command else ''}{command}"


def shows(host: str, path: str) -> str:
    """The ssh line that shows a file on `host`: two shells read it, the operator's and the host's."""
    return ssh(host, f"sudo ls -l {word(word(path))}")


def below(lines: Sequence[Line]) -> str:
    """The lines below one another, as they stand behind `next: `; nothing where there are none."""
    wide = max((len(line.typed) for line in lines if len(line.typed) <= WIDE), default=0)
    return "\n".join(line.shown(wide) for line in lines).removeprefix("next: ")


def will_be_done(tasks: int, only_plans: bool = False) -> None:
    """Remember how many tasks are on the line, and whether each of them only shows what it would do."""
    _Typed.to_come, _Typed.only_plans, _Typed.worst = tasks, only_plans, 0


def only_plans() -> bool:
    """Does every task of the line only show what it would do?"""
    return _Typed.only_plans


def task_begins() -> None:
    """One of them is being done."""
    _Typed.to_come -= 1


def another_follows() -> bool:
    """Has the operator typed already what comes after the task that is being done?"""
    return _Typed.to_come > 0


def worst(code: int) -> int:
    """The highest of this exit code and those of the plans before it on the line; remembered for the next."""
    _Typed.worst = max(_Typed.worst, code)
    return _Typed.worst
