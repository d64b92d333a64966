"""Keys of the operator's own fabric.yml and invoke.yml that are nearly ours: Invoke takes every key, and says nothing.

A `host_file` for `hosts_file` would have the shipped hosts used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from invoke import Config

from .errors import Refused
from .paths import editor

LEVELS = ("system", "user", "project", "runtime")  # what Invoke calls its files
CLOSE = 0.85  # of 1, as difflib counts: `host_file` is as close to `hosts_file`; a key of somebody else's is no mistake


def check_keys(config: Config, ours: Mapping[str, Any]) -> None:
    """Raises Refused for a key of a file that is nearly one of ours, and for one below `report` that there is not.

    config: with all its files read; ours: the collection's own configuration.
    """
    from difflib import get_close_matches

    others = type(config).global_defaults()
    names = [name for name in ours if name != "target"]  # which is no key for a file
    for level in LEVELS:
        path, given = getattr(config, f"_{level}_path"), getattr(config, f"_{level}")
        for key in (key for key in given if key not in ours and key not in others):
            if near := get_close_matches(str(key), names, n=1, cutoff=CLOSE):
                raise Refused(f"{path}: {key}: there is no such key; did you mean {near[0]}?", next_line=editor(path))
        report = given.get("report")
        for key in report if isinstance(report, dict) else ():
            if key not in ours["report"]:
                known = ", ".join(ours["report"])
                text = f"{path}: report.{key}: there is no such key; the keys of report are {known}"
                raise Refused(text, next_line=editor(path))
