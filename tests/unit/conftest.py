from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from tests.unit.builders import Shell

# Timing is never asserted, and nothing is left behind: no deadline, no example database.
settings.register_profile("here", deadline=None, database=None)
settings.load_profile("here")


@pytest.fixture(autouse=True)
def default_hosts_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another test's task has read is not what this one's line opens."""
    monkeypatch.setattr("tasks.paths._hosts_file", ["hosts.yml"])


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)
