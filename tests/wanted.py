"""Tests that want a program which not every machine has: skipped without it, but not where everything is installed."""

from __future__ import annotations

import os
import shutil

import pytest

# Read before any test: they are fenced off from the environment.
MAY_SKIP = os.environ.get("SKIP_NOTHING") != "true"


def wanted(program: str, of: str) -> pytest.MarkDecorator:
    """Skip without this program, saying whose it is. In CI `./run tox` has installed it: there the test fails."""
    missing = not (shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin"))
    return pytest.mark.skipif(missing and MAY_SKIP, reason=f"this machine has no {program} ({of})")
