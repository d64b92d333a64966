"""The Blockerbugs Infrastructure SOP as tasks for `fab` and `invoke`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def __getattr__(name: str) -> Any:
    # Invoke asks the package for its collection; everybody else (the sandbox's processes, which must start
    # fast, and the tests) gets by without importing Fabric, or typing.
    if name == "namespace":
        from .collection import namespace

        return namespace
    raise AttributeError(name)
