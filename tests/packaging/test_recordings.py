"""The hub double against the real hub: a recorded conversation, replayed, gets the recorded answers."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from .hub.machine import ROOT_LOG
from .replay import Replay

RECORDINGS = sorted((Path(__file__).parent / "recordings").glob("*.jsonl"))


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_recorded_conversation_gets_the_recorded_answers(path: Path) -> None:
    Replay([json.loads(line) for line in path.read_text().splitlines()]).run()


def test_there_are_recordings() -> None:
    assert len(RECORDINGS) == 4


def test_the_logs_are_the_recorded_ones() -> None:
    path = next(path for path in RECORDINGS if path.stem.startswith("fails"))
    call = next(c for c in map(json.loads, path.read_text().splitlines()) if c["method"] == "downloadTaskOutput")
    assert base64.b64decode(call["result"]["base64"]) == ROOT_LOG % b"blockerbugs-0.4.4.13-1.el7"
