"""A set's hosts out of Ansible's inventory, by way of `ansible-inventory --list`.

Of a host its name is taken, and ansible_host: that is then the name that ssh is given, and the inventory's is what is
typed and shown. Nothing else: user, port and key are ssh_config's business, also where Ansible has variables of them.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import Refused
from ..fleet.output import clean
from ..paths import editor
from . import mistakes
from .declared import ValidationError
from .host import Strict
from .texts import AnyPath, GroupName

PROGRAM = "ansible-inventory"
SECONDS = 30  # for all of it: an inventory may ask a cloud
OVER_SSH = ("ssh", "smart", "paramiko", "paramiko_ssh", "ansible.builtin.ssh", "ansible.builtin.paramiko_ssh")
# Ansible goes on without a source that it cannot read, and half a set would be upgraded.
STRICTLY = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true", "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"}


class Source(Strict):
    """A group of Ansible's, and the inventory that has it: a file or folder beside hosts.yml; None: Ansible's own."""

    ansible: GroupName
    inventory: AnyPath | None = None


def with_hosts(raw: Any, file: Path) -> Any:
    """What a hosts.yml says, each group of Ansible's that stands for hosts replaced by these.

    Asks Ansible only where there is one. Raises Refused, with the key's place in the file.
    """
    if not asks(raw):
        return raw
    sets = raw["host_sets"].items()
    return {**raw, "host_sets": {name: _whole(f"host_sets.{name}.hosts", one, file) for name, one in sets}}


def asks(raw: Any) -> bool:
    """Does a hosts.yml leave hosts to Ansible?"""
    sets = raw.get("host_sets") if isinstance(raw, dict) else None
    return isinstance(sets, dict) and any(_source(one) for one in sets.values())


def _source(host_set: Any) -> Mapping[str, Any] | None:
    hosts = host_set.get("hosts") if isinstance(host_set, dict) else None
    return hosts if isinstance(hosts, dict) else None


class _Refusal(Exception):
    """Why the hosts are not known, and the line to type."""


def _whole(place: str, host_set: Any, file: Path) -> Any:
    found = _source(host_set)
    if found is None:
        return host_set
    try:
        source = Source.model_validate(found)
    except ValidationError as error:
        told = (f"{file}: {place}.{sentence}" for sentence in mistakes.told(error, Source))
        raise Refused(*told, next_line=editor(file)) from None
    try:
        return {**host_set, "hosts": list(_hosts(source, file.absolute().parent))}
    except _Refusal as why:
        text, next_line = why.args
        raise Refused(f"{file}: {place}: {text}", next_line=next_line) from None


def _hosts(source: Source, folder: Path) -> Iterator[dict[str, Any]]:
    """The group's hosts in Ansible's order, as hosts.yml would have them."""
    inventory = str(folder / source.inventory) if source.inventory else None
    said, shows = _said(inventory, folder), _line(inventory)
    if source.ansible not in said:
        near = get_close_matches(source.ansible, [name for name in said if name != "_meta"], n=1)
        where = inventory or "Ansible's own inventory"
        raise _Refusal(f"no group {source.ansible} in {where}{f'; did you mean {near[0]}?' if near else ''}", shows)
    names = list(dict.fromkeys(_members(said, source.ansible, set())))
    if not names:
        raise _Refusal(f"the group {source.ansible} has no hosts", shows)
    variables = _of(_of(said, "_meta"), "hostvars")
    for name in names:
        own = _of(variables, name)
        if own.get("ansible_connection", "ssh") not in OVER_SSH:
            how = clean(str(own["ansible_connection"]))
            raise _Refusal(f"{name}: Ansible reaches it by {how}, not by ssh", shows)
        address = own.get("ansible_host") or name
        yield {"name": address, "aliases": [name] if name != address else []}


def _of(said: Any, key: str) -> Mapping[str, Any]:
    found = said.get(key) if isinstance(said, dict) else None
    return found if isinstance(found, dict) else {}


def _members(said: Mapping[str, Any], group: str, seen: set[str]) -> Iterator[str]:
    """The hosts of a group, and of those below it."""
    if group in seen:
        return
    seen.add(group)
    found = _of(said, group)
    yield from map(str, found.get("hosts") or ())
    for child in found.get("children") or ():
        yield from _members(said, str(child), seen)


def _line(inventory: str | None) -> str:
    """What shows the groups and their hosts."""
    return f"{PROGRAM}{f' -i {shlex.quote(inventory)}' if inventory else ''} --graph"


@cache
def _said(inventory: str | None, folder: Path) -> dict[str, Any]:
    """What Ansible says of an inventory: once for each, however often hosts.yml is read."""
    beside = Path(sys.executable).with_name(PROGRAM)
    program = shutil.which(PROGRAM) or (str(beside) if beside.exists() else None)
    if not program:
        install = f"{shlex.quote(sys.executable)} -m pip install ansible-core"
        raise _Refusal(f"{PROGRAM} is not installed here", install)
    if inventory and not Path(inventory).exists():
        raise _Refusal(f"{inventory} does not exist", f"ls -l {shlex.quote(inventory)}")
    code, out, err = _run([program, *(["-i", inventory] if inventory else []), "--list"], folder, _line(inventory))
    try:
        said = json.loads(out)
    except ValueError:
        said = None
    if code or not isinstance(said, dict):
        last = "".join([clean(line) for line in err.splitlines() if line.strip()][-1:])[:300]
        raise _Refusal(f"{PROGRAM} failed: {last or f'exit status {code}'}", _line(inventory))
    return said


def _run(command: list[str], folder: Path, next_line: str) -> tuple[int, str, str]:
    """Its exit status and what it says. It and all that it has started is ended when its time is over, or ours."""
    environment = {**os.environ, **STRICTLY}
    pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    try:
        process = subprocess.Popen(
            command, **pipes, cwd=folder, env=environment, text=True, errors="replace", start_new_session=True
        )
    except OSError as error:
        raise _Refusal(f"{command[0]} cannot be run: {error.strerror}", next_line) from None
    with process:
        try:
            out, err = process.communicate(timeout=SECONDS)
        except BaseException as error:  # Ctrl-C too: it is in a session of its own
            with suppress(ProcessLookupError):  # it has ended in the same moment
                os.killpg(process.pid, signal.SIGKILL)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            raise _Refusal(f"{PROGRAM} has not ended in {SECONDS} s", next_line) from None
    return process.returncode, out, err
