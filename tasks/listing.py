"""What `fab --list`, `fab` alone and `fab --help SET` show: the tasks by when they are typed, not by their letters."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

from invoke import Program, Task
from invoke.exceptions import Exit
from invoke.util import helpline

from .errors import Refused
from .inventory.file import configured_file

USAGE = """Usage: {fab} SET TASK, as in: {fab} {set} status{dash_h}
       {fab} --help TASK explains a task and its flags
"""
DASH_H = "\n       fab -H HOST TASK: one host of a set"
SETS = "Host sets: {sets}sandbox (two hosts on this machine, for a rehearsal){missing}\n"
BEGIN = """Begin with: {fab} sandbox minor-upgrade  # a rehearsal, on this machine
Options of {fab} itself: {fab} --help
"""
NUMBER = "=N"
SANDBOX = ("sandbox", "sandbox.here")
SET_USAGE = """Usage: {fab} {set} TASK, as in: {fab} {set} status
       {fab} --help TASK explains a task and its flags
"""


def shows(
    program: Program, fab: str, groups: Mapping[str, Sequence[str]], sets: Sequence[str], on_hosts: Collection[str]
) -> None:
    """Have `program` list our tasks so: the names of each group under its title, the host sets on a line of their own.

    A part of them (`--list sandbox`, `--list-depth`) and the other formats (`--list-format`) stay Invoke's own.
    fab: what is typed for the program; on_hosts: the tasks that are typed behind a set, which the help of a set shows.
    """
    invokes_list, invokes_help = program.list_flat, program.print_task_help

    def flat() -> None:
        if program.list_root or program.list_depth:
            invokes_list()
            return
        has_dash_h = "hosts" in program.args  # fab has it, invoke has not
        path = configured_file()
        missing = "" if path.exists() else f"; {path} does not exist"
        there = [] if missing else sets  # which are another file's, so that they can be typed
        print(USAGE.format(fab=fab, set=next(iter(there), "SET"), dash_h=DASH_H if has_dash_h else ""))
        print(SETS.format(sets="".join(f"{name}, " for name in there), missing=missing))
        _print(program, groups)

    def nothing_typed() -> None:
        hosts = program.args["hosts"].value if "hosts" in program.args else None
        if hosts:
            raise Refused(f"-H {hosts}: no task given", next_line=f"fab -H {hosts} status")
        flat()
        print(BEGIN.format(fab=fab))
        raise Exit

    def task_help(name: str) -> None:
        if name not in (*sets, *SANDBOX):
            with redirect_stdout(StringIO()) as shown:
                invokes_help(name)
            print(_task_help(shown.getvalue(), program.collection[name], fab, name, name in on_hosts), end="")
            return
        own = name in SANDBOX
        print(SET_USAGE.format(fab=fab, set="sandbox" if own else name))
        behind = {title: names for title, names in groups.items() if set(names) <= set(on_hosts)}
        _print(program, behind | ({"The sandbox itself": groups["Sandbox"]} if own else {}))

    program.list_flat = flat  # type: ignore[method-assign]
    program.no_tasks_given = nothing_typed  # type: ignore[method-assign]
    program.print_task_help = task_help  # type: ignore[method-assign]


def _task_help(text: str, task: Task[Any], fab: str, name: str, on_hosts: bool) -> str:
    """Invoke's help of a task, but for the set that stands before it, and for flags whose value is a fraction."""
    set_first = "SET " if on_hosts else ""
    usage = f"Usage: {fab} {set_first}{name} [--options]"
    text = re.sub(r"\AUsage: .*", lambda _: usage, text)
    for flag in (str(arg.name).replace("_", "-") for arg in task.get_arguments() if arg.kind is float):
        text = re.sub(rf"^(  --{flag}) {{{len(NUMBER)}}}", rf"\1{NUMBER}", text, flags=re.M)
    return text


def _print(program: Program, groups: Mapping[str, Sequence[str]]) -> None:
    tasks = {name: helpline(program.collection[name]) or "" for names in groups.values() for name in names}
    wide = max(map(len, tasks))
    for title, names in groups.items():
        print(f"{title}:")
        # The padding makes the columns of all groups the same.
        program.print_columns([(name.ljust(wide), tasks[name]) for name in names])
