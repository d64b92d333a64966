"""The sandbox: a host set on this machine, over real SSH."""

from __future__ import annotations

from invoke import Context, task

from .inventory.named import choose


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
        "step": "Where it goes wrong: download, yum-update, downgrade, sync, upgrade-db, stop-httpd, start-httpd, "
        "restart-httpd, healthy, preflight (the look before a run), schema (the look at the database).",
        "kind": "What goes wrong: fail (an error), hang (no end), slow (takes --seconds), drop (the connection is "
        "lost), down (the host has no power), restart (it restarts, and httpd with it), "
        "nothing (says it is done, and does nothing). For healthy also: "
        "unavailable (503 for --seconds), loop (redirects to itself), drip (a byte every --seconds). Default: fail.",
        "host": "On which host: sandbox01 or sandbox02. Default: sandbox01.",
        "times": "How often, until it works again. Default: 1.",
        "seconds": "How long, for slow, unavailable and drip. Default: 5.",
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
