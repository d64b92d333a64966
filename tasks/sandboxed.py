"""The sandbox: a host set on this machine, over real SSH."""

from __future__ import annotations

from typing import Any

from invoke import Context

from .flags import task
from .targets import choose


@task(default=True)
def here(context: Context) -> None:
    """Host set: an embedded fleet on this machine."""
    choose(context, "sandbox")


@task()
def reset(context: Context) -> None:
    """Begin again with 1.0.0 on both hosts."""
    from .sandbox import session

    session.reset(dry=context.config.run.dry)


@task()
def up(context: Context) -> None:
    """Keep it running between commands."""
    from .sandbox import session

    session.up(dry=context.config.run.dry)


@task()
def down(context: Context) -> None:
    """End what `up` keeps running."""
    from .sandbox import session

    session.down(dry=context.config.run.dry)


@task("step", "kind", "host", "times", "seconds", "clear")
def fault(context: Context, **typed: Any) -> None:
    """Let a step go wrong, for a rehearsal."""
    from .sandbox import session

    session.fault(**typed, dry=context.config.run.dry)
