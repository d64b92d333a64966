"""All of a line is looked at before its first task begins: afterwards `nothing was changed` would be a lie."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from invoke import Config, Context
from invoke.parser import ParserContext

from . import entry, lines, sandbox
from .fleet import setup
from .inventory.named import find
from .targets import Chosen, plain


def check_line(
    line: Sequence[ParserContext],
    sets: Collection[str],
    on_hosts: Collection[str],
    dash_h: Sequence[str],
    fab: str,
    config: Config,
) -> None:
    """Raises Refused for what any task of the line would be refused for before it has reached a host.

    sets: the tasks that only choose a set; on_hosts: those that want one; dash_h: the names after -H; fab: what the
    program is called; config: what is configured.
    """
    names: list[str | None] = [plain(name) for name in dash_h]
    chosen = Chosen()
    meant: list[tuple[ParserContext, str | None]] = []
    tasks = [task for task in line if task.name not in sets]
    plans = config.run.dry or all(task.as_kwargs.get("plan") for task in tasks)
    lines.will_be_done(len(tasks) * len(names or [None]), only_plans=plans)
    first = next((str(task.name) for task in tasks if task.name in on_hosts), "status")
    for task in line:
        word = str(task.name)
        if word in sets:
            for name in names or [None]:
                chosen = chosen.then(word.partition(".")[0], name, first)
        elif word in on_hosts:
            meant += [(task, name) for name in names or [chosen.name or None]]
            chosen = chosen.after_a_task()
    chosen.check_that_it_is_used(fab, [str(task.name) for task in line], sets, on_hosts)
    for task, name in meant:
        _check(str(task.name), task.as_kwargs, name, config)


def _check(word: str, flags: dict[str, Any], name: str | None, config: Config) -> None:
    if word == "report" and name is None:
        return
    target = None
    if name not in sandbox.NAMES:
        context = Context(config)
        target = find(name, setup.inventory(context), word, sandbox.NAMES, setup.inventory_file(context))
    entry.check(word, flags, target)
