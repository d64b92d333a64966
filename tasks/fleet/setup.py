"""From Invoke's configuration to what a fleet is made of: the inventory, and how its hosts are reached."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke import Context

from ..inventory.file import chosen_file, configured_file
from ..paths import hosts_come_from

if TYPE_CHECKING:
    from fabric import Config

    from ..inventory.model import Inventory


def inventory_file(context: Context) -> Path:
    """Which hosts.yml it is: what `hosts_file` names, or the one that comes with the collection."""
    configured = context.config.hosts_file
    if configured and not isinstance(configured, str):
        raise TypeError("hosts_file is no text")  # which file says so is found by causes.py
    return chosen_file(configured) if configured else configured_file()


def inventory(context: Context) -> Inventory:
    """What that file says. Raises Refused for a file with mistakes."""
    from ..inventory.remembered import read

    path = inventory_file(context)
    hosts_come_from(path)
    return read(path, taken=context.config.target.tasks)


def ssh(context: Context) -> Config:
    """The configuration Connections need; `invoke` brings one that knows no SSH."""
    from fabric import Config

    if isinstance(context.config, Config):
        return context.config
    config = Config()
    lenient(config)
    config.sudo.password = context.config.sudo.password
    return config


def lenient(config: Config) -> None:
    """Have paramiko's reader of ssh_config object to nothing: each of its objections is a traceback.

    What it understands is kept for plain `fab -H host -- command`; the tasks ask ssh itself (ssh_config.py).
    """
    from paramiko import SSHConfig, SSHConfigDict

    class Lenient(SSHConfig):
        def parse(self, file_obj: Any) -> None:
            with suppress(Exception):
                super().parse(file_obj)

        def lookup(self, hostname: str) -> SSHConfigDict:
            try:
                return super().lookup(hostname)
            except (KeyError, OSError):  # it asks who we are; a user id without a name is nobody
                return SSHConfigDict({"hostname": hostname})

    config._set(base_ssh_config=Lenient())


def ssh_config_file(config: Config) -> str | None:
    """The file of --ssh-config or of Fabric's `ssh_config_path`, if there is one."""
    file = getattr(config, "_runtime_ssh_path", None) or config.ssh_config_path
    return str(Path(file).expanduser()) if file else None
