"""hosts.yml is read strictly once, and again only when it has changed: what was read is remembered.

What is remembered (cache.py) counts only for the very bytes of that hosts.yml, of the code here that reads it, and for
the versions of Python and pydantic. Otherwise, and where Ansible names hosts, the file is read with pydantic
(tasks.strict). The values are of the same classes either way.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from . import cache
from .file import parsed
from .model import Inventory
from .unchecked import MODELS

HERE = Path(__file__).parent
CHECKS = (*sorted(HERE.glob("*.py")), HERE.parent / "fleet" / "output.py", HERE.parent / "fleet" / "secret.py")


def read(path: Path, taken: Collection[str] = ()) -> Inventory:
    """The inventory in `path`.

    taken: the names of tasks, which no set can have.
    Raises Refused with every problem at once, each with its place in the file; for hosts that Ansible names, with why
    they are not known.
    """
    key = _key(path, taken)
    if key:
        with suppress(LookupError, TypeError):  # nothing is remembered, or no inventory
            return _inventory(cache.recall("hosts", path, key))
    found = as_json(import_module("tasks.strict.reading").read(path, taken))
    if key and key == _key(path, taken) and not _by_ansible(path):  # what was read is what the key is of
        cache.remember("hosts", path, key, found)
    return _inventory(found)


def as_json(value: Any) -> Any:
    """A value that was read strictly, as JSON: an object with one key for a value of a class, whose name that is, and
    for a dict, where it is empty.
    """
    if hasattr(value, "model_fields_set"):
        return {type(value).__name__: {key: as_json(one) for key, one in vars(value).items() if _counts(value, key)}}
    if isinstance(value, dict):
        return {"": {key: as_json(one) for key, one in value.items()}}
    return [as_json(one) for one in value] if isinstance(value, tuple) else value


def _counts(value: Any, field: str) -> bool:
    """Was it given, or made by a check in place of the default?"""
    return field in value.model_fields_set or getattr(value, field) != type(value).model_fields[field].default


def from_json(plain: Any) -> Any:
    """That value, of the class of this name here. Raises LookupError and TypeError for what `as_json` has not made."""
    if isinstance(plain, list):
        return tuple(map(from_json, plain))
    if not isinstance(plain, dict):
        return plain
    if len(plain) != 1:
        raise TypeError(f"{len(plain)} keys")
    ((name, fields),) = plain.items()
    values = {key: from_json(one) for key, one in fields.items()}
    return MODELS[name](**values) if name else values


def _inventory(plain: Any) -> Inventory:
    found = from_json(plain)
    if not isinstance(found, Inventory):
        raise TypeError(f"{type(found).__name__} is no inventory")
    return found


def _by_ansible(path: Path) -> bool:
    from .from_ansible import asks

    return asks(parsed(path.read_text(encoding="utf-8")))


def _key(path: Path, taken: Collection[str]) -> str | None:
    """A digest of all that decides what is read; None where something of it cannot be read."""
    try:
        versions = [metadata.version(name) for name in ("pydantic", "pydantic_core")]
        return cache.key_of(*(file.read_bytes() for file in (*CHECKS, path)), words=[*versions, *sorted(taken)])
    except (OSError, metadata.PackageNotFoundError):
        return None
