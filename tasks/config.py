"""What is configured: the settings template in the infrastructure's ansible repo, and the collection's own keys."""

from __future__ import annotations

from typing import Any

from invoke import Context

from .flags import task


@task("message", "branch", "unchecked", "literal", "plan", "yes", plan="Show what would be pushed, and stop.")
def push_config(context: Context, plan: bool, **typed: Any) -> None:
    """The settings template, checked, pushed.

    Fetches, shows the template's diff without secrets, checks it, asks, commits
    only that file, rebases, pushes, and says what applies it.
    """
    from .ansible import push
    from .report import opened

    options = push.Options(plan=plan or context.config.run.dry, **typed)
    with opened() as report:
        push.push_config(context.config, options, report)


@task("key")
def show_config(context: Context, key: str) -> None:
    """What is configured, key by key.

    Every key can be set in fabric.yml and invoke.yml, and as
    FABRIC_KOJI_TARGET, INVOKE_KOJI_TARGET, and so on.
    """
    from .koji import settings

    settings.show(context, key)
