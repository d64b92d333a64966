"""A hosts.yml that was read strictly once, and has not changed since, is read without pydantic.

What is remembered (cache.py) counts only for the very bytes of that hosts.yml, of the code here that reads it, and for
the versions of Python and pydantic. Otherwise, and where Ansible names hosts, the file is read strictly.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from contextlib import suppress
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import cache, stand_in
from .file import parsed

if TYPE_CHECKING:
    from .model import Inventory

HERE = Path(__file__).parent
CHECKS = (*sorted(HERE.glob("*.py")), HERE.parent / "fleet" / "output.py", HERE.parent / "fleet" / "secret.py")
MODEL = f"{__package__}.model"


def read(path: Path, taken: Collection[str] = ()) -> Inventory:
    """`model.read`: the same inventory, or the same Refused."""
    key = _key(path, taken)
    if key and not _strict_is_here() and (found := _recalled(path, key)) is not None:
        return found
    inventory: Inventory = _strict_model().read(path, taken)
    if key and key == _key(path, taken) and not _by_ansible(path):  # what was read is what the key is of
        with suppress(TypeError):
            cache.remember("hosts", path, key, _told(inventory))
    return inventory


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


def _recalled(path: Path, key: str) -> Inventory | None:
    raw = cache.recall("hosts", path, key)
    if raw is None:
        return None
    stand_in.wanted = True
    import_module(MODEL)
    try:
        found: Inventory = _revived(raw)
    except (LookupError, TypeError):
        return None
    return found


def _told(value: Any) -> Any:
    """As JSON: a class's value is an object that names the class under "", a dict one that has no such key."""
    if hasattr(value, "model_fields_set"):
        return {"": stand_in.name(type(value)), **{key: _told(one) for key, one in vars(value).items()}}
    if isinstance(value, dict):
        if not all(isinstance(key, str) and key for key in value):
            raise TypeError("a key that is no text")
        return {key: _told(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return [_told(one) for one in value]
    if value is not None and not isinstance(value, str | int | float | bool):
        raise TypeError(f"{type(value).__name__} is not remembered")
    return value


def _revived(raw: Any) -> Any:
    if isinstance(raw, list):
        return tuple(map(_revived, raw))
    if not isinstance(raw, dict):
        return raw
    values = {key: _revived(one) for key, one in raw.items() if key}
    return stand_in.MODELS[raw[""]](**values) if "" in raw else values


def _strict_is_here() -> bool:
    return MODEL in sys.modules and not stand_in.wanted


def _strict_model() -> Any:
    """The classes with pydantic; those without it, if another file was remembered, go on being what that file is of."""
    if stand_in.wanted:
        stand_in.wanted = False
        for name in list(_of_the_schema()):
            vars(sys.modules[__package__]).pop(name.rpartition(".")[2], None)
            del sys.modules[name]
    return import_module(MODEL)


def _of_the_schema() -> Iterator[str]:
    """The modules that were imported with what stands in for pydantic."""
    kept = {__name__, stand_in.__name__, cache.__name__, f"{__package__}.file", f"{__package__}.named"}
    return (name for name in sys.modules if name.startswith(f"{__package__}.") and name not in kept)
