"""Filters and tests of a template that nobody knows: asked of ansible-core, where that is installed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from jinja2 import Environment, nodes

from ..koji import local
from .unknown import EXTENSIONS

_SECONDS = 30.0  # ansible-doc takes two


def strangers(text: str, overrides: Mapping[str, Any], folder: Path) -> Iterator[str]:
    """A sentence for each filter or test that neither Jinja2, ansible-core nor the plugins of the repository have.

    overrides: what its `#jinja2:` header sets; folder: one in the repository. Nothing where there is no ansible-core;
    names of a collection (with a dot) are known.
    """
    environment = Environment(extensions=EXTENSIONS, autoescape=False)
    for name, value in overrides.items():
        setattr(environment, name, value)
    tree = environment.parse(text)
    kinds = (("filter", nodes.Filter, environment.filters), ("test", nodes.Test, environment.tests))
    for kind, node, jinja in kinds:
        names = {found.name for found in tree.find_all(node)} - set(jinja)
        unknown = sorted(name for name in names if "." not in name and not _in_plugins(name, kind, folder))
        ansible = _of_ansible(kind, folder) if unknown else set()
        for name in unknown if ansible else ():
            if name not in ansible:
                near = get_close_matches(name, [*ansible, *jinja], 1)
                meant = f"; is {near[0]} meant?" if near else ""
                yield f"{kind} {name}: neither Jinja2 nor ansible-core has it{meant}"


def _of_ansible(kind: str, folder: Path) -> set[str]:
    """The short names that ansible-core has; empty where it is not installed, or does not say."""
    if not shutil.which("ansible-doc"):
        return set()
    listed = local.run("ansible-doc", "-t", kind, "--list", "--json", cwd=folder, limit=_SECONDS)
    try:
        return {name.rpartition(".")[2] for name in json.loads(listed.out)}
    except ValueError:
        return set()


def _in_plugins(name: str, kind: str, folder: Path) -> bool:
    """Is it a word in one of the repository's own plugins?"""
    grep = ("git", "grep", "--quiet", "--word-regexp", "--fixed-strings", "-e", name, "--", f":(top)*{kind}_plugins/*")
    return local.run(*grep, cwd=folder).exited == 0
