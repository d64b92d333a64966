"""podman, called so that it works as root on a small machine: no CAP_SYS_RESOURCE, no cgroup v2, no registry."""

from __future__ import annotations

import json
import os
import subprocess
from ipaddress import IPv4Network
from pathlib import Path

from .errors import LabError
from .layout import LABEL, MACHINES, NETWORK, SEEN, SHARED, Machine

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {**os.environ, "CONTAINERS_CONF": str(Path(__file__).with_name("containers.conf"))}


def podman(*words: str, given: str | None = None, seconds: float = 300) -> str:
    """Run `podman WORDS`, with `given` as its input, and return what it printed. LabError has its last words."""
    ended = subprocess.run(
        ["podman", *words],
        input=given,
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=seconds,
        check=False,
    )
    if ended.returncode:
        said = (ended.stderr or ended.stdout).strip().splitlines()
        raise LabError(f"podman {' '.join(words[:2])} failed: {said[-1] if said else f'exit {ended.returncode}'}")
    return ended.stdout


def states() -> dict[str, str]:
    """Container name → state (running, exited, …) of every container of the lab's, also of a killed run."""
    listed = json.loads(podman("ps", "--all", "--filter", f"label={LABEL}", "--format", "json"))
    return {found["Names"][0]: found["State"] for found in listed}


def start(machine: Machine, image: str, subnet: IPv4Network) -> None:
    """Make and start the container of a machine; systemd inside takes it from there."""
    names = [f"--add-host={other.name}:{other.address(subnet)}" for other in MACHINES]
    podman(
        *("run", "--detach", "--systemd=always", "--label", LABEL, "--name", machine.container),
        *("--hostname", machine.name, "--network", NETWORK, "--ip", machine.address(subnet), *names),
        *("--volume", f"{machine.overlay}:/lab:ro", "--volume", f"{SHARED}:{SEEN}", "--pull=never", image),
        # systemd reads the last word as one of the kernel's command line: newer ones refuse cgroup v1 without it.
        *("/sbin/init", f"--unit=lab-{machine.role}.target", "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"),
    )


def run_in(machine: Machine, *words: str, given: str | None = None) -> str:
    """Run a command as root inside a machine, past sshd and sudo. Raises LabError if it fails."""
    ended = subprocess.run(
        ["nsenter", "--all", f"--target={process(machine)}", "env", "-i", f"PATH={PATH}", *words],
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if ended.returncode:
        said = (ended.stderr or ended.stdout).strip().splitlines()
        raise LabError(f"{machine.name}: {words[0]} failed: {said[-1] if said else f'exit {ended.returncode}'}")
    return ended.stdout


def process(machine: Machine) -> int:
    """The id here of a machine's first process; the machine's own files are /proc/ID/root."""
    return int(podman("inspect", "--format", "{{.State.Pid}}", machine.container))


def switch(machine: Machine, on: bool) -> None:
    """Take its power away at once, or boot it."""
    if on:
        podman("start", machine.container)
    else:
        podman("kill", machine.container)


def labelled(kind: str) -> list[str]:
    """The names of the lab's networks or images."""
    form = {"network": "{{.Name}}", "image": "{{.ID}}"}[kind]
    return podman(kind, "ls", "--filter", f"label={LABEL}", "--format", form).split()
