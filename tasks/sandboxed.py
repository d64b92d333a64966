"""The sandbox: a host set on this machine, over real SSH."""

from __future__ import annotations

from invoke import Context, task

from .fleet.target import choose


@task(default=True, auto_shortflags=False)
def here(context: Context) -> None:
    """Host set: an embedded fleet on this machine."""
    choose(context, "sandbox")


@task(auto_shortflags=False)
def reset(context: Context) -> None:
    """Sandbox: begin again with 1.0.0 on both hosts."""
    from .sandbox import session

    session.reset(dry=context.config.run.dry)


@task(auto_shortflags=False)
def up(context: Context) -> None:
    """Sandbox: keep it running between commands."""
    from .sandbox import session

    session.up(dry=context.config.run.dry)


@task(auto_shortflags=False)
def down(context: Context) -> None:
    """Sandbox: end what `up` keeps running."""
    from .sandbox import session

    session.down(dry=context.config.run.dry)


@task(
    help={
        "step": "Where it goes wrong: yum-update, stop-httpd, upgrade-db, sync, health, …",
        "kind": "What goes wrong: fail, hang, slow, drop, down, nothing.",
        "host": "On which host. Default: the first.",
        "times": "How often, until it works again.",
        "seconds": "How long, for kind slow.",
        "clear": "Take all faults back, and give a host that is down its power.",
    },
    auto_shortflags=False,
)
def fault(
    context: Context,
    step: str = "",
    kind: str = "fail",
    host: str = "blockerbugs01.sandbox",
    times: int = 1,
    seconds: float = 5.0,
    clear: bool = False,
) -> None:
    """Sandbox: let a step go wrong, for a rehearsal."""
    from .sandbox import session

    session.fault(step, kind, host, times, seconds, clear, dry=context.config.run.dry)
