"""A hosts.yml that was read strictly once, and has not changed since, is read without pydantic.

`$XDG_CACHE_HOME/blockerbugs-upgrade/hosts-….json`, 0600. What is remembered counts only for the very bytes of that
hosts.yml, of the code here that reads it, and for the versions of Python and pydantic; and only if it is whole and our
own. Otherwise, and where Ansible names hosts, the file is read strictly, as if nothing were remembered.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from collections.abc import Collection, Iterator
from contextlib import suppress
from importlib import import_module, metadata
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from . import stand_in
from .file import parsed

if TYPE_CHECKING:
    from .model import Inventory

HERE = Path(__file__).parent
CHECKS = (*sorted(HERE.glob("*.py")), HERE.parent / "fleet" / "output.py", HERE.parent / "fleet" / "secret.py")
MODEL = f"{__package__}.model"
MOST_BYTES = 16 * 1024 * 1024


def read(path: Path, taken: Collection[str] = ()) -> Inventory:
    """`model.read`: the same inventory, or the same Refused."""
    place, key = _place(path), _key(path, taken)
    if place and key and not _strict_is_here() and (found := _recall(place, key)) is not None:
        return found
    inventory: Inventory = _strict_model().read(path, taken)
    if place and key and key == _key(path, taken) and not _by_ansible(path):  # what was read is what the key is of
        with suppress(OSError, TypeError):
            _remember(place, key, inventory)
    return inventory


def _by_ansible(path: Path) -> bool:
    from .from_ansible import asks

    return asks(parsed(path.read_text(encoding="utf-8")))


def _place(path: Path) -> Path | None:
    """Where this file is remembered; None where there is no home."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        root = Path(base) if base.startswith("/") else Path("~").expanduser() / ".cache"
    except RuntimeError:
        return None
    named = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:16]
    return root / "blockerbugs-upgrade" / f"hosts-{named}.json" if root.is_absolute() else None


def _key(path: Path, taken: Collection[str]) -> str | None:
    """A digest of all that decides what is read; None where something of it cannot be read."""
    digest = hashlib.sha256()
    try:
        versions = [sys.version, *(metadata.version(name) for name in ("pydantic", "pydantic_core"))]
        parts = [*(file.read_bytes() for file in (*CHECKS, path)), json.dumps([*versions, *sorted(taken)]).encode()]
    except (OSError, metadata.PackageNotFoundError):
        return None
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _recall(place: Path, key: str) -> Inventory | None:
    try:
        with os.fdopen(os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            held = os.fstat(file.fileno())
            ours = stat.S_ISREG(held.st_mode) and held.st_uid == os.geteuid() and not held.st_mode & 0o022
            text = file.read(MOST_BYTES) if ours else b""
        mark, _, body = text.partition(b"\n")
        if mark.decode() != _mark(key, body):
            return None
        raw = json.loads(body)
        stand_in.wanted = True
        import_module(MODEL)
        found: Inventory = _revived(raw)
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return found


def _remember(place: Path, key: str, inventory: Inventory) -> None:
    """Raises OSError, and TypeError for a value that is not to be remembered."""
    body = json.dumps(_told(inventory)).encode()
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=place.parent, prefix=".hosts-", delete=False) as file:  # 0600
        try:
            file.write(f"{_mark(key, body)}\n".encode() + body)
            file.close()
            os.replace(file.name, place)  # noqa: PTH105  # what is written there is whole
        except BaseException:
            os.unlink(file.name)  # noqa: PTH108
            raise


def _mark(key: str, body: bytes) -> str:
    return f"{key} {hashlib.sha256(body).hexdigest()}"


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
    kept = {__name__, stand_in.__name__, f"{__package__}.file", f"{__package__}.named"}
    return (name for name in sys.modules if name.startswith(f"{__package__}.") and name not in kept)
