"""What the lab is made of: its machines, their names and addresses, and where its own files are."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

HOME = Path("/var/lib/blockerbugs-lab")  # keys, ssh_config, hosts.yml, and what each machine has of its own
SHARED = HOME / "shared"  # seen at the same place by this machine and by every machine of the lab
NETWORK = "blockerbugs-lab"
LABEL = "blockerbugs-lab"  # on everything podman makes for the lab: what has it is ours to remove
SUBNET = IPv4Network("10.89.77.0/24")

REPO, STG_REPO = "infrastructure-tags", "infrastructure-tags-stg"
VERSIONS = ("1.0.0", "1.0.1", "1.1.0", "1.2.0")
USERS = ("admin", "careful")


@dataclass(frozen=True)
class Machine:
    """One container.

    role: node (a host of a set), hub (PostgreSQL, the repos, haproxy) or bastion (the jump host);
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
MACHINES = (HUB, BASTION, *NODES)
PORTS = {"prod": 8080, "stg": 8081}  # of the balancer, on the hub
