"""hosts.yml, read strictly. Only `tasks.strict` has the classes that check: see declared.py."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from ..errors import Refused
from ..inventory.file import parsed, yaml  # the same, also in tasks.strict: what one has composed is not composed again
from ..lines import word
from ..paths import editor
from . import mistakes
from .declared import ValidationError
from .from_ansible import with_hosts
from .model import Inventory
from .yaml_words import in_words


def read(path: Path, taken: Collection[str] = ()) -> Inventory:
    """The inventory in `path`.

    taken: the names of tasks, which no set can have.
    Raises Refused with every problem at once, each with its place in the file; for hosts that Ansible names, with why
    they are not known.
    """
    problems: list[str] = []
    try:
        raw = parsed(path.read_text(encoding="utf-8"), strictly=True)
    except FileNotFoundError:
        raise Refused(f"{path} does not exist", next_line=f"ls -l {word(path.parent)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} cannot be read: {error}", next_line=f"ls -l {word(path)}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = in_words(getattr(error, "problem", None) or str(error))
        raise Refused(f"{where}: {problem}", next_line=editor(path)) from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:  # what PyYAML makes of odd tags
        raise Refused(f"{path}: cannot be understood: {error}", next_line=editor(path)) from None
    raw = with_hosts(raw, path)
    try:
        inventory = Inventory.model_validate(_named(raw))
    except ValidationError as error:
        problems = mistakes.told(error, Inventory)
    problems += mistakes.contradictions(raw, taken)
    if problems:
        raise Refused(*(f"{path}: {problem}" for problem in problems), next_line=editor(path))
    return inventory


def _named(raw: Any) -> Any:
    """`raw` with each set's key also as its name, and the file's application under its own, as the schema wants it."""
    if not isinstance(raw, dict) or not isinstance(raw.get("host_sets"), dict):
        return raw
    return {**raw, "host_sets": {key: _whole(key, value, raw.get("app")) for key, value in raw["host_sets"].items()}}


def _whole(name: Any, host_set: Any, app: Any) -> Any:
    if not isinstance(host_set, dict):
        return host_set
    own = host_set.get("app")
    both = {"app": {**app, **own}} if isinstance(own, dict) and isinstance(app, dict) else {}
    return {"name": name, **host_set, **both}
