"""From Invoke's configuration to what a fleet is made of: the inventory, and how its hosts are reached."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from invoke import Context

from ..inventory.file import chosen_file, configured_file

if TYPE_CHECKING:
    from fabric import Config

    from ..inventory.model import Inventory


def inventory(context: Context) -> Inventory:
    """hosts.yml, or what `hosts_file` names. Raises Refused for a file with mistakes."""
    from ..inventory.model import read

    configured = context.config.hosts_file
    return read(chosen_file(configured) if configured else configured_file(), taken=context.config.target.tasks)


def ssh(context: Context) -> Config:
    """The configuration Connections need; `invoke` brings one that knows no SSH."""
    from fabric import Config

    if isinstance(context.config, Config):
        return context.config
    config = Config()
    config.sudo.password = context.config.sudo.password
    return config


def ssh_config_file(config: Config) -> str | None:
    """The file of --ssh-config or of Fabric's `ssh_config_path`, if there is one."""
    file = getattr(config, "_runtime_ssh_path", None) or config.ssh_config_path
    return str(Path(file).expanduser()) if file else None
