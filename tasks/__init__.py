"""The Blockerbugs Infrastructure SOP as tasks for `fab` and `invoke`."""

from __future__ import annotations

import os
import resource
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _room() -> bool:
    """May files be written whole? Python before 3.13.1 keeps one that a full disk cut off, and fails on it for ever."""
    if resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY:
        return False
    try:
        disk = os.statvfs(os.path.dirname(__file__))  # noqa: PTH120
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize > 64 << 20


# Invoke forbids Python to keep what it compiles, and each line would compile all of this anew.
sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode) or not _room()
# `invoke` puts this folder itself on the path, where koji/ and ansible/ would hide the packages of those names.
sys.path[:] = [path for path in sys.path if path != os.path.dirname(__file__)]  # noqa: PTH120  # pathlib takes its time


def __getattr__(name: str) -> Any:
    # Invoke asks the package for its collection; everybody else (the sandbox's processes, which must start
    # fast, and the tests) gets by without importing Fabric, or typing.
    if name == "namespace":
        from .run.interrupt import arm

        arm()
        from .collection import namespace

        return namespace
    raise AttributeError(name)
