"""Which hosts are meant: `fab prod X`, `fab -H prod X`, `fab -H blockerbugs01 X` come to the same here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from invoke import Context, Task, task

from .errors import Refused
from .flags import SharedTask
from .lines import mended


def target(name: str) -> Task[Any]:
    """The task that chooses the set `name` for the tasks after it on the line."""

    @task(klass=SharedTask, name=name, auto_shortflags=False)
    def choose_set(context: Context) -> None:
        choose(context, name)

    choose_set.__doc__ = f"Host set: what follows is done on {name}."
    chosen: Task[Any] = choose_set
    return chosen


@dataclass(frozen=True)
class Chosen:
    """The set that the words so far have chosen, and whether a task has used it."""

    name: str = ""
    used: bool = True

    def then(self, set_name: str, dash_h: str | None, task: str = "status") -> Chosen:
        """After the word `set_name`. Raises Refused beside another set that no task has used, and beside another -H.

        task: what is done with it, for the line to type instead.
        """
        if self.name not in ("", set_name) and not self.used:
            raise Refused(
                f"two host sets on one line, {self.name} and {set_name}: each is upgraded by a command of its own",
                next_line=f"fab {self.name} {task}\nthen: fab {set_name} {task}",
            )
        if dash_h and dash_h != set_name:
            raise Refused(
                f"-H {dash_h} and the set {set_name} on one line",
                next_line=f"fab {set_name} {task}\n  or: fab -H {dash_h} {task}",
            )
        return Chosen(set_name, used=False)

    def after_a_task(self) -> Chosen:
        """The same, used."""
        return replace(self, used=True)

    def check_that_it_is_used(
        self, fab: str, line: Sequence[str], sets: Collection[str], on_hosts: Collection[str]
    ) -> None:
        """Raises Refused at the end of a line that chooses a set and does nothing with it; on_hosts: what would."""
        if not self.used:
            tasks = [word for word in line if word not in sets]
            alone = next((word for word in tasks if word not in on_hosts), None)
            if alone:
                raise Refused(f"{self.name}: {alone} is for no host set", next_line=f"{fab} {alone}")
            first = tasks[0] if line[0] not in sets else None
            why = "the host set comes before the task" if first else "no task given"
            raise Refused(f"{self.name}: {why}", next_line=f"{fab} {self.name} {first or 'status'}")


def choose(context: Context, set_name: str) -> None:
    """Remember the set of `fab SET`, for the tasks that follow on the line. Raises Refused as `Chosen.then`."""
    chosen = context.config.target
    Chosen(chosen.set, chosen.used).then(set_name, _after_dash_h(context))
    context.config.target.set = set_name
    context.config.target.used = False


def named(context: Context) -> str | None:
    """What the operator called the hosts, or None if nothing was said."""
    return _after_dash_h(context) or context.config.target.set or None


def plain(typed: str) -> str:
    """A name that was typed after -H. Raises Refused for `user@host` and `host:port`: ssh_config says that."""
    host = typed.rpartition("@")[2].partition(":")[0].strip()
    if host != typed.strip():
        raise Refused(f"-H with a user or a port: ssh_config says how {host} is reached", next_line=mended(typed, host))
    return host


def _after_dash_h(context: Context) -> str | None:
    """The host that `-H` named: Fabric then hands the task a Connection, not yet open, instead of a Context."""
    host: str | None = getattr(context, "original_host", None)
    if host is None:
        return None
    reached: Any = context  # Fabric's Connection, which this module does without: `invoke --list` has none
    as_configured = type(reached)(host, config=reached.config)
    if (reached.user, reached.port) != (as_configured.user, as_configured.port):
        plain(f"@{host}")
    return host.strip()
