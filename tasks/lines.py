"""The lines that an operator is told to type: each with what stood before the tasks on the line that was typed.

`FABRIC_HOSTS_FILE=mine.yml fab --ssh-config lab prod status` must not answer with `fab prod resume`, which is another
file's prod. Whoever makes a line writes `fab prod resume`; where it is shown, `again` adds the rest.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping, Sequence

VARIABLES = ("HOSTS_FILE", "SSH_CONFIG_PATH", "RUNTIME_CONFIG")  # after FABRIC_ and INVOKE_
_NOTHING = re.compile("(?!)")


class _Typed:
    """What was typed before the tasks, and where it belongs."""

    pattern = _NOTHING
    environment = ""
    flags: Mapping[str, str] = {}


def typed(tool: str, flags: Sequence[str], environment: Mapping[str, str], words: Collection[str]) -> None:
    """Remember how this program was started.

    tool: fab or invoke; flags: its own that say how hosts are reached, with their values; words: what may come first
    on a line that is for these hosts (the sets).
    """
    names = [f"{program}_{name}" for program in ("FABRIC", "INVOKE") for name in VARIABLES]
    _Typed.environment = "".join(f"{name}={shlex.quote(environment[name])} " for name in names if environment.get(name))
    _Typed.flags = {tool: "".join(f" {flag}" for flag in map(shlex.quote, flags))}
    first = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    if _Typed.environment or flags:
        before = f"(?:{re.escape(_Typed.environment)})?" if _Typed.environment else ""
        _Typed.pattern = re.compile(rf"(?<![\w./-]){before}(fab|inv(?:oke)?)(?= (?:-H |--list|(?:{first})(?![\w.-])))")


def again(text: str) -> str:
    """`text` with every line in it that is to be typed made whole; done twice it is the same as done once."""
    return _Typed.pattern.sub(lambda found: f"{_Typed.environment}{found[1]}{_Typed.flags.get(found[1], '')}", text)
