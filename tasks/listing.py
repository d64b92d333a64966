"""What `fab --list` and `invoke --list` show: the tasks by when they are typed, not by their first letter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from invoke import Program
from invoke.util import helpline

USAGE = """Usage: fab SET TASK, as in: fab {set} status
       fab -H HOST TASK: one host of a set. fab --help TASK explains a task and its flags.
"""


def shows(program: Program, groups: Mapping[str, Sequence[str]], sets: Sequence[str]) -> None:
    """Have `program` list our tasks so: the names of each group under its title, the host sets on a line of their own.

    A part of them (`--list sandbox`, `--list-depth`) and the other formats (`--list-format`) stay Invoke's own.
    """
    invokes = program.list_flat

    def flat() -> None:
        if program.list_root or program.list_depth:
            invokes()
            return
        print(USAGE.format(set=next(iter(sets), "SET")))
        print(f"Host sets: {', '.join([*sets, 'sandbox'])} (two hosts on this machine, for a rehearsal)\n")
        tasks = {name: helpline(program.collection[name]) or "" for names in groups.values() for name in names}
        wide = max(map(len, tasks))
        for title, names in groups.items():
            print(f"{title}:")
            # The padding makes the columns of all groups the same.
            program.print_columns([(name.ljust(wide), tasks[name]) for name in names])

    program.list_flat = flat  # type: ignore[method-assign]
