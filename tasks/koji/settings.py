"""What can be configured about building and tagging, with its defaults.

Each class is a key of Invoke's configuration (`koji`, `build`, `ansible`): invoke.yml, fabric.yml, INVOKE_KOJI_TARGET,
FABRIC_KOJI_TARGET …; `invoke show-config` prints what holds.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from invoke import Context

from ..errors import Refused


@dataclass(frozen=True, repr=False, eq=False)
class Koji:
    """The hub, its tags, and how patient to be. All times in seconds.

    same_builder: how often in a row one wrong builder is believed to be chance. tag_typically: what is told while the
    stg tag is waited for. timeout, retries, retry_interval: one call (the client's own defaults: 12 h, 30 times, 20 s).
    """

    profile: str = "koji"
    target: str = "epel7-infra"
    stg_tag: str = "epel7-infra-stg"
    prod_tag: str = "epel7-infra"
    arch: str = "x86_64"
    attempts: int = 5
    same_builder: int = 3
    poll: float = 5.0
    tag_poll: float = 30.0
    tag_typically: float = 900.0
    tag_wait: float = 3600.0
    repo_wait: float = 1800.0
    move_wait: float = 300.0
    timeout: float = 90.0
    retries: int = 6
    retry_interval: float = 10.0


@dataclass(frozen=True, repr=False, eq=False)
class Build:
    """What is built. An empty checkout means the folder that the command was typed in."""

    package: str = "blockerbugs"
    checkout: str = ""
    spec: str = ""
    dist: str = ".el7"
    stg_set: str = "stg"
    prod_set: str = "prod"
    log_lines: int = 20


@dataclass(frozen=True, repr=False, eq=False)
class Ansible:
    """The checkout of the infrastructure's ansible repo, and the template in it that push-config is about.

    branch: the one that is applied, empty for the HEAD of the remote; python: which one reads the settings, "2" or "3",
    empty for not known; timeout: seconds that one exchange with the server may take.
    """

    checkout: str = "~/ansible"
    template: str = "roles/blockerbugs/templates/blockerbugs-settings.py.j2"
    playbook: str = "sudo rbac-playbook groups/blockerbugs.yml"
    branch: str = ""
    python: str = ""
    timeout: float = 300.0


# Numbers as text: Invoke casts a variable of the environment to the type of its default, and INVOKE_KOJI_ATTEMPTS=lots
# would end in its traceback before `read` could say what is wrong.
DEFAULTS: dict[str, dict[str, str]] = {
    kind.__name__.lower(): {name: str(value) for name, value in asdict(kind()).items()}
    for kind in (Koji, Build, Ansible)
}

Section = TypeVar("Section", Koji, Build, Ansible)


def read(kind: type[Section], config: Any) -> Section:
    """The section of `config` (Invoke's) that `kind` describes.

    Raises Refused for unknown keys, values of another type, and numbers that are not positive.
    """
    section = kind.__name__.lower()
    given = {name: config[section][name] for name in config[section]}
    known = {field.name: field.default for field in fields(kind)}
    problems = [f"{section}.{name}: there is no such key" for name in given if name not in known]
    for name, default in known.items():
        try:
            given[name] = _typed(default, given.get(name, default))
        except ValueError:
            problems.append(f"{section}.{name}: {given[name]!r} should be {_WORDS[type(default)]}")
        else:
            if not isinstance(default, str) and not 0 < given[name] < math.inf:
                problems.append(f"{section}.{name}: {given[name]} should be more than 0")
    if problems:
        raise Refused(*problems, next_line="invoke show-config --key " + section)
    return kind(**given)


def show(context: Context, key: str) -> None:
    """Every key with the value that holds, on the screen. Raises Refused for a key that there is not."""
    from ..report import opened

    if key and key not in DEFAULTS:
        raise Refused(f"there is no key {key!r}", next_line=f"invoke show-config --key {next(iter(DEFAULTS))}")
    report = opened()
    for section in [key] if key else DEFAULTS:
        for name in context.config[section]:
            report.note(f"{section}.{name}: {context.config[section][name]}")


def _typed(default: Any, given: Any) -> Any:
    """`given` as the type that `default` has. Raises ValueError where it is none of that."""
    kind = type(default)
    if type(given) is kind:
        return given
    if kind is str or not isinstance(given, str | int) or isinstance(given, bool):
        raise ValueError(given)
    return kind(given)


_WORDS = {str: "text", int: "a whole number", float: "a number"}
