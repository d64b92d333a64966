"""What is configured: the settings template in the infrastructure's ansible repo, and the collection's own keys."""

from __future__ import annotations

from invoke import Context

from .flags import task


@task("message")
def push_config(context: Context, message: str) -> None:
    """Config: the settings template, checked, pushed.

    Shows its diff without secrets, commits only that file, rebases, pushes, and
    says what applies it.
    """
    from .ansible import push

    push.push_config(context, message)


@task("key")
def show_config(context: Context, key: str) -> None:
    """Config: what is configured, key by key.

    Every key can be set in fabric.yml and invoke.yml, and as
    FABRIC_KOJI_TARGET, INVOKE_KOJI_TARGET, and so on.
    """
    from .koji import settings

    settings.show(context, key)
