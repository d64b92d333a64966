"""The `fab` or `invoke` that is loading the collection: what was typed is looked at before Invoke carries it out.

The collection is loaded after the program has read its own flags and before it reads the tasks. So the whole line can
be read here first, with Invoke's own parser, and an `Exit` raised here is one that the program shows.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import invoke
from invoke import Program
from invoke.exceptions import Exit, ParseError
from invoke.parser import Parser, ParserContext

from . import lines, sandbox, suggest
from .configured import check_keys
from .errors import Refused
from .fleet import setup
from .inventory.file import configured_file, names
from .listing import shows
from .wholeline import check_line

PROGRAMS = ("fabric.main", "invoke.main")
# The program's own flags that say how hosts are reached: they belong to every line that is typed next, too.
REACHING = ("ssh-config", "config", "identity", "connect-timeout", "prompt-for-login-password",
            "prompt-for-passphrase", "prompt-for-sudo-password")  # fmt: skip


def check(
    collection: invoke.Collection,
    groups: Mapping[str, Sequence[str]],
    sets: Sequence[str],
    on_hosts: Collection[str],
    taken: Collection[str],
) -> None:
    """Raises Refused for a line with a wrong word, Exit after hosts were printed for a shell that completes -H.

    groups: the tasks as `--list` shows them; sets: the host sets that can be typed; on_hosts: the tasks that want one;
    taken: names that no set can have. Where a test or a tool loads the collection nothing happens.
    """
    program = running()
    if program is None:
        return
    shows(program, called(program), groups, sets, on_hosts)
    _make_small_parsers(program, collection)
    if "ssh-config" in program.args:  # fab has it, invoke has not
        setup.lenient(program.config)
    for task, word in pairwise(program.core.unparsed):
        if word in ("-h", "--help") and task in collection.task_names:
            program.args.help.value = task  # Invoke would take it for the word that a task like wait-tag needs
    given = _given(program, program.initial_context)
    if given["complete"]:
        _complete(program, taken)
        return
    asked = given["help"]
    words = [asked] if isinstance(asked, str) else list(program.core.unparsed)
    if words and asked not in collection.task_names:
        core, *tasks = _parsed(program, words, collection, sets, taken)
        given = _given(program, core)
        if tasks and not given["help"]:
            choosing = [*sets, "sandbox.here"]
            _before_it_begins(program, partial(check_line, tasks, choosing, on_hosts), collection)
    typed = [called(program), *program.argv[1:]]
    lines.typed(typed[0], _reaching(given), os.environ, [*sets, "sandbox", *sandbox.TASKS], typed)
    _check_flags(given)


def _make_small_parsers(program: Program, collection: invoke.Collection) -> None:
    """Have Invoke's parser know the tasks that are named on the line: it copies each one it knows, flag by flag."""

    def parser() -> Parser:
        typed = {*program.argv, *program.core.remainder.split()}
        names = {name for task in collection.task_names.items() for name in (task[0], *task[1])}
        known = contexts(collection) if typed & names else []
        named = [task for task in known if not typed.isdisjoint((task.name, *task.aliases))]
        return Parser(contexts=named, initial=program.initial_context)

    program._make_parser = parser  # type: ignore[method-assign]


def _before_it_begins(program: Program, look: Callable[..., None], collection: invoke.Collection) -> None:
    """Have `look` look at the line when all that configures it has been read, and no task has begun."""
    begin = program.execute

    def execute() -> None:
        program.config.load_collection(collection.configuration())
        program.config.load_shell_env()
        check_keys(program.config, collection.configuration())
        hosts = program.args["hosts"].value if "hosts" in program.args else None
        look(hosts.split(",") if hosts else [], called(program), program.config)
        begin()

    program.execute = execute  # type: ignore[method-assign]


