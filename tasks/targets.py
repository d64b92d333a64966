"""One task per host set: `fab prod …`."""

from __future__ import annotations

from typing import Any

from invoke import Context, Task, task

from .inventory.named import choose


def target(name: str) -> Task[Any]:
    """The task that chooses the set `name` for the tasks after it on the line."""

    @task(name=name, auto_shortflags=False)
    def choose_set(context: Context) -> None:
        choose(context, name)

    choose_set.__doc__ = f"Host set: what follows is done on {name}."
    chosen: Task[Any] = choose_set
    return chosen
