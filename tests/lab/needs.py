"""What this machine must have before the lab can come up: root, Debian's packages, a free range of addresses."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from ipaddress import IPv4Network
from pathlib import Path

from .errors import LabError
from .layout import NETWORK

# What is looked for → the Debian package that has it.
PACKAGES = {
    "podman": "podman",
    "runc": "runc",
    "/usr/lib/podman/netavark": "netavark",
    "iptables": "iptables",
    "mmdebstrap": "mmdebstrap",
    "ssh-keygen": "openssh-client",
    "ip": "iproute2",
}


_LOCK = Path("/run/lock/blockerbugs-lab-packages")


def check(install: bool) -> None:
    """Raise LabError if the lab cannot come up here; with `install`, get the missing packages first."""
    check_root()
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two labs that come up at once would be in each other's way with apt
        missing = missing_packages()
        if missing:
            _get(missing, install)


def _get(missing: list[str], install: bool) -> None:
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    if not shutil.which("apt-get"):
        raise LabError(f"{', '.join(missing)}: missing, and this is no Debian: install them by your system's own means")
    if not install:
        raise LabError(
            f"{', '.join(missing)}: missing. Type: {' '.join(command)}\n  or: python -m tests.lab up --install"
        )
    for words in (["apt-get", "update", "--quiet=2"], [*command, "--quiet=2"]):
        ended = subprocess.run(words, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, check=False)
        if ended.returncode:
            raise LabError(f"this failed: {' '.join(words)}")


def check_root() -> None:
    """Raise LabError for anybody but root: systemd in containers with addresses of their own needs it."""
    if os.geteuid() != 0:
        raise LabError("the lab's containers need root: sudo python -m tests.lab …, or a virtual machine of your own")


def missing_packages() -> list[str]:
    """The Debian packages that are not there."""
    return [
        package
        for wanted, package in PACKAGES.items()
        if not (Path(wanted).exists() if wanted.startswith("/") else shutil.which(wanted))
    ]


def check_subnet(subnet: IPv4Network) -> None:
    """Raise LabError if something here uses these addresses already; the lab's own network is down by now."""
    listed = subprocess.run(["ip", "-json", "-4", "route"], capture_output=True, text=True, check=False).stdout
    for route in json.loads(listed or "[]"):
        if route["dst"] != "default" and IPv4Network(route["dst"], strict=False).overlaps(subnet):
            raise LabError(
                f"the addresses {subnet} are in use here ({route['dst']} on {route.get('dev', '?')}): "
                f"choose others, e.g. python -m tests.lab up --subnet 10.89.78.0/24 ({NETWORK} needs a /24)"
            )
