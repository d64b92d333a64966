"""The shell functions that hosts are sent, once for each connection: the files in shell/, and fleet/detached.sh."""

from __future__ import annotations

from functools import cache
from importlib import resources

from ..fleet import detached
from ..fleet.detached import call as call


@cache
def library() -> str:
    """All of them, as text that a POSIX sh takes; the comments stay here, bash reads a pipe byte by byte."""
    folder = resources.files(__package__).joinpath("shell")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sh")), key=lambda file: file.name)
    texts = [detached.functions(), *(file.read_text(encoding="utf-8") for file in files)]
    lines = (line.strip() for text in texts for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("#"))
