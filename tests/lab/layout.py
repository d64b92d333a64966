"""What the lab is made of: its machines, their names and addresses, and where its own files are.

Its hosts have dnf 4 and rpm 4 from Debian 12, or with LAB_DNF=5 in the environment dnf 5 and rpm 6. Both labs can be up
at once.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

DNF = 5 if os.environ.get("LAB_DNF") == "5" else 4
LABEL = "blockerbugs-lab-dnf5" if DNF == 5 else "blockerbugs-lab"  # on all that podman makes: what has it is removed
HOME = Path("/var/lib") / LABEL  # keys, ssh_config, hosts.yml, and what each machine has of its own
SHARED = HOME / "shared"
SEEN = "/var/lib/blockerbugs-lab/shared"  # where every machine of the lab sees SHARED
NETWORK = LABEL
SUBNET = IPv4Network("10.89.78.0/24" if DNF == 5 else "10.89.77.0/24")

REPO, STG_REPO = "infrastructure-tags", "infrastructure-tags-stg"
VERSIONS = ("1.0.0", "1.0.1", "1.1.0", "1.2.0")
USERS = ("admin", "careful")


@dataclass(frozen=True)
class Machine:
    """One container.

    role: node (a host of a set), proxy (haproxy), hub (PostgreSQL, the repos) or bastion (the jump host);
    number: the last part of its address; host_set: of a node;
    syncs: does this node run upgrade_db, sync and the cron job?
    """

    name: str
    role: str
    number: int
    host_set: str = ""
    syncs: bool = False

    @property
    def container(self) -> str:
        """Its name for podman."""
        return f"{LABEL}-{self.name}"

    @property
    def overlay(self) -> Path:
        """What it has of its own; laid over / when it starts (lab-overlay)."""
        return HOME / "machines" / self.name

    def address(self, subnet: IPv4Network) -> str:
        """Its address in the lab's network."""
        return str(subnet[self.number])


HUB = Machine("hub.lab", "hub", 2)
BASTION = Machine("bastion.lab", "bastion", 3)
STG = Machine("blockerbugs01.stg.lab", "node", 21, "stg", syncs=True)
ONE = Machine("blockerbugs01.lab", "node", 11, "prod", syncs=True)
TWO = Machine("blockerbugs02.lab", "node", 12, "prod")
NODES = (STG, ONE, TWO)
PROXIES = (Machine("proxy01.lab", "proxy", 31), Machine("proxy02.lab", "proxy", 32))
WITH_SSHD = (BASTION, *PROXIES, *NODES)
MACHINES = (HUB, *WITH_SSHD)
PORTS = {"prod": 8080, "stg": 8081}  # on each proxy
