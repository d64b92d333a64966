"""What the lab writes: who gets in and how (keys, ssh_config, hosts.yml), and what each machine has of its own."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from string import Template

from .layout import (
    BASTION,
    HOME,
    HUB,
    MACHINES,
    NODES,
    PORTS,
    PROXIES,
    REPO,
    SHARED,
    STG_REPO,
    SUBNET,
    USERS,
    WITH_SSHD,
    Machine,
)

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Settings:
    """What one lab was brought up with.

    interval: seconds between haproxy's checks of a node; the passwords are this lab's only: of the database,
    and of `careful` for sudo.
    """

    image: str
    subnet: str = str(SUBNET)
    interval: float = 10.0
    database_password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    sudo_password: str = field(default_factory=lambda: secrets.token_urlsafe(12))

    @property
    def network(self) -> IPv4Network:
        """The range of addresses."""
        return IPv4Network(self.subnet)

    def url(self, host_set: str, proxy: Machine = PROXIES[0]) -> str:
        """The public address of a set, through one of the balancers."""
        return f"http://{proxy.address(self.network)}:{PORTS[host_set]}/blockerbugs/"


def read() -> Settings | None:
    """What the lab in HOME was brought up with, or None."""
    try:
        return Settings(**json.loads((HOME / "lab.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write(settings: Settings) -> None:
    """Write everything anew, with new keys."""
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(mode=0o711)
    SHARED.mkdir(mode=0o755)
    _key(HOME / "id_ed25519")
    for machine in MACHINES:
        _key(machine.overlay / "etc/ssh/ssh_host_ed25519_key")
        _put(machine.overlay / "etc/ssh/authorized_key", (HOME / "id_ed25519.pub").read_text(encoding="utf-8"))
    write_changeable(settings)
    for user, name in zip(USERS, ("ssh_config", "ssh_config_careful"), strict=True):
        _put(HOME / name, _ssh_config(settings, user))
    _put(HOME / "known_hosts", _known_hosts())


def remember(settings: Settings) -> None:
    """Keep what the lab was brought up with; only a lab that came up as a whole has this file."""
    _put(HOME / "lab.json", json.dumps(asdict(settings)))


def write_changeable(settings: Settings) -> None:
    """What `reset` may change: everything but the keys."""
    _put(HOME / "hosts.yml", _filled("hosts.yml", interval=f"{settings.interval:g}", **_urls(settings)))
    _hub(settings)
    for proxy in PROXIES:
        _proxy(proxy, settings)
    for machine in WITH_SSHD:
        _lets_in(machine, settings)
    for node in NODES:
        _node(node, settings)


def _node(node: Machine, settings: Settings) -> None:
    etc = node.overlay / "etc"
    _put(etc / "lab/passwords", f"careful:{settings.sudo_password}\n")
    _put(etc / "dnf/vars/mirror", node.name)
    for repo in (REPO, STG_REPO):
        _put(etc / f"yum.repos.d/{repo}.repo", _filled("repo", repo=repo, enabled=str(int(repo == REPO))))
    values = {"password": settings.database_password, "hub": HUB.name, "set": node.host_set}
    _put(etc / "blockerbugs/settings.py", _filled("settings.py", **values))
    if node.syncs:
        _put(etc / "cron.d/blockerbugs", _filled("blockerbugs.cron"))


def _lets_in(machine: Machine, settings: Settings) -> None:
    """prod is reached through the jump host only."""
    came_from = f"@{BASTION.address(settings.network)}" if machine.host_set == "prod" else ""
    allowed = " ".join(f"{user}{came_from}" for user in USERS)
    _put(machine.overlay / "etc/ssh/sshd_config.d/lab-users.conf", f"AllowUsers {allowed}\n")


def _hub(settings: Settings) -> None:
    etc = HUB.overlay / "etc"
    _put(etc / "lab/mirrors", "".join(f"{node.name}\n" for node in NODES))
    _put(etc / "lab/databases.sql", _filled("databases.sql", password=settings.database_password))


def _proxy(proxy: Machine, settings: Settings) -> None:
    etc = proxy.overlay / "etc"
    sets = "\n".join(_filled("listen", name=name, port=str(port), nodes=_servers(name, settings))
                     for name, port in PORTS.items())  # fmt: skip
    _put(etc / "haproxy/haproxy.cfg", _filled("haproxy.cfg", interval=f"{settings.interval * 1000:.0f}", sets=sets))


def _servers(host_set: str, settings: Settings) -> str:
    nodes = [node for node in NODES if node.host_set == host_set]
    return "\n".join(
        f"    server {node.name.partition('.')[0]} {node.address(settings.network)}:80 check" for node in nodes
    )


def _urls(settings: Settings) -> dict[str, str]:
    return {f"{name}_url": settings.url(name) for name in PORTS}


def _ssh_config(settings: Settings, user: str) -> str:
    hosts = WITH_SSHD
    jump = {node: f"    ProxyJump {BASTION.name}\n" for node in NODES if node.host_set == "prod"}
    return "\n".join(
        _filled("ssh_config", name=m.name, address=m.address(settings.network), user=user, home=str(HOME))
        + jump.get(m, "")
        for m in hosts
    )


def _known_hosts() -> str:
    """As Fedora's begins, with lines that hide every later key from paramiko's own reader."""
    stranger = (HOME / "id_ed25519.pub").read_text(encoding="utf-8").rsplit(" ", 1)[0]
    lines = [f"@cert-authority *.fedoraproject.org {stranger}", f"@revoked * {stranger}"]
    for machine in WITH_SSHD:
        public = (machine.overlay / "etc/ssh/ssh_host_ed25519_key.pub").read_text(encoding="utf-8")
        lines.append(f"{machine.name} {public.rsplit(' ', 1)[0]}")
    return "\n".join(lines) + "\n"


def _key(file: Path) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(file)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def _filled(template: str, **values: str) -> str:
    return Template((TEMPLATES / template).read_text(encoding="utf-8")).substitute(values)


def _put(file: Path, text: str) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
