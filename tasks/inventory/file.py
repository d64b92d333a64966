"""Which hosts.yml it is, and what its sets are called: what `fab --list` needs, and no more.

Reading the file strictly is `remembered.read`'s business, when a task wants hosts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

import invoke
from invoke.util import yaml as invokes_yaml

from .cache import key_of, recall, remember

MERGE = "tag:yaml.org,2002:merge"  # what YAML calls the key <<
yaml: Any = invokes_yaml  # what Invoke reads its own configuration with, so it is loaded already; untyped


def set_names(path: Path, taken: Collection[str] = ()) -> list[str]:
    """The names of the sets, even of a file that `read` refuses: `fab --list` must go on working.

    taken: the names of tasks. A set of such a name would hide the task, or the task the set: it is left out, as is a
    name that cannot be made out; the error is told when a set is used.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # the shipped names will do: whoever types one is told what is wrong with the file
        return [] if path == default_file() else set_names(default_file(), taken)
    key = key_of(text.encode(), Path(__file__).read_bytes(), words=[invoke.__version__])  # which brings the YAML
    known: list[str] | None = recall("names", path, key)
    if known is None:
        known = _names_in(text)
        remember("names", path, key, known)
    names = [name for name in dict.fromkeys(known) if name not in taken]
    # A file without a set is a mistake as well, and somebody has to be there to say so.
    return names or ([] if path == default_file() else set_names(default_file(), taken))


def _names_in(text: str) -> list[str]:
    try:
        found = parsed(text)["host_sets"]
        return [name for name in found if re.fullmatch("[a-z][a-z0-9-]*", str(name))]
    except (yaml.YAMLError, TypeError, KeyError, ValueError, AttributeError, RecursionError):
        return _guessed(text)


def names(path: Path, taken: Collection[str] = ()) -> list[str]:
    """What can be typed after -H: sets, hosts, aliases; `taken` as in `set_names`.

    Of a set whose hosts Ansible names only the set: that takes a second, and somebody has pressed Tab.
    """
    try:
        sets = parsed(path.read_text(encoding="utf-8", errors="replace"))["host_sets"]
        hosts = [host for one in sets.values() if not isinstance(one["hosts"], dict) for host in one["hosts"]]
        typed = [[host] if isinstance(host, str) else [host["name"], *host.get("aliases", ())] for host in hosts]
    except (OSError, yaml.YAMLError, TypeError, KeyError, ValueError, AttributeError, RecursionError):
        return set_names(path, taken)
    return [*set_names(path, taken), *(str(name) for names in typed for name in names)]


def parsed(text: str, strictly: bool = False) -> Any:
    """What the YAML says. Raises YAMLError, and what PyYAML makes of odd tags.

    strictly: a key that stands twice in one place is a mistake, not a choice.
    """
    # Construction rewrites a tree that has merges: whoever reads it next would find something else.
    node = yaml.compose(text, yaml.SafeLoader) if "<<" in text else _composed(text)
    if strictly:
        _check_that_no_key_stands_twice(node, set())
    return None if node is None else yaml.SafeLoader("").construct_document(node)


def _check_that_no_key_stands_twice(node: Any, seen: set[int]) -> None:
    if id(node) in seen or not isinstance(node, yaml.CollectionNode):
        return
    seen.add(id(node))
    keys: set[str] = set()
    for child in node.value:
        key, value = child if isinstance(node, yaml.MappingNode) else (None, child)
        if isinstance(key, yaml.ScalarNode) and key.tag != MERGE:
            if key.value in keys:
                twice = f"the key {key.value!r} stands twice"
                raise yaml.constructor.ConstructorError(None, None, twice, key.start_mark)
            keys.add(key.value)
        _check_that_no_key_stands_twice(value, seen)


@cache
def _composed(text: str) -> Any:
    """The tree of the YAML: nine tenths of the work of reading it, which is done twice for a file that is new."""
    return yaml.compose(text, yaml.SafeLoader)


def _guessed(text: str) -> list[str]:
    """What looks like a set's name in a file that is no YAML."""
    body = re.split(r"^host_sets:", text, maxsplit=1, flags=re.M)[-1]
    body = re.split(r"^[^\s#]", body.lstrip("\r\n"), maxsplit=1, flags=re.M)[0]
    indents = re.findall(r"^( +)[a-z]", body, flags=re.M)
    shallow = min(map(len, indents), default=2)
    return re.findall(rf"^ {{{shallow}}}([a-z][a-z0-9-]*):", body, flags=re.M)


def default_file() -> Path:
    """The hosts.yml that comes with the collection."""
    return Path(__file__).parents[2] / "hosts.yml"


def chosen_file(configured: str | None) -> Path:
    """The file named by `hosts_file` in the configuration (FABRIC_HOSTS_FILE, INVOKE_HOSTS_FILE), or the default."""
    return Path(os.path.expanduser(configured)) if configured else default_file()  # noqa: PTH111  # leaves ~nobody


def configured_file() -> Path:
    """`chosen_file`, for the moment when tasks are named and Fabric has not read its configuration yet."""
    named = os.environ.get("FABRIC_HOSTS_FILE") or os.environ.get("INVOKE_HOSTS_FILE")
    for config in () if named else ("fabric.yml", "fabric.yaml", "invoke.yml", "invoke.yaml"):
        path = default_file().with_name(config)
        found = (
            re.search(r"^hosts_file: *[\"']?([^\"'#\n]+)", path.read_text(errors="replace"), re.M)
            if path.is_file()
            else None
        )
        named = named or (found and found[1].strip())
    return chosen_file(named)
