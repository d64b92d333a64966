# mypy: ignore-errors
# What it imports exists inside the lab's machines only.
"""/etc/blockerbugs/settings.py, or the file that BLOCKERBUGS_CONFIG names."""

import os
import runpy
from typing import Any


def load() -> dict[str, Any]:
    """The settings by name. OSError when this user may not read them."""
    return runpy.run_path(os.environ.get("BLOCKERBUGS_CONFIG", "/etc/blockerbugs/settings.py"))