def _parsed(
    program: Program, words: Sequence[str], collection: invoke.Collection, sets: Sequence[str], taken: Collection[str]
) -> list[ParserContext]:
    """The program's own flags as they stand behind the tasks, and the tasks. Raises Refused for a wrong word."""
    tasks = contexts(collection)
    try:
        return list(Parser(contexts=tasks, initial=program.initial_context).parse_argv(list(words)))
    except ParseError as error:
        line = [called(program), *program.argv[1:]]
        known = f"; the host sets of {configured_file()} are {', '.join(sets)}"
        refusal = suggest.refusal(error, tasks, program.initial_context, line, [*sets, "sandbox"], known)
        if "did you mean" not in refusal.problems[0]:
            _read_strictly(taken)  # the word may be a set of a file whose sets could not be made out
        raise refusal from None
    except ValueError:  # int and float, which Invoke calls with what stands behind a flag
        raise suggest.no_number(words, tasks, program.initial_context, called(program)) from None


def contexts(collection: invoke.Collection) -> list[ParserContext]:
    """Every task and its flags. Invoke takes the help texts out of a task when it reads them; they are put back."""
    tasks = [collection[name] for name in collection.task_names]
    texts = [dict(task.help) for task in tasks]
    contexts = collection.to_contexts()
    for task, text in zip(tasks, texts, strict=True):
        task.help = text
    return contexts


def _read_strictly(taken: Collection[str]) -> None:
    from .inventory.remembered import read  # pydantic takes longer than all of `fab --list`

    read(configured_file(), taken)


def called(program: Program) -> str:
    """What is typed for it: `fab` or `invoke`, also where it was started as a module of Python's."""
    name = program.called_as
    return name if name in ("fab", "invoke", "inv") else "fab" if "ssh-config" in program.args else "invoke"


def running() -> Program | None:
    """The `fab` or `invoke` that is loading the collection, or None where something else does (a test, a tool)."""
    loaded = (sys.modules.get(name) for name in PROGRAMS)
    programs = (getattr(module, "program", None) for module in loaded)
    return next((program for program in programs if hasattr(program, "core")), None)


def _given(program: Program, behind: ParserContext) -> dict[str, Any]:
    """The values of the program's own flags, each by its long name; behind: those that stand behind the tasks."""
    long = {max(arg.names, key=len): arg for arg in program.initial_context.args.values()}
    places = (behind.args, program.args)
    found = {name: [args[arg.name] for args in places if args[arg.name].got_value] for name, arg in long.items()}
    return {name: found[name][0].value if found[name] else arg.value for name, arg in long.items()}


def _reaching(given: Mapping[str, Any]) -> list[str]:
    flags: list[str] = []
    for name in REACHING:
        value = given.get(name)
        for one in value if isinstance(value, list) else [value]:
            flags += [f"--{name}"] if one is True else [f"--{name}", str(one)] if one else []
    return flags


def _check_flags(given: Mapping[str, Any]) -> None:
    """The program's own flags that Fabric and Invoke would answer with a traceback, or not at all."""
    for name in ("ssh-config", "config"):
        typed = given.get(name)
        if typed and not Path(typed).expanduser().exists():
            raise Refused(f"--{name} {typed}: there is no such file", next_line=f"ls -l {shlex.quote(typed)}")
    if given["list-format"] not in ("flat", "nested", "json"):
        raise Refused(f"--list-format {given['list-format']}: flat, nested or json", next_line="fab --list")
    for name in ("prompt-for-login-password", "prompt-for-passphrase", "prompt-for-sudo-password"):
        if given.get(name) and not _somebody_answers():
            raise Refused(
                f"--{name}: there is no terminal to ask on, and nothing on standard input",
                next_line=lines.same(does="from a terminal"),
            )


def _somebody_answers() -> bool:
    """Is there a terminal, or something that was written for us to read?"""
    with suppress(OSError, ValueError):
        buffered: Any = sys.stdin.buffer
        return sys.stdin.isatty() or bool(buffered.peek(1))
    return False


def _complete(program: Program, taken: Collection[str]) -> None:
    offered = suggest.hosts_after_dash_h(
        program.core.remainder, lambda: [*names(configured_file(), taken), *sandbox.NAMES]
    )
    if offered:
        print("\n".join(offered[0]))
        if not offered[1]:
            raise Exit
