"""What was typed, read before Invoke reads it: a mistyped word is refused with the nearest one, and -H completes hosts.

Invoke's own word for a task or flag that does not exist is "No idea what 'minr-upgrade' is!", exit 1. The collection is
loaded after the program has read its core flags and before it reads the tasks: what it has left over to read can be
read here first, with Invoke's own parser, and an `Exit` raised here is one that the program shows.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any

from invoke import Collection, Program
from invoke.exceptions import Exit, ParseError
from invoke.parser import Parser, ParserContext

from .errors import Refused

PROGRAMS = ("fabric.main", "invoke.main")
DASH_H = ("-H", "--hosts")
CLOSE = 0.75  # of 1, as difflib counts: `prdo` is as close to `prod`


def check(
    collection: Collection, sets: Sequence[str], hosts: Callable[[], Sequence[str]], read_strictly: Callable[[], object]
) -> None:
    """Raises Refused for a mistyped word, Exit after hosts were printed for a shell that completes -H, else nothing.

    sets: the tasks that only choose a host set; a line that ends with one says nothing to be done, and is refused.
    read_strictly: raises Refused if hosts.yml has mistakes. It takes its time, and is asked only about a word that is
    like nothing: it may be a set of a file whose sets could not be made out.
    """
    program = _running()
    if program is None:
        return
    if "ssh-config" in program.args:  # fab has it, invoke has not
        _spare_ssh_config(program)
    if program.args.complete.value:
        _complete(program.core.remainder, hosts)
        return
    for task, word in pairwise(program.core.unparsed):
        if word in ("-h", "--help") and task in collection.task_names:
            program.args.help.value = task  # Invoke would take it for the word that a task like wait-tag needs
    asked = program.args.help.value
    words = [asked] if isinstance(asked, str) else list(program.core.unparsed)
    if not words or (asked and asked in collection.task_names):
        return
    tasks = contexts(collection)
    try:
        read = Parser(contexts=tasks, initial=program.initial_context).parse_argv(words)
    except ParseError as error:
        line = [program.called_as, *program.argv[1:]]
        raise refusal(error, tasks, program.initial_context, line, read_strictly) from None
    except ValueError:  # int and float, which Invoke calls with what stands behind a flag
        raise _no_number(words, tasks, program.called_as) from None
    *before, last = (str(context.name) for context in read)
    if last in sets and not asked and not read[0].args.help.value:
        name = last.partition(".")[0]
        first = next((word for word in before[1:] if word not in sets), None)
        why = "the host set comes before the task" if first else "no task given"
        raise Refused(f"{name}: {why}", next_line=f"{program.called_as} {name} {first or 'status'}")


def contexts(collection: Collection) -> list[ParserContext]:
    """Every task and its flags. Invoke takes the help texts out of a task when it reads them; they are put back."""
    tasks = [collection[name] for name in collection.task_names]
    texts = [dict(task.help) for task in tasks]
    contexts = collection.to_contexts()
    for task, text in zip(tasks, texts, strict=True):
        task.help = text
    return contexts


def refusal(
    error: ParseError,
    tasks: Iterable[ParserContext],
    core: ParserContext,
    line: Sequence[str],
    read_strictly: Callable[[], object],
) -> Refused:
    """What the operator is told about a line that Invoke's parser cannot read.

    core: the program's own flags; line: all that was typed, from `fab` or `invoke` on; read_strictly: see `check`.
    """
    fab = line[0]
    inside: Any = error.context
    task = inside.name if inside and inside.name else None
    help_line = f"{fab} --help {task}" if task else f"{fab} --help"
    unknown = re.fullmatch(r"No idea what '(.*)' is!", str(error), re.S)
    no_value = re.search(r"Flag <Argument: ([\w-]+).* needed value", str(error))
    if no_value:
        return Refused(f"{task or fab}: --{no_value[1]} wants a value", next_line=help_line)
    if not unknown:
        return Refused(str(error), next_line=help_line)
    word = unknown[1]
    if word.startswith("-"):
        return _no_flag(word, inside, tasks, core, line, help_line)
    names = [name for context in tasks for name in (str(context.name), *context.aliases)]
    what = f"there is no task and no host set {word}"
    if f"--{word}" in core.flags:
        return Refused(f"{what}; did you mean --{word}?", next_line=shlex.join([fab, f"--{word}"]))
    set_name, dot, rest = word.partition(".")
    if dot and set_name in names and rest in names:
        mended = [part for typed in line for part in ((set_name, rest) if typed == word else (typed,))]
        return Refused(f"{what}; did you mean {set_name} {rest}?", next_line=shlex.join(mended))
    told = _meant(what, word, names, line, f"{fab} --list")
    if not told:
        read_strictly()
    return told or Refused(what, next_line=f"{fab} --list")


def _no_flag(
    word: str, inside: Any, tasks: Iterable[ParserContext], core: ParserContext, line: Sequence[str], help_line: str
) -> Refused:
    """What is told about a flag that stands where nothing knows it; inside: the task that it stands behind, if any."""
    typed = next((one for one in line if one.startswith(word) and not one.startswith("--")), word)  # -version is -v …
    names = [str(inside.name), *inside.aliases] if inside and inside.name else [line[0]]
    what = f"{next((name for name in names if name in line), names[0])} has no flag {typed}"
    owners = [task.flags[typed] for task in tasks for one in line if one == task.name and typed in task.flags]
    if len(owners) == 1 and not owners[0].takes_value:  # of two tasks either could be the one that is meant
        others = [one for one in line if one != typed]
        return Refused(f"{what}: it stands behind its task", next_line=shlex.join([*others, typed]))
    known = [flag for flag in (inside or core).flag_names() if flag.startswith("--")]
    if f"-{typed}" in known:
        return Refused(f"{what}; did you mean -{typed}?", next_line=help_line)
    return _meant(what, typed, known, line, help_line) or Refused(what, next_line=help_line)


def _no_number(words: Sequence[str], tasks: Iterable[ParserContext], fab: str) -> Refused:
    """The flag in `words` whose value is no number; the parser stops at the first and does not say which."""
    named = {name: context for context in tasks for name in (str(context.name), *context.aliases)}
    task: ParserContext | None = None
    for word, behind in zip(words, [*words[1:], ""], strict=True):
        task = named.get(word, task)
        flag, equals, value = word.partition("=")
        given = value if equals else behind
        if task and flag in task.flags and not _suits(task.flags[flag].kind, given):
            return Refused(
                f"{task.name}: {flag} wants a number, not {given[:60]!a}", next_line=f"{fab} --help {task.name}"
            )
    return Refused("a number was expected", next_line=f"{fab} --help")


def _suits(kind: Callable[[str], object], value: str) -> bool:
    try:
        kind(value)
    except ValueError:
        return False
    return True


def _meant(what: str, word: str, known: Sequence[str], line: Sequence[str], otherwise: str) -> Refused | None:
    """With what may have been meant, and, where that is one name but for a letter or an end, the line as it would be.

    Never a line that does something else than what was typed almost: `upgrade` is no `upgrade-db`.
    """
    begun = [name for name in known if name.startswith(f"{word}-")]
    parts = [name for name in known if word in re.split("[-.]", name)]
    near = get_close_matches(word, known, n=1, cutoff=CLOSE)
    if len(parts) > 1 or (parts and not begun):
        return Refused(f"{what}; did you mean {' or '.join(parts)}?", next_line=otherwise)
    meant = begun or near
    if not meant:
        return None
    mended = [re.sub(f"^{re.escape(word)}(?==|$)", meant[0], typed) for typed in line]
    return Refused(f"{what}; did you mean {meant[0]}?", next_line=shlex.join(mended))


def _running() -> Program | None:
    """The `fab` or `invoke` that is loading the collection, or None where something else does (a test, a tool)."""
    loaded = (sys.modules.get(name) for name in PROGRAMS)
    programs = (getattr(module, "program", None) for module in loaded)
    return next((program for program in programs if hasattr(program, "core")), None)


def _spare_ssh_config(program: Program) -> None:
    """Fabric is about to read ssh_config by paramiko's reader, whose every objection is a traceback.

    What that reader understands is kept for plain `fab -H host -- command`; the tasks ask ssh (fleet/ssh_config.py).
    """
    from paramiko import SSHConfig

    class Lenient(SSHConfig):
        def parse(self, file_obj: Any) -> None:
            with suppress(Exception):
                super().parse(file_obj)

    for asks in ("prompt-for-login-password", "prompt-for-passphrase", "prompt-for-sudo-password"):
        wanted = program.args[asks].value or f"--{asks}" in program.core.unparsed  # it may stand behind the task
        if wanted and not _somebody_answers():
            raise Refused(
                f"--{asks}: there is no terminal to ask on, and nothing on standard input",
                next_line="the same line from a terminal",
            )
    typed = program.args["ssh-config"].value
    if typed and not Path(typed).expanduser().exists():
        raise Refused(f"--ssh-config {typed}: there is no such file", next_line=f"ls -l {shlex.quote(typed)}")
    program.config._set(base_ssh_config=Lenient())


def _somebody_answers() -> bool:
    """Is there a terminal, or something that was written for us to read?"""
    if sys.stdin is None or sys.stdin.closed:
        return False
    buffered: Any = sys.stdin.buffer
    return sys.stdin.isatty() or bool(buffered.peek(1))


def _complete(line: str, hosts: Callable[[], Sequence[str]]) -> None:
    """For the word after -H, what hosts.yml has; everything else is completed by Invoke.

    Invoke offers nothing after a flag that takes a value, so that the shell falls back on file names. The shells do not
    say whether the last word is still being typed: if it is a name already, tasks may come next, and are offered too.
    """
    *_, before, last = ["", "", *line.split()]
    begun = last if before in DASH_H else "" if last in DASH_H else None
    if begun is not None:
        known = hosts()
        print("\n".join(name for name in known if name.startswith(begun)))
        if begun not in known:
            raise Exit
