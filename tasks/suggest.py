"""A word that nothing knows is refused with the nearest one that there is, and a shell's TAB is offered hosts after -H.

Invoke's own word for a task or flag that does not exist is "No idea what 'minr-upgrade' is!", exit 1. Pure.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection, Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from invoke.exceptions import ParseError
from invoke.parser import ParserContext

from .errors import Refused

DASH_H = ("-H", "--hosts")
CLOSE = 0.75  # of 1, as difflib counts: `prdo` is as close to `prod`


def refusal(
    error: ParseError,
    tasks: Iterable[ParserContext],
    core: ParserContext,
    line: Sequence[str],
    choosing: Collection[str],
    sets: str,
) -> Refused:
    """What the operator is told about a line that Invoke's parser cannot read.

    core: the program's own flags; line: all that was typed, from `fab` or `invoke` on; choosing: the words that only
    choose a set; sets: which host sets there are.
    """
    inside: Any = error.context
    task = inside.name if inside and inside.name else None
    chosen = next((name for name in (*inside.aliases, task) if name in choosing), None) if task else None
    task = chosen or task
    help_line = f"{line[0]} --help{f' {task}' if task else ''}"
    unknown = re.fullmatch(r"No idea what '(.*)' is!", str(error), re.S)
    no_value = re.search(r"Flag <Argument: ([\w-]+)(?: \(([\w-]+)\))?.* needed value", str(error))
    if no_value:
        flag = (no_value[2] or no_value[1]).replace("_", "-")
        return Refused(f"{task or line[0]}: --{flag} wants a value", next_line=help_line)
    if not unknown:
        return Refused(str(error), next_line=help_line)
    word = unknown[1]
    before = line[line.index(word) - 1] if word in line else ""
    flag = next((part for part in (word, before) if part.startswith("-")), None)
    no_task = Refused(f"{chosen}: no task given in front of {flag}", next_line=f"{line[0]} --help {chosen}")
    if chosen and flag == word:
        return no_task
    if word.startswith("-"):
        known = [flag for flag in (inside if task else core).flag_names() if flag.startswith("--")]
        return _nearest(f"{task or line[0]} has no flag {word}", word, known, line, help_line)
    names = [name for context in tasks for name in (str(context.name), *context.aliases)]
    set_name, _, rest = word.partition(".")
    if set_name in names and rest in names:
        mended = [part for typed in line for part in ((set_name, rest) if typed == word else (typed,))]
        return Refused(f"there is no task {word}; did you mean {set_name} {rest}?", next_line=shlex.join(mended))
    nearest = _nearest(f"there is no task and no host set {word}", word, names, line, f"{line[0]} --list", sets)
    return no_task if chosen and flag and "did you mean" not in nearest.problems[0] else nearest


def _nearest(
    what: str, word: str, known: Sequence[str], line: Sequence[str], otherwise: str, without: str = ""
) -> Refused:
    """With the name that may have been meant; the line as it would be only where that cannot do something else.

    `upgrade` is part of three tasks' names, and `update` of one that is no upgrade: those are named, and not typed.
    """
    begun = [name for name in known if name.startswith(f"{word}-")]
    parts = [name for name in known if word in re.split("[-.]", name)]
    unsure = len(parts) > 1 or (not begun and bool(parts))
    meant = parts if unsure else begun or get_close_matches(word, known, n=1, cutoff=CLOSE)
    if not meant:
        return Refused(f"{what}{without}", next_line=otherwise)
    problem = f"{what}; did you mean {' or '.join(meant)}?"
    mended = [re.sub(f"^{re.escape(word)}(?==|$)", meant[0], typed) for typed in line]
    return Refused(problem, next_line=otherwise if unsure else shlex.join(mended))


def no_number(words: Sequence[str], tasks: Iterable[ParserContext], core: ParserContext, fab: str) -> Refused:
    """The flag in `words` whose value is no number; the parser stops at the first and does not say which."""
    named = {name: context for context in tasks for name in (str(context.name), *context.aliases)}
    owner, is_a_value = core, False
    for word, behind in zip(words, [*words[1:], ""], strict=True):
        if is_a_value:  # which may be called like a task, as in `--step sync`
            is_a_value = False
            continue
        owner = named.get(word, owner)
        flag, equals, value = word.partition("=")
        known = owner if flag in owner.flags else core
        if flag not in known.flags or not known.flags[flag].takes_value:
            continue
        is_a_value = not equals
        given = value if equals else behind
        if not _suits(known.flags[flag].kind, given):
            help_line = f"{fab} --help{f' {known.name}' if known.name else ''}"
            return Refused(f"{known.name or fab}: {flag} wants a number, not {given[:60]!a}", next_line=help_line)
    return Refused("a number was expected", next_line=f"{fab} --help")


def _suits(kind: Callable[[str], object], value: str) -> bool:
    try:
        kind(value)
    except ValueError:
        return False
    return True


def hosts_after_dash_h(line: str, known: Callable[[], Sequence[str]]) -> tuple[list[str], bool] | None:
    """What a shell that completes `line` may be offered after -H, and whether the word is one of these already.

    None where no host is being typed. Invoke offers nothing after a flag that takes a value, so that the shell falls
    back on file names. The shells do not say whether the last word is still being typed: if it is a name already, tasks
    may come next.
    """
    *_, before, last = ["", "", *line.split()]
    begun = last if before in DASH_H else "" if last in DASH_H else None
    if begun is None:
        return None
    names = known()
    return [name for name in names if name.startswith(begun)], begun in names
