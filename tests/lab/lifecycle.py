"""Up, down, reset, status: what becomes of the lab as a whole."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path

from . import files, needs, podman
from . import repo as repos
from .errors import LabError
from .files import Settings
from .image import Say, image
from .layout import HOME, HUB, LABEL, MACHINES, NETWORK, NODES, PORTS, PROXIES, WITH_SSHD, Machine

LOCK = Path("/run/lock") / LABEL
UP_SECONDS = 60  # for systemd, PostgreSQL and httpd to answer after the containers were started


def up(subnet: IPv4Network, interval: float, install: bool, say: Say) -> None:
    """Bring the lab up, whatever was left of an earlier one. Raises LabError."""
    with _alone():
        needs.check(install)
        name = image(say)
        state = _state()
        if state == "up":
            _check_same(name)
            say("the lab is up already")
            return
        if state != "down":
            say(f"the lab is {state}: taking down what is left of it first")
            _remove(say=None)
        needs.check_subnet(subnet)
        settings = Settings(image=name, subnet=str(subnet), interval=interval)
        files.write(settings)
        podman.podman("network", "create", "--disable-dns", "--subnet", str(subnet), "--label", LABEL, NETWORK)
        _on_all(lambda machine: podman.start(machine, name, subnet), MACHINES)
        podman.run_in(HUB, "lab-reset-hub")
        wait_until_it_answers(settings)
        files.remember(settings)


def down(images: bool, say: Say) -> None:
    """Remove what `up` made: containers, network, files; with `images` also what makes the next `up` fast."""
    with _alone():
        needs.check_root()
        if shutil.which("podman") is None:
            shutil.rmtree(HOME, ignore_errors=True)
            say("podman is not installed, so nothing of the lab can run here")
            return
        _remove(say)
        if images:
            for found in dict.fromkeys(podman.labelled("image")):
                podman.podman("rmi", "--force", found)


def reset(interval: float | None = None) -> None:
    """Every host and database back to 1.0.0, every fault taken back. Raises LabError if the lab is not up."""
    with _alone():
        settings = running()
        if interval is not None:
            settings = replace(settings, interval=interval)
            files.write_changeable(settings)
            files.remember(settings)
        commands = {HUB: "lab-reset-hub", **dict.fromkeys(PROXIES, "lab-reset-proxy")}
        commands |= dict.fromkeys(NODES, "lab-reset-node")
        _on_all(lambda machine: podman.run_in(machine, commands[machine]), tuple(commands))
        wait_until_it_answers(settings)


def publish(version: str, repo: str) -> None:
    """Offer a version in a repo of the running lab. Raises LabError."""
    with _alone():
        running()
        repos.publish(version, repo)


def running() -> Settings:
    """What the running lab was brought up with. Raises LabError if it is not up."""
    needs.check_root()
    state = _state() if shutil.which("podman") else "down"
    settings = files.read()
    if state != "up" or settings is None:
        raise LabError(f"the lab is {state}: python -m tests.lab up")
    return settings


def is_up() -> bool:
    """Is every machine running?"""
    return shutil.which("podman") is not None and _state() == "up"


def _state() -> str:
    """up, down, or `half up (what is missing)`."""
    found = podman.states()
    missing = [machine.name for machine in MACHINES if found.get(machine.container) != "running"]
    if not found and not podman.labelled("network"):
        return "down"
    if missing:
        return f"half up ({', '.join(missing)} not running)"
    return "up" if files.read() else "half up (left over from a run that was killed)"


def _check_same(name: str) -> None:
    settings = files.read()
    if settings and settings.image != name:
        raise LabError("the lab is up, but its sources have changed since: python -m tests.lab down, and then up")


def _remove(say: Say | None) -> None:
    containers, networks = list(podman.states()), podman.labelled("network")
    if containers:
        podman.podman("rm", "--force", "--time", "0", "--volumes", *containers)
    for network in networks:
        podman.podman("network", "rm", "--force", network)
    shutil.rmtree(HOME, ignore_errors=True)
    if say:
        say(f"removed {len(containers)} containers" if containers else "there was nothing to take down")


def _on_all(act: Callable[[Machine], object], machines: tuple[Machine, ...]) -> None:
    with ThreadPoolExecutor(len(machines)) as pool:
        for _ in pool.map(act, machines):
            pass


def wait_until_it_answers(settings: Settings) -> None:
    """Until every balancer has every set's page and every sshd greets. Raises LabError."""
    for url in (settings.url(name, proxy) for name in PORTS for proxy in PROXIES):
        _wait(url, partial(_serves, url))
    for machine in WITH_SSHD:
        wait_for(machine, settings)


def wait_for(machine: Machine, settings: Settings) -> None:
    """Until its sshd greets. Raises LabError."""
    _wait(f"sshd on {machine.name}", partial(_greets, machine.address(settings.network)))


def _wait(what: str, answers: Callable[[], bool]) -> None:
    ends = time.monotonic() + UP_SECONDS
    while not answers():
        if time.monotonic() > ends:
            raise LabError(f"{what} gives no answer: podman logs, or python -m tests.lab down, and then up")
        time.sleep(0.1)


def _serves(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (OSError, urllib.error.HTTPError):
        return False


def _greets(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=5) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


@contextmanager
def _alone() -> Iterator[None]:
    """Two at once would undo each other. Raises LabError, naming the other one."""
    try:
        lock = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        needs.check_root()
        raise LabError(f"{LOCK} cannot be opened: {error.strerror}") from None
    with os.fdopen(lock, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise LabError(f"process {file.read().strip()} is working on the lab: wait until it has ended") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
        file.truncate(0)
