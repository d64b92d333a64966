"""The sandbox as the tasks use it: there when it is named, gone when the command ends, unless it is kept up."""

from __future__ import annotations

import atexit
import math
import os
import signal
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from fabric import Config

from ..errors import Refused, SopError, TryLater
from ..inventory.remembered import read
from ..lines import runs, same, word
from ..paths import state_dir
from ..report.opened import opened
from . import faults, fleet, layout
from . import like as likes
from .programs._db import Error as DatabaseError
from .programs._files import read_json

if TYPE_CHECKING:
    from ..inventory.model import Inventory

SET = layout.SetSpec(
    "sandbox",
    ("blockerbugs01.sandbox", "blockerbugs02.sandbox"),
    sync="blockerbugs01.sandbox",
    proxies=("proxy01.sandbox",),
)
HOSTS = (*SET.hosts, *SET.proxies)
HELP = "fab --help sandbox.fault"
END_SECONDS = 10


def home() -> Path:
    """The folder the sandbox lives in."""
    return state_dir() / "sandbox"


def package() -> str:
    """What the sandbox's hosts have installed; nothing where there is no sandbox."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return str(read_json(home() / "fleet.json")["app"]["package"])
    return ""


@cache
def enter(file: Path) -> tuple[Inventory, Config]:
    """The sandbox's inventory and SSH configuration; it is made and started if need be. file: the hosts.yml in force.

    What is started here ends with this process, however that ends.
    """
    place = _made(file)
    pid = fleet.running(place)
    if pid and not _kept(place, pid):
        raise _in_use(pid)
    if not pid:
        try:
            atexit.register(fleet.start(place).close)
        except fleet.FleetError as error:
            raise TryLater(str(error), next_line="fab sandbox.up") from None
    return read(place / "hosts.yml"), Config(runtime_ssh_path=str(place / "ssh_config"))


def reset(file: Path, like: str = "", dry: bool = False) -> None:
    """Begin again: 1.0.0 on both hosts, no faults; one kept up stays up. Raises TryLater while a fab uses it.

    file: the hosts.yml in force; like: the set of it that the sandbox is made like. Raises Refused for one that cannot
    be played.
    """
    report = opened()
    made = _like(file, like)
    if dry:
        report.note(f"would lay the sandbox in {home()} down afresh{_told_of(made)}")
        return
    pid = fleet.running(home()) if home().exists() else None
    kept = bool(pid and _kept(home(), pid))
    if pid and not kept and not enter.cache_info().currsize:
        raise _in_use(pid)
    enter.cache_clear()
    _end_if_running()
    _lay_down(made)
    first = f"{made.app['package']}-1.0.0-1.el7"
    report.note(f"the sandbox is as new: {first} on both hosts; 1.0.1 and 1.1.0 are in the repo{_told_of(made)}")
    if kept:
        up(file)


def up(file: Path, like: str = "", dry: bool = False) -> None:
    """Start the sandbox so that it stays until `down`. Raises Refused for one that is made like another set.

    file, like: as for reset.
    """
    report = opened()
    if dry:
        report.note(f"would start the sandbox in {home()}")
        return
    place = _made(file, like)
    pid = fleet.running(place)
    if not pid:
        try:
            pid = fleet.start(place, keep=True).pid
        except fleet.FleetError as error:
            raise SopError(f"the sandbox did not start: {error}", next_line="fab sandbox.reset") from None
        (place / "kept").write_text(str(pid), encoding="utf-8")
    report.note(f"the sandbox is up (process {pid}): {layout.public_url(place, SET.name)}")
    report.note(f"its hosts by plain ssh: ssh -F {place / 'ssh_config'} {SET.hosts[0]}")
    report.note("to end it: fab sandbox.down")
    report.note("next: fab sandbox status")


def down(dry: bool = False) -> None:
    """End what `up` started."""
    report = opened()
    pid = fleet.running(home()) if home().exists() else None
    if dry:
        report.note(f"would end process {pid}" if pid else "would do nothing: the sandbox is not up")
    elif pid:
        _end_if_running()
        report.note("the sandbox is down; its state stays until fab sandbox.reset")
    else:
        report.note("the sandbox is not up")


def fault(
    file: Path, step: str, kind: str, host: str, times: int, seconds: float, clear: bool, dry: bool = False
) -> None:
    """Switch a fault on, or all of them off. Raises Refused for one that does not exist."""
    report = opened()
    hosts = dict(zip(("sandbox01", "sandbox02", "sandboxproxy"), HOSTS, strict=True))
    host = hosts.get(host or ("sandboxproxy" if step in faults.PROXY_STEPS else "sandbox01"), host)
    if times < 1:
        raise Refused(f"--times {times}: a number of times is wanted, 1 or more", next_line=HELP)
    if not 0 <= seconds < math.inf:
        raise Refused(f"--seconds {seconds:g}: a number of seconds is wanted, 0 or more", next_line=HELP)
    if host not in HOSTS:
        raise Refused(f"no host {host!r} in the sandbox: one of {', '.join(hosts)}", next_line=HELP)
    effect = "all faults are off, every host has its power" if clear else _told(step, kind, host, times, seconds)
    if dry:
        report.note(f"would do: {effect}")
        return
    place = _made(file)
    if clear:
        faults.clear(place)
        for name in HOSTS:
            faults.revive(place, name)
    else:
        try:
            faults.inject(place, host, step, kind, times=times, seconds=seconds)
        except ValueError as error:
            raise Refused(str(error), next_line=HELP) from None
    report.note(effect)


def _told(step: str, kind: str, host: str, times: int, seconds: float) -> str:
    """What a fault will be; a health fault is met by more than the step of that name."""
    if kind == "unavailable":
        return f"{host}: the page answers 503 for {seconds:g} s, from now on and after each start of httpd"
    if kind == "reload":
        return f"{host}: haproxy is reloaded {seconds:g} s after the next {step}, and forgets what it was told"
    if kind == "denied":
        return f"{host}: haproxy's socket may only be asked, until sandbox.fault --clear"
    if step == "new-build":
        bad = "fails 5 % of its requests" if kind == "errors" else "takes 90 ms longer for each answer"
        return f"{host}: every other build than runs there now {bad}, from {seconds:g} s after httpd's start on"
    effect = f"{host}: {step} goes wrong the next {'time' if times == 1 else f'{times} times'} ({kind})"
    if step in ("health", "healthy"):
        effect += "; every look at the page on its host uses one up, also the look before a run (--times)"
    return effect


def _made(file: Path, like: str = "") -> Path:
    """The sandbox's folder, laid down if there is none. Raises Refused for one of which a part is gone, and for one
    that is made like another set than is meant.
    """
    if not (home() / "hosts.yml").exists():
        _lay_down(_like(file, like))
    for part in ("ssh_config", "fleet.json", "id_ed25519", "known_hosts"):
        if not (home() / part).exists():
            raise Refused(f"the sandbox is broken: {home() / part} is gone", next_line=runs("fab sandbox.reset"))
    app = read_json(home() / "fleet.json").get("app")
    if app is None:
        made = f"the sandbox in {home()} was made by an earlier version of this program"
        raise Refused(made, next_line=runs("fab sandbox.reset"))
    _check_that_it_is_meant(app["package"], file, like)
    return home()


def _check_that_it_is_meant(made_of: str, file: Path, like: str) -> None:
    """Raises Refused for a sandbox of another application than hosts.yml has, where nobody has chosen that."""
    is_like, (means, package) = likes.kept(home()), likes.implied(file)
    if like:
        means = likes.named(like, file)
        if (means.name, means.file) == (is_like.name, is_like.file):
            return
    elif is_like.chosen or means.name == likes.OWN or package == made_of:
        return
    raise Refused(
        f"the sandbox is made like {is_like}, not like {means}",
        next_line=f"fab sandbox.reset{f' --like {like}' if like else ''}  # makes it anew",
    )


def _like(file: Path, like: str) -> likes.Made:
    """What a new sandbox is made of: the set that is named, or was named before, or that hosts.yml means by itself."""
    if like:
        return likes.make(likes.named(like, file))
    before = likes.kept(home())
    return likes.make(before if before.chosen else likes.implied(file)[0])


def _told_of(made: likes.Made) -> str:
    if made.host_set is None:
        return ""
    without = f", but does not play its {', '.join(made.left_out)}" if made.left_out else ""
    return f"; it is made like {made.like}{without}"


def _lay_down(made: likes.Made) -> None:
    """Make the sandbox; hosts.yml is the last of its files, so that one that was cut short is made again."""
    try:
        home().mkdir(mode=0o700, parents=True, exist_ok=True)
        (home() / "hosts.yml").unlink(missing_ok=True)
        layout.create(home(), [SET], app=made.app)
        made.like.keep(home())
        urls = {f"url of {host}": layout.node_url(home(), host) for host in SET.hosts}
        urls["url"] = layout.public_url(home(), SET.name)
        (home() / "hosts.yml").write_text(likes.hosts_yml(made, urls), encoding="utf-8")
    except (OSError, DatabaseError) as error:
        raise Refused(
            f"the sandbox cannot be made in {home()}: {error}", next_line=f"ls -ld {word(home().parent)}"
        ) from None


def _in_use(pid: int) -> TryLater:
    return TryLater(
        f"another fab (process {pid} is its fleet) uses the sandbox", next_line=same(does="when it has ended")
    )


def _kept(place: Path, pid: int) -> bool:
    """Is the running fleet one that `up` keeps for everybody?"""
    try:
        return (place / "kept").read_text(encoding="utf-8") == str(pid)
    except OSError:
        return False


def _end_if_running() -> None:
    pid = fleet.running(home()) if home().exists() else None
    if not pid:
        return
    os.kill(pid, signal.SIGTERM)
    ends = time.monotonic() + END_SECONDS
    while fleet.running(home()):
        if time.monotonic() > ends:
            raise SopError(f"the sandbox (process {pid}) does not end", next_line=f"kill {pid}")
        time.sleep(0.05)
