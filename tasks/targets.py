"""Which hosts are meant: `fab prod X`, `fab -H prod X`, `fab -H blockerbugs01 X` come to the same here."""

from __future__ import annotations

from typing import Any

from invoke import Context, Task, task

from .errors import Refused


def target(name: str) -> Task[Any]:
    """The task that chooses the set `name` for the tasks after it on the line."""

    @task(name=name, auto_shortflags=False)
    def choose_set(context: Context) -> None:
        choose(context, name)

    choose_set.__doc__ = f"Host set: what follows is done on {name}."
    chosen: Task[Any] = choose_set
    return chosen


def choose(context: Context, set_name: str) -> None:
    """Remember the set of `fab SET`, for the tasks that follow on the line.

    Raises Refused for a second set before any task has used the first, and for `-H` naming another one.
    """
    chosen = context.config.target
    if chosen.set and chosen.set != set_name and not chosen.used:
        raise Refused(
            f"two host sets on one line, {chosen.set} and {set_name}: each is upgraded by a command of its own",
            next_line=f"fab {chosen.set} TASK, and then fab {set_name} TASK",
        )
    typed = _after_dash_h(context)
    if typed and typed != set_name:
        raise Refused(
            f"-H {typed} and the set {set_name} on one line",
            next_line=f"fab {set_name} TASK, or fab -H {typed} TASK",
        )
    context.config.target.set = set_name
    context.config.target.used = False


def named(context: Context) -> str | None:
    """What the operator called the hosts, or None if nothing was said."""
    return _after_dash_h(context) or context.config.target.set or None


def _after_dash_h(context: Context) -> str | None:
    """The host that `-H` named: Fabric then hands the task a Connection, not yet open, instead of a Context.

    Raises Refused for `user@host` and `host:port`: ssh_config says how a host is reached.
    """
    host: str | None = getattr(context, "original_host", None)
    if host is not None:
        named: Any = context  # Fabric's Connection, which this module does without: `invoke --list` has none
        plain = type(named)(host, config=named.config)
        if (named.user, named.port) != (plain.user, plain.port):
            raise Refused(
                f"-H with a user or a port: ssh_config says how {host} is reached", next_line=f"fab -H {host} …"
            )
    return host.strip() if host else host
