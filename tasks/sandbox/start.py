"""How every process of the sandbox is started: the fleet, each host's httpd, and the programs of a host."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# The interpreter itself, not a virtual environment's link to it: what needs nothing from there finds its own faster.
PYTHON = os.path.realpath(sys.executable)
ROOT = Path(__file__).resolve().parents[2]
ALONE = ("-I", "-S")  # the standard library and these files only, however the machine's Python is set up


def code(module: str, function: str, argument: str) -> str:
    """What `python -c` carries out, from wherever: a function of the sandbox's `module`, with its status at the end.

    argument: the Python that stands between its brackets.
    """
    found = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tasks.sandbox.{module} import {function}"
    return f"{found}; sys.exit({function}({argument}))"
