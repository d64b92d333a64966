"""What was read of a hosts.yml once: kept below `$XDG_CACHE_HOME/blockerbugs-upgrade`, and believed only for its key.

A key is a digest of all that decides what is read: the very bytes of the file and of the code, and versions. What is
kept counts only if it is whole, and in a file of ours (0600) that nobody else may write.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

MOST_BYTES = 16 * 1024 * 1024


def key_of(*parts: bytes, words: Iterable[str] = ()) -> str:
    """A digest of these, and of the version of Python."""
    digest = hashlib.sha256()
    for part in (*parts, json.dumps([sys.version, *words]).encode()):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def recall(kind: str, path: Path, key: str) -> Any:
    """What was remembered of the hosts.yml at `path` under this key; None where nothing was."""
    place = _place(kind, path)
    try:
        with os.fdopen(os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            held = os.fstat(file.fileno())
            ours = stat.S_ISREG(held.st_mode) and held.st_uid == os.geteuid() and not held.st_mode & 0o022
            text = file.read(MOST_BYTES) if ours else b""
        mark, _, body = text.partition(b"\n")
        return json.loads(body) if mark == _mark(key, body) else None
    except (OSError, ValueError):
        return None


def remember(kind: str, path: Path, key: str, value: Any) -> None:
    """Keep what JSON has, in place of what was kept of this file before; where that cannot be done, nothing is kept."""
    from tempfile import NamedTemporaryFile

    place, body = Path(_place(kind, path)), json.dumps(value).encode()
    with suppress(OSError):
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=place.parent, prefix=f".{kind}-", delete=False) as file:  # 0600
            try:
                file.write(_mark(key, body) + b"\n" + body)
                file.close()
                os.replace(file.name, place)  # noqa: PTH105  # what is written there is whole
            except BaseException:
                os.unlink(file.name)  # noqa: PTH108
                raise


def _place(kind: str, path: Path) -> str:
    """Where that is kept: an absolute path, which nobody can write where there is no home."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = base if base.startswith("/") else os.path.join(os.path.expanduser("~"), ".cache")  # noqa: PTH111, PTH118
    named = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:16]
    return f"{root if root.startswith('/') else '/dev/null'}/blockerbugs-upgrade/{kind}-{named}.json"


def _mark(key: str, body: bytes) -> bytes:
    return f"{key} {hashlib.sha256(body).hexdigest()}".encode()
