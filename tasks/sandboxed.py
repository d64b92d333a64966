"""The sandbox: a host set on this machine, over real SSH."""

from __future__ import annotations

from typing import Any

from invoke import Context

from .flags import task
from .fleet.setup import inventory_file
from .targets import choose


@task(default=True)
def here(context: Context) -> None:
    """Host set: an embedded fleet on this machine."""
    choose(context, "sandbox")


@task("like")
def reset(context: Context, like: str) -> None:
    """Begin again with 1.0.0 on both hosts."""
    from .sandbox import session

    session.reset(inventory_file(context), like, dry=context.config.run.dry)


@task("like")
def up(context: Context, like: str) -> None:
    """Keep it running between commands."""
    from .sandbox import session

    session.up(inventory_file(context), like, dry=context.config.run.dry)


@task()
def down(context: Context) -> None:
    """End what `up` keeps running."""
    from .sandbox import session

    session.down(dry=context.config.run.dry)


@task("step", "kind", "host", "times", "seconds", "clear")
def fault(context: Context, **typed: Any) -> None:
    """Let a step go wrong, for a rehearsal."""
    from .sandbox import session

    session.fault(inventory_file(context), **typed, dry=context.config.run.dry)
